import fc from 'fast-check';
import {
  type ArgumentType,
  ampList,
  BoxWriter,
  boolean,
  bytes,
  dateTime,
  decimal,
  float,
  integer,
  listOf,
  optional,
  path,
  unicode,
} from '../../protocols/amp/index.ts';
import { wireKey } from '../../protocols/amp/wire-key.ts';

const KEY = wireKey('v');
/** What stands before the value in a box of one key: the key, and the length of the value. */
const BEFORE_BYTES = 5;

/** A schema with an argument of each type, as Twisted was asked for it. */
export const EVERYTHING = {
  integer,
  string: bytes,
  float,
  boolean,
  unicode,
  path,
  'list-of': listOf(integer),
  amplist: ampList({ x: integer, y: optional(unicode) }),
  decimal,
  datetime: dateTime,
  opt: optional(integer),
};

/** The bytes of one value. */
export function written<T>(type: ArgumentType<T>, value: T): Uint8Array {
  const writer = new BoxWriter();
  writer.beginBox();
  const mark = writer.beginValue(KEY);
  type.write(value, writer);
  writer.close(mark);
  writer.endBox();
  return writer.take().slice(BEFORE_BYTES, -2);
}

/** The same as a text: a character for each byte. */
export function writtenText<T>(type: ArgumentType<T>, value: T): string {
  return Buffer.from(written(type, value)).toString('latin1');
}

/** The value that a text of bytes is read as. The type must read it alike within others. */
export function readText<T>(type: ArgumentType<T>, text: string): T {
  const within = Buffer.from(`7${text}7`, 'latin1');
  if (type.readPart !== undefined) return type.readPart(within, 1, within.length - 1);
  return type.read(within.subarray(1, -1));
}

/** Any text that UTF-8 can say. (fast-check's own units of code points take seconds to begin with.) */
export function wholeText(maxLength = 12): fc.Arbitrary<string> {
  const unit = fc.oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }));
  return fc
    .array(unit, { maxLength })
    .map((codes) => codes.map((code) => String.fromCodePoint(code)).join(''));
}
