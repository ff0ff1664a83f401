/** Root of every error that leaves hawser. `code` is stable and documented; messages are not API. */
export abstract class HawserError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The caller broke a contract; thrown synchronously. */
export class UsageError extends HawserError {
  readonly code: string = 'ERR_USAGE';
}

/** hawser broke a rule of its own: a bug, never caught on purpose. */
export class InvariantError extends HawserError {
  readonly code = 'ERR_INVARIANT';
}

/** Asserts a rule that our own code keeps. What a peer or a caller may do wrong is not an invariant. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The connection ended well: both sides closed and every byte arrived. */
export class ConnectionDone extends HawserError {
  readonly code = 'ERR_CONNECTION_DONE';
  constructor(message = 'the connection was closed cleanly', options?: ErrorOptions) {
    super(message, options);
  }
}

/** The connection ended, and not well. Bytes may be missing. */
export class ConnectionLost extends HawserError {
  readonly code: string = 'ERR_CONNECTION_LOST';
  constructor(message = 'the connection was lost', options?: ErrorOptions) {
    super(message, options);
  }
}

/** The peer reset the connection. */
export class ConnectionReset extends ConnectionLost {
  override readonly code = 'ERR_CONNECTION_RESET';
  constructor(message = 'the peer reset the connection', options?: ErrorOptions) {
    super(message, options);
  }
}

/** This side aborted the connection, by abortConnection or because user code threw (see `cause`). */
export class ConnectionAborted extends ConnectionLost {
  override readonly code = 'ERR_CONNECTION_ABORTED';
  constructor(message = 'the connection was aborted by this side', options?: ErrorOptions) {
    super(message, options);
  }
}

/** Root of the ways in which a connection is never made. */
export class ConnectError extends HawserError {
  readonly code: string = 'ERR_CONNECT';
}

/** Nobody listens there, or the peer refused. */
export class ConnectionRefused extends ConnectError {
  override readonly code = 'ERR_CONNECTION_REFUSED';
  constructor(message = 'the connection was refused', options?: ErrorOptions) {
    super(message, options);
  }
}

/** The host name has no address. */
export class DnsLookupError extends ConnectError {
  override readonly code = 'ERR_DNS_LOOKUP';
}

/** No route to the peer. */
export class NoRoute extends ConnectError {
  override readonly code = 'ERR_NO_ROUTE';
}

/** The attempt was stopped by its owner: stopConnecting, or cancel of the Deferred. */
export class ConnectingCancelled extends ConnectError {
  override readonly code = 'ERR_CONNECTING_CANCELLED';
  constructor(message = 'connecting was cancelled', options?: ErrorOptions) {
    super(message, options);
  }
}

/** `stopConnecting` when nothing is being connected. */
export class NotConnecting extends UsageError {
  override readonly code = 'ERR_NOT_CONNECTING';
}

/** The factory's buildProtocol returned undefined. */
export class NoProtocol extends ConnectError {
  override readonly code = 'ERR_NO_PROTOCOL';
  constructor(message = 'the factory built no protocol', options?: ErrorOptions) {
    super(message, options);
  }
}

/** Root of the ways in which TLS fails, in the handshake or later. `cause` is what was noticed below, where there is such. */
export class TlsError extends HawserError {
  readonly code: string = 'ERR_TLS';
}

/** The peer's certificate is refused: nobody who is trusted here vouches for it. Root of the other reasons to refuse. */
export class CertificateUntrusted extends TlsError {
  override readonly code: string = 'ERR_CERTIFICATE_UNTRUSTED';
  /** SHA-256 of the certificate that was refused, as in PeerCertificate; undefined where the peer showed none. */
  readonly fingerprint: string | undefined;
  constructor(message: string, options?: ErrorOptions & { readonly fingerprint?: string | undefined }) {
    super(message, options);
    this.fingerprint = options?.fingerprint;
  }
}

/** The peer's certificate vouches for itself, and was not pinned. */
export class CertificateSelfSigned extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_SELF_SIGNED';
}

/** The peer's certificate, or one that vouches for it, is out of date. */
export class CertificateExpired extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_EXPIRED';
}

/** The peer's certificate, or one that vouches for it, is for later; or a clock is wrong. */
export class CertificateNotYetValid extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_NOT_YET_VALID';
}

/** The peer's certificate is for other names than the one that was connected to. */
export class CertificateNameMismatch extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_NAME';
}

/** The peer's certificate is not the one that was pinned. */
export class CertificatePinMismatch extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_PIN';
}

