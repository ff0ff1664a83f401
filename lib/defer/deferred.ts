import { AlreadyCalledError, CancelledError, isError, TimeoutError, toError, UsageError } from '../errors.ts';
import type { Clock } from '../time/clock.ts';
import { firstFire, noteCreated, noteFired } from './debugging.ts';
import { watchFailure } from './unhandled.ts';

/** What a callback may return. Deferred stands beside PromiseLike so that U is inferred from a union of all three. */
export type Eventual<U> = U | Deferred<U> | PromiseLike<U>;

/** Stops the work behind a Deferred. May fire it itself; if it does not, CancelledError is its result. */
export type Canceller<T> = (deferred: Deferred<T>) => void;

const FIRED = 1;
const FAILED = 2; // the result is an error
const RUNNING = 4; // a callback is on the stack
const WAITING = 8; // the result is the Deferred whose result it waits for
const SWALLOWS = 16; // cancelled without canceller: the fire that is still to come is ignored
const HEARD = 32; // the result was shown to an observer, or the failure reported
const WATCHED = 64; // unhandled.ts will ask for the failure

/** Cycles of Deferreds that wait for each other are looked for in so many steps: long chains must stay cheap. */
const CYCLE_SEARCH_STEPS = 32;

/**
 * A result that is not there yet, and the callbacks that wait for it. Modelled on Twisted's Deferred.
 *
 * Callbacks run at once and in order, each given what the one before it returned; what one throws goes to
 * the next errback. `await` works, resumes a microtask later, and leaves the result where it is.
 */
export class Deferred<T> implements PromiseLike<T> {
  #flags = 0;
  #pauses = 0;
  #result: unknown = undefined;
  #head: Link | undefined = undefined;
  #tail: Link | undefined = undefined;
  #canceller: ((deferred: never) => void) | undefined;

  constructor(canceller?: Canceller<T>) {
    this.#canceller = canceller;
    noteCreated(this);
  }

  /** A Deferred that has fired with `value`. */
  static succeed<T>(value: T): Deferred<T> {
    const deferred = new Deferred<T>();
    deferred.callback(value);
    return deferred;
  }

  /** A Deferred that has failed with `error`. */
  static fail(error: Error): Deferred<never> {
    const deferred = new Deferred<never>();
    deferred.errback(error);
    return deferred;
  }

  /** A Deferred as it is; a promise's result once it comes; any other value at once. */
  static from<T>(source: T | PromiseLike<T>): Deferred<T> {
    if (source instanceof Deferred) return source;
    if (!isThenable(source)) return Deferred.succeed(source);
    const deferred = new Deferred<T>();
    Promise.resolve(source).then(
      (value) => deferred.callback(value as T),
      (reason: unknown) => deferred.errback(toError(reason)),
    );
    return deferred;
  }

  /** The result of what `start` returns. Cancelling aborts the signal, and fails at once with CancelledError. */
  static fromAbortable<T>(start: (signal: AbortSignal) => PromiseLike<T>): Deferred<T> {
    const controller = new AbortController();
    const deferred = new Deferred<T>(() => controller.abort());
    // What comes after the cancelling is of no use to anybody.
    const running = new Promise<T>((resolve) => resolve(start(controller.signal)));
    running.then(
      (value) => deferred.called || deferred.callback(value),
      (reason: unknown) => deferred.called || deferred.errback(toError(reason)),
    );
    return deferred;
  }

