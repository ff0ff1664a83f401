import { HawserError } from '../../lib/errors.ts';

/** Why a file, or a whole session, was not transferred; what is said of it is true on both sides. */
const REASON_TEXTS = {
  'bad-name': 'its name is not one that every system can hold safely',
  'too-large': 'it is larger than the receiver allows',
  exists: 'the receiver has a file of that name',
  busy: 'the receiver is taking a file of that name already',
  'no-space': "the receiver's disk is full",
  'cannot-write': 'the receiver cannot write it',
  'cannot-read': 'the sender cannot read it',
  'not-a-file': 'it is not a regular file',
  changed: 'it changed while it was sent',
  corrupt: 'the bytes that arrived are not those that were sent',
  cancelled: 'the transfer was stopped',
  crowded: 'the receiver has too many senders',
  idle: 'no file was offered for 60 s',
  vanished: 'nothing was heard of the peer for 30 s',
  closed: 'the connection ended before the transfer was over',
  protocol: 'the peer does not speak this version of the protocol',
} as const;

/** Why a file was not transferred. */
export type TransferReason = keyof typeof REASON_TEXTS;

/** Those that are told to the peer, each with its code in a `fail` message. */
const CODES: ReadonlyMap<TransferReason, number> = new Map([
  ['bad-name', 1],
  ['too-large', 2],
  ['exists', 3],
  ['busy', 4],
  ['no-space', 5],
  ['cannot-write', 6],
  ['cannot-read', 7],
  ['not-a-file', 8],
  ['changed', 9],
  ['corrupt', 10],
  ['cancelled', 11],
  ['crowded', 12],
  ['idle', 13],
]);
const REASONS = new Map([...CODES].map(([reason, code]) => [code, reason]));

/** A file or a session that was not transferred. `reason` says why, `side` where it was found out. */
export class TransferError extends HawserError {
  readonly code = 'ERR_FILE_TRANSFER';
  readonly reason: TransferReason;
  readonly side: 'here' | 'peer';

  constructor(reason: TransferReason, options?: ErrorOptions & { side?: 'here' | 'peer' }) {
    super(REASON_TEXTS[reason], options);
    this.reason = reason;
    this.side = options?.side ?? 'here';
  }
}

/** The number that stands for `reason` on the wire. What is never told to the peer goes as `cancelled`. */
export function codeOfReason(reason: TransferReason): number {
  return CODES.get(reason) ?? 11;
}

/** A number that a newer peer sent and we do not know is a transfer that was stopped. */
export function reasonOfCode(code: number): TransferReason {
  return REASONS.get(code) ?? 'cancelled';
}

/** What a failed operation on the receiver's disk is to the transfer. */
export function writeFailure(error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return new TransferError('no-space', { cause: error });
  if (errno === 'EEXIST') return new TransferError('exists', { cause: error });
  return new TransferError('cannot-write', { cause: error });
}

function errnoOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
