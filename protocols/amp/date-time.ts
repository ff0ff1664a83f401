import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType } from './argument.ts';
import { ArgumentError } from './errors.ts';

/** What is written has so many characters, and only that is read. */
const WIRE_BYTES = 32;
const MAX_OFFSET_MINUTES = 24 * 60 - 1;
const SECONDS_OF_DAY = 86_400;
/** From the first of January of the year 1 to that of 1970. */
const DAYS_TO_1970 = 719_162;
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))$/;
const ZERO = 0x30;
const PLUS = 0x2b;
const MINUS = 0x2d;

/** A time on a calendar and a clock, and how many minutes that clock is ahead of UTC. What is left out is 0. */
export interface DateTimeFields {
  /** 1 to 9999. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly second?: number;
  readonly microsecond?: number;
  /** -1439 to 1439; 0 is UTC. */
  readonly offsetMinutes?: number;
}

/**
 * A point in time, to the microsecond, as a clock at some distance from UTC shows it: Python's datetime with a time zone.
 *
 * It does not change. The calendar is the Gregorian one, before its invention as well.
 */
export class AmpDateTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  /** How far the clock is ahead of UTC, in minutes. */
  readonly offsetMinutes: number;

  /** UsageError for what no calendar or no clock shows; there are no leap seconds. */
  constructor(fields: DateTimeFields) {
    const { hour = 0, minute = 0, second = 0, microsecond = 0, offsetMinutes = 0 } = fields;
    const { year, month, day } = fields;
    const wrong = faultOf({ year, month, day, hour, minute, second, microsecond, offsetMinutes });
    if (wrong !== undefined) throw new UsageError(wrong);
    this.year = year;
    this.month = month;
    this.day = day;
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
    this.offsetMinutes = offsetMinutes;
  }

  /** The time of a Date, as a clock shows it that is so many minutes ahead of UTC. UsageError beyond year 1 to 9999. */
  static fromDate(date: { getTime(): number }, offsetMinutes = 0): AmpDateTime {
    const ms = date.getTime();
    if (!Number.isSafeInteger(ms)) throw new UsageError('the Date is invalid');
    const seconds = Math.floor(ms / 1000);
    return AmpDateTime.#at(seconds, (ms - seconds * 1000) * 1000, offsetMinutes);
  }

  /** The time of so many seconds since 1970 in UTC, and microseconds. UsageError beyond year 1 to 9999. */
  static #at(epochSeconds: number, microsecond: number, offsetMinutes: number): AmpDateTime {
    const shown = epochSeconds + offsetMinutes * 60;
    const days = Math.floor(shown / SECONDS_OF_DAY);
    const rest = shown - days * SECONDS_OF_DAY;
    return new AmpDateTime({
      ...dateOfDay(days + DAYS_TO_1970),
      hour: Math.floor(rest / 3600),
      minute: Math.floor(rest / 60) % 60,
      second: rest % 60,
      microsecond,
      offsetMinutes,
    });
  }

  /** A text as of ISO 8601 and RFC 3339, with `Z` or an offset; undefined for what is none. Seconds may be missing. */
  static parse(text: string): AmpDateTime | undefined {
    const parts = ISO.exec(text);
    if (parts === null) return undefined;
    const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
    const [, , , , , , , fraction = '', , sign, hours = '0', minutes = '0'] = parts;
    if (Number(minutes) > 59) return undefined;
    const size = Number(hours) * 60 + Number(minutes);
    return created({
      year: year as number,
      month: month as number,
      day: day as number,
      hour: hour as number,
      minute: minute as number,
      second: second as number,
      microsecond: Number(fraction.padEnd(6, '0')),
      offsetMinutes: sign === '-' && size > 0 ? -size : size,
    });
  }

  /** The same point in time on a clock that is so many minutes ahead of UTC. */
  withOffset(offsetMinutes: number): AmpDateTime {
    return AmpDateTime.#at(this.#epochSeconds, this.microsecond, offsetMinutes);
  }

  /** Milliseconds since 1970 in UTC, for `new Date(time.epochMs)`; microseconds beyond them are cut off. */
  get epochMs(): number {
    return this.#epochSeconds * 1000 + Math.floor(this.microsecond / 1000);
  }

  /** Negative if this point in time is before the other, 0 if it is the same, whatever the clocks show. */
  compare(other: AmpDateTime): number {
    return this.#epochSeconds - other.#epochSeconds || this.microsecond - other.microsecond;
  }

  /** Whether both are the same point in time. */
  equals(other: AmpDateTime): boolean {
    return this.compare(other) === 0;
  }

  /** As RFC 3339 wants it, always with microseconds; UTC is `Z`. */
  toString(): string {
    const offset = this.offsetMinutes === 0 ? 'Z' : offsetText(this.offsetMinutes);
    return clockText(this) + offset;
  }

  toJSON(): string {
    return this.toString();
  }

  get #epochSeconds(): number {
    const days = dayOfDate(this.year, this.month, this.day) - DAYS_TO_1970;
    return days * SECONDS_OF_DAY + this.hour * 3600 + (this.minute - this.offsetMinutes) * 60 + this.second;
  }
}

