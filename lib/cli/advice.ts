import type { TransferError, TransferReason } from '../../protocols/file-transfer/index.ts';
import {
  CannotListen,
  CannotRead,
  ConnectionRefused,
  DnsLookupError,
  HawserError,
  NoRoute,
  TimeoutError,
  TlsError,
  UsageError,
} from '../errors.ts';
import { CommandFailure, ExitStatus } from './exit-status.ts';
import { printable } from './printable.ts';
import { explainTls } from './tls-advice.ts';

/** Which end of a transfer a command is. */
export type Role = 'sender' | 'receiver';

const GOES_ON = 'it goes on where it stopped';

/** What to do about each reason, at either end. */
const ADVICE: Readonly<Record<TransferReason, Readonly<Record<Role, string>>>> = {
  'bad-name': { sender: 'rename it', receiver: 'the sender must rename it' },
  'too-large': {
    sender: 'the receiver may allow more with --max-size',
    receiver: 'allow more with --max-size',
  },
  exists: {
    sender: 'rename yours, or start the receiver with --overwrite',
    receiver: 'move it away, or start again with --overwrite',
  },
  busy: {
    sender: 'send it when that one is over; a sender that was killed is missed after 30 s',
    receiver: 'it can be sent when that one is over',
  },
  'no-space': {
    sender: `send it again when there is room: ${GOES_ON}`,
    receiver: `make room and have it sent again: ${GOES_ON}`,
  },
  'cannot-write': {
    sender: "check the receiver's folder and its permissions",
    receiver: 'check --dir and its permissions',
  },
  'cannot-read': { sender: 'check its path and its permissions', receiver: 'the sender must look into it' },
  'not-a-file': {
    sender: 'send the files in it, or pack it first',
    receiver: 'the sender must look into it',
  },
  changed: {
    sender: 'send it again when nothing writes to it any more',
    receiver: 'have it sent again when nothing writes to it any more',
  },
  corrupt: { sender: `send it again: ${GOES_ON}`, receiver: `have it sent again: ${GOES_ON}` },
  cancelled: { sender: `send it again: ${GOES_ON}`, receiver: `have it sent again: ${GOES_ON}` },
  crowded: { sender: 'try again later', receiver: 'they may try again later' },
  idle: { sender: `send it again: ${GOES_ON}`, receiver: 'they may connect again when they have one' },
  vanished: {
    sender: `check the network and the receiver, then send it again: ${GOES_ON}`,
    receiver: `check the network and the sender, then have it sent again: ${GOES_ON}`,
  },
  closed: {
    sender: `see what the receiver says, then send it again: ${GOES_ON}`,
    receiver: `see what the sender says, then have it sent again: ${GOES_ON}`,
  },
  protocol: {
    sender: "check that a 'hawser receive' of this version listens there",
    receiver: "only a 'hawser send' of this version can send here",
  },
};

/** One line: what became of a transfer, why, and what to do. `what` may hold anything: it is made printable. */
export function explainTransfer(what: string, error: TransferError, role: Role): string {
  const lower = isErrno(error.cause) ? ` (${error.cause.code})` : '';
  const verb = role === 'sender' ? 'sent' : 'received';
  return `${printable(what)} was not ${verb}: ${error.message}${lower}; ${ADVICE[error.reason][role]}`;
}

/** One line: why a whole session came to nothing, and what to do. */
export function explainSession(peer: string, error: TransferError, role: Role): string {
  // With TLS 1.3 a client learns that it was refused when it believes to be connected (RFC 8446 §4.4.2.4).
  if (error.cause instanceof TlsError && role === 'sender') return explainTls(shownPlace(peer), error.cause);
  return `${shownPlace(peer)}: ${error.message}; ${ADVICE[error.reason][role]}`;
}

/** One line: why `endpoint` could not be connected to or listened on, and what to do. */
export function explainNetwork(endpoint: string, error: unknown): CommandFailure {
  const where = shownPlace(endpoint);
  const failure = (text: string): CommandFailure =>
    new CommandFailure(text, ExitStatus.unreachable, { cause: error });
  if (error instanceof ConnectionRefused) {
    return failure(`nobody listens on ${where}; start 'hawser receive' there, or check host and port`);
  }
  if (error instanceof TimeoutError) {
    return failure(`no answer from ${where}; check host and port, and that no firewall is between`);
  }
  if (error instanceof DnsLookupError) {
    return failure(`${where}: the host name has no address; check its spelling`);
  }
  if (error instanceof NoRoute)
    return failure(`there is no way to ${where}; check the address and the network`);
  if (error instanceof CannotListen) return failure(explainListening(where, error));
  if (error instanceof TlsError) return failure(explainTls(where, error));
  if (error instanceof UsageError || error instanceof CannotRead)
    return new CommandFailure(`${where}: ${error.message}`, ExitStatus.usage, { cause: error });
  if (error instanceof HawserError) return failure(`${where}: ${printable(error.message)}`);
  throw error;
}

/** An endpoint in a message: printable, and without the digits of its pins, which say nothing to a reader. */
function shownPlace(endpoint: string): string {
  return printable(endpoint.replace(/:pin=(?:\\:|[^:])*/g, ''));
}

function explainListening(where: string, error: CannotListen): string {
  const code = isErrno(error.cause) ? error.cause.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `cannot listen on ${where}: the port is taken; choose another with --listen`;
    case 'EACCES':
      return `cannot listen on ${where}: ports below 1024 are for root; choose another with --listen`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${where}: this machine has no such address; check --interface`;
    default:
      return `cannot listen on ${where}: ${printable(error.message)}`;
  }
}

function isErrno(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
