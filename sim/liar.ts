// A peer that does not say what is: its core is honest, and what leaves is changed on the way out.
import { seqAdd } from '../lib/ptcp/core/seq.ts';
import { Flag, readU32 } from '../lib/ptcp/core/wire/segment.ts';
import { type FaultFilter, lieItem } from './faults.ts';
import { type Flight, recycle, takeFlight } from './link.ts';
import type { LiePlan } from './plan.ts';
import { drawAt, fractionAt } from './random.ts';
import type { WorldView } from './world-view.ts';

const KEY = 0x510e_527f;
const DRAWS_PER_LIE = 32;
const HEADER_BYTES = 20;
const SACK_KIND = 5;
/** Where SACK blocks begin: behind the header, maybe timestamps, two NOPs and the head of the option. */
const SACK_HEAD_BYTES = 4;
const TIMESTAMPS_BYTES = 12;
const GARBAGE_BYTES = 200;

/** Changes what its host sends. */
export class Liar {
  readonly #plan: LiePlan;
  readonly #key: number;
  readonly #faults: FaultFilter;
  #ordinal = 0;
  #draws = 0;

  constructor(plan: LiePlan, key: number, faults: FaultFilter) {
    this.#plan = plan;
    this.#key = drawAt(key ^ KEY, 0) | 0;
    this.#faults = faults;
  }

  /** Sends `flight`, and maybe more, by the second host's link. */
  send(world: WorldView, flight: Flight): void {
    const ordinal = this.#ordinal++;
    this.#draws = ordinal * DRAWS_PER_LIE;
    const flags = flight.bytes[13]!;
    const lie = this.#fraction();
    const { sack, optimisticAck, divideAck, window, garbage } = this.#plan;
    const isPlain = (flags & Flag.ACK) !== 0 && (flags & (Flag.SYN | Flag.RST)) === 0;
    const isTold = lie < sack + optimisticAck + divideAck + window + garbage;
    if (!isTold || !isPlain || !this.#faults.strikes(lieItem(ordinal))) {
      world.putOnLink(1, flight);
      return;
    }
    if (lie < sack) this.#lieAboutSack(world, flight);
    else if (lie < sack + optimisticAck) this.#ackTooMuch(world, flight);
    else if (lie < sack + optimisticAck + divideAck) this.#divide(world, flight);
    else if (lie < sack + optimisticAck + divideAck + window) this.#lieAboutWindow(world, flight);
    else this.#spray(world, flight);
  }

  #draw(below: number): number {
    return drawAt(this.#key, this.#draws++) % below;
  }

  #fraction(): number {
    return fractionAt(this.#key, this.#draws++);
  }

  /** SACK blocks of any kind: below the ACK, beyond what was sent, inverted, overlapping. */
  #lieAboutSack(world: WorldView, flight: Flight): void {
    const { bytes } = flight;
    const headerBytes = (bytes[12]! >> 4) * 4;
    const hasTimestamps = headerBytes >= HEADER_BYTES + TIMESTAMPS_BYTES;
    const at = HEADER_BYTES + (hasTimestamps ? TIMESTAMPS_BYTES : 0);
    const count = 1 + this.#draw(hasTimestamps ? 3 : 4);
    const end = at + SACK_HEAD_BYTES + 8 * count;
    bytes.set([1, 1, SACK_KIND, 2 + 8 * count], at);
    const ack = readU32(bytes, 8);
    for (let edge = 0; edge < 2 * count; edge += 1) {
      const ahead = this.#draw(4) === 0 ? drawAt(this.#key, this.#draws) : this.#draw(200_000) - 20_000;
      writeU32(bytes, at + SACK_HEAD_BYTES + 4 * edge, seqAdd(ack, ahead));
    }
    bytes[12] = (end >> 2) << 4;
    flight.length = end;
    world.putOnLink(1, flight);
  }

  /** Acknowledges what has not come. */
  #ackTooMuch(world: WorldView, flight: Flight): void {
    const ahead = this.#draw(3) === 0 ? this.#draw(3_000_000) : this.#draw(3000);
    writeU32(flight.bytes, 8, seqAdd(readU32(flight.bytes, 8), ahead));
    world.putOnLink(1, flight);
  }

  /** Many ACKs where one would do, each for a little more (RFC 3465's ACK division), or all for the same. */
  #divide(world: WorldView, flight: Flight): void {
    const headerBytes = (flight.bytes[12]! >> 4) * 4;
    const ack = readU32(flight.bytes, 8);
    const isDivision = this.#draw(2) === 0;
    for (let rest = 1 + this.#draw(20); rest > 0; rest -= 1) {
      const piece = takeFlight(flight.bytes, 0, headerBytes);
      piece.from = flight.from;
      piece.to = flight.to;
      piece.bytes[13]! &= ~(Flag.FIN | Flag.PSH);
      if (isDivision) writeU32(piece.bytes, 8, seqAdd(ack, -rest * 10));
      world.putOnLink(1, piece);
    }
    world.putOnLink(1, flight);
  }

  #lieAboutWindow(world: WorldView, flight: Flight): void {
    const window = [0, 1, 65_535, this.#draw(65_536)][this.#draw(4)]!;
    flight.bytes[14] = window >> 8;
    flight.bytes[15] = window;
    world.putOnLink(1, flight);
  }

  /** Noise behind a good pair of ports. */
  #spray(world: WorldView, flight: Flight): void {
    const noise = takeFlight(flight.bytes, 0, Math.min(flight.length, GARBAGE_BYTES));
    noise.from = flight.from;
    noise.to = flight.to;
    for (let at = 4; at < noise.length; at += 1) noise.bytes[at] = drawAt(this.#key ^ at, this.#draws);
    if (this.#draw(2) === 0) noise.bytes[12] = 0x50 | (noise.bytes[12]! & 0xf0);
    world.putOnLink(1, noise);
    if (this.#draw(2) === 0) world.putOnLink(1, flight);
    else recycle(flight);
  }
}

function writeU32(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
