import { type CheckerPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CheckerPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'checker',
  name: 'sqlite',
  summary: 'Users in a table of SQLite: sqlite:FILE[:table=NAME]',
  load: async () => (await import('../lib/databases/sql-store.ts')).makeSqliteChecker,
});
export default plugin;