  /** Whether it has fired. Its callbacks may still be waiting. */
  get called(): boolean {
    return (this.#flags & FIRED) !== 0;
  }

  /** Fires with `value`. AlreadyCalledError the second time; UsageError if `value` is a Deferred or a promise. */
  callback(value: T): void {
    if (isThenable(value)) throw new UsageError('a Deferred cannot fire with a Deferred or a promise');
    if (this.#mayFire()) this.#fire(value, 0);
  }

  /** Fails with `error`. AlreadyCalledError the second time; UsageError if `error` is not an Error. */
  errback(error: Error): void {
    if (!isError(error)) throw new UsageError('a Deferred can only fail with an Error');
    if (this.#mayFire()) this.#fire(error, FAILED);
  }

  /**
   * Has `onValue` called with a value, or `onError` with a failure; what it returns or throws is the next result.
   *
   * If the result is here, that happens before this returns, unless a callback of this Deferred is running: then
   * after that one. A Deferred or promise that is returned is waited for, and its result taken over.
   */
  addCallbacks<U, V = never>(
    onValue: (value: T) => Eventual<U>,
    onError?: (error: Error) => Eventual<V>,
  ): Deferred<U | V> {
    this.#append(new Link('callbacks', onValue, onError));
    return this as Deferred<unknown> as Deferred<U | V>;
  }

  /** addCallbacks without an errback: a failure passes by. */
  addCallback<U>(onValue: (value: T) => Eventual<U>): Deferred<U> {
    this.#append(new Link('callbacks', onValue, undefined));
    return this as Deferred<unknown> as Deferred<U>;
  }

  /** addCallbacks without a callback: a value passes by. */
  addErrback<V>(onError: (error: Error) => Eventual<V>): Deferred<T | V> {
    this.#append(new Link('callbacks', undefined, onError));
    return this as Deferred<unknown> as Deferred<T | V>;
  }

  /** addCallbacks with one function for both. */
  addBoth<U>(onResult: (result: T | Error) => Eventual<U>): Deferred<U> {
    this.#append(new Link('callbacks', onResult, onResult));
    return this as Deferred<unknown> as Deferred<U>;
  }

  /** Has the result fire `target`; callbacks added here afterwards get undefined. Cancelling `target` is not passed on. */
  chainDeferred(target: Deferred<T>): Deferred<void> {
    this.#append(new Link('target', undefined, undefined, target));
    return this as Deferred<unknown> as Deferred<void>;
  }

  /** Holds callbacks back until `unpause` was called as often. */
  pause(): void {
    this.#pauses += 1;
  }

  unpause(): void {
    if (this.#pauses === 0) throw new UsageError('the Deferred is not paused');
    this.#pauses -= 1;
    this.#run();
  }

  /**
   * Asks for the work to be stopped. Never throws, and does nothing once the result is here.
   *
   * A Deferred that waits for another cancels that one. Without a canceller it fails with CancelledError, and the
   * one fire that is still to come is ignored.
   */
  cancel(): void {
    let target: Deferred<unknown> = this;
    while ((target.#flags & WAITING) !== 0) {
      target = target.#result as Deferred<unknown>;
      // A ring too long for the cycle search waits for ever, but must not spin for ever.
      if (target === this) return;
    }
    if (!target.called) target.#cancelUnfired();
  }

  /**
   * Cancels after `delayMs` unless the callbacks added before this have run by then.
   *
   * CancelledError then becomes TimeoutError; or with `onTimeout` any failure becomes what that returns or throws.
   * A value that the canceller fires is kept.
   */
  addTimeout<V = never>(
    delayMs: number,
    clock: Clock,
    onTimeout: (error: Error, delayMs: number) => Eventual<V> = throwTimeoutError,
  ): Deferred<T | V> {
    let isTimedOut = false;
    const timer = clock.callLater(delayMs, () => {
      isTimedOut = true;
      this.cancel();
    });
    return this.addCallbacks(
      (value) => {
        if (timer.active) timer.cancel();
        return value;
      },
      (error) => {
        if (timer.active) timer.cancel();
        if (isTimedOut) return onTimeout(error, delayMs);
        throw error;
      },
    );
  }

  /** Cancels when `signal` aborts, unless the callbacks added before this have run by then. */
  withSignal(signal: AbortSignal): Deferred<T> {
    if (signal.aborted) {
      this.cancel();
      return this;
    }
    const abort = () => this.cancel();
    signal.addEventListener('abort', abort);
    return this.addCallbacks(
      (value) => {
        signal.removeEventListener('abort', abort);
        return value;
      },
      (error) => {
        signal.removeEventListener('abort', abort);
        throw error;
      },
    );
  }

  /** A promise of the result as it is after the callbacks added so far. The result stays here as well. */
  toPromise(): Promise<T> {
    return new Promise((resolve, reject) => this.observe(resolve, reject));
  }

  /**
   * Shows the result, as it is after the callbacks added so far, and leaves it. The observers must not throw.
   *
   * @internal
   */
  observe(onValue: (value: T) => void, onError: (error: Error) => void): void {
    this.#append(new Link('observers', onValue, onError));
  }

  /** What `await` calls. May be called any number of times: it never consumes the result. */
  then<U = T, V = never>(
    onFulfilled?: ((value: T) => U | PromiseLike<U>) | null,
    onRejected?: ((reason: unknown) => V | PromiseLike<V>) | null,
  ): Promise<U | V> {
    return this.toPromise().then(onFulfilled, onRejected);
  }

  /** False for the late fire of a cancelled Deferred. */
  #mayFire(): boolean {
    if (!this.called) return true;
    if ((this.#flags & SWALLOWS) === 0) {
      throw new AlreadyCalledError('the Deferred was fired already', { cause: firstFire(this) });
    }
    this.#flags &= ~SWALLOWS;
    return false;
  }

  #fire(result: unknown, failed: number): void {
    this.#give(result, failed);
    this.#run();
  }

  #give(result: unknown, failed: number): void {
    if (!this.called) noteFired(this);
    this.#result = result;
    this.#flags |= FIRED | failed;
    // Whoever keeps the Deferred for its result must not keep the work behind it alive.
    this.#canceller = undefined;
  }

  #cancelUnfired(): void {
    const canceller = this.#canceller as Canceller<unknown> | undefined;
    if (canceller === undefined) {
      this.#flags |= SWALLOWS;
    } else {
      // Taken off first: a canceller that cancels would call itself for ever.
      this.#canceller = undefined;
      try {
        canceller(this);
      } catch (thrown) {
        if (!this.called) this.#fire(toError(thrown), FAILED);
      }
    }
    if (!this.called) this.#fire(new CancelledError(), FAILED);
  }

  #append(link: Link): void {
    this.#push(link);
    this.#run();
  }

  #push(link: Link): void {
    if (this.#tail === undefined) this.#head = link;
    else this.#tail.next = link;
    this.#tail = link;
  }

  /**
   * Runs what can be run, here and in the Deferreds that get their result from here.
   *
   * A loop instead of recursion, so that no chain is too long. Twisted's order: who waits for a result
   * gets it, and runs with it, before the callbacks that were added here after it began to wait.
   */
  #run(): void {
    let current: Deferred<unknown> | undefined = this;
    let suppliers: Deferred<unknown>[] | undefined;
    while (current !== undefined) {
      const receiver: Deferred<unknown> | undefined = current.#runLinks();
      if (receiver === undefined) {
        current = suppliers?.pop();
      } else {
        if (current.#head !== undefined) (suppliers ??= []).push(current);
        current = receiver;
      }
    }
  }

  /** Runs links until none is left or one cannot run yet. Returns early with a Deferred that was given the result. */
  #runLinks(): Deferred<unknown> | undefined {
    while ((this.#flags & (FIRED | RUNNING | WAITING)) === FIRED && this.#pauses === 0) {
      const link = this.#head;
      if (link === undefined) {
        if ((this.#flags & (FAILED | HEARD | WATCHED)) === FAILED) this.#watchFailure();
        return undefined;
      }
      this.#head = link.next;
      if (link.next === undefined) this.#tail = undefined;

      if (link.kind === 'callbacks') {
        this.#call((this.#flags & FAILED) === 0 ? link.onValue : link.onError);
      } else if (link.kind === 'observers') {
        this.#show(link);
      } else if (link.kind === 'waiter' || this.#mayFireTarget(link.receiver)) {
        this.#handOver(link.receiver);
        return link.receiver;
      }
    }
    return undefined;
  }

  #call(callback: ((result: never) => unknown) | undefined): void {
    if (callback === undefined) return;
    let source: PromiseLike<unknown> | undefined;
    this.#flags |= RUNNING;
    try {
      const result = callback(this.#result as never);
      if (isThenable(result)) source = result;
      this.#result = result;
      this.#flags &= ~(RUNNING | FAILED | HEARD);
    } catch (thrown) {
      this.#failWith(toError(thrown));
    }
    if (source !== undefined) this.#waitFor(Deferred.from(source));
  }

  #failWith(error: Error): void {
    this.#result = error;
    this.#flags = (this.#flags & ~(RUNNING | HEARD)) | FAILED;
  }

  #show(link: Link): void {
    const observer = (this.#flags & FAILED) === 0 ? link.onValue : link.onError;
    this.#flags |= RUNNING | HEARD;
    observer?.(this.#result as never);
    this.#flags &= ~RUNNING;
  }

  #waitFor(inner: Deferred<unknown>): void {
    if (inner.#isWaitingFor(this)) {
      this.#failWith(new UsageError('a callback returned a Deferred that waits for its own'));
    } else if (inner.#isSettled()) {
      inner.#handOver(this);
    } else {
      this.#result = inner;
      this.#flags |= WAITING;
      inner.#push(new Link('waiter', undefined, undefined, this));
    }
  }

  #isSettled(): boolean {
    const isIdle = (this.#flags & (FIRED | RUNNING | WAITING)) === FIRED && this.#pauses === 0;
    return isIdle && this.#head === undefined;
  }

  #isWaitingFor(other: Deferred<unknown>): boolean {
    let next: Deferred<unknown> = this;
    for (let step = 0; step < CYCLE_SEARCH_STEPS && next !== other; step++) {
      if ((next.#flags & WAITING) === 0) return false;
      next = next.#result as Deferred<unknown>;
    }
    return next === other;
  }

  #mayFireTarget(target: Deferred<unknown>): boolean {
    try {
      if (target.#mayFire()) return true;
      this.#result = undefined;
      this.#flags &= ~(FAILED | HEARD);
    } catch (error) {
      this.#failWith(error as Error);
    }
    return false;
  }

  /** Gives the result away. Whoever gets it also has to hear a failure. */
  #handOver(receiver: Deferred<unknown>): void {
    receiver.#flags &= ~WAITING;
    receiver.#give(this.#result, this.#flags & FAILED);
    this.#result = undefined;
    this.#flags &= ~(FAILED | HEARD);
  }

  #watchFailure(): void {
    this.#flags |= WATCHED;
    watchFailure(() => {
      this.#flags &= ~WATCHED;
      if ((this.#flags & (FAILED | HEARD)) !== FAILED || this.#head !== undefined) return undefined;
      this.#flags |= HEARD;
      return this.#result as Error;
    });
  }
}

/** One entry of a Deferred's queue: a pair of callbacks, a pair that only looks, or a Deferred to give to. */
class Link {
  readonly kind: 'callbacks' | 'observers' | 'waiter' | 'target';
  readonly onValue: ((value: never) => unknown) | undefined;
  readonly onError: ((error: never) => unknown) | undefined;
  readonly receiver: Deferred<unknown>;
  next: Link | undefined = undefined;

  constructor(
    kind: Link['kind'],
    onValue: Link['onValue'],
    onError: Link['onError'],
    receiver?: Deferred<unknown>,
  ) {
    this.kind = kind;
    this.onValue = onValue;
    this.onError = onError;
    this.receiver = receiver as Deferred<unknown>;
  }
}

function throwTimeoutError(error: Error, delayMs: number): never {
  if (!(error instanceof CancelledError)) throw error;
  throw new TimeoutError(`no result within ${delayMs} ms`, { cause: error });
}

/** @internal */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}
