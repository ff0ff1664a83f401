import { type Instant, NEVER } from '../lib/time/clock.ts';
import { datagramItem, Fault, type FaultFilter } from './faults.ts';
import type { LinkPlan } from './plan.ts';
import { drawAt, fractionAt } from './random.ts';

/** What UDP over IPv4 adds to a datagram. */
export const UDP_IP_BYTES = 28;

/** A datagram under way. Reused from world to world. */
export class Flight {
  bytes: Uint8Array = new Uint8Array(SLOT_BYTES);
  length = 0;
  dueAt: Instant = 0;
  /** Tells which of two that are due together was sent first. */
  ordinal = 0;
  /** The addresses on its envelope. */
  from = 0;
  to = 0;
}

const SLOT_BYTES = 2048;
const SPARE: Flight[] = [];
/** Up to here a loop is faster than Uint8Array.set, which needs a subarray. */
const LOOP_BYTES = 48;

/** A copy of `bytes[start, end)`, to be given back with `recycle`. */
export function takeFlight(bytes: Uint8Array, start: number, end: number): Flight {
  const flight = SPARE.pop() ?? new Flight();
  const length = end - start;
  if (length > flight.bytes.length) flight.bytes = new Uint8Array(length);
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i += 1) flight.bytes[i] = bytes[start + i]!;
  else flight.bytes.set(bytes.subarray(start, end));
  flight.length = length;
  return flight;
}

export function recycle(flight: Flight): void {
  SPARE.push(flight);
}

/** 1 Mbit/s is 125 bytes in a millisecond. */
const BYTES_PER_MS_PER_MBIT = 125;
/** A queue of exactly three packets must not refuse the third for a rounding error. */
const ROUNDING_BYTES = 0.001;
/** Sets the draws for jitter, bursts and spoiling apart from those for faults. */
const KEYS = { jitter: 0x5bd1_e995, burst: 0x27d4_eb2f, spoil: 0x1656_67b1 };
const MOST_FLIPS = 3;

/**
 * One direction of the network: faults, then a tail-drop queue served at the rate, then latency.
 *
 * What happens to its datagram number n follows from the key and n alone.
 */
export class Link {
  readonly index: number;
  readonly #key: number;
  readonly #faults: FaultFilter;
  #plan: LinkPlan;
  /** The sum of all probabilities: most datagrams need no further look. */
  #faultiness = 0;
  #ordinal = 0;
  #isInBurst = false;
  #busyUntil: Instant = Number.NEGATIVE_INFINITY;
  #lastDueAt: Instant = Number.NEGATIVE_INFINITY;
  #bytesPerMs = 0;
  #mtuBytes = Number.POSITIVE_INFINITY;
  #isCut = false;
  /** In the order of `dueAt`: those that keep their order, and those held back. */
  readonly #inOrder = new FlightQueue();
  readonly #heldBack: Flight[] = [];
  /** When the next datagram arrives, or NEVER. */
  nextAt: Instant = NEVER;

  constructor(plan: LinkPlan, index: number, key: number, faults: FaultFilter) {
    this.#plan = plan;
    this.index = index;
    this.#key = drawAt(key, index + 1) | 0;
    this.#faults = faults;
    this.#adopt(plan);
  }

