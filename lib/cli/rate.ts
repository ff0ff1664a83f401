import type { Instant } from '../time/clock.ts';

/** How far back the rate looks: long enough to be calm, short enough to be true. */
const WINDOW_MS = 5_000;
/** The first bytes go into buffers: before this a rate would say how fast memory is. */
const LEAST_MS = 200;

/** The rate of a count that grows, over the last few seconds. */
export class Rate {
  readonly #samples: { readonly at: Instant; readonly bytes: number }[] = [];

  /** `bytes` is the whole count so far. */
  sample(at: Instant, bytes: number): void {
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && this.#samples[0]!.at < at - WINDOW_MS) this.#samples.shift();
  }

  /** 0 before anything can be said. */
  get bytesPerSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }

  /** Seconds until the count is `bytes`; Infinity while it does not grow. */
  secondsTo(bytes: number): number {
    const last = this.#samples.at(-1);
    const rate = this.bytesPerSecond;
    if (last === undefined || rate <= 0) return Number.POSITIVE_INFINITY;
    return (bytes - last.bytes) / rate;
  }
}
