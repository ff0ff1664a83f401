import { maybeDeferred } from '../defer/combinators.ts';
import { Deferred } from '../defer/deferred.ts';
import { UsageError } from '../errors.ts';
import type { AnyChecker, CheckerWorld, MakeChecker } from './checker.ts';
import type { CredentialKind } from './credentials.ts';

/** What is known of a plugin of kind `checker` before it is loaded. */
export interface CheckerManifest {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<MakeChecker>;
}

/** Where those plugins are found; a PluginRegistry is one. */
export interface CheckerPlugins {
  find(kind: 'checker', name: string): CheckerManifest | undefined;
  ofKind(kind: 'checker'): readonly { readonly plugin: CheckerManifest }[];
}

/** What is asked of the checker. */
export interface CheckerDemands {
  /** Kinds of credentials of which it has to check at least one: those that the protocol has. */
  readonly kinds?: readonly CredentialKind[];
}

/**
 * The checker that a text names: a word, and behind the first colon what the plugin of that word takes, as in
 * `file:/etc/hawser/users`. Modelled on Twisted's strcred.
 *
 * Fails with UsageError where the text names none, or one that checks nothing of what is demanded. Close what it gives.
 */
export function checkerFromString(
  text: string,
  plugins: CheckerPlugins,
  world: CheckerWorld,
  { kinds }: CheckerDemands = {},
): Deferred<AnyChecker> {
  const colon = text.indexOf(':');
  const [word, argument] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return maybeDeferred(() => {
    const plugin = plugins.find('checker', word);
    if (plugin === undefined) throw new UsageError(unknownWord(word, plugins));
    return Deferred.from(plugin.load())
      .addCallback((make) => make(argument, world))
      .addCallback((checker) => {
        if (kinds === undefined || kinds.some((kind) => checker.kinds.includes(kind))) return checker;
        return Deferred.from(checker.close?.()).addCallback((): never => {
          const checked = checker.kinds.join(', ');
          throw new UsageError(`${word} checks ${checked}; what is needed is one for ${kinds.join(', ')}`);
        });
      });
  });
}

/** The words that a text may begin with, each once, with a line about it: for helps. */
export function checkerWords(plugins: CheckerPlugins): { readonly word: string; readonly summary: string }[] {
  const summaries = new Map(plugins.ofKind('checker').map(({ plugin }) => [plugin.name, plugin.summary]));
  return [...summaries].map(([word, summary]) => ({ word, summary }));
}

/** Without the argument, in which a password may be. */
function unknownWord(word: string, plugins: CheckerPlugins): string {
  const known = checkerWords(plugins).map((each) => each.word);
  const hint = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  return word === ''
    ? `a checker begins with a word, as in file:PATH; ${hint}`
    : `no checker is called ${JSON.stringify(word)}; ${hint}`;
}
