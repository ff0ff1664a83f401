import { type CommandPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CommandPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'command',
  name: 'passwd',
  summary: 'Manages the users of a password file or a database',
  load: async () => (await import('../lib/cli/commands/passwd.ts')).passwd,
});
export default plugin;