  #adopt(plan: LinkPlan): void {
    this.#plan = plan;
    this.#faultiness = plan.loss + plan.duplicate + plan.reorder + plan.flip + plan.truncate;
    this.#bytesPerMs = plan.rateMbit * BYTES_PER_MS_PER_MBIT;
  }

  /** From now on there are no faults; what is under way arrives as it was going to. */
  calm(): void {
    const none = { loss: 0, duplicate: 0, reorder: 0, flip: 0, truncate: 0, jitterMs: 0 };
    this.#adopt({ ...this.#plan, ...none, burst: undefined });
    this.#isCut = false;
  }

  set isCut(isCut: boolean) {
    this.#isCut = isCut;
  }

  set mtuBytes(bytes: number) {
    this.#mtuBytes = bytes;
  }

  /** The rate is `factor` times that of the plan. */
  set rateFactor(factor: number) {
    this.#bytesPerMs = factor * this.#plan.rateMbit * BYTES_PER_MS_PER_MBIT;
  }

  /** Whatever is sent before `until` waits for it. */
  clog(until: Instant): void {
    this.#busyUntil = Math.max(this.#busyUntil, until);
  }

  /** Takes `flight` over. `isSpoilable` says whether its receiver can see flipped bits. */
  send(now: Instant, flight: Flight, isSpoilable: boolean): void {
    const ordinal = this.#ordinal++;
    const fault = this.#faultOf(ordinal);
    if (this.#isCut || fault === Fault.Loss || fault === Fault.BurstLoss) {
      recycle(flight);
      return;
    }
    if (fault >= Fault.Flip && !isSpoilable) {
      // UDP's checksum sees it.
      recycle(flight);
      return;
    }
    const packetBytes = flight.length + UDP_IP_BYTES;
    if (packetBytes > this.#mtuBytes || !this.#serve(now, packetBytes)) {
      recycle(flight);
      return;
    }
    if (fault >= Fault.Flip) this.#spoil(flight, fault, ordinal);
    this.#depart(flight, ordinal, fault === Fault.Reorder ? this.#plan.reorderMs : 0);
    if (fault === Fault.Duplicate && this.#serve(now, packetBytes)) {
      const copy = takeFlight(flight.bytes, 0, flight.length);
      copy.from = flight.from;
      copy.to = flight.to;
      this.#depart(copy, ordinal, 0);
    }
  }

  #faultOf(ordinal: number): Fault {
    if (this.#plan.burst !== undefined && this.#isLostInBurst(ordinal)) {
      return this.#struck(Fault.BurstLoss, ordinal);
    }
    if (this.#faultiness === 0) return Fault.None;
    let drawn = fractionAt(this.#key, ordinal);
    if (drawn >= this.#faultiness) return Fault.None;
    const { loss, duplicate, reorder, flip } = this.#plan;
    if (drawn < loss) return this.#struck(Fault.Loss, ordinal);
    drawn -= loss;
    if (drawn < duplicate) return this.#struck(Fault.Duplicate, ordinal);
    drawn -= duplicate;
    if (drawn < reorder) return this.#struck(Fault.Reorder, ordinal);
    return this.#struck(drawn - reorder < flip ? Fault.Flip : Fault.Truncate, ordinal);
  }

  #isLostInBurst(ordinal: number): boolean {
    const { enter, leave, loss } = this.#plan.burst!;
    const key = this.#key ^ KEYS.burst;
    const turns = fractionAt(key, 2 * ordinal) < (this.#isInBurst ? leave : enter);
    if (turns) this.#isInBurst = !this.#isInBurst;
    return this.#isInBurst && fractionAt(key, 2 * ordinal + 1) < loss;
  }

  #struck(fault: Fault, ordinal: number): Fault {
    return this.#faults.strikes(datagramItem(this.index, fault, ordinal)) ? fault : Fault.None;
  }

  /** Reserves the link for one packet, unless the queue has no room for it. */
  #serve(now: Instant, packetBytes: number): boolean {
    const startAt = Math.max(now, this.#busyUntil);
    if (this.#bytesPerMs === Number.POSITIVE_INFINITY) {
      this.#busyUntil = startAt;
      return true;
    }
    const queuedBytes = (startAt - now) * this.#bytesPerMs;
    if (queuedBytes + packetBytes > this.#plan.queueBytes + ROUNDING_BYTES) return false;
    this.#busyUntil = startAt + packetBytes / this.#bytesPerMs;
    return true;
  }

  #spoil(flight: Flight, fault: Fault, ordinal: number): void {
    const key = this.#key ^ KEYS.spoil;
    const { bytes, length } = flight;
    if (fault === Fault.Truncate) {
      flight.length = drawAt(key, ordinal) % length;
      return;
    }
    const first = 4 * ordinal;
    for (let flips = 1 + (drawAt(key, first) % MOST_FLIPS); flips > 0; flips -= 1) {
      const bit = drawAt(key, first + flips) % (8 * length);
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
    }
  }

  #depart(flight: Flight, ordinal: number, holdMs: number): void {
    const { latencyMs, jitterMs } = this.#plan;
    const jitter = jitterMs > 0 ? jitterMs * fractionAt(this.#key ^ KEYS.jitter, ordinal) : 0;
    const dueAt = Math.max(this.#lastDueAt, this.#busyUntil + latencyMs + jitter);
    flight.ordinal = ordinal;
    if (holdMs > 0) {
      flight.dueAt = dueAt + holdMs;
      this.#holdBack(flight);
    } else {
      flight.dueAt = dueAt;
      this.#lastDueAt = dueAt;
      this.#inOrder.push(flight);
    }
    if (flight.dueAt < this.nextAt) this.nextAt = flight.dueAt;
  }

  #holdBack(flight: Flight): void {
    let at = this.#heldBack.length;
    while (at > 0 && this.#heldBack[at - 1]!.dueAt > flight.dueAt) at -= 1;
    this.#heldBack.splice(at, 0, flight);
  }

  /** Takes out the datagram that arrives next: the caller has seen that there is one. */
  take(): Flight {
    const held = this.#heldBack[0];
    const next = this.#inOrder.first;
    const isHeldNext = next === undefined || (held !== undefined && held.dueAt < next.dueAt);
    const flight = isHeldNext ? this.#heldBack.shift()! : this.#inOrder.take();
    this.nextAt = Math.min(this.#inOrder.first?.dueAt ?? NEVER, this.#heldBack[0]?.dueAt ?? NEVER);
    return flight;
  }

  /** Gives everything back that is still under way. */
  clear(): void {
    while (this.nextAt !== NEVER) recycle(this.take());
  }
}

/** First in, first out, in a ring: no array ever changes its length while things go well. */
class FlightQueue {
  #ring: (Flight | undefined)[] = new Array<Flight | undefined>(64).fill(undefined);
  #head = 0;
  #count = 0;

  get first(): Flight | undefined {
    return this.#ring[this.#head];
  }

  push(flight: Flight): void {
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#count) & (this.#ring.length - 1)] = flight;
    this.#count += 1;
  }

  /** The caller has seen that there is one. */
  take(): Flight {
    const flight = this.#ring[this.#head]!;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#count -= 1;
    return flight;
  }

  #grow(): void {
    const inOrder = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
    this.#ring = [...inOrder, ...new Array<Flight | undefined>(inOrder.length).fill(undefined)];
    this.#head = 0;
  }
}
