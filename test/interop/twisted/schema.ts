// The commands of peer/interop_schema.py.
import {
  ampList,
  boolean,
  bytes,
  dateTime,
  decimal,
  defineCommand,
  defineProtocolSwitch,
  float,
  integer,
  listOf,
  optional,
  path,
  unicode,
} from '../../../protocols/amp/index.ts';

/** Declared, and not fatal. */
export class BadThing extends Error {}

/** Declared and fatal: the server sends the error and then closes. */
export class WorseThing extends Error {}

/** Declared by FailChild alone. */
export class ZeroDivisionError extends Error {}

/** Not declared: the caller is told of an unknown error, then the server closes. */
export class Undeclared extends Error {}

const EVERY = {
  integer,
  string: bytes,
  float,
  boolean,
  unicode,
  path,
  'list-of-integer': listOf(integer),
  'list-of-unicode': listOf(unicode),
  'list-of-list': listOf(listOf(integer)),
  'list-of-float': listOf(float),
  'list-of-decimal': listOf(decimal),
  'list-of-datetime': listOf(dateTime),
  'amp-list': ampList({ x: integer, y: optional(unicode), z: listOf(boolean) }),
  decimal,
  datetime: dateTime,
  from: integer,
  'opt-integer': optional(integer),
  'opt-amp-list': optional(ampList({ q: bytes })),
} as const;

export const EchoEverything = defineCommand({ name: 'echo-everything', arguments: EVERY, response: EVERY });

export const EchoString = defineCommand({
  name: 'echo-string',
  arguments: { value: bytes },
  response: { value: bytes },
});

export const EchoFloat = defineCommand({
  name: 'echo-float',
  arguments: { value: float },
  response: { value: float },
});

export const EchoDecimal = defineCommand({
  name: 'echo-decimal',
  arguments: { value: decimal },
  response: { value: decimal },
});

export const EchoDateTime = defineCommand({
  name: 'echo-datetime',
  arguments: { value: dateTime },
  response: { value: dateTime },
});

export const Sum = defineCommand({
  name: 'Sum',
  arguments: { a: integer, b: integer },
  response: { total: integer },
});

/** Answered after so many milliseconds: answers can come out of order. */
export const Delayed = defineCommand({
  name: 'delayed',
  arguments: { milliseconds: integer, token: integer },
  response: { token: integer },
});

const FAIL_ARGUMENTS = { kind: bytes, message: unicode } as const;

export const Fail = defineCommand({
  name: 'fail',
  arguments: FAIL_ARGUMENTS,
  errors: { BAD_THING: BadThing },
  fatalErrors: { WORSE_THING: WorseThing },
});

/** Has the errors of Fail and one more. */
export const FailChild = defineCommand({
  name: 'fail-child',
  arguments: FAIL_ARGUMENTS,
  extends: Fail,
  errors: { ZERO_DIVISION: ZeroDivisionError },
});

export const BigAnswer = defineCommand({
  name: 'big-answer',
  arguments: { size: integer },
  response: { value: bytes },
});

/** Asks for no answer; the server counts them. */
export const Note = defineCommand({ name: 'note', arguments: { text: unicode }, requiresAnswer: false });

export const NoteCount = defineCommand({ name: 'note-count', response: { count: integer } });

/** The server calls Sum over the same connection before it answers. */
export const CallMeBack = defineCommand({
  name: 'call-me-back',
  arguments: { a: integer, b: integer },
  response: { total: integer },
});

/** After the answer, which is empty, the connection is an echo in capitals. */
export const SwitchToEcho = defineProtocolSwitch({
  name: 'switch-to-echo',
  arguments: { ok: boolean },
  errors: { BAD_THING: BadThing },
});

/** A sum as Python knows it: exact, however large. */
export function plus(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a + b)) return a + b;
  return BigInt(a) + BigInt(b);
}
