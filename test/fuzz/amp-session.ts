import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';
import {
  ArgumentError,
  type ArgumentType,
  ampList,
  type Box,
  BoxReader,
  BoxTooLarge,
  BoxView,
  BoxWriter,
  bigInteger,
  boolean,
  bytes,
  compileSchema,
  dateTime,
  decimal,
  encodeBox,
  float,
  integer,
  listOf,
  NoEmptyBoxes,
  optional,
  path,
  safeInteger,
  TooLong,
  unicode,
} from '../../protocols/amp/index.ts';
import { byteString, wireKey } from '../../protocols/amp/wire-key.ts';
import { require, type Session } from './session.ts';

const TYPES: readonly ArgumentType<unknown>[] = [
  integer,
  safeInteger,
  bigInteger,
  float,
  boolean,
  bytes,
  unicode,
  path,
  decimal,
  dateTime,
  listOf(integer),
  listOf(listOf(float)),
  ampList({ a: integer, b: optional(decimal) }),
] as readonly ArgumentType<unknown>[];

const SCHEMA = compileSchema({
  a: integer,
  b: optional(unicode),
  c: optional(dateTime),
  _x: optional(listOf(bytes)),
});

/** Values that are right, for others to be made from. */
const SEEDS = [
  '0',
  '-42',
  '18446744073709551616',
  ' +1_000 ',
  '1.0',
  '1e-05',
  '-inf',
  'nan',
  'True',
  'False',
  'h\xc3\xa9\xf0\x9f\x98\x80',
  '-sNaN123',
  '-0E+3',
  '123456789.123456789E-7',
  '2012-01-23T12:34:56.054321-01:30',
  '\0\x011\0\x03-20\0\0',
  '\0\x08\0\x031.5\0\x01x\0\0',
  '\0\x01a\0\x017\0\x01b\0\x042.50\0\0\0\x01a\0\x01-\0\0',
  '',
] as const;
const KEYS = ['a', 'b', 'c', '_x', '_ask', '_command', '_answer', 'z', '\xff'] as const;
const LIMITS = { maxBoxBytes: 3000, maxBoxKeys: 12 } as const;
/** The model reads the stream anew with every input, so that it must not grow too long. */
const RECONNECT_BYTES = 4000;
const KEY = wireKey('v');
const WRITER = new BoxWriter();

/** The connection of a peer that sends what he likes, to a reader, to the types, and to a plain model of the reader. */
export class AmpSession implements Session {
  readonly #random: Prng;
  #reader!: BoxReader;
  #boxes: Box[] = [];
  #stream: Uint8Array = NO_BYTES;
  last: Uint8Array = NO_BYTES;

  constructor(seed: string) {
    this.#random = new Prng(seed);
    this.#connect();
  }

