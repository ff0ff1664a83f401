import { type CommandPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CommandPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'command',
  name: 'send',
  summary: 'Sends files to a hawser receive',
  load: async () => (await import('../lib/cli/commands/send.ts')).send,
});
export default plugin;
