import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType } from './argument.ts';
import { ArgumentError } from './errors.ts';
import { byteText } from './wire-key.ts';

/** The largest exponent of a first digit. Python on 64 bits has three digits more; 2^53 has not. */
const MAX_EXPONENT = 999_999_999_999_999;
/** The shape of a number once underscores and the blanks around it are gone; that there is a digit is seen to apart. */
const FINITE = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?$/i;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;
const NOT_A_NUMBER = /^([+-]?)(s?)nan([0-9]*)$/i;
/** Zeros are written out up to here; a smaller number has an exponent. */
const LEAST_PLAIN_EXPONENT = -6;

/** What a Decimal is: a number, an infinity, or no number; a signaling NaN is one that Python refuses to reckon with. */
export type DecimalKind = 'finite' | 'infinity' | 'nan' | 'signaling-nan';

/**
 * A decimal number of any precision, as Python's decimal.Decimal: `1.0`, `1.00` and `1E+2` keep what sets them apart from `1` and `100`.
 *
 * It carries numbers and does no arithmetic. It does not change.
 */
export class Decimal {
  readonly kind: DecimalKind;
  /** Zero has a sign, too, and so has what is no number. */
  readonly isNegative: boolean;
  /** Without leading zeros. Of a NaN what it carries, mostly nothing. */
  readonly digits: string;
  /** How many places the digits are moved to the left. */
  readonly exponent: number;

  private constructor(kind: DecimalKind, isNegative: boolean, digits: string, exponent: number) {
    this.kind = kind;
    this.isNegative = isNegative;
    this.digits = digits;
    this.exponent = exponent;
  }

  /**
   * The decimal that a text says in any of the ways that Python reads, or the one that JavaScript writes for a number.
   *
   * `Decimal.from(0.1)` is `0.1`: not the double next to it, as in Python. UsageError for what is none.
   */
  static from(value: string | number | bigint): Decimal {
    const found = Decimal.#parse(String(value), Object.is(value, -0));
    if (found === undefined) throw new UsageError(`'${value}' is no decimal number`);
    return found;
  }

  /** As `from`, for texts that others wrote: undefined for what is none. */
  static parse(text: string): Decimal | undefined {
    return Decimal.#parse(text, false);
  }

  static #parse(text: string, isMinusZero: boolean): Decimal | undefined {
    const bare = withoutBlanks(text).replaceAll('_', '');
    const finite = FINITE.exec(bare);
    if (finite !== null) {
      const [, sign, whole = '', fraction = '', shift = '0'] = finite;
      if (whole === '' && fraction === '') return undefined;
      const digits = withoutLeadingZeros(whole + fraction) || '0';
      const exponent = Number(shift) - fraction.length;
      const first = exponent + digits.length - 1;
      if (Math.abs(first) > MAX_EXPONENT || Math.abs(exponent) > MAX_EXPONENT) return undefined;
      return new Decimal('finite', sign === '-' || isMinusZero, digits, exponent);
    }
    const infinite = INFINITY.exec(bare);
    if (infinite !== null) return new Decimal('infinity', infinite[1] === '-', '', 0);
    const none = NOT_A_NUMBER.exec(bare);
    if (none === null) return undefined;
    const [, sign, signaling, payload = ''] = none;
    return new Decimal(
      signaling === '' ? 'nan' : 'signaling-nan',
      sign === '-',
      withoutLeadingZeros(payload),
      0,
    );
  }

  get isFinite(): boolean {
    return this.kind === 'finite';
  }

  /** Whether it is no number, signaling or not. */
  get isNaN(): boolean {
    return this.kind === 'nan' || this.kind === 'signaling-nan';
  }

  get isZero(): boolean {
    return this.kind === 'finite' && this.digits === '0';
  }

  /** Whether both are the same number: `1.0` equals `1`, `-0` equals `0`, and a NaN equals nothing. */
  equals(other: Decimal): boolean {
    if (this.isNaN || other.isNaN || this.kind !== other.kind) return false;
    if (this.isZero || other.isZero) return this.isZero && other.isZero;
    if (this.isNegative !== other.isNegative) return false;
    const [one, another] = [withoutTrailingZeros(this.digits), withoutTrailingZeros(other.digits)];
    return one === another && firstExponent(this) === firstExponent(other);
  }

  /** Whether both are written alike: sign, digits and exponent, or what a NaN carries. */
  isIdenticalTo(other: Decimal): boolean {
    return (
      this.kind === other.kind &&
      this.isNegative === other.isNegative &&
      this.digits === other.digits &&
      this.exponent === other.exponent
    );
  }

  /** The number nearest to it; Infinity where it is too large. */
  toNumber(): number {
    if (this.isNaN) return Number.NaN;
    const sign = this.isNegative ? '-' : '';
    return Number(this.kind === 'infinity' ? `${sign}Infinity` : `${sign}${this.digits}e${this.exponent}`);
  }

  /** As Python's str. */
  toString(): string {
    const sign = this.isNegative ? '-' : '';
    switch (this.kind) {
      case 'infinity':
        return `${sign}Infinity`;
      case 'nan':
        return `${sign}NaN${this.digits}`;
      case 'signaling-nan':
        return `${sign}sNaN${this.digits}`;
      case 'finite':
        return `${sign}${finiteText(this.digits, this.exponent)}`;
    }
  }

  /** As a text: JSON has no decimals. */
  toJSON(): string {
    return this.toString();
  }
}

/** Decimal numbers with their precision: amp.Decimal. Only a Decimal is written. */
export const decimal: ArgumentType<Decimal> = {
  write: (value, sink) => {
    if (!(value instanceof Decimal)) throw new UsageError(`a ${typeof value} is no Decimal`);
    sink.ascii(value.toString());
  },
  read: (bytes) => readDecimal(bytes, 0, bytes.length),
  readPart: readDecimal,
};

function readDecimal(bytes: Uint8Array, start: number, end: number): Decimal {
  const value = Decimal.parse(byteText(bytes, start, end));
  if (value === undefined) throw new ArgumentError('no decimal number');
  return value;
}

/** "to-scientific-string" of the General Decimal Arithmetic Specification. */
function finiteText(digits: string, exponent: number): string {
  const first = exponent + digits.length - 1;
  if (exponent > 0 || first < LEAST_PLAIN_EXPONENT) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits.slice(0, 1)}${fraction}E${first < 0 ? '' : '+'}${first}`;
  }
  if (exponent === 0) return digits;
  const padded = digits.padStart(1 - exponent, '0');
  return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

function firstExponent(value: Decimal): number {
  return value.exponent + value.digits.length;
}

/** Not by a regular expression: many blanks before something else would take it time by their square. */
function withoutBlanks(text: string): string {
  let first = 0;
  let end = text.length;
  while (first < end && isBlank(text.charCodeAt(first))) first += 1;
  while (end > first && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(first, end);
}

/** What Python takes for a blank in a text that is ASCII. */
function isBlank(character: number): boolean {
  return (character >= 0x09 && character <= 0x0d) || (character >= 0x1c && character <= 0x20);
}

function withoutLeadingZeros(digits: string): string {
  let first = 0;
  while (first < digits.length && digits.charAt(first) === '0') first += 1;
  return digits.slice(first);
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charAt(end - 1) === '0') end -= 1;
  return digits.slice(0, end);
}
