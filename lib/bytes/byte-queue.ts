import { UsageError } from '../errors.ts';

// Fewer used-up entries than this are not worth moving the rest for.
const COMPACT_AT = 32;
const NO_BYTES = new Uint8Array(0);

/**
 * A first-in first-out queue of bytes that keeps the chunks it is given and copies only what spans two of them.
 *
 * What it returns may be a view of a pushed chunk: mind its `byteOffset`, and copy what is to be kept for long.
 */
export class ByteQueue {
  // The first byte is at #chunks[#head][#headOffset]. Entries before #head are used up. No chunk is empty.
  readonly #chunks: Uint8Array[] = [];
  #head = 0;
  #headOffset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Puts `bytes` behind all others and takes them over: do not change them afterwards. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Takes exactly `count` bytes off the front, or none and returns undefined while there are fewer. */
  take(count: number): Uint8Array | undefined {
    const bytes = this.peek(count);
    if (bytes !== undefined) this.#drop(count);
    return bytes;
  }

  /** Takes `max` bytes off the front, or all if there are fewer. */
  takeUpTo(max: number): Uint8Array {
    return this.take(Math.min(max, this.#length)) ?? NO_BYTES;
  }

  /** What `take` would return; the bytes stay. */
  peek(count: number): Uint8Array | undefined {
    refuseUnlessCount(count);
    if (count > this.#length) return undefined;
    if (count === 0) return NO_BYTES;
    const first = this.#chunks[this.#head] as Uint8Array;
    if (this.#headOffset + count <= first.length)
      return part(first, this.#headOffset, this.#headOffset + count);

    const joined = new Uint8Array(count);
    let filled = first.length - this.#headOffset;
    joined.set(first.subarray(this.#headOffset));
    for (let i = this.#head + 1; filled < count; i++) {
      const chunk = this.#chunks[i] as Uint8Array;
      joined.set(part(chunk, 0, Math.min(chunk.length, count - filled)), filled);
      filled += chunk.length;
    }
    return joined;
  }

  /** Drops `count` bytes from the front. UsageError when there are fewer. */
  discard(count: number): void {
    refuseUnlessCount(count);
    if (count > this.#length) throw new UsageError(`cannot discard ${count} bytes of ${this.#length}`);
    this.#drop(count);
  }

  /** What is left of the first chunk, never copied, which stays; undefined when the queue is empty. */
  peekChunk(): Uint8Array | undefined {
    const first = this.#chunks[this.#head];
    return first && this.peek(first.length - this.#headOffset);
  }

  /** Takes off what is left of the first chunk, never copied; undefined when the queue is empty. */
  shiftChunk(): Uint8Array | undefined {
    const chunk = this.peekChunk();
    if (chunk !== undefined) this.#drop(chunk.length);
    return chunk;
  }

  /** How far from the front a byte, or a run of bytes, first begins at or after `from`; -1 if it does not. */
  indexOf(sought: number | Uint8Array, from = 0): number {
    refuseUnlessCount(from);
    const pattern = typeof sought === 'number' ? Uint8Array.of(sought) : sought;
    const lastStart = this.#length - pattern.length;
    if (from > lastStart) return -1;
    if (pattern.length === 0) return from;
    // Where the chunk begins, counted from the front of the queue.
    let chunkStart = -this.#headOffset;
    for (let i = this.#head; i < this.#chunks.length && chunkStart <= lastStart; i++) {
      const chunk = this.#chunks[i] as Uint8Array;
      let at = chunk.indexOf(pattern[0] as number, Math.max(0, from - chunkStart));
      while (at >= 0 && chunkStart + at <= lastStart) {
        if (this.#matches(pattern, i, at)) return chunkStart + at;
        at = chunk.indexOf(pattern[0] as number, at + 1);
      }
      chunkStart += chunk.length;
    }
    return -1;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#head = 0;
    this.#headOffset = 0;
    this.#length = 0;
  }

  #drop(count: number): void {
    this.#length -= count;
    this.#headOffset += count;
    while (this.#head < this.#chunks.length) {
      const first = this.#chunks[this.#head] as Uint8Array;
      if (this.#headOffset < first.length) break;
      this.#headOffset -= first.length;
      this.#chunks[this.#head] = NO_BYTES; // so that its memory can go
      this.#head++;
    }
    // Moving at least as many entries out as stay makes the move cost nothing, counted over all chunks.
    if (this.#head === this.#chunks.length) this.clear();
    else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Whether `pattern` lies at byte `at` of chunk `index`, running on into those behind. There are enough bytes. */
  #matches(pattern: Uint8Array, index: number, at: number): boolean {
    let chunk = this.#chunks[index] as Uint8Array;
    for (const byte of pattern) {
      if (at === chunk.length) {
        chunk = this.#chunks[++index] as Uint8Array;
        at = 0;
      }
      if (chunk[at++] !== byte) return false;
    }
    return true;
  }
}

function part(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return end - start === chunk.length ? chunk : chunk.subarray(start, end);
}

function refuseUnlessCount(count: number): void {
  if (!Number.isInteger(count) || count < 0) throw new UsageError(`${count} is no number of bytes`);
}
