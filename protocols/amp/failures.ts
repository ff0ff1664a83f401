import { toError } from '../../lib/errors.ts';
import { MAX_VALUE_BYTES } from './box.ts';
import type { Command } from './command.ts';
import { UNHANDLED_CODE, UNKNOWN_CODE } from './declared-errors.ts';
import { RemoteAmpError, UnhandledCommand, UnknownRemoteError } from './errors.ts';
import type { ErrorReport } from './outbox.ts';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** What becomes of a call whose responder failed. */
export interface Failure extends ErrorReport {
  readonly isFatal: boolean;
  /** Whether the command, or the responder, said that this may happen. */
  readonly isDeclared: boolean;
}

/** What the caller is told whose answer no box can hold. Twisted drops the connection instead. */
export const ANSWER_TOO_LONG: ErrorReport = { code: 'TOO_LONG', description: 'The answer is too long' };

/** What the caller is told of `error`: of what is not declared, nothing. */
export function failureOf(error: Error, command: Command | undefined): Failure {
  const declared = command?.wire.errors.find(error);
  if (declared !== undefined) {
    const { code, isFatal } = declared;
    return { code, description: shortened(error.message), isFatal, isDeclared: true };
  }
  if (isChosen(error)) {
    const { remoteCode: code, isFatal } = error;
    return { code, description: shortened(error.message), isFatal, isDeclared: true };
  }
  return { code: UNKNOWN_CODE, description: 'Unknown Error', isFatal: false, isDeclared: false };
}

/** What the caller of a command that nobody answers is told. The text is Twisted's, a Python repr. */
export function unhandled(name: string): ErrorReport {
  return { code: UNHANDLED_CODE, description: shortened(`Unhandled Command: b'${name}'`) };
}

/** The error that a call fails with when its peer reports `code` and `message`. */
export function remoteFailure(command: Command | undefined, code: string, message: string): Error {
  if (code === UNHANDLED_CODE) return new UnhandledCommand({ code, message });
  if (command === undefined) return new RemoteAmpError({ code, message });
  const declared = command.wire.errors.findCode(code);
  if (declared === undefined) return new UnknownRemoteError({ code, message });
  try {
    return toError(new declared.errorClass(message));
  } catch (thrown) {
    return new UnknownRemoteError({ code, message }, { cause: thrown });
  }
}

/** Texts of errors are for people: bytes that are no UTF-8 spoil some characters, and nothing else. */
export function descriptionText(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

/** Errors of calls that the responder made in turn are not its own, and say nothing of the command. */
function isChosen(error: Error): error is RemoteAmpError {
  return (
    error instanceof RemoteAmpError &&
    !(error instanceof UnknownRemoteError) &&
    !(error instanceof UnhandledCommand)
  );
}

/** The text, cut where it would be too long for a box. */
function shortened(text: unknown): string {
  const given = String(text);
  if (given.length * 3 <= MAX_VALUE_BYTES) return given;
  const { read } = ENCODER.encodeInto(given, new Uint8Array(MAX_VALUE_BYTES));
  return given.slice(0, read);
}
