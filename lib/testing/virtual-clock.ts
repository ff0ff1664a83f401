import { UsageError } from '../errors.ts';
import { type Clock, type DelayedCall, type Instant, NEVER } from '../time/clock.ts';
import { DelayedCalls } from '../time/delayed-calls.ts';

/** Calls made without time passing before `advance` gives up: far more than any test means to make. */
const CALLS_PER_INSTANT_LIMIT = 10_000_000;

/**
 * A clock that stands still until it is told to advance. Orders calls exactly as the real clock does.
 *
 * At the end of a test `pending` must be 0: what is left would have kept a real process busy.
 */
export class VirtualClock implements Clock {
  readonly #calls = new DelayedCalls(() => this.#now);
  // In order; the first `#soonMade` of them were made, so that taking one moves nothing.
  #soon: (() => void)[] = [];
  #soonMade = 0;
  #now: Instant;
  #isAdvancing = false;

  constructor(startAt: Instant = 0) {
    this.#now = startAt;
  }

  now(): Instant {
    return this.#now;
  }

  callLater(delayMs: number, call: () => void): DelayedCall {
    return this.#calls.add(delayMs, call);
  }

  callSoon(call: () => void): void {
    this.#soon.push(call);
  }

  /** How many calls are still to come, those of callSoon included. */
  get pending(): number {
    return this.#calls.pending + this.#soonPending;
  }

  /** How many of them a real process would stay alive for. */
  get keepAliveCount(): number {
    return this.#calls.keepAliveCount + this.#soonPending;
  }

  /**
   * Runs what is due within `ms`, in order, each call seeing its own due time as `now`.
   *
   * A call scheduled by a call runs too if it is due before the end. Afterwards the clock shows exactly `ms`
   * more than before. What the calls threw is thrown when all have run; several errors as an AggregateError.
   */
  advance(ms: number): void {
    const end = this.#endAfter(ms);
    const errors = this.#runUntil(end);
    this.#now = end;
    throwAll(errors);
  }

  /** Advances by each of `times` in turn. */
  pump(times: readonly number[]): void {
    for (const ms of times) this.advance(ms);
  }

  /**
   * Runs calls until none is pending, but for at most `limitMs`. Returns whether the clock is idle.
   *
   * The clock then shows the time of the last call, or the limit if there is more to come. Throws as `advance` does.
   */
  runUntilIdle(limitMs: number): boolean {
    const end = this.#endAfter(limitMs);
    const errors = this.#runUntil(end);
    if (this.pending > 0) this.#now = end;
    throwAll(errors);
    return this.pending === 0;
  }

  #endAfter(ms: number): Instant {
    if (!(ms >= 0 && ms < NEVER)) throw new UsageError(`cannot advance by ${ms} ms`);
    if (this.#isAdvancing) throw new UsageError('a call that the clock makes cannot advance the clock');
    return this.#now + ms;
  }

  /** Returns what the calls threw. */
  #runUntil(end: Instant): unknown[] {
    const errors: unknown[] = [];
    let callsAtThisInstant = 0;
    this.#isAdvancing = true;
    try {
      for (let call = this.#take(end); call !== undefined; call = this.#take(end)) {
        try {
          call();
        } catch (error) {
          errors.push(error);
        }
        callsAtThisInstant = this.#nextAt() > this.#now ? 0 : callsAtThisInstant + 1;
        if (callsAtThisInstant > CALLS_PER_INSTANT_LIMIT)
          throw new UsageError('calls go on without time passing');
      }
    } finally {
      this.#isAdvancing = false;
    }
    return errors;
  }

  #nextAt(): Instant {
    return this.#soonPending > 0 ? this.#now : this.#calls.nextDueAt;
  }

  /** Takes the next call to make up to `end`, and moves the time to it. */
  #take(end: Instant): (() => void) | undefined {
    if (this.#soonPending > 0) return this.#takeSoon();
    const dueAt = this.#calls.nextDueAt;
    if (dueAt > end) return undefined;
    // A call brought forward with a negative delay may be overdue, and time does not step back.
    if (dueAt > this.#now) this.#now = dueAt;
    return this.#calls.takeDue(dueAt);
  }

  get #soonPending(): number {
    return this.#soon.length - this.#soonMade;
  }

  #takeSoon(): (() => void) | undefined {
    const call = this.#soon[this.#soonMade++];
    if (this.#soonPending === 0) {
      this.#soon = [];
      this.#soonMade = 0;
    }
    return call;
  }
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} calls threw`);
}
