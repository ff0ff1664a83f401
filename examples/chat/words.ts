// What is said when something goes wrong: one line, and what to do about it.
import {
  CertificatePinMismatch,
  CertificateUntrusted,
  ConnectionDone,
  ConnectionLost,
  ConnectionRefused,
  HawserError,
} from 'hawser';
import { UnhandledCommand, UnknownRemoteError } from 'hawser/protocols/amp';
import { harmless } from './harmless.ts';

/** Writes a complaint where it does not get among what is said in the room. */
export function complain(line: string): void {
  process.stderr.write(`chat: ${harmless(line)}\n`);
}

/** Why something failed, in a line. What is no error of the network or the user is a bug, and thrown on. */
export function explain(error: unknown): string {
  if (error instanceof CertificatePinMismatch) {
    return `${error.message}; somebody may be in the middle: ask whoever runs the server for its pin`;
  }
  if (error instanceof CertificateUntrusted) {
    return `${error.message}; the server prints its pin when it starts`;
  }
  if (error instanceof ConnectionRefused) return `${error.message}; is the server running there?`;
  if (error instanceof ConnectionDone) return 'the server has closed the connection';
  if (error instanceof ConnectionLost) return `the connection was lost: ${error.message}`;
  if (error instanceof UnhandledCommand) return 'what answers there is no chat server';
  // The server tells strangers nothing of its troubles.
  if (error instanceof UnknownRemoteError) return 'something is broken at the server; its log says what';
  if (error instanceof HawserError) return error.message;
  throw error;
}
