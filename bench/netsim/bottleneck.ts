import type { Prng } from '../../lib/bytes/prng.ts';
import type { Instant } from '../../lib/time/clock.ts';
import { WaitHistogram } from './wait-histogram.ts';

/** What the one link that all flows share is like in one direction. */
export interface BottleneckOptions {
  readonly rateMbit: number;
  /** Room for what waits, the packet being sent included; what finds none is dropped. */
  readonly queueBytes: number;
  /** Probability that a packet is lost on its way to the queue. */
  readonly loss: number;
  readonly random: Prng;
}

/** 1 Mbit/s is 125 bytes in a millisecond. */
const BYTES_PER_MS_PER_MBIT = 125;
/** Times are fractions: a queue of exactly three packets must not refuse the third for a rounding error. */
const ROUNDING_BYTES = 0.001;

/** The packet did not get through: what `admit` answers instead of a time. */
export const NOT_ADMITTED = -1;

/**
 * Random loss, then a tail-drop queue served at a rate, for packets of many flows: `lib/testing`'s Link without copies,
 * allocations and other faults.
 */
export class Bottleneck {
  readonly waits = new WaitHistogram();
  #bytesPerMs: number;
  readonly #queueBytes: number;
  readonly #loss: number;
  readonly #random: Prng;
  #busyUntil: Instant = 0;
  #lostCount = 0;
  #offeredCount = 0;
  #droppedCount = 0;

  constructor({ rateMbit, queueBytes, loss, random }: BottleneckOptions) {
    this.#bytesPerMs = rateMbit * BYTES_PER_MS_PER_MBIT;
    this.#queueBytes = queueBytes;
    this.#loss = loss;
    this.#random = random;
  }

  /** Packets that chance took before the queue. */
  get lostCount(): number {
    return this.#lostCount;
  }

  /** Packets that came to the queue, whether it had room or not. */
  get offeredCount(): number {
    return this.#offeredCount;
  }

  /** Packets that found no room. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Serves at another rate from now on; what waits already leaves as it was going to. */
  changeRate(rateMbit: number): void {
    this.#bytesPerMs = rateMbit * BYTES_PER_MS_PER_MBIT;
  }

  /** When the last bit of a packet of so many bytes, headers included, has left; NOT_ADMITTED if it never will. */
  admit(now: Instant, packetBytes: number): Instant {
    if (this.#loss > 0 && this.#random.nextFloat() < this.#loss) {
      this.#lostCount += 1;
      return NOT_ADMITTED;
    }
    this.#offeredCount += 1;
    const startAt = Math.max(now, this.#busyUntil);
    const waitMs = startAt - now;
    if (waitMs * this.#bytesPerMs + packetBytes > this.#queueBytes + ROUNDING_BYTES) {
      this.#droppedCount += 1;
      return NOT_ADMITTED;
    }
    this.waits.add(waitMs);
    this.#busyUntil = startAt + packetBytes / this.#bytesPerMs;
    return this.#busyUntil;
  }
}
