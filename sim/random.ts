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

/** A number from `least` up to `most`, each size as likely as the next: as often from 1 to 10 as from 10 to 100. */
export function logUniform(random: Prng, least: number, most: number): number {
  return least * (most / least) ** random.nextFloat();
}
