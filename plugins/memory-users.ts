import { type CheckerPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CheckerPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'checker',
  name: 'memory',
  summary: 'Users on the command line, to try things out: memory:NAME:PASSWORD',
  load: async () => (await import('../lib/cred/checker-words.ts')).makeMemoryChecker,
});
export default plugin;
