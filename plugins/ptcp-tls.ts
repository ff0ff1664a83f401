import { definePlugin, type EndpointPlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: EndpointPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'endpoint',
  name: 'ptcp+tls',
  summary: 'TLS over PTCP: ptcp+tls:HOST:PORT, ptcp+tls:PORT',
  load: async () => (await import('../lib/endpoints/tls.ts')).ptcpTlsEndpoints,
});
export default plugin;
