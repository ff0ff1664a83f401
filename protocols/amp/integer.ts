import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType } from './argument.ts';
import { ArgumentError } from './errors.ts';
import { stripped } from './python-text.ts';

/** So many digits always are a safe integer. */
const SAFE_DIGITS = 15;
/** Python's limit for the digits of a number that is read (sys.set_int_max_str_digits). */
const MAX_DIGITS = 4300;
const SHAPE = /^[+-]?[0-9]+(?:_[0-9]+)*$/;

const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * Whole numbers of any size, in decimal: amp.Integer. What is read is a number where it is a safe integer, otherwise a bigint.
 *
 * As in Python, blanks around it, a plus sign, leading zeros and single underscores between digits are read, and
 * at most 4300 digits.
 */
export const integer: ArgumentType<number | bigint> = {
  write: (value, sink) => sink.ascii(integerText(value)),
  read: (bytes) => readInteger(bytes, 0, bytes.length),
  readPart: readInteger,
};

/** As `integer`, but a number on both sides: what is no safe integer is refused. */
export const safeInteger: ArgumentType<number> = {
  write: (value, sink) => {
    if (typeof value !== 'number') throw new UsageError(`a ${typeof value} is no number`);
    sink.ascii(integerText(value));
  },
  read: (bytes) => safeInteger.readPart!(bytes, 0, bytes.length),
  readPart: (bytes, start, end) => {
    const value = readInteger(bytes, start, end);
    if (typeof value === 'bigint') throw new ArgumentError('the integer is beyond the safe ones');
    return value;
  },
};

/** As `integer`, but a bigint on both sides. */
export const bigInteger: ArgumentType<bigint> = {
  write: (value, sink) => {
    if (typeof value !== 'bigint') throw new UsageError(`a ${typeof value} is no bigint`);
    sink.ascii(value.toString());
  },
  read: (bytes) => BigInt(readInteger(bytes, 0, bytes.length)),
  readPart: (bytes, start, end) => BigInt(readInteger(bytes, start, end)),
};

function integerText(value: number | bigint): string {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return value.toString();
  throw new UsageError(
    typeof value === 'number'
      ? `${value} is no safe integer; use a bigint`
      : `a ${typeof value} is no integer`,
  );
}

function readInteger(bytes: Uint8Array, start: number, end: number): number | bigint {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  const count = end - first;
  if (count < 1 || count > SAFE_DIGITS) return readUnusual(bytes, start, end);
  let value = 0;
  for (let at = first; at < end; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return readUnusual(bytes, start, end);
    value = value * 10 + digit;
  }
  // There is no negative zero among the integers.
  return isNegative && value !== 0 ? -value : value;
}

function readUnusual(bytes: Uint8Array, start: number, end: number): number | bigint {
  const text = stripped(bytes, start, end);
  if (!SHAPE.test(text)) throw new ArgumentError('no integer');
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  if (digits.length > MAX_DIGITS) throw new ArgumentError(`an integer of more than ${MAX_DIGITS} digits`);
  const value = text.startsWith('-') ? -BigInt(digits) : BigInt(digits);
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}
