// Read first: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, §2. Its words of 64 bits are pairs
// here (…h the upper half, …l the lower), because BigInt is some hundred times slower.
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
  const k0l = wordAt(key, 0);
  const k0h = wordAt(key, 4);
  const k1l = wordAt(key, 8);
  const k1h = wordAt(key, 12);
  // "somepseudorandomlygeneratedbytes", §2.1
  const v = Int32Array.of(
    k0h ^ 0x736f6d65,
    k0l ^ 0x70736575,
    k1h ^ 0x646f7261,
    k1l ^ 0x6e646f6d,
    k0h ^ 0x6c796765,
    k0l ^ 0x6e657261,
    k1h ^ 0x74656462,
    k1l ^ 0x79746573,
  );
  const lastWordAt = message.length - (message.length % 8);
  for (let at = 0; at < lastWordAt; at += 8) compress(v, wordAt(message, at + 4), wordAt(message, at));

  const left = message.subarray(lastWordAt);
  const last = new Uint8Array(8);
  last.set(left);
  last[7] = message.length & 0xff;
  compress(v, wordAt(last, 4), wordAt(last, 0));

  v[5] = (v[5] as number) ^ 0xff;
  rounds(v, FINALIZATION_ROUNDS);
  return {
    high: ((v[0] as number) ^ (v[2] as number) ^ (v[4] as number) ^ (v[6] as number)) >>> 0,
    low: ((v[1] as number) ^ (v[3] as number) ^ (v[5] as number) ^ (v[7] as number)) >>> 0,
  };
}

function compress(v: Int32Array, high: number, low: number): void {
  v[6] = (v[6] as number) ^ high;
  v[7] = (v[7] as number) ^ low;
  rounds(v, COMPRESSION_ROUNDS);
  v[0] = (v[0] as number) ^ high;
  v[1] = (v[1] as number) ^ low;
}

function rounds(v: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    addInto(v, 0, 2);
    addInto(v, 4, 6);
    rotateLeft(v, 2, 13);
    rotateLeft(v, 6, 16);
    xorInto(v, 2, 0);
    xorInto(v, 6, 4);
    swapHalves(v, 0);
    addInto(v, 4, 2);
    addInto(v, 0, 6);
    rotateLeft(v, 2, 17);
    rotateLeft(v, 6, 21);
    xorInto(v, 2, 4);
    xorInto(v, 6, 0);
    swapHalves(v, 4);
  }
}

/** The word at `to` becomes the sum of both, modulo 2^64. */
function addInto(v: Int32Array, to: number, from: number): void {
  const low = ((v[to + 1] as number) >>> 0) + ((v[from + 1] as number) >>> 0);
  v[to + 1] = low;
  v[to] = (v[to] as number) + (v[from] as number) + (low > 0xffffffff ? 1 : 0);
}

function xorInto(v: Int32Array, to: number, from: number): void {
  v[to] = (v[to] as number) ^ (v[from] as number);
  v[to + 1] = (v[to + 1] as number) ^ (v[from + 1] as number);
}

/** By less than 32 bits. */
function rotateLeft(v: Int32Array, at: number, bits: number): void {
  const high = v[at] as number;
  const low = v[at + 1] as number;
  v[at] = (high << bits) | (low >>> (32 - bits));
  v[at + 1] = (low << bits) | (high >>> (32 - bits));
}

/** A rotation by 32 bits. */
function swapHalves(v: Int32Array, at: number): void {
  const high = v[at] as number;
  v[at] = v[at + 1] as number;
  v[at + 1] = high;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
