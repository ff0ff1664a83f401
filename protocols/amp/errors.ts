import { ConnectionLost, HawserError, UsageError } from '../../lib/errors.ts';

/** Bytes that are no value of the argument's type, or an argument that is missing. `cause` says more where there is more. */
export class ArgumentError extends HawserError {
  readonly code = 'ERR_AMP_ARGUMENT';
}

/** What a TooLong is told. */
export interface TooLongOptions extends ErrorOptions {
  /** Whether it is a key; otherwise a value. */
  readonly isKey: boolean;
  /** Whether this side wanted to send it; otherwise the peer did. */
  readonly isLocal: boolean;
  /** The key of a value that is too long. */
  readonly keyName?: string;
}

/** A key of more than 255 bytes, or a value of more than 65535. Nothing was sent. */
export class TooLong extends HawserError {
  readonly code = 'ERR_AMP_TOO_LONG';
  readonly isKey: boolean;
  readonly isLocal: boolean;
  readonly keyName: string | undefined;

  constructor(message: string, options: TooLongOptions) {
    super(message, options);
    this.isKey = options.isKey;
    this.isLocal = options.isLocal;
    this.keyName = options.keyName;
  }
}

/** A box without keys, or one that is neither a call nor an answer nor an error. The connection ends. */
export class NoEmptyBoxes extends ConnectionLost {
  override readonly code = 'ERR_AMP_NO_EMPTY_BOXES';
  constructor(message = 'a box that says nothing came', options?: ErrorOptions) {
    super(message, options);
  }
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

  constructor(error: RemoteError, options?: ErrorOptions) {
    super(error.message, options);
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

/** The connection is secured already, or is about to be. */
export class OnlyOneTls extends HawserError {
  readonly code = 'ERR_AMP_ONLY_ONE_TLS';
  constructor(message = 'the connection is, or is being, secured already', options?: ErrorOptions) {
    super(message, options);
  }
}

/** More calls wait for answers than `maxOutstandingCalls` allows. Nothing was sent. */
export class TooManyCalls extends UsageError {
  override readonly code = 'ERR_AMP_TOO_MANY_CALLS';
}
