import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType, OptionalArgument, Schema, ValueSink, ValuesOf } from './argument.ts';
import type { Box } from './box.ts';
import type { BoxView } from './box-view.ts';
import { BoxWriter, type Tag, writeField } from './box-writer.ts';
import { ArgumentError, InvalidSignature, TooLong } from './errors.ts';
import { type WireKey, wireKey } from './wire-key.ts';

/** Keys that say what a box is, whose, and of what parts; no argument may be named so. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set([
  '_ask',
  '_answer',
  '_command',
  '_error',
  '_error_code',
  '_error_description',
  '_route',
  '_chunk',
  '_chunks',
]);

const ASK = wireKey('_ask');
const ANSWER = wireKey('_answer');
const COMMAND = wireKey('_command');

interface Field {
  readonly name: string;
  readonly key: WireKey;
  readonly type: ArgumentType<unknown>;
  readonly isOptional: boolean;
}

/** A schema made ready: keys in the order of their bytes, and as bytes. Made by `compileSchema`. */
export class CompiledSchema<S extends Schema = Schema> {
  readonly #fields: readonly Field[];
  readonly #names: ReadonlySet<string>;
  /** How many fields go before each of the keys that say what a box is. */
  readonly #beforeAsk: number;
  readonly #beforeCommand: number;
  readonly #beforeAnswer: number;

  constructor(schema: S) {
    const names = Object.keys(schema).sort(byBytes);
    this.#fields = names.map((name) => fieldOf(name, schema[name] as ArgumentType<unknown>));
    this.#names = new Set(names);
    this.#beforeAsk = countBefore(names, '_ask');
    this.#beforeCommand = countBefore(names, '_command');
    this.#beforeAnswer = countBefore(names, '_answer');
  }

  /** The names of the arguments in the order in which they go. */
  get names(): readonly string[] {
    return this.#fields.map(({ name }) => name);
  }

  /**
   * Writes a box that calls `command`; without a tag no answer is asked for.
   *
   * InvalidSignature for values that are missing or unknown, UsageError for what a type refuses, TooLong; then
   * nothing was written.
   */
  writeCall(writer: BoxWriter, values: ValuesOf<S>, command: Uint8Array, tag?: Tag): void {
    this.refuseUnknown(values);
    writer.beginBox();
    try {
      this.#writeFields(writer, values, 0, this.#beforeAsk);
      if (tag !== undefined) writeField(writer, ASK, tag);
      this.#writeFields(writer, values, this.#beforeAsk, this.#beforeCommand);
      writeField(writer, COMMAND, command);
      this.#writeFields(writer, values, this.#beforeCommand, this.#fields.length);
      writer.endBox();
    } catch (error) {
      writer.abandonBox();
      throw error;
    }
  }

  /** Writes a box that answers the call `tag`. Errors as with `writeCall`, but unknown values are left out. */
  writeAnswer(writer: BoxWriter, values: ValuesOf<S>, tag: Tag): void {
    requireObject(values);
    writer.beginBox();
    try {
      this.#writeFields(writer, values, 0, this.#beforeAnswer);
      writeField(writer, ANSWER, tag);
      this.#writeFields(writer, values, this.#beforeAnswer, this.#fields.length);
      writer.endBox();
    } catch (error) {
      writer.abandonBox();
      throw error;
    }
  }

  /** Writes the values as a box within a value, as in an AmpList. */
  writeNested(sink: ValueSink, values: ValuesOf<S>): void {
    this.refuseUnknown(values);
    for (const field of this.#fields) {
      const value = valueIn(values, field);
      if (value === undefined) continue;
      sink.bytes(field.key);
      const mark = sink.open();
      writeValue(field, value, sink);
      sink.close(mark);
    }
    sink.u16(0);
  }

  /** Writes keys and values into the box that `writer` has begun. */
  writeValues(writer: BoxWriter, values: ValuesOf<S>): void {
    this.refuseUnknown(values);
    this.#writeFields(writer, values, 0, this.#fields.length);
  }

