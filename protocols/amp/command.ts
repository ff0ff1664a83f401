import type { Schema, ValuesOf } from './argument.ts';

/** The class of an error that a command may end with: made again, on the other side, from the message alone. */
export type ErrorClass<E extends Error = Error> = new (message: string) => E;

/** Error classes by their codes on the wire. */
export type ErrorTable = Readonly<Record<string, ErrorClass>>;

/** What a command is defined by. */
export interface CommandDefinition<
  A extends Schema,
  R extends Schema,
  E extends ErrorTable,
  F extends ErrorTable,
  N extends boolean,
> {
  readonly name: string;
  readonly arguments?: A;
  readonly response?: R;
  readonly errors?: E;
  readonly fatalErrors?: F;
  readonly requiresAnswer?: N;
}

/** A command: one value, from which both sides know what it takes, what it answers, and how it fails. */
export interface Command<
  A extends Schema = Schema,
  R extends Schema = Schema,
  X extends Error = Error,
  N extends boolean = boolean,
> {
  readonly name: string;
  readonly arguments: A;
  readonly response: R;
  readonly errors: ErrorTable;
  readonly fatalErrors: ErrorTable;
  readonly requiresAnswer: N;
  /** The error as one of those that the command declares; throws it on otherwise. For the first line of an errback. */
  trap(error: unknown): X;
}

/** What a call of the command takes. */
export type ArgumentsOf<C> = C extends Command<infer A, Schema, Error, boolean> ? ValuesOf<A> : never;
/** What the command answers. */
export type ResponseOf<C> = C extends Command<Schema, infer R, Error, boolean> ? ValuesOf<R> : never;
/** The errors that the command declares. */
export type ErrorsOf<C> = C extends Command<Schema, Schema, infer X, boolean> ? X : never;

type ErrorsIn<T> = T[keyof T] extends ErrorClass<infer X> ? X : never;

/** No arguments, no values, no errors. */
type None = Readonly<Record<never, never>>;

/** Makes a command. */
export function defineCommand<
  const A extends Schema = None,
  const R extends Schema = None,
  const E extends ErrorTable = None,
  const F extends ErrorTable = None,
  const N extends boolean = true,
>(definition: CommandDefinition<A, R, E, F, N>): Command<A, R, ErrorsIn<E> | ErrorsIn<F>, N> {
  const errors: ErrorTable = definition.errors ?? {};
  const fatalErrors: ErrorTable = definition.fatalErrors ?? {};
  const classes = [...Object.values(errors), ...Object.values(fatalErrors)];
  return {
    name: definition.name,
    arguments: (definition.arguments ?? {}) as A,
    response: (definition.response ?? {}) as R,
    errors,
    fatalErrors,
    requiresAnswer: (definition.requiresAnswer ?? true) as N,
    trap: (error) => {
      if (classes.some((known) => error instanceof known)) return error as ErrorsIn<E> | ErrorsIn<F>;
      throw error;
    },
  };
}
