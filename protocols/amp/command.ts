import { UsageError } from '../../lib/errors.ts';
import type { Schema, ValuesOf } from './argument.ts';
import type { Box, ReceivedBox } from './box.ts';
import { CommandWire, type Values, type WireHooks } from './command-wire.ts';
import { declaredErrors, type ErrorClass, type ErrorTable, mergeErrors } from './declared-errors.ts';

export type { ErrorClass, ErrorTable } from './declared-errors.ts';

/** What a responder of the command ends with: values; the protocol that takes over; what TLS begins with. */
export type CommandKind = 'values' | 'protocol' | 'tls';

/** What a command is defined by. `extends` has it declare the errors of another command, too. */
export interface CommandDefinition<
  A extends Schema,
  R extends Schema,
  E extends ErrorTable,
  F extends ErrorTable,
  N extends boolean,
  P extends Command,
> extends WireHooks<ValuesOf<A>, ValuesOf<R>> {
  /** On the wire; each character is a byte. */
  readonly name: string;
  readonly arguments?: A;
  readonly response?: R;
  /** Errors that a responder may end with, by their codes. The connection goes on. */
  readonly errors?: E;
  /** The same, but the connection ends with them. */
  readonly fatalErrors?: F;
  /** False for a call that nobody answers. */
  readonly requiresAnswer?: N;
  readonly extends?: P;
}

/** A command: one value, from which both sides know what it takes, what it answers, and how it fails. */
export interface Command<
  A extends Schema = Schema,
  R extends Schema = Schema,
  X extends Error = Error,
  N extends boolean = boolean,
  K extends CommandKind = CommandKind,
> {
  readonly name: string;
  readonly arguments: A;
  readonly response: R;
  /** Its own and those of the command that it extends. */
  readonly errors: ErrorTable;
  readonly fatalErrors: ErrorTable;
  readonly requiresAnswer: N;
  readonly kind: K;
  /** @internal */
  readonly wire: CommandWire;
  /** The error as one of those that the command declares; throws it on otherwise. For the first line of an errback. */
  trap(error: unknown): X;
  /** The fields of a call. UsageError or InvalidSignature for what are no arguments of this command. */
  makeArguments(values: ValuesOf<A>): Box;
  /** The arguments of a call. ArgumentError for one that is missing or is none. */
  parseArguments(box: ReceivedBox): ValuesOf<A>;
  /** The fields of an answer. */
  makeResponse(values: ValuesOf<R>): Box;
  /** The values of an answer. */
  parseResponse(box: ReceivedBox): ValuesOf<R>;
}

/** A command whose answer makes another protocol of the connection. */
export type ProtocolSwitchCommand<A extends Schema = Schema, X extends Error = Error> = Command<
  A,
  None,
  X,
  true,
  'protocol'
>;

/** What a call of the command takes. */
export type ArgumentsOf<C> =
  C extends Command<infer A, Schema, Error, boolean, CommandKind> ? ValuesOf<A> : never;
/** What the command answers. */
export type ResponseOf<C> =
  C extends Command<Schema, infer R, Error, boolean, CommandKind> ? ValuesOf<R> : never;
/** The errors that the command declares. */
export type ErrorsOf<C> = C extends Command<Schema, Schema, infer X, boolean, CommandKind> ? X : never;

/** The instances of the classes in a table. */
type ErrorsIn<T> = { [K in keyof T]: T[K] extends ErrorClass<infer X> ? X : never }[keyof T];

/** No arguments, no values, no errors. */
export type None = Readonly<Record<never, never>>;

/** A command that declares nothing to inherit. */
type Orphan = Command<Schema, Schema, never, boolean, CommandKind>;

/**
 * Makes a command. UsageError for names and codes that are none, or that AMP itself uses.
 *
 * The four hooks replace how its boxes are made and parsed; the keys that begin with `_` are no business of theirs.
 */
export function defineCommand<
  const A extends Schema = None,
  const R extends Schema = None,
  const E extends ErrorTable = None,
  const F extends ErrorTable = None,
  const N extends boolean = true,
  P extends Command = Orphan,
>(
  definition: CommandDefinition<A, R, E, F, N, P>,
): Command<A, R, ErrorsIn<E> | ErrorsIn<F> | ErrorsOf<P>, N, 'values'> {
  return makeCommand(definition, 'values');
}

/** Makes a command with which the connection becomes one of another protocol: its answer is empty. */
export function defineProtocolSwitch<
  const A extends Schema = None,
  const E extends ErrorTable = None,
  const F extends ErrorTable = None,
  P extends Command = Orphan,
>(
  definition: Omit<CommandDefinition<A, None, E, F, true, P>, 'response' | 'requiresAnswer'>,
): ProtocolSwitchCommand<A, ErrorsIn<E> | ErrorsIn<F> | ErrorsOf<P>> {
  return makeCommand(definition, 'protocol');
}

/** @internal */
export function makeCommand<
  A extends Schema = None,
  R extends Schema = None,
  E extends ErrorTable = None,
  F extends ErrorTable = None,
  N extends boolean = true,
  P extends Command = Orphan,
  K extends CommandKind = 'values',
>(
  definition: CommandDefinition<A, R, E, F, N, P>,
  kind: K,
): Command<A, R, ErrorsIn<E> | ErrorsIn<F> | ErrorsOf<P>, N, K> {
  const { name, extends: parent } = definition;
  const errors = mergeErrors(definition.errors, parent?.errors);
  const fatalErrors = mergeErrors(definition.fatalErrors, parent?.fatalErrors);
  const declared = declaredErrors(errors, fatalErrors);
  const wire = new CommandWire(definition, declared);
  return {
    name,
    arguments: (definition.arguments ?? {}) as A,
    response: (definition.response ?? {}) as R,
    errors,
    fatalErrors,
    requiresAnswer: (definition.requiresAnswer ?? true) as N,
    kind,
    wire,
    trap: (error) => {
      if (declared.find(error) !== undefined) return error as ErrorsIn<E> | ErrorsIn<F> | ErrorsOf<P>;
      throw error;
    },
    makeArguments: (values) => wire.makeArguments(values as Values),
    parseArguments: (box) => wire.parseArguments(box) as ValuesOf<A>,
    makeResponse: (values) => wire.makeResponse(values as Values),
    parseResponse: (box) => wire.parseResponse(box) as ValuesOf<R>,
  };
}

/** UsageError unless it is a command. */
export function requireCommand(command: unknown): asserts command is Command {
  if ((command as Partial<Command> | undefined)?.wire instanceof CommandWire) return;
  throw new UsageError('a command is what defineCommand returns');
}
