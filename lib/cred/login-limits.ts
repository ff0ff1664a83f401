/** Where a login comes from. */
export interface LoginOrigin {
  /** The peer's address without its port, as the transport's getPeer has it. */
  readonly peer?: string;
}

/** How an attempt ended: 'abandoned' by the one who made it, 'unknown' where it was not found out whether it was right. */
export type AttemptEnd = 'succeeded' | 'failed' | 'abandoned' | 'unknown';

/** An attempt that is being made. */
export interface LimitedAttempt {
  /** Only the first call counts. */
  end(end: AttemptEnd): void;
}

/** Decides whether an attempt to log in is looked at. A LoginLimiter is one. */
export interface LoginLimits {
  /** Throws TooManyAttempts. An attempt counts from here on, so that many made at once do not get past. */
  admit(username: string | undefined, origin: LoginOrigin): LimitedAttempt;
}
