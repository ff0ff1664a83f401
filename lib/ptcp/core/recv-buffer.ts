import { type Range, RangeSet } from '../../bytes/range-set.ts';
import { RingBuffer } from '../../bytes/ring-buffer.ts';
import { type MemoryBudget, SMALLEST_RING_BYTES } from './memory.ts';

/** Isles of out-of-order data kept at most: many tiny ones are an attack (SegmentSmack, CVE-2018-5390). */
const MAX_ISLES = 1024;

/** Shared by all that hold nothing; nothing is ever put into it. */
const NO_RING = new RingBuffer();
/** Shared by all that have no gap. */
const NO_ISLES = new RangeSet();

/**
 * What came from the peer and the user has not read: in order, or kept until the gap before it is filled.
 *
 * Places are counted in bytes of the stream from its beginning (`Offset`), which never wrap.
 */
export class RecvBuffer {
  #ring: RingBuffer = NO_RING;
  #isles: RangeSet = NO_ISLES;
  readonly #memory: MemoryBudget;
  /** How many bytes of the stream are here without a gap, read ones included: RCV.NXT without SYN and FIN. */
  #nextOffset = 0;
  /** Whether what comes is thrown away once it is in order: the user has closed. */
  #isDiscarding = false;

  constructor(memory: MemoryBudget) {
    this.#memory = memory;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Bytes that can be read now. */
  get readableBytes(): number {
    return this.#ring.length;
  }

  get capacityBytes(): number {
    return this.#ring.capacityBytes;
  }

  get hasIsles(): boolean {
    return this.#isles.count > 0;
  }

  /** What is here beyond the first gap; only to be read. */
  get isles(): RangeSet {
    return this.#isles;
  }

  get isDiscarding(): boolean {
    return this.#isDiscarding;
  }

  /** Whether every byte of [start, end) is here or was: such a segment is a duplicate. */
  holds(start: number, end: number): boolean {
    return end <= this.#nextOffset || this.#isles.covers(Math.max(start, this.#nextOffset), end);
  }

  /** The isle that `offset` lies in. */
  isleAt(offset: number): Range | undefined {
    return this.#isles.rangeAt(offset);
  }

  /**
   * Takes `bytes[start, end)`, which begin at `offset` of the stream, and returns by how many bytes the stream grew.
   *
   * The caller has cut away what lies outside the window. Returns -1 when the bytes cannot be kept for lack of memory
   * or because there are too many isles: they count as lost.
   */
  insert(offset: number, bytes: Uint8Array, start: number, end: number): number {
    const skipped = Math.max(0, this.#nextOffset - offset);
    const from = start + skipped;
    if (from >= end) return 0;
    const first = offset + skipped;
    const last = first + (end - from);
    if (first === this.#nextOffset && this.#isles.count === 0) {
      if (this.#isDiscarding) {
        this.#nextOffset = last;
        return end - from;
      }
      if (!this.#hasRoomFor(end - from)) return -1;
      this.#needRing();
      const before = this.#ring.capacityBytes;
      this.#ring.append(bytes, from, end);
      this.#memory.account(this.#ring.capacityBytes - before);
      this.#nextOffset = last;
      return end - from;
    }
    return this.#insertBeyond(first, last, bytes, from, end);
  }

  #insertBeyond(first: number, last: number, bytes: Uint8Array, start: number, end: number): number {
    const at = this.#ring.length + (first - this.#nextOffset);
    if (!this.#hasRoomFor(at + (end - start) - this.#ring.length)) return -1;
    if (this.#isles.count >= MAX_ISLES && first !== this.#nextOffset && !this.#touchesIsle(first, last))
      return -1;
    this.#needRing();
    const before = this.#ring.capacityBytes;
    this.#ring.writeAt(at, bytes, start, end);
    this.#memory.account(this.#ring.capacityBytes - before);
    if (this.#isles === NO_ISLES) this.#isles = new RangeSet();
    this.#isles.add(first, last);
    const reached = this.#isles.nextGap(this.#nextOffset);
    const grown = reached - this.#nextOffset;
    if (grown > 0) {
      this.#ring.extend(grown);
      this.#nextOffset = reached;
      this.#isles.removeBelow(reached);
      if (this.#isles.count === 0) this.#isles = NO_ISLES;
      if (this.#isDiscarding) this.#ring.discard(this.#ring.length);
    }
    return grown;
  }

  #touchesIsle(first: number, last: number): boolean {
    return (
      this.#isles.rangeAt(first) !== undefined ||
      this.#isles.rangeAt(Math.max(first - 1, 0)) !== undefined ||
      this.#isles.rangeAt(last) !== undefined
    );
  }

  /** How many bytes more the endpoint's memory lets it keep; Infinity when it need not be asked, for `limitBytes` at most. */
  roomBytes(limitBytes: number): number {
    if (this.#memory.freeBytes >= 4 * limitBytes) return Number.POSITIVE_INFINITY;
    return this.#memory.ringLimit(this.#ring.capacityBytes) - this.#ring.length;
  }

  #hasRoomFor(count: number): boolean {
    const needed = this.#ring.length + count;
    const { capacityBytes } = this.#ring;
    return needed <= capacityBytes || needed <= this.#memory.ringLimit(capacityBytes);
  }

  /** Up to `max` readable bytes, which then belong to the caller. */
  read(max: number): Uint8Array {
    return this.#ring.read(max);
  }

  /** Moves as many readable bytes as fit to the start of `out`, and returns how many. */
  readInto(out: Uint8Array): number {
    return this.#ring.readInto(out);
  }

  /** From now on what comes in order is thrown away, and so is what is here. Returns how many bytes nobody read. */
  discardAll(): number {
    const unread = this.#ring.length;
    this.#isDiscarding = true;
    this.#ring.discard(unread);
    this.releaseIfEmpty();
    return unread;
  }

  /** Gives the memory back if nothing is held. */
  releaseIfEmpty(): void {
    if (this.#ring.length > 0 || this.hasIsles) return;
    this.#memory.account(-this.#ring.capacityBytes);
    this.#ring.releaseIfEmpty();
    this.#ring = NO_RING;
  }

  /** Nothing comes any more: what is here in order can still be read. */
  end(): void {
    this.#isles = NO_ISLES;
    this.releaseIfEmpty();
  }

  #needRing(): void {
    if (this.#ring === NO_RING) this.#ring = new RingBuffer(SMALLEST_RING_BYTES);
  }

  /** Drops everything: the connection is over. */
  clear(): void {
    this.#isles = NO_ISLES;
    this.#memory.account(-this.#ring.capacityBytes);
    this.#ring = NO_RING;
  }
}
