import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType } from './argument.ts';
import { ArgumentError } from './errors.ts';
import { stripped } from './python-text.ts';

const NUMBER =
  /^[+-]?(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?$/;
const INFINITY = /^[+-]?inf(?:inity)?$/i;
const NOT_A_NUMBER = /^[+-]?nan$/i;
/** repr of Python has an exponent below and from these on; JavaScript below 1e-6 and from 1e21 on. */
const LEAST_PLAIN = 1e-4;
const FIRST_WITH_EXPONENT = 1e16;

/**
 * Numbers as Python's repr writes them: amp.Float. `1.0`, `1e-05`, `nan`, `inf`, `-0.0`.
 *
 * Whatever Python's float() takes is read; what is too large for a double is infinite there, and here.
 */
export const float: ArgumentType<number> = {
  write: (value, sink) => sink.ascii(floatText(value)),
  read: (bytes) => readFloat(bytes, 0, bytes.length),
  readPart: readFloat,
};

/** A number as Python's repr writes it. */
export function floatText(value: number): string {
  if (typeof value !== 'number') throw new UsageError(`a ${typeof value} is no number`);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (size >= LEAST_PLAIN && size < FIRST_WITH_EXPONENT) {
    const text = String(value);
    return Number.isInteger(value) ? `${text}.0` : text;
  }
  // The digits are the fewest that are read as the same number, in both languages.
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`;
}

function readFloat(bytes: Uint8Array, start: number, end: number): number {
  const text = stripped(bytes, start, end);
  if (NUMBER.test(text)) return Number(text.replaceAll('_', ''));
  if (INFINITY.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (NOT_A_NUMBER.test(text)) return Number.NaN;
  throw new ArgumentError('no number');
}
