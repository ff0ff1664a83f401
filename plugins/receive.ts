import { type CommandPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CommandPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'command',
  name: 'receive',
  summary: 'Receives files into a folder',
  load: async () => (await import('../lib/cli/commands/receive.ts')).receive,
});
export default plugin;
