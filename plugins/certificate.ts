import { type CommandPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CommandPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'command',
  name: 'certificate',
  summary: 'Makes a key and a certificate for TLS',
  load: async () => (await import('../lib/cli/commands/certificate.ts')).certificate,
});
export default plugin;
