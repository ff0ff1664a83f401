import { invariant } from '../errors.ts';

// Up to here a loop is faster than Uint8Array.set, which needs a subarray object for every part of an array.
const LOOP_BYTES = 32;
const MAX_CAPACITY_BYTES = 2 ** 30;
const NO_MEMORY = new Uint8Array(0);

/**
 * A first-in first-out store of bytes in one array that grows by doubling, with room for bytes that come out of order.
 *
 * Offsets count from the oldest byte, the head. It holds no memory before the first byte; see `releaseIfEmpty`.
 */
export class RingBuffer {
  readonly #minCapacityBytes: number;
  // The capacity is zero or a power of two, so `& #mask` wraps a position.
  #memory: Uint8Array = NO_MEMORY;
  #mask = 0;
  #head = 0;
  #length = 0;
  // The end of what append and writeAt put here, from the head: never below #length. Bytes up to here are kept.
  #reach = 0;

  constructor(minCapacityBytes = 4096) {
    invariant(minCapacityBytes > 0, 'a ring buffer has room for one byte at least');
    this.#minCapacityBytes = minCapacityBytes;
  }

  /** How many bytes can be read from the head on. */
  get length(): number {
    return this.#length;
  }

  /** The memory held now; 0 when there is none. */
  get capacityBytes(): number {
    return this.#memory.length;
  }

  /** Copies `bytes` from `start` to `end` behind the last readable byte, over what writeAt may have put there. */
  append(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (end <= start) return;
    this.#put(this.#length, bytes, start, end);
    this.#length += end - start;
  }

  /**
   * Copies bytes to `offset`, at or beyond `length`, where they wait for `extend`.
   *
   * What lies between `length` and `offset` is not cleared: the caller keeps count of what it wrote.
   */
  writeAt(offset: number, bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    invariant(offset >= this.#length, 'writeAt must not change readable bytes');
    if (end <= start) return;
    this.#put(offset, bytes, start, end);
  }

  /** Makes the `count` bytes behind the last readable one, put there by writeAt, readable. */
  extend(count: number): void {
    invariant(count >= 0 && this.#length + count <= this.#reach, 'extend goes beyond what was written');
    this.#length += count;
  }

  /** Copies `count` readable bytes from `offset` on into `out`; they stay readable. */
  copyTo(offset: number, count: number, out: Uint8Array, outOffset: number): void {
    invariant(offset >= 0 && count >= 0 && offset + count <= this.#length, 'copyTo goes beyond the bytes');
    invariant(outOffset >= 0 && outOffset + count <= out.length, 'copyTo goes beyond its output');
    const from = (this.#head + offset) & this.#mask;
    const beforeWrap = this.#memory.length - from;
    if (count <= beforeWrap) {
      copy(this.#memory, from, from + count, out, outOffset);
    } else {
      copy(this.#memory, from, this.#memory.length, out, outOffset);
      copy(this.#memory, 0, count - beforeWrap, out, outOffset + beforeWrap);
    }
  }

  /** Takes up to `max` bytes off the head, in an array of their own. */
  read(max: number): Uint8Array {
    const count = Math.max(0, Math.min(max, this.#length));
    const end = this.#head + count;
    let out: Uint8Array;
    if (end <= this.#memory.length) {
      // One copy, and nothing to clear before it.
      out = this.#memory.slice(this.#head, end);
    } else {
      out = new Uint8Array(count);
      this.copyTo(0, count, out, 0);
    }
    this.discard(count);
    return out;
  }

  /** Moves as many readable bytes as fit from the head to the start of `out`, and returns how many. */
  readInto(out: Uint8Array): number {
    const count = Math.min(out.length, this.#length);
    this.copyTo(0, count, out, 0);
    this.discard(count);
    return count;
  }

  /** Drops `count` readable bytes from the head. The memory stays: see `releaseIfEmpty`. */
  discard(count: number): void {
    invariant(count >= 0 && count <= this.#length, 'discard goes beyond the bytes');
    this.#length -= count;
    this.#reach -= count;
    // From an empty buffer the next bytes start at the front again, so that small exchanges never meet the wrap.
    this.#head = this.#reach === 0 ? 0 : (this.#head + count) & this.#mask;
  }

  /**
   * Gives the memory back if nothing is readable and nothing waits for `extend`.
   *
   * To be called when the owner becomes idle, not after each read: a buffer that empties and fills all the time would
   * do nothing but allocate.
   */
  releaseIfEmpty(): void {
    if (this.#reach > 0) return;
    keepSpare(this.#memory);
    this.#memory = NO_MEMORY;
    this.#mask = 0;
    this.#head = 0;
  }

  #put(offset: number, bytes: Uint8Array, start: number, end: number): void {
    invariant(start >= 0 && end <= bytes.length, 'the bytes to store lie outside their array');
    const count = end - start;
    const reach = offset + count;
    if (reach > this.#memory.length) this.#grow(reach);
    const at = (this.#head + offset) & this.#mask;
    const beforeWrap = this.#memory.length - at;
    if (count <= beforeWrap) {
      copy(bytes, start, end, this.#memory, at);
    } else {
      copy(bytes, start, start + beforeWrap, this.#memory, at);
      copy(bytes, start + beforeWrap, end, this.#memory, 0);
    }
    if (reach > this.#reach) this.#reach = reach;
  }

  /** Drops all but the oldest `length` readable bytes, and whatever waits for `extend`. */
  truncate(length: number): void {
    invariant(length >= 0 && length <= this.#length, 'truncate goes beyond the bytes');
    this.#length = length;
    this.#reach = length;
  }

  #grow(neededBytes: number): void {
    invariant(neededBytes <= MAX_CAPACITY_BYTES, 'a ring buffer holds 1 GiB at most');
    let capacityBytes = 1;
    while (capacityBytes < neededBytes || capacityBytes < this.#minCapacityBytes) capacityBytes *= 2;
    const grown = takeSpare(capacityBytes) ?? new Uint8Array(capacityBytes);
    if (this.#reach > 0) {
      const beforeWrap = Math.min(this.#reach, this.#memory.length - this.#head);
      grown.set(this.#memory.subarray(this.#head, this.#head + beforeWrap), 0);
      grown.set(this.#memory.subarray(0, this.#reach - beforeWrap), beforeWrap);
    }
    keepSpare(this.#memory);
    this.#memory = grown;
    this.#mask = capacityBytes - 1;
    this.#head = 0;
  }
}

/** Small arrays that were given back, by the power of two that is their length: a new one takes a microsecond. */
const SPARE: Uint8Array[][] = [];
const LARGEST_SPARE_BYTES = 4096;
/** Of each length; half a megabyte together. */
const MAX_SPARE = 64;

function keepSpare(memory: Uint8Array): void {
  if (memory.length === 0 || memory.length > LARGEST_SPARE_BYTES) return;
  const spare = (SPARE[Math.clz32(memory.length)] ??= []);
  if (spare.length < MAX_SPARE) spare.push(memory);
}

function takeSpare(byteCount: number): Uint8Array | undefined {
  return byteCount > LARGEST_SPARE_BYTES ? undefined : SPARE[Math.clz32(byteCount)]?.pop();
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  const count = end - start;
  if (count === from.length) {
    to.set(from, at);
  } else if (count <= LOOP_BYTES) {
    for (let i = 0; i < count; i++) to[at + i] = from[start + i] as number;
  } else {
    to.set(from.subarray(start, end), at);
  }
}
