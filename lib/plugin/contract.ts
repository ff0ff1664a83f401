import type { MakeChecker } from '../cred/checker.ts';
import type { EndpointParser } from '../endpoints/parse.ts';
import type { StreamProtocol } from '../interfaces/protocol.ts';
import type { TransportProvider } from '../transports/provider.ts';

/** The version of this contract. A plugin made for another one is refused. */
export const PLUGIN_API = 1;

/** Where a command writes to. */
export interface TextOutput {
  /** Whether a person watches: colours and progress bars make sense. */
  readonly isTerminal: boolean;
  /** Characters in a line of the terminal. */
  readonly columns: number;
  write(text: string): void;
}

/** What a command knows of the process it runs in. */
export interface CommandContext {
  readonly plugins: PluginCatalogue;
  /** What was asked for: results, help, events. */
  readonly output: TextOutput;
  /** Everything else that is said. */
  readonly messages: TextOutput;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs with the arguments behind its name and resolves to the exit status.
 *
 * It may fail: an error with a number as `status` ends the process with it, its message shown as the one line of
 * complaint; any other error is reported as a bug.
 */
export type Command = (args: readonly string[], context: CommandContext) => Promise<number>;

/** What the `load` of each kind of plugin gives. */
export interface PluginKinds {
  /** Runs from the command line: a protocol for each connection. */
  service: () => StreamProtocol;
  transport: TransportProvider;
  /** A word before the colon of an endpoint. */
  endpoint: EndpointParser;
  /** Makes a checker of the text behind the colon. */
  checker: MakeChecker;
  command: Command;
}

/** What a plugin can be. */
export type PluginKind = keyof PluginKinds;

/** A manifest: small, without imports of what it stands for. That comes with `load`, when it is used. */
export interface PluginOf<K extends PluginKind> {
  readonly api: number;
  readonly kind: K;
  /** Lower case letters, digits, hyphens and, between what is put together, plus signs: `ptcp+tls`. */
  readonly name: string;
  /** One line for lists and helps. */
  readonly summary: string;
  readonly load: () => Promise<PluginKinds[K]>;
}

export type ServicePlugin = PluginOf<'service'>;
export type TransportPlugin = PluginOf<'transport'>;
export type EndpointPlugin = PluginOf<'endpoint'>;
export type CheckerPlugin = PluginOf<'checker'>;
export type CommandPlugin = PluginOf<'command'>;
export type Plugin = { [K in PluginKind]: PluginOf<K> }[PluginKind];

/** A plugin and the file it was found in. */
export interface FoundPlugin<P = Plugin> {
  readonly plugin: P;
  readonly origin: string;
}

/** A file that should have been a plugin, and why it is none. */
export interface BrokenPlugin {
  readonly origin: string;
  readonly reason: string;
}

/** The plugins there are. */
export interface PluginCatalogue {
  /** Those of a kind, by name. */
  ofKind<K extends PluginKind>(kind: K): readonly FoundPlugin<PluginOf<K>>[];
  /** The one of that name. UsageError when there are two, naming both origins. */
  find<K extends PluginKind>(kind: K, name: string): PluginOf<K> | undefined;
  readonly all: readonly FoundPlugin[];
  readonly broken: readonly BrokenPlugin[];
}

/** Makes a manifest, checked by the compiler. The result is the default export of a plugin's file. */
export function definePlugin<K extends PluginKind>(plugin: PluginOf<K>): PluginOf<K> {
  return plugin;
}
