import { performance } from 'node:perf_hooks';
import { type Clock, type DelayedCall, type Instant, NEVER } from '../../time/clock.ts';
import { DelayedCalls } from '../../time/delayed-calls.ts';

/** setTimeout takes no more: a longer delay would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * What is due this soon is waited for by going round the event loop: setTimeout knows whole milliseconds only, and
 * would be late by more than the whole delay.
 */
const SPIN_MS = 0.2;

/** The time of day in milliseconds since 1970, to the microsecond; it does not follow later changes of the system's. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The monotonic clock of the process, and its timers. */
export class NodeClock implements Clock {
  readonly #calls: DelayedCalls;
  readonly #reportError: (error: unknown, where: string) => void;
  /** The one thing that will wake us: a timer, or an immediate when it is nearly time. */
  #timer: NodeJS.Timeout | undefined = undefined;
  #immediate: NodeJS.Immediate | undefined = undefined;
  #wakesAt: Instant = NEVER;
  #isHolding = true;
  #isRunning = false;

  /** `reportError` takes what calls throw; it goes on all the same. */
  constructor(reportError: (error: unknown, where: string) => void) {
    this.#reportError = reportError;
    this.#calls = new DelayedCalls(
      () => performance.now(),
      () => this.#setWakeUp(),
    );
  }

  now(): Instant {
    return performance.now();
  }

  callLater(delayMs: number, call: () => void): DelayedCall {
    return this.#calls.add(delayMs, call);
  }

  callSoon(call: () => void): void {
    setImmediate(() => this.#make(call, 'callSoon'));
  }

  /** Whether delayed calls keep the process alive at all. True at first. */
  keepAlive(isNeeded: boolean): void {
    this.#isHolding = isNeeded;
    this.#setReference();
  }

  /** An early wake-up is harmless, so a later due time moves nothing. */
  #setWakeUp(): void {
    const dueAt = this.#calls.nextDueAt;
    if (dueAt === NEVER) this.#cancelWakeUp();
    else if (dueAt < this.#wakesAt && !this.#isRunning) this.#wakeAt(dueAt);
    this.#setReference();
  }

  #wakeAt(dueAt: Instant): void {
    this.#cancelWakeUp();
    this.#wakesAt = dueAt;
    const delayMs = dueAt - performance.now();
    if (delayMs <= SPIN_MS) {
      this.#immediate = setImmediate(() => this.#wake());
      return;
    }
    // Node rounds down and its loop's time is up to 1 ms old: both make it early, and the rest is spun or waited again.
    this.#timer = setTimeout(() => this.#wake(), Math.min(delayMs, MAX_TIMEOUT_MS));
  }

  #cancelWakeUp(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#wakesAt = NEVER;
  }

  #wake(): void {
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#wakesAt = NEVER;
    // Read once: what these calls make due has to wait for the next turn, or sockets would starve.
    const now = performance.now();
    this.#isRunning = true;
    for (let call = this.#calls.takeDue(now); call !== undefined; call = this.#calls.takeDue(now)) {
      this.#make(call, 'callLater');
    }
    this.#isRunning = false;
    this.#setWakeUp();
  }

  #make(call: () => void, where: string): void {
    try {
      call();
    } catch (error) {
      this.#reportError(error, where);
    }
  }

  #setReference(): void {
    const isNeeded = this.#isHolding && this.#calls.keepAliveCount > 0;
    if (isNeeded) {
      this.#timer?.ref();
      this.#immediate?.ref();
    } else {
      this.#timer?.unref();
      this.#immediate?.unref();
    }
  }
}
