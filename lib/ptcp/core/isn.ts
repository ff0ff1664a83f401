// RFC 6528 and RFC 6056: numbers that nobody outside can guess.
import { sipHash24 } from '../../bytes/siphash.ts';
import type { Entropy } from '../../interfaces/entropy.ts';
import type { Instant } from '../../time/clock.ts';
import type { PathId } from './path.ts';
import type { Seq } from './seq.ts';

/** One tick each 4 µs, RFC 9293 §3.4.1 (MUST-8). */
const TICKS_PER_MS = 250;

/** Pseudo-ports are taken from here, so that the first byte of a segment tells it from STUN, DTLS and RTP (RFC 7983). */
export const FIRST_DYNAMIC_PORT = 49_152;
export const LAST_DYNAMIC_PORT = 65_535;

/** What an endpoint draws: sequence numbers, timestamp offsets, tokens and ports. */
export class Secrets {
  readonly #entropy: Entropy;
  readonly #key = new Uint8Array(16);
  readonly #message = new Uint8Array(9);
  readonly #view = new DataView(this.#message.buffer);
  readonly #word = new Uint8Array(4);

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
    entropy.fill(this.#key);
  }

  /** ISN = M + F(connection), RFC 6528 §3, F being SipHash-2-4 under a key of this endpoint (MUST-9). */
  initialSequence(path: PathId, localPort: number, remotePort: number, now: Instant): Seq {
    return (Math.floor(now * TICKS_PER_MS) + this.#hash(path, localPort, remotePort, 0)) >>> 0;
  }

  /** Where the timestamp clock of a connection begins: the same for all incarnations of it (RFC 7323 §5.4). */
  timestampOffset(path: PathId, localPort: number, remotePort: number): number {
    return this.#hash(path, localPort, remotePort, 1);
  }

  /** 32 random bits. */
  word(): number {
    this.#entropy.fill(this.#word);
    return ((this.#word[0]! << 24) | (this.#word[1]! << 16) | (this.#word[2]! << 8) | this.#word[3]!) >>> 0;
  }

  /** A random port of the dynamic range, RFC 6056 §3.3.1. */
  port(): number {
    return FIRST_DYNAMIC_PORT + (this.word() % (LAST_DYNAMIC_PORT - FIRST_DYNAMIC_PORT + 1));
  }

  #hash(path: PathId, localPort: number, remotePort: number, purpose: number): number {
    this.#view.setUint32(0, path);
    this.#view.setUint16(4, localPort);
    this.#view.setUint16(6, remotePort);
    this.#view.setUint8(8, purpose);
    return sipHash24(this.#key, this.#message).low;
  }
}
