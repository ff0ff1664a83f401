import type { ArgumentType, OptionalArgument } from './argument.ts';

/** The same, but it may be left out: then its key is missing on the wire. */
export function optional<T>(type: ArgumentType<T>): OptionalArgument<T> {
  const { readPart } = type;
  return {
    isOptional: true,
    write: (value, sink) => type.write(value, sink),
    read: (bytes) => type.read(bytes),
    ...(readPart && { readPart: (bytes, start, end) => readPart.call(type, bytes, start, end) }),
  };
}

/** A type of your own. `write` throws UsageError for what is no such value, `read` throws ArgumentError for bytes that are none. */
export function argumentType<T>(type: ArgumentType<T>): ArgumentType<T> {
  return type;
}

/** Values of your own that go as those of another type: `toWire` before writing, `fromWire` after reading. */
export function mapped<T, W>(
  type: ArgumentType<W>,
  toWire: (value: T) => W,
  fromWire: (value: W) => T,
): ArgumentType<T> {
  const { readPart } = type;
  return {
    write: (value, sink) => type.write(toWire(value), sink),
    read: (bytes) => fromWire(type.read(bytes)),
    ...(readPart && {
      readPart: (bytes, start, end) => fromWire(readPart.call(type, bytes, start, end)),
    }),
  };
}
