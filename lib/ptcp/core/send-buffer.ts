import { RingBuffer } from '../../bytes/ring-buffer.ts';
import { type MemoryBudget, SMALLEST_RING_BYTES } from './memory.ts';
import { type Seq, seqAdd, seqDiff } from './seq.ts';

/** Shared by all that hold nothing; nothing is ever put into it. */
const NO_RING = new RingBuffer();

/**
 * What the user wrote and the peer has not acknowledged: bytes with sequence numbers.
 *
 * Holds no memory while it is empty and idle.
 */
export class SendBuffer {
  #ring: RingBuffer = NO_RING;
  readonly #memory: MemoryBudget;
  /** Sequence number of the first byte held. */
  #head: Seq;

  constructor(head: Seq, memory: MemoryBudget) {
    this.#head = head;
    this.#memory = memory;
  }

  get length(): number {
    return this.#ring.length;
  }

  get capacityBytes(): number {
    return this.#ring.capacityBytes;
  }

  /** The sequence number after the last byte held. */
  get tail(): Seq {
    return seqAdd(this.#head, this.#ring.length);
  }

  /** Takes as many of `bytes` as `limitBytes` in all and the endpoint's memory allow, and returns how many. */
  append(bytes: Uint8Array, limitBytes: number): number {
    // A limit taken from a congestion window may have a fraction, half of an odd one say; bytes are whole.
    let count = Math.min(bytes.length, Math.floor(limitBytes) - this.#ring.length);
    const { length, capacityBytes } = this.#ring;
    if (length + count > capacityBytes)
      count = Math.min(count, this.#memory.ringLimit(capacityBytes) - length);
    if (count <= 0) return 0;
    if (this.#ring === NO_RING) this.#ring = new RingBuffer(SMALLEST_RING_BYTES);
    const before = this.#ring.capacityBytes;
    this.#ring.append(bytes, 0, count);
    this.#memory.account(this.#ring.capacityBytes - before);
    return count;
  }

  /** Copies the `count` bytes from `seq` on to `out` at `at`. */
  copyTo(seq: Seq, count: number, out: Uint8Array, at: number): void {
    this.#ring.copyTo(seqDiff(seq, this.#head), count, out, at);
  }

  /** Drops what lies before `seq`. */
  acknowledge(seq: Seq): void {
    const count = Math.min(seqDiff(seq, this.#head), this.#ring.length);
    if (count <= 0) return;
    this.#ring.discard(count);
    this.#head = seqAdd(this.#head, count);
  }

  /** Drops what lies from `seq` on. */
  cutAt(seq: Seq): void {
    const kept = Math.max(0, seqDiff(seq, this.#head));
    if (kept < this.#ring.length) this.#ring.truncate(kept);
  }

  /** Gives the memory back if nothing is held. */
  releaseIfEmpty(): void {
    if (this.#ring.length > 0) return;
    this.#memory.account(-this.#ring.capacityBytes);
    this.#ring.releaseIfEmpty();
    this.#ring = NO_RING;
  }

  /** Drops everything: the connection is over. */
  clear(): void {
    this.#ring.discard(this.#ring.length);
    this.releaseIfEmpty();
  }
}
