// Datagrams as a hostile or broken sender would make them: nearly right, because what is all wrong is dropped at once.
import type { Prng } from '../../lib/bytes/prng.ts';

/** What a sender may know of the connection it shoots at. */
export interface Aim {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly tsVal: number;
  readonly tsEcr: number;
}

const EDGES = [
  0, 1, 2, 3, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
const NEAR = [0, 0, 0, 1, -1, 2, -2, 20, 1400, -1400, 65_535, 65_536, -65_536, 0x7fff_ffff, -0x8000_0000];
const HEADER_BYTES = 20;
const MOST_BYTES = 1500;

/** A number that code tends to get wrong, or any. */
export function edgeNumber(random: Prng): number {
  return random.below(3) === 0 ? random.nextU32() : EDGES[random.below(EDGES.length)]!;
}

function near(value: number, random: Prng): number {
  return random.below(10) === 0 ? edgeNumber(random) : (value + NEAR[random.below(NEAR.length)]!) >>> 0;
}

/** Builds one input after the other in the same memory: each is good until the next. */
export class InputMaker {
  readonly #memory = new Uint8Array(MOST_BYTES + HEADER_BYTES);
  readonly #view = new DataView(this.#memory.buffer);
  readonly #random: Prng;
  /** Whether the last input has a RST bit where a segment has it. */
  isReset = false;

  constructor(random: Prng) {
    this.#random = random;
  }

  /** A segment, its fields around those of `aim`, its options any, and now and then damaged. */
  segment(aim: Aim): Uint8Array {
    const random = this.#random;
    const view = this.#view;
    view.setUint16(0, random.below(50) === 0 ? random.below(65_536) : aim.srcPort);
    view.setUint16(2, random.below(50) === 0 ? random.below(65_536) : aim.dstPort);
    view.setUint32(4, near(aim.seq, random));
    view.setUint32(8, near(aim.ack, random));
    const optionBytes = this.#options(aim);
    const headerBytes = HEADER_BYTES + optionBytes;
    const dataOffset = random.below(40) === 0 ? random.below(16) : headerBytes / 4;
    view.setUint8(12, (dataOffset << 4) | (random.below(40) === 0 ? random.below(16) : 0));
    const flags = this.#flags();
    view.setUint8(13, flags);
    view.setUint16(14, random.below(3) === 0 ? edgeNumber(random) & 0xffff : random.below(65_536));
    view.setUint32(16, random.below(3) === 0 ? edgeNumber(random) : 0);
    const textBytes = this.#textBytes();
    for (let at = headerBytes; at < headerBytes + textBytes; at += 64) this.#memory[at] = at;
    const length = this.#damage(headerBytes + textBytes);
    this.isReset = length > 13 && (this.#memory[13]! & 4) !== 0;
    return this.#memory.subarray(0, length);
  }

  /** Vertex's 23 bytes; the CRC-32 of the text is the caller's to put in, where it is to be right. */
  vertex(aim: Aim, crc32: (bytes: Uint8Array, start: number, end: number) => number): Uint8Array {
    const random = this.#random;
    const view = this.#view;
    view.setUint16(0, aim.srcPort);
    view.setUint16(2, aim.dstPort);
    view.setUint32(4, near(aim.seq, random));
    view.setUint32(8, near(aim.ack, random));
    view.setUint32(12, random.below(20) === 0 ? edgeNumber(random) : random.below(2000));
    view.setUint8(16, random.below(20) === 0 ? random.below(256) : random.below(32));
    const textBytes = random.below(4) === 0 ? random.below(600) : 0;
    view.setUint32(17, random.below(20) === 0 ? random.nextU32() : crc32(this.#memory, 23, 23 + textBytes));
    view.setUint16(21, random.below(10) === 0 ? edgeNumber(random) & 0xffff : textBytes);
    this.isReset = false;
    return this.#memory.subarray(0, this.#damage(23 + textBytes));
  }

  /** Bytes without any sense. */
  noise(): Uint8Array {
    const bytes = this.#memory.subarray(0, this.#random.below(120));
    this.#random.fill(bytes);
    this.isReset = bytes.length > 13 && (bytes[13]! & 4) !== 0;
    return bytes;
  }

  /** A datagram that somebody really sent, with some bits turned, cut or made longer. */
  mutated(original: Uint8Array): Uint8Array {
    const length = Math.min(original.length, MOST_BYTES);
    this.#memory.set(original.subarray(0, length));
    for (let flips = this.#random.below(4); flips > 0 && length > 0; flips -= 1) {
      this.#memory[this.#random.below(length)]! ^= 1 << this.#random.below(8);
    }
    const end = this.#damage(length);
    this.isReset = end > 13 && (this.#memory[13]! & 4) !== 0;
    return this.#memory.subarray(0, end);
  }

  #flags(): number {
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
        return random.below(256);
      case 1:
        return 0x02;
      case 2:
        return 0x12;
      case 3:
        return 0x11;
      case 4:
        return 0x04 | (random.below(2) << 4);
      case 5:
        return 0x30;
      default:
        return 0x10;
    }
  }

  #textBytes(): number {
    const random = this.#random;
    switch (random.below(6)) {
      case 0:
        return 1;
      case 1:
        return random.below(1400);
      case 2:
        return random.below(40);
      default:
        return 0;
    }
  }

  /** Options from byte 20 on; returns how many bytes they take, a multiple of four. */
  #options(aim: Aim): number {
    const random = this.#random;
    let at = HEADER_BYTES;
    // Most connections have timestamps, and drop what has none.
    if (random.below(8) > 0) at = this.#timestamps(at, aim);
    for (let count = random.below(8) === 0 ? random.below(6) : 0; count > 0 && at < 56; count -= 1) {
      at = this.#option(at, aim);
    }
    const end = Math.min((at + 3) & ~3, HEADER_BYTES + 40);
    for (let rest = Math.min(at, end); rest < end; rest += 1)
      this.#memory[rest] = random.below(20) === 0 ? 255 : 0;
    return end - HEADER_BYTES;
  }

  #timestamps(at: number, aim: Aim): number {
    this.#memory.set([1, 1, 8, 10], at);
    this.#view.setUint32(at + 4, near(aim.tsVal, this.#random));
    this.#view.setUint32(at + 8, near(aim.tsEcr, this.#random));
    return at + 12;
  }

  #option(at: number, aim: Aim): number {
    const random = this.#random;
    const view = this.#view;
    const kind = [2, 3, 4, 5, 5, 5, 8, 29, 30, 253, 254, 1, 0, 255][random.below(14)]!;
    this.#memory[at] = kind;
    if (kind === 0 || kind === 1) return at + 1;
    const usual =
      { 2: 4, 3: 3, 4: 2, 5: 2 + 8 * (1 + random.below(3)), 8: 10, 253: 13 }[kind] ?? 2 + random.below(20);
    const length = random.below(12) === 0 ? random.below(256) : usual;
    this.#memory[at + 1] = length;
    for (let byte = at + 2; byte + 4 <= at + usual && byte + 4 < MOST_BYTES; byte += 4) {
      view.setUint32(byte, kind === 5 ? near(aim.ack, random) : random.nextU32());
    }
    if (kind === 253 && random.below(4) > 0) this.#memory.set([0x50, 0x54, 0x10 | random.below(16)], at + 2);
    return at + usual;
  }

  #damage(length: number): number {
    const random = this.#random;
    if (random.below(30) > 0) return length;
    return random.below(3) === 0 ? Math.min(length + random.below(30), MOST_BYTES) : random.below(length + 1);
  }
}
