import type { Prng } from '../lib/bytes/prng.ts';

/**
 * Number `n` of the sequence called `key`, from 0 to 2^32 - 1, computed from these two alone.
 *
 * What a link does to its datagram `n` so depends on nothing else: leaving one fault out moves no other.
 */
export function drawAt(key: number, n: number): number {
  let word = (key ^ Math.imul(n, 0x9e37_79b9)) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x21f0_aaad);
  word = Math.imul(word ^ (word >>> 15), 0x735a_2d97) + key;
  word = Math.imul(word ^ (word >>> 15), 0x2c1b_3c6d);
  return (word ^ (word >>> 16)) >>> 0;
}

/** `drawAt` as a fraction: from 0 up to, not including, 1. */
export function fractionAt(key: number, n: number): number {
  return drawAt(key, n) / 2 ** 32;
}

export function oneOf<T>(random: Prng, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

export function chance(random: Prng, probability: number): boolean {
  return random.nextFloat() < probability;
}

/** So many bits of a number between 0 and 1 are enough to tell sizes apart. */
const SIZE_BITS = 24;

/** A number from `least` up to `most`, each size as likely as the next: as often from 1 to 10 as from 10 to 100. */
export function logUniform(random: Prng, least: number, most: number): number {
  // Powers differ in their last bits from one engine to another, square roots and products do not.
  let exponent = random.nextFloat();
  let root = most / least;
  let drawn = least;
  for (let bit = 0; bit < SIZE_BITS; bit += 1) {
    root = Math.sqrt(root);
    exponent *= 2;
    if (exponent < 1) continue;
    exponent -= 1;
    drawn *= root;
  }
  return drawn;
}
