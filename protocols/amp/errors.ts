import { ConnectionLost, HawserError, UsageError } from '../../lib/errors.ts';
import { refuseName } from './declared-errors.ts';

/** A key or a value that is longer than a box can hold: 255 and 65 535 bytes. */
export class TooLong extends HawserError {
  readonly code = 'ERR_AMP_TOO_LONG';
  /** Whether it is the key, and not its value. */
  readonly isKey: boolean;
  /** Whether we wanted to send it. Otherwise it came, and the connection ends. */
  readonly isLocal: boolean;
  /** How many bytes it has; where a value grew too long while it was written, how many it had by then. */
  readonly length: number;
  /** The key, or that of the value; undefined where it cannot be known. */
  readonly keyName: string | undefined;

  constructor(what: TooLongDetails, options?: ErrorOptions) {
    super(textOf(what), options);
    this.isKey = what.isKey;
    this.isLocal = what.isLocal;
    this.length = what.length;
    this.keyName = what.keyName;
  }
}

/** What a TooLong says. */
export interface TooLongDetails {
  readonly isKey: boolean;
  readonly isLocal: boolean;
  readonly length: number;
  readonly keyName?: string | undefined;
}

function textOf({ isKey, isLocal, length, keyName }: TooLongDetails): string {
  const what = isKey ? 'a key' : keyName === undefined ? 'a value' : `the value of '${keyName}'`;
  const limit = isKey ? '255 bytes' : '65535 bytes';
  const whose = isLocal ? '' : ' that came';
  return `${what}${whose} is too long: ${length} bytes of at most ${limit}`;
}

/** A box without a key, or one that says neither what is asked nor what it answers. */
export class NoEmptyBoxes extends HawserError {
  readonly code = 'ERR_AMP_EMPTY_BOX';
  constructor(message = 'a box must not be empty', options?: ErrorOptions) {
    super(message, options);
  }
}

/** The peer sent a box beyond the limits that the reader was given. */
export class BoxTooLarge extends HawserError {
  readonly code = 'ERR_AMP_BOX_TOO_LARGE';
}

/** Bytes that came are no value of their argument's type, or the argument is missing. */
export class ArgumentError extends HawserError {
  readonly code = 'ERR_AMP_ARGUMENT';
  /** The name of the argument on the wire, where it is known. */
  readonly argument: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly argument?: string }) {
    super(message, options);
    this.argument = options?.argument;
  }
}

/** The call, the answer or the schema is not what its types ask for. */
export class InvalidSignature extends UsageError {
  override readonly code = 'ERR_AMP_INVALID_SIGNATURE';
}

/** The peer broke another rule of AMP; the connection ends. */
export class ProtocolViolation extends ConnectionLost {
  override readonly code = 'ERR_AMP_PROTOCOL_VIOLATION';
}

/** What a responder throws as an error of its own choice, and what the caller is told of one. */
export interface RemoteError {
  /** On the wire; each character is a byte. */
  readonly code: string;
  readonly message: string;
  /** Whether the connection ends with it. */
  readonly isFatal?: boolean;
}

/**
 * An error with a code that the command need not declare. Thrown by a responder it is sent as it is; at a caller of raw
 * boxes it is what came.
 */
export class RemoteAmpError extends HawserError {
  readonly code: string = 'ERR_AMP_REMOTE';
  /** The code on the wire. */
  readonly remoteCode: string;
  readonly isFatal: boolean;

  /** UsageError for a code that is none. */
  constructor(error: RemoteError, options?: ErrorOptions) {
    super(error.message, options);
    if (error.code !== '') refuseName(error.code, 'the code of an error');
    this.remoteCode = error.code;
    this.isFatal = error.isFatal ?? false;
  }
}

/** The peer's error has a code that the command does not declare: UNKNOWN where its responder failed. */
export class UnknownRemoteError extends RemoteAmpError {
  override readonly code = 'ERR_AMP_UNKNOWN_REMOTE';
}

/** The peer has no responder for the command. */
export class UnhandledCommand extends RemoteAmpError {
  override readonly code = 'ERR_AMP_UNHANDLED_COMMAND';
}

/** A responder did not return what its command answers. `cause` says more where there is more. */
export class BadLocalReturn extends HawserError {
  readonly code = 'ERR_AMP_BAD_LOCAL_RETURN';
}

/** The connection becomes, or became, one of another protocol: no box can be sent. */
export class ProtocolSwitched extends HawserError {
  readonly code = 'ERR_AMP_PROTOCOL_SWITCHED';
  constructor(message = 'the connection is no longer AMP', options?: ErrorOptions) {
    super(message, options);
  }
}

/** More calls wait for answers than `maxOutstandingCalls` allows. Nothing was sent. */
export class TooManyCalls extends UsageError {
  override readonly code = 'ERR_AMP_TOO_MANY_CALLS';
}
