import { Prng } from '../lib/bytes/prng.ts';

/** As much as two users of the largest world have to say. */
const PATTERN_BYTES = 4 * 1024 * 1024;

function makePattern(): Buffer {
  const bytes = Buffer.alloc(PATTERN_BYTES);
  new Prng('pattern').fill(bytes);
  return bytes;
}

/**
 * Random bytes that all users of all worlds take their content from, each from a place of his own: nothing has to be
 * made for a world, and what should have come is known without having been sent.
 */
export const PATTERN: Buffer = makePattern();

/** Whether `bytes` are what the pattern has from `at` on. */
export function isPattern(bytes: Uint8Array, at: number): boolean {
  return PATTERN.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}

/** The first place in which `bytes` differ from what the pattern has from `at` on. */
export function firstDifference(bytes: Uint8Array, at: number): number {
  return bytes.findIndex((byte, index) => byte !== PATTERN[at + index]);
}
