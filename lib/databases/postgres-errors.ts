import { DatabaseError, type DatabaseFault, toError } from '../errors.ts';

/** What pg says itself, by the beginning of its text: it gives no codes. */
const OF_THE_CLIENT: readonly (readonly [start: string, fault: DatabaseFault, advice: string])[] = [
  ['timeout exceeded when trying to connect', 'busy', 'all its connections are busy'],
  ['Query read timeout', 'too-slow', 'no answer within the time limit'],
  ['SASL:', 'unreachable', 'it wants a password: put one into ~/.pgpass or PGPASSWORD'],
  ['Cannot use a pool after calling end', 'closed', 'the database was closed'],
  ['The server does not support SSL', 'unreachable', 'it offers no TLS: sslmode=disable goes without'],
];

/** Classes of SQLSTATE that are about the server and who may use it, not about the statement. */
const OF_THE_SERVER = /^(?:08|28|3D|53|57P|58|XX)/;

/** Classes whose messages quote values: those must not come into logs. */
const WITH_VALUES = /^2[23]/;

/**
 * What pg failed with, in our words. The error itself stays behind: its `detail` shows whole rows, verifiers included,
 * and what the URL parser throws shows the password.
 */
export function toDatabaseError(error: unknown, place: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { message } = toError(error);
  const code = codeOf(error);
  // Not EPIPE, which is as long: an SQLSTATE has a digit.
  if (/^(?=.*[0-9])[0-9A-Z]{5}$/.test(code)) return ofState(code, message, place);
  for (const [start, fault, advice] of OF_THE_CLIENT) {
    if (message.startsWith(start)) return new DatabaseError(fault, `${place}: ${advice}`);
  }
  // Connecting to several addresses in turn fails without a message of its own.
  return new DatabaseError('unreachable', `${place} does not answer: ${message === '' ? code : message}`);
}

function ofState(state: string, message: string, place: string): DatabaseError {
  if (state === '42P01') return new DatabaseError('missing-table', `${place}: ${message}`);
  if (state === '57014') {
    return new DatabaseError('too-slow', `${place} stopped a statement at the time limit`);
  }
  if (WITH_VALUES.test(state)) {
    return new DatabaseError('refused', `${place} refused a value of a statement (SQLSTATE ${state})`);
  }
  const fault = OF_THE_SERVER.test(state) ? 'unreachable' : 'refused';
  return new DatabaseError(fault, `${place}: ${message} (SQLSTATE ${state})`);
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}
