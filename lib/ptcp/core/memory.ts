/** Where the ring of a buffer begins: most exchanges are small. */
export const SMALLEST_RING_BYTES = 512;
/** RFC 7323 §2.3: no window is larger, so no buffer need be. */
const LARGEST_RING_BYTES = 2 ** 30;

/** What the buffers of all connections of an endpoint may hold together. */
export class MemoryBudget {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.#usedBytes);
  }

  /** The most bytes that a ring of `capacityBytes` may come to hold: it grows by doubling. */
  ringLimit(capacityBytes: number): number {
    let limitBytes = capacityBytes;
    let next = Math.max(2 * capacityBytes, SMALLEST_RING_BYTES);
    while (next <= LARGEST_RING_BYTES && next - capacityBytes <= this.freeBytes) {
      limitBytes = next;
      next *= 2;
    }
    return limitBytes;
  }

  /** Called with the change of a buffer's capacity, up or down. */
  account(changeBytes: number): void {
    this.#usedBytes += changeBytes;
  }
}
