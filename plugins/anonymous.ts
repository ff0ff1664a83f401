import { type CheckerPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CheckerPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'checker',
  name: 'anonymous',
  summary: 'Lets in whoever does not say who they are: anonymous',
  load: async () => (await import('../lib/cred/checker-words.ts')).makeAnonymousChecker,
});
export default plugin;