/** The peer's certificate was made for something else than this end of TLS. */
export class CertificateWrongPurpose extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_PURPOSE';
}

/** The peer showed no certificate, and one is required. */
export class CertificateMissing extends CertificateUntrusted {
  override readonly code = 'ERR_CERTIFICATE_MISSING';
}

/** The peer refused our certificate, or that we have none. */
export class CertificateRejected extends TlsError {
  override readonly code = 'ERR_CERTIFICATE_REJECTED';
}

/** The two have no application protocol in common (ALPN). */
export class NoCommonAlpn extends TlsError {
  override readonly code = 'ERR_TLS_ALPN';
}

/** The two have no version of TLS in common. */
export class NoCommonTlsVersion extends TlsError {
  override readonly code = 'ERR_TLS_VERSION';
}

/** The handshake took too long. */
export class TlsTimeout extends TlsError {
  override readonly code = 'ERR_TLS_TIMEOUT';
}

/** What the peer sends is not TLS. */
export class NotTls extends TlsError {
  override readonly code = 'ERR_NOT_TLS';
}

/** The connection below ended without TLS's goodbye: somebody may have cut off what came last. */
export class TlsTruncated extends ConnectionLost {
  override readonly code = 'ERR_TLS_TRUNCATED';
  constructor(
    message = 'the connection ended without close_notify; bytes may be missing',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** startTLS on a connection that has TLS, or is about to have it. */
export class OnlyOneTls extends UsageError {
  override readonly code = 'ERR_ONLY_ONE_TLS';
}

/** The port could not be bound; `cause` is the system's error. */
export class CannotListen extends HawserError {
  readonly code = 'ERR_CANNOT_LISTEN';
}

/** A file that was asked for cannot be written; `cause` is the system's error. */
export class CannotWrite extends HawserError {
  readonly code = 'ERR_CANNOT_WRITE';
}

/** What is wrong with a database: nobody answers, others hold it, it takes too long, a table is missing, it says no. */
export type DatabaseFault = 'unreachable' | 'busy' | 'too-slow' | 'missing-table' | 'refused' | 'closed';

/** A database did not do what it was asked. Neither a password nor a value of a row is in the message. */
export class DatabaseError extends HawserError {
  readonly code = 'ERR_DATABASE';
  readonly fault: DatabaseFault;
  constructor(fault: DatabaseFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** A package is needed that hawser does not bring along; the message says how to install it. */
export class MissingPackage extends HawserError {
  readonly code = 'ERR_MISSING_PACKAGE';
}

/** A file that was asked for cannot be read, or does not hold what it should; `cause` is the system's error, if any. */
export class CannotRead extends HawserError {
  readonly code = 'ERR_CANNOT_READ';
}

/** A time limit ran out: a Deferred's, a handshake's, or a peer's silence. */
export class TimeoutError extends HawserError {
  readonly code = 'ERR_TIMEOUT';
  constructor(message = 'the time limit ran out', options?: ErrorOptions) {
    super(message, options);
  }
}

/** The Deferred was cancelled. */
export class CancelledError extends HawserError {
  readonly code = 'ERR_CANCELLED';
  constructor(message = 'cancelled', options?: ErrorOptions) {
    super(message, options);
  }
}

/** callback or errback on a Deferred that was fired before. */
export class AlreadyCalledError extends UsageError {
  override readonly code = 'ERR_ALREADY_CALLED';
}

/** cancel, reset or delay on a delayed call that was cancelled before. */
export class AlreadyCancelledError extends UsageError {
  override readonly code = 'ERR_ALREADY_CANCELLED';
}

/** A datagram larger than its carrier takes. */
export class MessageLengthError extends UsageError {
  override readonly code = 'ERR_MESSAGE_LENGTH';
}

/** An address that is no address of the socket's family, or one that cannot be sent to. */
export class InvalidAddressError extends UsageError {
  override readonly code = 'ERR_INVALID_ADDRESS';
}

/** stop on a reactor that is not running. */
export class ReactorNotRunning extends UsageError {
  override readonly code = 'ERR_REACTOR_NOT_RUNNING';
}

/** run on a reactor that is running. */
export class ReactorAlreadyRunning extends UsageError {
  override readonly code = 'ERR_REACTOR_ALREADY_RUNNING';
}

/** Something that is no Error was thrown, or a promise was rejected with it; `cause` is that thing. */
export class NotAnError extends HawserError {
  readonly code = 'ERR_NOT_AN_ERROR';
}

/** What was thrown, as an Error: itself if it is one (of any realm), else a NotAnError around it. */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  // Only what surely can be shown: an object may have no toString, or a bad one.
  const shown = typeof thrown === 'string' ? thrown : typeof thrown;
  return new NotAnError(`something that is no Error was thrown: ${shown}`, { cause: thrown });
}

/** Whether `thrown` is an Error, of this realm or another. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]';
}

/** Returns `error`, typed, if it is of one of `classes`; throws it on otherwise. For the first line of an errback. */
export function trap<E extends Error>(
  error: Error,
  ...classes: readonly (abstract new (
    ...args: never[]
  ) => E)[]
): E {
  for (const known of classes) {
    if (error instanceof known) return error;
  }
  throw error;
}

/** One of several Deferreds failed: the one at `index`, with `cause`. */
export class FirstError extends HawserError {
  readonly code = 'ERR_FIRST_FAILURE';
  readonly index: number;
  declare readonly cause: Error;
  constructor(index: number, cause: Error) {
    super(`number ${index} failed: ${cause.message}`, { cause });
    this.index = index;
  }
}

/** Every one of several Deferreds failed; `errors` has their errors in the order of the Deferreds. */
export class AllFailed extends HawserError {
  readonly code = 'ERR_ALL_FAILED';
  readonly errors: readonly Error[];
  constructor(errors: readonly Error[]) {
    super(`all of ${errors.length} failed`);
    this.errors = errors;
  }
}

/** put on a DeferredQueue that is full. */
export class QueueOverflow extends HawserError {
  readonly code = 'ERR_QUEUE_OVERFLOW';
}

/** get on a DeferredQueue for which too many wait already. */
export class QueueUnderflow extends HawserError {
  readonly code = 'ERR_QUEUE_UNDERFLOW';
}

/** Why a CooperativeTask cannot be paused, resumed or stopped any more. */
export class TaskFinished extends HawserError {
  readonly code: string = 'ERR_TASK_FINISHED';
}

/** The task's iterator came to its end. */
export class TaskDone extends TaskFinished {
  override readonly code = 'ERR_TASK_DONE';
}

/** The task's iterator threw, or a Deferred it yielded failed; see `cause`. */
export class TaskFailed extends TaskFinished {
  override readonly code = 'ERR_TASK_FAILED';
}

/** The task was stopped. */
export class TaskStopped extends TaskFinished {
  override readonly code = 'ERR_TASK_STOPPED';
}

/** The Cooperator of the task was stopped. */
export class SchedulerStopped extends TaskFinished {
  override readonly code = 'ERR_SCHEDULER_STOPPED';
}

/** Root of the ways in which somebody is not let in. */
export abstract class Unauthorized extends HawserError {
  readonly code: string = 'ERR_UNAUTHORIZED';
}

/** A login that came to nothing. What is more than this is a failure of ours, and not the peer's business. */
export abstract class LoginFailed extends Unauthorized {
  override readonly code: string = 'ERR_LOGIN_FAILED';
}

/** The credentials do not hold. The text is the same whatever was wrong with them. */
export class UnauthorizedLogin extends LoginFailed {
  override readonly code = 'ERR_UNAUTHORIZED_LOGIN';
  constructor(message = 'the login was refused: the name or the secret is wrong', options?: ErrorOptions) {
    super(message, options);
  }
}

/** No checker takes credentials of this kind. */
export class UnhandledCredentials extends LoginFailed {
  override readonly code = 'ERR_UNHANDLED_CREDENTIALS';
}

/** The credentials hold, and still their owner may not come in: a realm says so, or the connection has a user already. */
export class LoginDenied extends LoginFailed {
  override readonly code = 'ERR_LOGIN_DENIED';
  constructor(message = 'the login was denied', options?: ErrorOptions) {
    super(message, options);
  }
}

/** Too many logins failed, or are being checked: the next one is not looked at before `retryAfterMs` are over. */
export class TooManyAttempts extends LoginFailed {
  override readonly code = 'ERR_TOO_MANY_ATTEMPTS';
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number, options?: ErrorOptions) {
    super(`too many logins; try again in ${Math.ceil(retryAfterMs / 1000)} s`, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A server could not show that it knows the user who logs in, or asked for what no honest server asks for. */
export class UnverifiedServer extends Unauthorized {
  override readonly code = 'ERR_UNVERIFIED_SERVER';
}

/** The place where users are kept cannot be read or written; `cause` is its own error. */
export class UserStoreFailure extends HawserError {
  readonly code: string = 'ERR_USER_STORE';
}

/** Somebody else is changing the users just now: try again. */
export class UserStoreBusy extends UserStoreFailure {
  override readonly code = 'ERR_USER_STORE_BUSY';
}
