// RFC 6528 and RFC 6056: numbers that nobody outside can guess.
import { sipHash24 } from '../../bytes/siphash.ts';
import type { Entropy } from '../../interfaces/entropy.ts';
import type { Instant } from '../../time/clock.ts';
import type { Seq } from './seq.ts';

/** One tick each 4 µs, RFC 9293 §3.4.1 (MUST-8). */
const TICKS_PER_MS = 250;

/** Pseudo-ports are taken from here, so that the first byte of a segment tells it from STUN, DTLS and RTP (RFC 7983). */
export const FIRST_DYNAMIC_PORT = 49_152;
export const LAST_DYNAMIC_PORT = 65_535;

/** Stands for the two addresses of a path: an integer below 2^53. */
export type PathTag = number;

/** Which connection a SYN cookie is for. */
export interface CookiePlace {
  readonly tag: PathTag;
  readonly localPort: number;
  readonly remotePort: number;
}

/** What an endpoint draws: sequence numbers, timestamp offsets, cookies, tokens and ports. */
export class Secrets {
  readonly #entropy: Entropy;
  readonly #key = new Uint8Array(16);
  readonly #message = new Uint8Array(13);
  readonly #view = new DataView(this.#message.buffer);
  readonly #cookieMessage = new Uint8Array(23);
  readonly #cookieView = new DataView(this.#cookieMessage.buffer);
  readonly #word = new Uint8Array(4);

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
    entropy.fill(this.#key);
  }

  /** ISN = M + F(connection), RFC 6528 §3, F being SipHash-2-4 under a key of this endpoint (MUST-9). */
  initialSequence(path: PathTag, localPort: number, remotePort: number, now: Instant): Seq {
    return (Math.floor(now * TICKS_PER_MS) + this.#hash(path, localPort, remotePort, 0)) >>> 0;
  }

  /** Where the timestamp clock of a connection begins: the same for all incarnations of it (RFC 7323 §5.4). */
  timestampOffset(path: PathTag, localPort: number, remotePort: number): number {
    return this.#hash(path, localPort, remotePort, 1);
  }

  /** 32 bits for the tables of connections, always the same ones. */
  get muxSalt(): number {
    return this.#hash(0, 0, 0, 3);
  }

  /** 32 random bits. */
  word(): number {
    this.#entropy.fill(this.#word);
    return ((this.#word[0]! << 24) | (this.#word[1]! << 16) | (this.#word[2]! << 8) | this.#word[3]!) >>> 0;
  }

  /** A random port of the dynamic range, RFC 6056 §3.3.1. */
  port(): number {
    const offset = this.word() % (LAST_DYNAMIC_PORT - FIRST_DYNAMIC_PORT + 1);
    // `| 0`, or it stays a boxed number in every control block and segment that it gets into.
    return FIRST_DYNAMIC_PORT + (offset | 0);
  }

  #hash(path: PathTag, localPort: number, remotePort: number, purpose: number): number {
    putTag(this.#view, path);
    this.#view.setUint16(8, localPort);
    this.#view.setUint16(10, remotePort);
    this.#view.setUint8(12, purpose);
    return sipHash24(this.#key, this.#message).low;
  }

  /** What makes a SYN cookie ours: 32 bits over the connection, the peer's ISN, the time slot and what it carries. */
  cookieHash(place: CookiePlace, irs: Seq, slot: number, carried: number): number {
    const view = this.#cookieView;
    putTag(view, place.tag);
    view.setUint16(8, place.localPort);
    view.setUint16(10, place.remotePort);
    view.setUint32(12, irs);
    view.setUint32(16, slot);
    view.setUint16(20, carried);
    view.setUint8(22, 2);
    return sipHash24(this.#key, this.#cookieMessage).low;
  }
}

function putTag(view: DataView, tag: PathTag): void {
  view.setUint32(0, Math.floor(tag / 2 ** 32));
  view.setUint32(4, tag);
}
