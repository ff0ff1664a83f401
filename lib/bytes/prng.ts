import { UsageError } from '../errors.ts';
import type { Entropy } from '../interfaces/entropy.ts';
import { sipHash24 } from './siphash.ts';

/** Any two different keys would do: they make 128 bits of state out of two hashes of 64. */
const SEEDING_KEYS = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)] as const;

/**
 * A repeatable generator for tests and simulations: xoshiro128** of Blackman and Vigna. Not for secrets: whoever has
 * seen a few numbers can tell the next.
 *
 * Equal seeds give equal numbers; the number 7 and the string '7' are the same seed.
 */
export class Prng implements Entropy {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number | string) {
    this.#seed = String(seed);
    const text = codeUnits(this.#seed);
    const ab = sipHash24(SEEDING_KEYS[0], text);
    const cd = sipHash24(SEEDING_KEYS[1], text);
    this.#a = ab.high | 0;
    this.#b = ab.low | 0;
    this.#c = cd.high | 0;
    // The generator would never leave the state of all zeros.
    this.#d = cd.low | 1;
  }

  /** An integer from 0 to 2^32 - 1. */
  nextU32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result >>> 0;
  }

  /** A number from 0 up to, not including, 1, with 53 random bits. */
  nextFloat(): number {
    const high = this.nextU32() >>> 5;
    const low = this.nextU32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** An integer from 0 up to, not including, `n`, each as likely as the other; `n` is at most 2^32. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new UsageError(`no integer below ${n}; between 1 and 2^32, please`);
    }
    // The numbers above the last whole multiple of n would favour the small remainders.
    const limit = 2 ** 32 - (2 ** 32 % n);
    let drawn = this.nextU32();
    while (drawn >= limit) drawn = this.nextU32();
    return drawn % n;
  }

  fill(out: Uint8Array): void {
    let word = 0;
    for (let i = 0; i < out.length; i++) {
      word = i % 4 === 0 ? this.nextU32() : word >>> 8;
      out[i] = word;
    }
  }

  /**
   * A generator of its own for the part of a simulation called `label`.
   *
   * It depends on this one's seed and the label only, not on what was drawn so far, and draws nothing from this one.
   */
  split(label: string): Prng {
    return new Prng(`${this.#seed}\u0000${label}`);
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function codeUnits(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    bytes[i * 2] = text.charCodeAt(i);
    bytes[i * 2 + 1] = text.charCodeAt(i) >>> 8;
  }
  return bytes;
}
