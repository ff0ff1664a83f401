// Read first: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, §2. Its words of 64 bits are pairs
// here (…h the upper half, …l the lower), because BigInt allocates at every step; and the state is in local
// variables, because in an array it takes four times as long.
import { invariant } from '../errors.ts';

const KEY_BYTES = 16;
const COMPRESSION_ROUNDS = 2;
const FINALIZATION_ROUNDS = 4;

/** A word of 64 bits as two unsigned halves. */
export interface SipHash {
  readonly high: number;
  readonly low: number;
}

/** SipHash-2-4 of `message` under a key of 16 bytes: unpredictable to whoever does not know the key. */
export function sipHash24(key: Uint8Array, message: Uint8Array): SipHash {
  invariant(key.length === KEY_BYTES, 'a SipHash key has 16 bytes');
  // "somepseudorandomlygeneratedbytes", §2.1
  let v0h = wordAt(key, 4) ^ 0x736f6d65;
  let v0l = wordAt(key, 0) ^ 0x70736575;
  let v1h = wordAt(key, 12) ^ 0x646f7261;
  let v1l = wordAt(key, 8) ^ 0x6e646f6d;
  let v2h = wordAt(key, 4) ^ 0x6c796765;
  let v2l = wordAt(key, 0) ^ 0x6e657261;
  let v3h = wordAt(key, 12) ^ 0x74656462;
  let v3l = wordAt(key, 8) ^ 0x79746573;
  // The last block has what is left, and the length as its last byte; behind it comes the finalization.
  const lastAt = message.length & ~7;
  for (let at = 0; at <= lastAt + 8; at += 8) {
    const isFinalization = at > lastAt;
    const high = isFinalization ? 0 : wordAt(message, at + 4) | (at === lastAt ? message.length << 24 : 0);
    const low = isFinalization ? 0 : wordAt(message, at);
    if (isFinalization) v2l ^= 0xff;
    v3h ^= high;
    v3l ^= low;
    for (let left = isFinalization ? FINALIZATION_ROUNDS : COMPRESSION_ROUNDS; left > 0; left--) {
      let sum = (v0l >>> 0) + (v1l >>> 0);
      v0h = (v0h + v1h + carry(sum)) | 0;
      v0l = sum | 0;
      sum = (v2l >>> 0) + (v3l >>> 0);
      v2h = (v2h + v3h + carry(sum)) | 0;
      v2l = sum | 0;
      let rotated = (v1h << 13) | (v1l >>> 19);
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = rotated ^ v0h;
      rotated = (v3h << 16) | (v3l >>> 16);
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = rotated ^ v2h;
      rotated = v0l; // by 32 bits: the halves change places
      v0l = v0h;
      v0h = rotated;

      sum = (v2l >>> 0) + (v1l >>> 0);
      v2h = (v2h + v1h + carry(sum)) | 0;
      v2l = sum | 0;
      sum = (v0l >>> 0) + (v3l >>> 0);
      v0h = (v0h + v3h + carry(sum)) | 0;
      v0l = sum | 0;
      rotated = (v1h << 17) | (v1l >>> 15);
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = rotated ^ v2h;
      rotated = (v3h << 21) | (v3l >>> 11);
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = rotated ^ v0h;
      rotated = v2l;
      v2l = v2h;
      v2h = rotated;
    }
    v0h ^= high;
    v0l ^= low;
  }
  return { high: (v0h ^ v1h ^ v2h ^ v3h) >>> 0, low: (v0l ^ v1l ^ v2l ^ v3l) >>> 0 };
}

function carry(sumOfLowerHalves: number): number {
  return sumOfLowerHalves > 0xffffffff ? 1 : 0;
}

/** Four bytes from `at`, least significant first; beyond the end there are zeros. */
function wordAt(bytes: Uint8Array, at: number): number {
  if (at + 4 <= bytes.length) {
    return (
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    );
  }
  let word = 0;
  for (let i = bytes.length - 1; i >= at; i--) word = (word << 8) | (bytes[i] as number);
  return word;
}
