/** Resolution of percentiles: this part of the longest wait that the queue allows. */
const BUCKET_COUNT = 2000;

/** How long packets waited: mean and longest exactly, percentiles to a bucket. */
export class WaitHistogram {
  readonly #buckets = new Uint32Array(BUCKET_COUNT + 1);
  readonly #bucketMs: number;
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  /** No wait is longer than `limitMs`. */
  constructor(limitMs: number) {
    this.#bucketMs = limitMs / BUCKET_COUNT;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  add(waitMs: number): void {
    this.#count += 1;
    this.#sumMs += waitMs;
    if (waitMs > this.#maxMs) this.#maxMs = waitMs;
    const bucket = Math.min(BUCKET_COUNT, Math.floor(waitMs / this.#bucketMs));
    this.#buckets[bucket] = this.#buckets[bucket]! + 1;
  }

  /** The wait that `share` of all packets did not pass, rounded up to a bucket. */
  percentileMs(share: number): number {
    let left = share * this.#count;
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count;
      if (left <= 0) return Math.min(this.#maxMs, (bucket + 1) * this.#bucketMs);
    }
    return this.#maxMs;
  }
}
