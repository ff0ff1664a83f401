import { definePlugin, type EndpointPlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: EndpointPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'endpoint',
  name: 'tcp',
  summary: 'The TCP of the operating system: tcp:HOST:PORT, tcp:PORT',
  load: async () => (await import('../lib/endpoints/inet.ts')).tcpEndpoints,
});
export default plugin;
