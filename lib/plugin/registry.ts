import { UsageError } from '../errors.ts';
import {
  type BrokenPlugin,
  type FoundPlugin,
  PLUGIN_API,
  type Plugin,
  type PluginCatalogue,
  type PluginKind,
  type PluginKinds,
  type PluginOf,
} from './contract.ts';

const KINDS: Readonly<Record<keyof PluginKinds, true>> = {
  service: true,
  transport: true,
  endpoint: true,
  checker: true,
  command: true,
};

/** The plugins that were added to it, and the files that were none. */
export class PluginRegistry implements PluginCatalogue {
  readonly #found: FoundPlugin[] = [];
  readonly #broken: BrokenPlugin[] = [];

  /** Takes what a file exports, or notes why it is no plugin. `origin` names the file in messages. */
  add(candidate: unknown, origin: string): void {
    const problem = problemOf(candidate);
    if (problem === undefined) this.#found.push({ plugin: candidate as Plugin, origin });
    else this.addBroken(origin, problem);
  }

  addBroken(origin: string, reason: string): void {
    this.#broken.push({ origin, reason });
  }

  get all(): readonly FoundPlugin[] {
    return this.#found;
  }

  get broken(): readonly BrokenPlugin[] {
    return this.#broken;
  }

  ofKind<K extends PluginKind>(kind: K): readonly FoundPlugin<PluginOf<K>>[] {
    const found = this.#found.filter(({ plugin }) => plugin.kind === kind);
    found.sort((a, b) => (a.plugin.name < b.plugin.name ? -1 : 1));
    // A plugin of kind K is a PluginOf<K>; the compiler cannot follow that through the union.
    return found as unknown as readonly FoundPlugin<PluginOf<K>>[];
  }

  find<K extends PluginKind>(kind: K, name: string): PluginOf<K> | undefined {
    const found = this.ofKind(kind).filter(({ plugin }) => plugin.name === name);
    if (found.length > 1) {
      const origins = found.map(({ origin }) => origin).join(' and ');
      throw new UsageError(`two plugins are called ${kind} '${name}': ${origins}; remove one of them`);
    }
    return found[0]?.plugin;
  }
}

/** Why something is no plugin. */
function problemOf(candidate: unknown): string | undefined {
  // What is required of a CommonJS module is an object, whatever it exports.
  if (typeof candidate !== 'object' || candidate === null || !('api' in candidate))
    return 'it has no default export made by definePlugin';
  const { api, kind, name, summary, load } = candidate as Partial<Record<keyof Plugin, unknown>>;
  if (api !== PLUGIN_API) return `it is made for plugin API ${String(api)}; this is ${PLUGIN_API}`;
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) {
    return `its kind is ${String(kind)}; there are ${Object.keys(KINDS).join(', ')}`;
  }
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9+-]*$/.test(name)) {
    return 'its name is not of lower case letters, digits, hyphens and plus signs';
  }
  if (typeof summary !== 'string' || summary === '' || /\p{Cc}/u.test(summary))
    return 'it has no summary of one line';
  if (typeof load !== 'function') return 'it has no load function';
  return undefined;
}
