import { type CheckerPlugin, definePlugin, PLUGIN_API } from '../lib/plugin/contract.ts';

const plugin: CheckerPlugin = definePlugin({
  api: PLUGIN_API,
  kind: 'checker',
  name: 'postgres',
  summary: 'Users in a table of PostgreSQL: postgres://USER@HOST/DATABASE[?table=NAME]',
  load: async () => (await import('../lib/databases/sql-store.ts')).makePostgresChecker,
});
export default plugin;
