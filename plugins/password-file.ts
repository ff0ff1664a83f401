import { type CheckerPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CheckerPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'checker',
  name: 'file',
  summary: 'Users in a password file: file:PATH (see hawser passwd)',
  load: async () => (await import('../lib/cred/checker-words.ts')).makeFileChecker,
});
export default plugin;