  /** The values as fields of a box, which may be longer than a box can hold. Errors as with `writeAnswer`. */
  makeBox(values: ValuesOf<S>): Box {
    requireObject(values);
    const box: Box = new Map();
    const writer = new BoxWriter();
    for (const field of this.#fields) {
      const value = valueIn(values, field);
      if (value === undefined) continue;
      writeValue(field, value, writer);
      box.set(field.name, writer.take());
    }
    return box;
  }

  /** What `box` says. ArgumentError for a value that is missing or is none; keys that are not in the schema are ignored. */
  readValues(box: BoxView): ValuesOf<S> {
    const values: Record<string, unknown> = {};
    const bytes = box.bytes;
    let guess = 0;
    for (const field of this.#fields) {
      const index = box.find(field.key, guess);
      if (index < 0) {
        if (field.isOptional) continue;
        throw new ArgumentError(`the argument '${field.name}' is missing`, { argument: field.name });
      }
      guess = index + 1;
      values[field.name] = readValue(field, bytes, box.startOf(index), box.endOf(index));
    }
    return values as ValuesOf<S>;
  }

  #writeFields(writer: BoxWriter, values: ValuesOf<S>, from: number, to: number): void {
    for (let index = from; index < to; index += 1) {
      const field = this.#fields[index] as Field;
      const value = valueIn(values, field);
      if (value === undefined) continue;
      const mark = writer.beginValue(field.key);
      writeValue(field, value, writer);
      writer.close(mark);
    }
  }

  /** InvalidSignature if one of the values is of no field. */
  refuseUnknown(values: ValuesOf<S>): void {
    requireObject(values);
    for (const name in values) {
      if (!this.#names.has(name)) throw new InvalidSignature(`there is no argument '${name}'`);
    }
  }
}

function requireObject(values: unknown): void {
  if (typeof values === 'object' && values !== null) return;
  throw new InvalidSignature('the values are an object, each under its name');
}

/** Makes a schema ready for writing and reading. UsageError for names that cannot be, and for types that are none. */
export function compileSchema<const S extends Schema>(schema: S): CompiledSchema<S> {
  return new CompiledSchema(schema);
}

function fieldOf(name: string, type: ArgumentType<unknown>): Field {
  if (RESERVED_KEYS.has(name)) throw new UsageError(`no argument can be named '${name}': AMP needs it`);
  // Assigned to an object it would be no property, but the prototype.
  if (name === '__proto__') throw new UsageError("no argument can be named '__proto__'");
  if (typeof type?.write !== 'function' || typeof type.read !== 'function') {
    throw new UsageError(`'${name}' has no argument type`);
  }
  return { name, key: wireKey(name), type, isOptional: isOptional(type) };
}

function isOptional(type: ArgumentType<unknown>): boolean {
  return (type as Partial<OptionalArgument<unknown>>).isOptional === true;
}

/** Names are byte-strings, so that the order of characters is that of bytes. */
function byBytes(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function countBefore(names: readonly string[], key: string): number {
  return names.filter((name) => name < key).length;
}

function valueIn(values: object, field: Field): unknown {
  const value = (values as Record<string, unknown>)[field.name];
  if (value !== undefined && value !== null) return value;
  if (field.isOptional) return undefined;
  throw new InvalidSignature(`the argument '${field.name}' is missing`);
}

function writeValue(field: Field, value: unknown, sink: ValueSink): void {
  try {
    field.type.write(value, sink);
  } catch (error) {
    if (!(error instanceof UsageError) || error instanceof TooLong) throw error;
    throw new UsageError(`the argument '${field.name}': ${error.message}`, { cause: error });
  }
}

function readValue(field: Field, bytes: Uint8Array, start: number, end: number): unknown {
  const { type, name } = field;
  try {
    return type.readPart === undefined
      ? type.read(bytes.subarray(start, end))
      : type.readPart(bytes, start, end);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'its type threw';
    throw new ArgumentError(`the argument '${name}': ${why}`, { argument: name, cause: error });
  }
}
