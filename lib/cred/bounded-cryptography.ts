import { Deferred } from '../defer/deferred.ts';
import { DeferredSemaphore } from '../defer/locks.ts';
import { TooManyAttempts, toError } from '../errors.ts';
import type { Cryptography, ScryptCost } from '../interfaces/cryptography.ts';

/** How many key derivations there may be. */
export interface DerivationLimits {
  /** At once: 2 unless given. Each has a thread and, for scrypt, its own memory. */
  readonly running?: number;
  /** Waiting for those: 64 unless given. One more fails with TooManyAttempts. */
  readonly waiting?: number;
}

/** What those are told who find the line full. */
const RETRY_AFTER_MS = 1000;

/** Cryptography whose key derivations stand in a line, so that a flood of logins takes neither memory nor every thread. */
export class BoundedCryptography implements Cryptography {
  readonly #inner: Cryptography;
  readonly #turns: DeferredSemaphore;
  readonly #maxWaiting: number;

  constructor(inner: Cryptography, { running = 2, waiting = 64 }: DerivationLimits = {}) {
    this.#inner = inner;
    this.#turns = new DeferredSemaphore(running);
    this.#maxWaiting = waiting;
  }

  /** Cancelling gives up the place in the line; what runs already runs to its end, and keeps its place till then. */
  scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    cost: ScryptCost,
    lengthBytes: number,
  ): Deferred<Uint8Array> {
    return this.#inTurn(() => this.#inner.scrypt(password, salt, cost, lengthBytes));
  }

  pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number): Deferred<Uint8Array> {
    return this.#inTurn(() => this.#inner.pbkdf2(password, salt, iterations));
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return this.#inner.sha256(bytes);
  }

  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
    return this.#inner.hmacSha256(key, bytes);
  }

  isEqual(a: Uint8Array, b: Uint8Array): boolean {
    return this.#inner.isEqual(a, b);
  }

  randomBytes(count: number): Uint8Array {
    return this.#inner.randomBytes(count);
  }

  #inTurn(derive: () => PromiseLike<Uint8Array>): Deferred<Uint8Array> {
    if (this.#turns.free === 0 && this.#turns.waiting >= this.#maxWaiting) {
      return Deferred.fail(new TooManyAttempts(RETRY_AFTER_MS));
    }
    return this.#turns.acquire().addCallback(() => this.#release(derive));
  }

  /** Released by the work itself: a Deferred that was cancelled would do it while the thread is still busy. */
  #release(derive: () => PromiseLike<Uint8Array>): Deferred<Uint8Array> {
    const derived = new Deferred<Uint8Array>();
    new Promise<Uint8Array>((resolve) => resolve(derive())).then(
      (key) => {
        derived.callback(key);
        this.#turns.release();
      },
      (thrown: unknown) => {
        derived.errback(toError(thrown));
        this.#turns.release();
      },
    );
    return derived;
  }
}