  next(): void {
    this.last = this.#input();
    this.#stream = joined(this.#stream, this.last);
    const fault = this.#push(this.last);
    const expected = modelOf(this.#stream);
    require(sameBoxes(this.#boxes, expected.boxes), 'the boxes are not those of the stream');
    require(fault === undefined || expected.fault, `the stream is well, and yet: ${fault?.message}`);
    require(fault !== undefined || !expected.fault, 'the stream is broken, and nobody minds');
    if (fault !== undefined) this.#connect();
    else if (this.#stream.length > RECONNECT_BYTES) this.#hangUp(expected.restBytes);
    for (const type of TYPES) checkType(type, this.#value());
  }

  #connect(): void {
    this.#stream = NO_BYTES;
    this.#boxes = [];
    this.#reader = new BoxReader((view) => {
      this.#boxes.push(view.toMap());
      checkSchema(view);
      if (this.#random.below(20) === 0) this.#reader.pause();
    }, LIMITS);
  }

  #hangUp(restBytes: number): void {
    require(this.#reader.pendingBytes === restBytes, 'what is held is not what was not read');
    require(this.#reader.takeRest().length === restBytes, 'what is left is not what was not read');
    this.#connect();
  }

  #push(input: Uint8Array): Error | undefined {
    const random = this.#random;
    let fault: Error | undefined;
    for (let at = 0; at < input.length && fault === undefined; ) {
      const count = random.below(3) === 0 ? 1 + random.below(4) : 1 + random.below(input.length - at);
      fault = this.#reader.push(input.slice(at, at + count));
      at += count;
    }
    const before = -1;
    for (let count = before; count !== this.#boxes.length; fault ??= this.#reader.resume())
      count = this.#boxes.length;
    require(fault === undefined ||
      fault instanceof TooLong ||
      fault instanceof NoEmptyBoxes ||
      fault instanceof BoxTooLarge, 'a fault of no documented kind');
    return fault;
  }

  /** Some boxes, mostly right. */
  #input(): Uint8Array {
    const random = this.#random;
    const parts: Uint8Array[] = [];
    for (let count = 1 + random.below(4); count > 0; count -= 1) parts.push(this.#box());
    const whole = joined(...parts);
    if (random.below(12) > 0) return whole;
    if (random.below(3) === 0) return whole.slice(0, random.below(whole.length + 1));
    whole[random.below(whole.length)]! ^= 1 << random.below(8);
    return whole;
  }

  #box(): Uint8Array {
    const random = this.#random;
    const fields = 1 + (random.below(30) === 0 ? random.below(16) : random.below(4));
    const parts: Uint8Array[] = [];
    for (let count = 0; count < fields; count += 1) {
      const name =
        random.below(8) === 0 ? String.fromCharCode(1 + random.below(255)) : KEYS[random.below(KEYS.length)]!;
      // A box of one field without its end.
      parts.push(encodeBox(new Map([[name, this.#value()]])).slice(0, -2));
    }
    if (random.below(300) === 0) return END;
    return joined(...parts, END);
  }

  #value(): Uint8Array {
    const random = this.#random;
    const bytesOfSeed = byteString(SEEDS[random.below(SEEDS.length)]!);
    if (random.below(3) === 0) return bytesOfSeed;
    const text = Array.from(bytesOfSeed);
    for (let edits = 1 + random.below(3); edits > 0; edits -= 1) {
      const at = random.below(text.length + 1);
      text.splice(at, random.below(3), ...(random.below(2) === 0 ? [this.#byte()] : []));
    }
    const repeats = random.below(50) === 0 ? 1 + random.below(40) : 1;
    return Uint8Array.from(Array.from({ length: repeats }, () => text).flat());
  }

  #byte(): number {
    const random = this.#random;
    return random.below(4) === 0
      ? random.below(256)
      : '0123456789+-._eE naifNT:\0\x01'.charCodeAt(random.below(27));
  }
}

const NO_BYTES = new Uint8Array(0);
const END = new Uint8Array(2);

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The boxes of a stream, read in the plainest way; whether it breaks a rule; and how many bytes are left over. */
function modelOf(stream: Uint8Array): { boxes: Box[]; fault: boolean; restBytes: number } {
  const boxes: Box[] = [];
  let box: Box = new Map();
  let [start, keys, at] = [0, 0, 0];
  const u16 = (from: number): number => stream[from]! * 256 + stream[from + 1]!;
  while (at + 2 <= stream.length) {
    const keyBytes = u16(at);
    if (keyBytes > 255 || (keyBytes === 0 && keys === 0)) return { boxes, fault: true, restBytes: 0 };
    if (keyBytes === 0) {
      at += 2;
      if (at - start > LIMITS.maxBoxBytes) return { boxes, fault: true, restBytes: 0 };
      boxes.push(box);
      [box, start, keys] = [new Map(), at, 0];
      continue;
    }
    const valueAt = at + keyBytes + 4;
    if (valueAt > stream.length || valueAt + u16(valueAt - 2) > stream.length) break;
    const name = Buffer.from(stream.subarray(at + 2, valueAt - 2)).toString('latin1');
    at = valueAt + u16(valueAt - 2);
    keys += 1;
    box.set(name, stream.slice(valueAt, at));
    if (at - start > LIMITS.maxBoxBytes || keys > LIMITS.maxBoxKeys)
      return { boxes, fault: true, restBytes: 0 };
  }
  return { boxes, fault: false, restBytes: stream.length - start };
}

function sameBoxes(ones: readonly Box[], others: readonly Box[]): boolean {
  return ones.length === others.length && ones.every((box, index) => sameBox(box, others[index]!));
}

function sameBox(one: Box, other: Box): boolean {
  return one.size === other.size && [...one].every(([name, value]) => sameBytes(value, other.get(name)));
}

function sameBytes(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}

/** A schema reads a box or says which argument is wrong, and the order of the keys does not matter. */
function checkSchema(view: BoxView): void {
  const values = readOrRefuse(() => SCHEMA.readValues(view));
  const sorted = new BoxView();
  const wire = encodeBox(view.toMap());
  sorted.scan(wire, 0, wire.length);
  const again = readOrRefuse(() => SCHEMA.readValues(sorted));
  require((values === undefined) === (again === undefined), 'the order of the keys matters');
  if (values === undefined || again === undefined) return;
  SCHEMA.writeAnswer(WRITER, values, 1);
  const once = WRITER.take();
  SCHEMA.writeAnswer(WRITER, again, 1);
  require(sameBytes(once, WRITER.take()), 'the order of the keys changes the values');
}

/** Bytes are a value or an ArgumentError; what is read can be written, and is then read and written alike. */
function checkType(type: ArgumentType<unknown>, wire: Uint8Array): void {
  const value = readOrRefuse(() => type.read(wire));
  if (value === undefined) return;
  const once = written(type, value);
  const again = readOrRefuse(() => type.read(once));
  require(again !== undefined, 'what was written cannot be read');
  require(sameBytes(written(type, again), once), 'what was written is read as something else');
}

/** What `read` returns; undefined where it throws as it may. */
function readOrRefuse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ArgumentError && !(error.cause instanceof UsageError)) return undefined;
    throw error;
  }
}

function written(type: ArgumentType<unknown>, value: unknown): Uint8Array {
  WRITER.beginBox();
  const mark = WRITER.beginValue(KEY);
  type.write(value, WRITER);
  WRITER.close(mark);
  WRITER.endBox();
  return WRITER.take().slice(KEY.length + 2, -2);
}
