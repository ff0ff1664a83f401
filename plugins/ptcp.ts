import { definePlugin, type EndpointPlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: EndpointPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'endpoint',
  name: 'ptcp',
  summary: 'TCP in user space over UDP: ptcp:HOST:PORT, ptcp:PORT',
  load: async () => (await import('../lib/endpoints/inet.ts')).ptcpEndpoints,
});
export default plugin;
