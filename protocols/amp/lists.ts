import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType, OptionalArgument, Schema, ValueSink, ValuesOf } from './argument.ts';
import { BoxView } from './box-view.ts';
import { ArgumentError } from './errors.ts';
import { compileSchema } from './schema.ts';

/**
 * A list of values of one type, each after its length: amp.ListOf. An element has at most 65 535 bytes, as has the list.
 *
 * A last element that is cut short is dropped, as Twisted drops it.
 */
export function listOf<T>(type: ArgumentType<T>): ArgumentType<readonly T[]> {
  refuseOptional(type);
  return {
    write: (values, sink) => writeList(type, values, sink),
    read: (bytes) => readList(type, bytes, 0, bytes.length),
    readPart: (bytes, start, end) => readList(type, bytes, start, end),
  };
}

/**
 * A list of boxes, each with the values of `schema`: amp.AmpList. Optional values may be missing in any of them.
 *
 * A last box that is cut short is dropped, as Twisted drops it.
 */
export function ampList<const S extends Schema>(schema: S): ArgumentType<readonly ValuesOf<S>[]> {
  const compiled = compileSchema(schema);
  const readBoxes = (bytes: Uint8Array, start: number, end: number): ValuesOf<S>[] => {
    const box = new BoxView();
    const found: ValuesOf<S>[] = [];
    for (let at = start; at < end; ) {
      box.reset();
      const result = box.scan(bytes, at, end);
      if (result === 'long-key') throw new ArgumentError('a key in the list has more than 255 bytes');
      if (result === 'partial') break;
      found.push(compiled.readValues(box));
      at += box.scannedBytes;
    }
    return found;
  };
  return {
    write: (values, sink) => {
      refuseNoArray(values);
      for (const each of values) compiled.writeNested(sink, each);
    },
    read: (bytes) => readBoxes(bytes, 0, bytes.length),
    readPart: readBoxes,
  };
}

function writeList<T>(type: ArgumentType<T>, values: readonly T[], sink: ValueSink): void {
  refuseNoArray(values);
  for (const value of values) {
    const mark = sink.open();
    type.write(value, sink);
    sink.close(mark);
  }
}

function readList<T>(type: ArgumentType<T>, bytes: Uint8Array, start: number, end: number): T[] {
  const values: T[] = [];
  let at = start;
  while (at + 2 <= end) {
    const from = at + 2;
    const to = from + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    if (to > end) break;
    values.push(
      type.readPart === undefined ? type.read(bytes.subarray(from, to)) : type.readPart(bytes, from, to),
    );
    at = to;
  }
  return values;
}

function refuseNoArray(values: unknown): void {
  if (!Array.isArray(values)) throw new UsageError(`a ${typeof values} is no array`);
}

function refuseOptional(type: ArgumentType<unknown>): void {
  if ((type as Partial<OptionalArgument<unknown>>)?.isOptional === true) {
    throw new UsageError('an element of a list cannot be optional: there is no key to leave out');
  }
}
