/** A UDP datagram of an Ethernet frame, rounded up. */
const SLOT_BYTES = 1536;
const FIRST_SLOT_COUNT = 256;

/**
 * Room for datagrams under way, in one piece of memory that is used again and again: nothing is allocated for each.
 *
 * The first OUT_BYTES of that memory are where endpoints write their bursts; `keep` copies from there into a slot.
 */
export class DatagramStore {
  static readonly OUT_BYTES = 65_536;
  #memory = new Uint8Array(DatagramStore.OUT_BYTES + FIRST_SLOT_COUNT * SLOT_BYTES);
  #out = this.#memory.subarray(0, DatagramStore.OUT_BYTES);
  #views: Uint8Array[] = [];
  readonly #free: number[] = [];

  constructor() {
    this.#makeViews(FIRST_SLOT_COUNT);
  }

  /** Where bursts are written; not the same array for ever. */
  get out(): Uint8Array {
    return this.#out;
  }

  /** Copies `out[start, start + count)` into a slot, to be read with `view` and given back with `release`. */
  keep(start: number, count: number): number {
    if (count > SLOT_BYTES)
      throw new RangeError(`a datagram of ${count} bytes does not fit an Ethernet frame`);
    if (this.#free.length === 0) this.#grow();
    const slot = this.#free.pop()!;
    this.#memory.copyWithin(DatagramStore.OUT_BYTES + slot * SLOT_BYTES, start, start + count);
    return slot;
  }

  /** The whole slot: the datagram is the beginning of it. */
  view(slot: number): Uint8Array {
    return this.#views[slot]!;
  }

  release(slot: number): void {
    this.#free.push(slot);
  }

  #grow(): void {
    const before = this.#memory;
    const slotCount = 2 * this.#views.length;
    this.#memory = new Uint8Array(DatagramStore.OUT_BYTES + slotCount * SLOT_BYTES);
    this.#memory.set(before);
    this.#out = this.#memory.subarray(0, DatagramStore.OUT_BYTES);
    this.#makeViews(slotCount);
  }

  #makeViews(slotCount: number): void {
    const known = this.#views.length;
    this.#views = Array.from({ length: slotCount }, (_view, slot) => {
      const start = DatagramStore.OUT_BYTES + slot * SLOT_BYTES;
      return this.#memory.subarray(start, start + SLOT_BYTES);
    });
    for (let slot = slotCount - 1; slot >= known; slot -= 1) this.#free.push(slot);
  }
}
