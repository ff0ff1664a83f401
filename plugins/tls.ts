import { definePlugin, type EndpointPlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: EndpointPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'endpoint',
  name: 'tls',
  summary: 'TLS over the TCP of the operating system: tls:HOST:PORT, tls:PORT',
  load: async () => (await import('../lib/endpoints/tls.ts')).tlsEndpoints,
});
export default plugin;
