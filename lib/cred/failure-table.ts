import type { Instant } from '../time/clock.ts';

/** How failures of one kind are answered. */
export interface FailurePolicy {
  /** So many are free; from then on each must wait. */
  readonly freeCount: number;
  /** The first wait. Each further failure doubles it. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** After so long one failure is forgotten. */
  readonly forgiveMs: number;
  /** How many keys are remembered. */
  readonly maxEntries: number;
}

interface Entry {
  failureCount: number;
  /** From here on the next failure is forgotten after `forgiveMs`. */
  countedFrom: Instant;
  allowedAt: Instant;
}

/** Where many keys are remembered, one of so many that were not heard of for longest makes way: the one with the fewest failures. */
const EVICTION_CHOICE = 8;

/** Failures by key: a name, an address. Never holds more than `maxEntries`. */
export class FailureTable {
  readonly #policy: FailurePolicy;
  /** More would make no difference but to how long it takes to forget them. */
  readonly #maxCount: number;
  /** Those heard of last are at the end. */
  readonly #entries = new Map<string, Entry>();

  constructor(policy: FailurePolicy) {
    this.#policy = policy;
    const { freeCount, firstDelayMs, maxDelayMs } = policy;
    this.#maxCount = freeCount + Math.ceil(Math.log2(maxDelayMs / firstDelayMs));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How long `key` has to wait; 0 when it need not. */
  waitMs(key: string, now: Instant): number {
    const entry = this.#current(key, now);
    return entry === undefined ? 0 : Math.max(0, entry.allowedAt - now);
  }

  /** Whether failures of `key` are remembered. */
  has(key: string, now: Instant): boolean {
    return this.#current(key, now) !== undefined;
  }

  /** Counts a failure. */
  add(key: string, now: Instant): void {
    const entry = this.#current(key, now) ?? { failureCount: 0, countedFrom: now, allowedAt: now };
    entry.failureCount = Math.min(entry.failureCount + 1, this.#maxCount);
    entry.allowedAt = now + this.#delayMs(entry.failureCount);
    this.#entries.delete(key);
    if (this.#entries.size >= this.#policy.maxEntries) this.#evict();
    this.#entries.set(key, entry);
  }

  /** Takes back one failure that was counted too early. */
  takeBack(key: string, now: Instant): void {
    const entry = this.#current(key, now);
    if (entry === undefined) return;
    entry.failureCount -= 1;
    entry.allowedAt = Math.min(entry.allowedAt, now + this.#delayMs(entry.failureCount));
    if (entry.failureCount === 0) this.#entries.delete(key);
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  #delayMs(failureCount: number): number {
    const { freeCount, firstDelayMs, maxDelayMs } = this.#policy;
    if (failureCount < freeCount) return 0;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (failureCount - freeCount));
  }

  /** The entry as it is now, what is to be forgotten taken off. */
  #current(key: string, now: Instant): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { forgiveMs } = this.#policy;
    const forgivenCount = Math.floor((now - entry.countedFrom) / forgiveMs);
    if (forgivenCount >= entry.failureCount) {
      this.#entries.delete(key);
      return undefined;
    }
    entry.failureCount -= forgivenCount;
    entry.countedFrom += forgivenCount * forgiveMs;
    return entry;
  }

  #evict(): void {
    let victim: string | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    let seen = 0;
    for (const [key, { failureCount }] of this.#entries) {
      if (failureCount < fewest) [victim, fewest] = [key, failureCount];
      seen += 1;
      if (seen === EVICTION_CHOICE) break;
    }
    if (victim !== undefined) this.#entries.delete(victim);
  }
}
