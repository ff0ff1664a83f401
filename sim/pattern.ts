import { Prng } from '../lib/bytes/prng.ts';

/** Where a content may begin, and how long the longest is. Small enough to stay in a processor's cache. */
export const CONTENT_STARTS: number = 65_536;
const LONGEST_CONTENT = 1_048_576;
const PATTERN_BYTES = CONTENT_STARTS + LONGEST_CONTENT;

function makePattern(): Uint8Array {
  const bytes = new Uint8Array(PATTERN_BYTES);
  new Prng('pattern').fill(bytes);
  return bytes;
}

/**
 * Random bytes that all users of all worlds take their content from, each from a place of his own: nothing has to be
 * made for a world, and what should have come is known without having been sent.
 */
export const PATTERN: Uint8Array = makePattern();
/** The same memory as a Buffer, which compares fast; pieces of a Uint8Array are cheaper. */
const COMPARED = Buffer.from(PATTERN.buffer);

/** Whether the first `count` of `bytes` are what the pattern has from `at` on. */
export function isPattern(bytes: Uint8Array, count: number, at: number): boolean {
  return COMPARED.compare(bytes, 0, count, at, at + count) === 0;
}

/** The first place in which `bytes` differ from what the pattern has from `at` on. */
export function firstDifference(bytes: Uint8Array, at: number): number {
  return bytes.findIndex((byte, index) => byte !== PATTERN[at + index]);
}