/** Points in time with microseconds and a distance from UTC: amp.DateTime. Always 32 bytes; UTC goes as `-00:00`. */
export const dateTime: ArgumentType<AmpDateTime> = {
  write: (value, sink) => {
    if (!(value instanceof AmpDateTime)) throw new UsageError(`a ${typeof value} is no AmpDateTime`);
    sink.ascii(clockText(value) + offsetText(value.offsetMinutes));
  },
  read: (bytes) => readDateTime(bytes, 0, bytes.length),
  readPart: readDateTime,
};

function readDateTime(bytes: Uint8Array, start: number, end: number): AmpDateTime {
  if (end - start !== WIRE_BYTES) throw new ArgumentError('no date and time of 32 bytes');
  const number = (at: number, count: number): number => digitsAt(bytes, start + at, count);
  const sign = bytes[start + 26];
  if (sign !== PLUS && sign !== MINUS) throw new ArgumentError('a date and time without a sign of its zone');
  const size = number(27, 2) * 60 + number(30, 2);
  // What stands between the numbers does not matter to Twisted.
  const found = created({
    year: number(0, 4),
    month: number(5, 2),
    day: number(8, 2),
    hour: number(11, 2),
    minute: number(14, 2),
    second: number(17, 2),
    microsecond: number(20, 6),
    offsetMinutes: sign === MINUS && size > 0 ? -size : size,
  });
  if (found === undefined) throw new ArgumentError('a date and time that there is not');
  return found;
}

/** The number that `count` digits say; NaN where they are none. */
function digitsAt(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function created(fields: Required<DateTimeFields>): AmpDateTime | undefined {
  return faultOf(fields) === undefined ? new AmpDateTime(fields) : undefined;
}

function faultOf(fields: Required<DateTimeFields>): string | undefined {
  const { year, month, day, offsetMinutes } = fields;
  if (!isWithin(year, 1, 9999)) return `the year is ${year}; it must be from 1 to 9999`;
  if (!isWithin(month, 1, 12)) return `the month is ${month}; it must be from 1 to 12`;
  const days = daysOfMonth(year, month);
  if (!isWithin(day, 1, days)) return `the day is ${day}; it must be from 1 to ${days}`;
  if (!isWithin(fields.hour, 0, 23)) return `the hour is ${fields.hour}; it must be from 0 to 23`;
  if (!isWithin(fields.minute, 0, 59)) return `the minute is ${fields.minute}; it must be from 0 to 59`;
  if (!isWithin(fields.second, 0, 59)) return `the second is ${fields.second}; it must be from 0 to 59`;
  if (!isWithin(fields.microsecond, 0, 999_999)) {
    return `the microsecond is ${fields.microsecond}; it must be from 0 to 999999`;
  }
  if (!isWithin(offsetMinutes, -MAX_OFFSET_MINUTES, MAX_OFFSET_MINUTES)) {
    return `the offset is ${offsetMinutes} minutes; it must be less than a day`;
  }
  return undefined;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysBefore(year: number, month: number): number {
  return (DAYS_BEFORE_MONTH[month - 1] as number) + (month > 2 && isLeap(year) ? 1 : 0);
}

function daysOfMonth(year: number, month: number): number {
  return month === 12 ? 31 : daysBefore(year, month + 1) - daysBefore(year, month);
}

/** Days since the first of January of the year 1. */
function dayOfDate(year: number, month: number, day: number): number {
  return daysBeforeYear(year) + daysBefore(year, month) + day - 1;
}

function daysBeforeYear(year: number): number {
  const past = year - 1;
  return past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
}

function dateOfDay(days: number): { year: number; month: number; day: number } {
  let year = Math.floor(days / 365.2425) + 1;
  // The mean year is right to a day or two.
  while (daysBeforeYear(year) > days) year -= 1;
  while (daysBeforeYear(year + 1) <= days) year += 1;
  const dayOfYear = days - daysBeforeYear(year);
  let month = 12;
  while (daysBefore(year, month) > dayOfYear) month -= 1;
  return { year, month, day: dayOfYear - daysBefore(year, month) + 1 };
}

function clockText(time: AmpDateTime): string {
  const date = `${padded(time.year, 4)}-${padded(time.month, 2)}-${padded(time.day, 2)}`;
  const clock = `${padded(time.hour, 2)}:${padded(time.minute, 2)}:${padded(time.second, 2)}`;
  return `${date}T${clock}.${padded(time.microsecond, 6)}`;
}

/** The sign is a plus only where the clock is ahead of UTC. */
function offsetText(offsetMinutes: number): string {
  const size = Math.abs(offsetMinutes);
  const sign = offsetMinutes > 0 ? '+' : '-';
  return `${sign}${padded(Math.floor(size / 60), 2)}:${padded(size % 60, 2)}`;
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
