import { type Instant, NEVER } from '../../lib/time/clock.ts';

const FIRST_CAPACITY = 64;

/** Datagrams under way to one endpoint, first in, first out: when each arrives, its slot in the store, its length. */
export class TransitQueue {
  #dueAt = new Float64Array(FIRST_CAPACITY);
  #slots = new Int32Array(FIRST_CAPACITY);
  #lengths = new Int32Array(FIRST_CAPACITY);
  #mask = FIRST_CAPACITY - 1;
  #head = 0;
  #count = 0;

  /** When the first of them arrives, or NEVER. */
  get nextAt(): Instant {
    return this.#count === 0 ? NEVER : this.#dueAt[this.#head]!;
  }

  /** The slot and length of the first; only while there is one. */
  get slot(): number {
    return this.#slots[this.#head]!;
  }

  get length(): number {
    return this.#lengths[this.#head]!;
  }

  push(dueAt: Instant, slot: number, length: number): void {
    if (this.#count > this.#mask) this.#grow();
    const at = (this.#head + this.#count) & this.#mask;
    this.#dueAt[at] = dueAt;
    this.#slots[at] = slot;
    this.#lengths[at] = length;
    this.#count += 1;
  }

  dropFirst(): void {
    this.#head = (this.#head + 1) & this.#mask;
    this.#count -= 1;
  }

  #grow(): void {
    const before = { dueAt: this.#dueAt, slots: this.#slots, lengths: this.#lengths, mask: this.#mask };
    const capacity = 2 * (before.mask + 1);
    this.#dueAt = new Float64Array(capacity);
    this.#slots = new Int32Array(capacity);
    this.#lengths = new Int32Array(capacity);
    this.#mask = capacity - 1;
    for (let i = 0; i < this.#count; i += 1) {
      const at = (this.#head + i) & before.mask;
      this.#dueAt[i] = before.dueAt[at]!;
      this.#slots[i] = before.slots[at]!;
      this.#lengths[i] = before.lengths[at]!;
    }
    this.#head = 0;
  }
}
