/** Where an argument type puts the bytes of a value, one after the other. */
export interface ValueSink {
  /** Each character is a byte: ASCII, or what stands for bytes. */
  ascii(text: string): void;
  /** UTF-8. UsageError for half of a surrogate pair, which UTF-8 cannot say. */
  utf8(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** A number of 0 to 65 535 as two bytes. */
  u16(value: number): void;
  /** Begins a part that goes after its own length in two bytes, as in lists; `close` wants what it returns. */
  open(): number;
  /** Ends such a part. TooLong if it has more than 65 535 bytes. */
  close(mark: number): void;
}

/**
 * How values of one kind become bytes and are read back. Twisted's amp.Argument.
 *
 * `write` throws UsageError for what is no such value; `read` throws ArgumentError for bytes that are none.
 */
export interface ArgumentType<T> {
  write(value: T, sink: ValueSink): void;
  /** `bytes` are a view: what is kept of them must be copied. */
  read(bytes: Uint8Array): T;
  /** The same from a part of `bytes`, for types that can do so without a view. Used instead of `read` where it is. */
  readPart?(bytes: Uint8Array, start: number, end: number): T;
}

/** An argument that may be missing. */
export interface OptionalArgument<T> extends ArgumentType<T> {
  readonly isOptional: true;
}

/** The arguments of a command, or the values of its answer, by their names on the wire. */
export type Schema = Readonly<Record<string, ArgumentType<never> | ArgumentType<unknown>>>;

/** What a value of the type is in TypeScript. */
export type ValueOf<A> = A extends ArgumentType<infer T> ? T : never;

/** The values that a schema describes: what is optional may be left out, or be undefined. */
export type ValuesOf<S> = Flatten<
  { readonly [K in keyof S as S[K] extends OptionalArgument<unknown> ? never : K]: ValueOf<S[K]> } & {
    readonly [K in keyof S as S[K] extends OptionalArgument<unknown> ? K : never]?: ValueOf<S[K]> | undefined;
  }
>;

type Flatten<T> = { [K in keyof T]: T[K] };
