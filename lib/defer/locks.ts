import { QueueOverflow, QueueUnderflow, UsageError } from '../errors.ts';
import { maybeDeferred } from './combinators.ts';
import { Deferred, type Eventual, isThenable } from './deferred.ts';

/** Lets at most `limit` users in at a time; the others wait in the order in which they came. */
export class DeferredSemaphore implements Disposable {
  readonly limit: number;
  #free: number;
  // In order; a set, so that one who is cancelled leaves in O(1).
  readonly #waiting = new Set<Deferred<this>>();
  #isAdmitting = false;

  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new UsageError(`a semaphore cannot let ${limit} in`);
    this.limit = limit;
    this.#free = limit;
  }

  /** How many more may come in now. */
  get free(): number {
    return this.#free;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Fires once the caller is in; then `release` must follow. Cancelling before that gives up the place in the line. */
  acquire(): Deferred<this> {
    const acquired = new Deferred<this>((self) => this.#waiting.delete(self));
    this.#waiting.add(acquired);
    this.#admit();
    return acquired;
  }

  /** Lets the next one in. UsageError when there was nobody to leave. */
  release(): void {
    if (this.#free === this.limit) throw new UsageError('released more often than acquired');
    this.#free += 1;
    this.#admit();
  }

  /** `release`, for `using inside = await semaphore.acquire()`. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** Calls `work` once it is let in, and releases when what it returned is through, well or not. */
  run<T>(work: () => Eventual<T>): Deferred<T> {
    return this.acquire().addCallback(() =>
      maybeDeferred(work).addCallbacks(
        (value) => {
          this.release();
          return value;
        },
        (error) => {
          this.release();
          throw error;
        },
      ),
    );
  }

  /** A loop that a release from inside of it feeds: a long line that empties at once must not grow the stack. */
  #admit(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (const next of this.#waiting) {
      if (this.#free === 0) break;
      this.#waiting.delete(next);
      this.#free -= 1;
      next.callback(this);
    }
    this.#isAdmitting = false;
  }
}

/** Lets one user in at a time. */
export class DeferredLock extends DeferredSemaphore {
  constructor() {
    super(1);
  }

  get locked(): boolean {
    return this.free === 0;
  }
}

/** Limits of a DeferredQueue; none unless given. */
export interface QueueLimits {
  /** How many values may lie in it. */
  readonly size?: number;
  /** How many may wait for a value. */
  readonly backlog?: number;
}

/** Values on their way from those who put to those who get, first come, first served. */
export class DeferredQueue<T> {
  readonly #size: number;
  readonly #backlog: number;
  readonly #waiting = new Set<Deferred<T>>();
  // The first `#taken` of the values are gone.
  #values: T[] = [];
  #taken = 0;

  constructor(limits: QueueLimits = {}) {
    this.#size = limits.size ?? Number.POSITIVE_INFINITY;
    this.#backlog = limits.backlog ?? Number.POSITIVE_INFINITY;
    if (!(this.#size >= 0 && this.#backlog >= 0))
      throw new UsageError('the limits of a queue are numbers from 0 up');
  }

  /** How many values lie in it. */
  get length(): number {
    return this.#values.length - this.#taken;
  }

  /** How many wait for a value. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Gives `value` to who waits longest, or keeps it. QueueOverflow when it is full. */
  put(value: T): void {
    if (isThenable(value)) throw new UsageError('a queue cannot hold a Deferred or a promise');
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next.callback(value);
      return;
    }
    if (this.length >= this.#size) throw new QueueOverflow(`the queue holds ${this.length} values already`);
    this.#values.push(value);
  }

  /** Fires with the next value. Fails with QueueUnderflow when too many wait. Cancelling gives up the place. */
  get(): Deferred<T> {
    if (this.length > 0) return Deferred.succeed(this.#take());
    if (this.#waiting.size >= this.#backlog) {
      return Deferred.fail(new QueueUnderflow(`${this.#waiting.size} wait for a value already`));
    }
    const wanted = new Deferred<T>((self) => this.#waiting.delete(self));
    this.#waiting.add(wanted);
    return wanted;
  }

  #take(): T {
    const value = this.#values[this.#taken] as T;
    // Nothing moves until half of the array is gone, so that taking is cheap however long the queue is.
    this.#values[this.#taken++] = undefined as T;
    if (this.#taken * 2 >= this.#values.length) {
      this.#values = this.#values.slice(this.#taken);
      this.#taken = 0;
    }
    return value;
  }
}
