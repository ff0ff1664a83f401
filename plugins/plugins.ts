import { type CommandPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CommandPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'command',
  name: 'plugins',
  summary: 'Lists the plugins that were found',
  load: async () => (await import('../lib/cli/commands/plugins.ts')).plugins,
});
export default plugin;
