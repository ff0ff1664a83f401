export type { AnyChecker, Checker, CheckerWorld, MakeChecker } from '../cred/checker.ts';
export {
  type BrokenPlugin,
  type CheckerPlugin,
  type Command,
  type CommandContext,
  type CommandPlugin,
  definePlugin,
  type EndpointPlugin,
  type FoundPlugin,
  PLUGIN_API,
  type Plugin,
  type PluginCatalogue,
  type PluginKind,
  type PluginKinds,
  type PluginOf,
  type ServicePlugin,
  type TextOutput,
  type TransportPlugin,
} from './contract.ts';
export { loadPlugins, OWN_PLUGINS } from './loader.ts';
export { PluginRegistry } from './registry.ts';
