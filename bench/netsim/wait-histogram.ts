const BUCKET_COUNT = 2048;
const FIRST_BUCKET_MS = 1 / 1024;

/** How long packets waited: mean and longest exactly, percentiles to a thousandth of the longest. */
export class WaitHistogram {
  readonly #buckets = new Uint32Array(BUCKET_COUNT);
  #bucketMs = FIRST_BUCKET_MS;
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

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
    while (waitMs >= BUCKET_COUNT * this.#bucketMs) this.#widen();
    const bucket = Math.floor(waitMs / this.#bucketMs);
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

  /** Two buckets become one, which makes room for waits up to twice as long. */
  #widen(): void {
    const half = BUCKET_COUNT / 2;
    for (let i = 0; i < half; i += 1) this.#buckets[i] = this.#buckets[2 * i]! + this.#buckets[2 * i + 1]!;
    this.#buckets.fill(0, half);
    this.#bucketMs *= 2;
  }
}
