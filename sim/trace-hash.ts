/** A fingerprint of everything that happened in a world, in its order: equal worlds have equal ones. */
export class TraceHash {
  #a = 0x811c_9dc5;
  #b = 0x1b87_3593;
  readonly #time = new Float64Array(1);
  readonly #words = new Uint32Array(this.#time.buffer);

  word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x0100_0193);
    this.#b = Math.imul((this.#b << 13) | (this.#b >>> 19), 5) + (word ^ this.#a);
  }

  /** Takes in an instant, to its last bit. */
  instant(at: number): void {
    this.#time[0] = at;
    this.word(this.#words[0]!);
    this.word(this.#words[1]!);
  }

  /** Takes in `bytes[start, end)`. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    for (; at + 4 <= end; at += 4) {
      this.word(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    }
    for (; at < end; at += 1) this.word(bytes[at]!);
  }

  /** 52 bits of it: a whole number that JSON keeps. */
  get value(): number {
    return (this.#a >>> 0) * 2 ** 20 + (this.#b >>> 12);
  }
}

/** A hash as it is shown: 13 hexadecimal digits. */
export function hashText(value: number): string {
  return value.toString(16).padStart(13, '0');
}

/** The hash of many worlds: that of their sum, so that it does not matter who plays which first. */
export function sumHashes(sum: number, value: number): number {
  return (sum + value) % 2 ** 52;
}
