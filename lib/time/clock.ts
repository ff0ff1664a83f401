/** A point in time in milliseconds, fractions allowed, on a clock that never steps back. Its zero means nothing. */
export type Instant = number;

/** The instant that never comes. */
export const NEVER: Instant = Number.POSITIVE_INFINITY;

/** A call that a Clock was asked to make later. Modelled on Twisted's IDelayedCall. */
export interface DelayedCall {
  /** When it is due, on its clock. */
  readonly dueAt: Instant;
  /** Whether it is still to come: false once it was cancelled, fired, or is running. */
  readonly active: boolean;
  /** Takes the call back. Throws AlreadyCalledError or AlreadyCancelledError when there is none left to take. */
  cancel(): void;
  /** Makes it due `delayMs` from now instead. Throws as `cancel` does. */
  reset(delayMs: number): void;
  /** Moves it by `delayMs`, which may be negative. Throws as `cancel` does. */
  delay(delayMs: number): void;
  /** Whether the process must stay alive for this call. True at first. */
  keepAlive(isNeeded: boolean): void;
}

/** Where time comes from. Modelled on Twisted's IReactorTime, in milliseconds. */
export interface Clock {
  now(): Instant;
  /** Calls once, `delayMs` (at least 0) from now; calls due together run in the order they were made. */
  callLater(delayMs: number, call: () => void): DelayedCall;
  /** Calls once the datagrams that are already here have been handed out; in virtual time, at the same instant. */
  callSoon(call: () => void): void;
}
