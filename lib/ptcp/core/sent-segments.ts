import type { Instant } from '../../time/clock.ts';
import { type Seq, seqAdd, seqDiff, seqLess, seqLessOrEqual } from './seq.ts';

/**
 * One segment that was sent and is not yet acknowledged, with what loss detection and rate sampling ask of it:
 * RFC 8985 (xmit time, retransmitted) and draft-ietf-ccwg-bbr §4.1.2 (delivered…, isAppLimited).
 *
 * A segment is in one of four places: in flight, SACKed, lost, or lost and sent again (`isLost && isResent`).
 */
export class SentSegment {
  seq: Seq = 0;
  /** SEG.LEN: SYN and FIN count. */
  length = 0;
  sentAt: Instant = 0;
  transmissions = 0;
  isSacked = false;
  isLost = false;
  /** Sent again since it was last marked lost. */
  isResent = false;
  /** Sent again without having been found lost: to rescue it from a time-out (RFC 6675 §4). */
  isRescue = false;
  hasFin = false;
  /** Bytes delivered, and when, as this segment left. */
  delivered = 0;
  deliveredAt: Instant = 0;
  firstSentAt: Instant = 0;
  isAppLimited = false;
  /** Bytes in flight as this segment had left, and bytes found lost on this connection until then. */
  txInFlightBytes = 0;
  lostAtSend = 0;
  /** Neighbours among those in flight, in the order in which they left; SentSegments' to change. */
  leftBefore: SentSegment | undefined = undefined;
  leftAfter: SentSegment | undefined = undefined;
}

/** Whether `segment` may still be under way. */
function isInFlight(segment: SentSegment): boolean {
  return !segment.isSacked && (!segment.isLost || segment.isResent);
}

/** Sees segments one by one. What it is shown may be used again after the call: copy what must outlive it. */
export interface SegmentVisitor {
  visit(segment: SentSegment): void;
}

/** A stretch of what the peer holds: [from, until) is new, and lies within [start, end), all of which it holds now. */
export interface SackedStretch {
  from: Seq;
  until: Seq;
  start: Seq;
  end: Seq;
}

/**
 * The segments between SND.UNA and SND.NXT, oldest first, with running sums over them; those in flight also in the order
 * in which they last left, so that what is lost by time is seen from the front (RFC 8985 §6.2, step 5).
 *
 * Invariant: the segments lie end to end from `first.seq` on, and the sums are those of their flags.
 */
export class SentSegments {
  /** A double-ended queue: live ones are [#head, length). */
  #segments: SentSegment[] = NO_SEGMENTS;
  #head = 0;
  /** Index of the first one that may be lost and not yet sent again; all before it are not. */
  #nextLost = 0;
  /** Index below which every segment that is not SACKed is marked lost already. */
  #markedBelow = 0;
  /** Ends of the chain of those in flight. */
  #leftFirst: SentSegment | undefined = undefined;
  #leftLast: SentSegment | undefined = undefined;

  sackedBytes = 0;
  sackedCount = 0;
  lostBytes = 0;
  resentBytes = 0;
  /** Of `lostBytes`, what is only counted so. */
  rescuedBytes = 0;
  /** Bytes ever found lost, retransmissions included: C.lost of draft-ietf-ccwg-bbr §2.2. */
  everLostBytes = 0;
  /** Found lost since the controller was last told: to be told before any of them is acknowledged. */
  newlyLost: SentSegment[] = NO_SEGMENTS;

  get count(): number {
    return this.#segments.length - this.#head;
  }

  get first(): SentSegment | undefined {
    return this.#segments[this.#head];
  }

  get last(): SentSegment | undefined {
    return this.count === 0 ? undefined : this.#segments[this.#segments.length - 1];
  }

  /** Of those in flight the one that left, or left again, the longest ago. */
  get longestInFlight(): SentSegment | undefined {
    return this.#leftFirst;
  }

  /** Adds a segment that is being sent for the first time, after all others. */
  push(seq: Seq, length: number, now: Instant): SentSegment {
    const segment = SPARE.pop() ?? new SentSegment();
    segment.seq = seq;
    segment.length = length;
    segment.sentAt = now;
    segment.transmissions = 1;
    segment.isSacked = false;
    segment.isLost = false;
    segment.isResent = false;
    segment.isRescue = false;
    segment.hasFin = false;
    if (this.#segments === NO_SEGMENTS) this.#segments = [];
    this.#segments.push(segment);
    this.#chain(segment);
    return segment;
  }

  /** Takes off what `ack` covers. `visitor` sees each segment as it was before; one that `ack` cuts keeps its tail. */
  acknowledge(ack: Seq, visitor: SegmentVisitor): void {
    let segment = this.first;
    while (segment !== undefined && seqLessOrEqual(seqAdd(segment.seq, segment.length), ack)) {
      this.#forget(segment, segment.length);
      if (segment.isSacked) this.sackedCount -= 1;
      visitor.visit(segment);
      this.#unchain(segment);
      this.#head += 1;
      if (SPARE.length < MAX_SPARE) SPARE.push(segment);
      segment = this.first;
    }
    if (segment !== undefined && seqLess(segment.seq, ack)) {
      const cut = seqDiff(ack, segment.seq);
      this.#forget(segment, cut);
      segment.seq = ack;
      segment.length -= cut;
    }
    this.#nextLost = Math.max(this.#nextLost, this.#head);
    this.#markedBelow = Math.max(this.#markedBelow, this.#head);
    this.#compact();
  }

  /** Marks SACKed the segments that `stretch` makes whole; those that are only partly in it are left alone. */
  markSacked(stretch: SackedStretch, visitor: SegmentVisitor): void {
    const { from, until, start, end } = stretch;
    for (let index = this.#indexOf(from); index < this.#segments.length; index += 1) {
      const segment = this.#segments[index]!;
      if (!seqLess(segment.seq, until) || seqLess(end, seqAdd(segment.seq, segment.length))) return;
      if (segment.isSacked || seqLess(segment.seq, start)) continue;
      this.#forget(segment, segment.length);
      visitor.visit(segment);
      this.#unchain(segment);
      segment.isSacked = true;
      segment.isLost = false;
      segment.isResent = false;
      segment.isRescue = false;
      this.sackedBytes += segment.length;
      this.sackedCount += 1;
    }
  }

  /** Marks lost what lies wholly before `seq` and is neither SACKed nor lost already. Returns how many bytes. */
  markLostBefore(seq: Seq): number {
    let marked = 0;
    while (this.#markedBelow < this.#segments.length) {
      const segment = this.#segments[this.#markedBelow]!;
      if (seqLess(seq, seqAdd(segment.seq, segment.length))) break;
      if (!segment.isLost) marked += this.#markLost(this.#markedBelow);
      this.#markedBelow += 1;
    }
    return marked;
  }

  /** Marks `segment`, one of these, lost unless it is SACKed. Returns how many bytes that are newly so. */
  markLost(segment: SentSegment): number {
    return this.#markLost(this.#indexOf(segment.seq));
  }

  #markLost(index: number): number {
    const segment = this.#segments[index]!;
    if (segment.isSacked || (segment.isLost && !segment.isResent)) return 0;
    if (segment.isResent) this.resentBytes -= segment.length;
    else this.lostBytes += segment.length;
    this.#unchain(segment);
    if (segment.isRescue) this.rescuedBytes -= segment.length;
    segment.isRescue = false;
    segment.isLost = true;
    segment.isResent = false;
    this.#nextLost = Math.min(this.#nextLost, index);
    this.everLostBytes += segment.length;
    if (this.newlyLost === NO_SEGMENTS) this.newlyLost = [];
    this.newlyLost.push(segment);
    return segment.length;
  }

  /**
   * Everything that is not SACKed is lost, retransmissions included: the RTO ran out (RFC 6298 §5.4, RFC 6675 §5.1).
   * With `hasReneged` SACKs count for nothing: the peer has gone back on them (RFC 2018 §8).
   */
  markAllLost(hasReneged: boolean): void {
    if (hasReneged) this.#forgetSacked();
    for (let index = this.#head; index < this.#segments.length; index += 1) this.#markLost(index);
    this.#nextLost = this.#head;
    this.#markedBelow = this.#segments.length;
  }

  /** All that was SACKed is in flight again, in no particular order: it is about to be marked lost. */
  #forgetSacked(): void {
    for (let index = this.#head; index < this.#segments.length; index += 1) {
      const segment = this.#segments[index]!;
      if (segment.isSacked) this.#chain(segment);
      segment.isSacked = false;
    }
    this.sackedBytes = 0;
    this.sackedCount = 0;
  }

  /** The oldest segment that is lost and was not sent again. */
  nextLost(): SentSegment | undefined {
    if (this.lostBytes === this.resentBytes) return undefined;
    while (this.#nextLost < this.#segments.length) {
      const segment = this.#segments[this.#nextLost]!;
      if (segment.isLost && !segment.isResent) return segment;
      this.#nextLost += 1;
    }
    return undefined;
  }

  /** The oldest segment that begins at or after `from` and before `limit` and is neither SACKed nor lost. */
  nextUnsacked(from: Seq, limit: Seq): SentSegment | undefined {
    for (let index = this.#indexOf(from); index < this.#segments.length; index += 1) {
      const segment = this.#segments[index]!;
      if (!seqLess(segment.seq, limit)) return undefined;
      if (!segment.isSacked && !segment.isLost && !seqLess(segment.seq, from)) return segment;
    }
    return undefined;
  }

  /** The segment is sent again now. One not thought lost before counts as lost and sent again. */
  resend(segment: SentSegment, now: Instant): void {
    this.#unchain(segment);
    if (!segment.isLost) {
      segment.isRescue = true;
      this.lostBytes += segment.length;
      this.rescuedBytes += segment.length;
    }
    if (!segment.isResent) this.resentBytes += segment.length;
    segment.isLost = true;
    segment.isResent = true;
    segment.transmissions += 1;
    segment.sentAt = now;
    this.#chain(segment);
  }

  /** The segment, which is in flight, is sent once more to see whether it arrives. */
  probe(segment: SentSegment, now: Instant): void {
    this.#unchain(segment);
    segment.transmissions += 1;
    segment.sentAt = now;
    this.#chain(segment);
  }

  /** What is thought lost and was not sent again is in flight after all: the repair was needless. */
  clearLost(): void {
    const inFlight: SentSegment[] = [];
    for (let index = this.#head; index < this.#segments.length; index += 1) {
      const segment = this.#segments[index]!;
      if (segment.isLost && !segment.isResent) {
        segment.isLost = false;
        this.lostBytes -= segment.length;
      }
      if (isInFlight(segment)) inFlight.push(segment);
    }
    this.#markedBelow = this.#head;
    this.#leftFirst = undefined;
    this.#leftLast = undefined;
    // The sort is stable: of those that left at once the order of the stream remains.
    for (const segment of inFlight.sort((a, b) => a.sentAt - b.sentAt)) this.#chain(segment);
  }

  /** Cuts `segment` so that it has `length`, and puts the rest behind it, which it returns: the datagram size has shrunk. */
  split(segment: SentSegment, length: number): SentSegment {
    const index = this.#indexOf(segment.seq);
    const rest = Object.assign(new SentSegment(), segment);
    rest.seq = seqAdd(segment.seq, length);
    rest.length = segment.length - length;
    segment.length = length;
    segment.hasFin = false;
    this.#segments.splice(index + 1, 0, rest);
    if (this.#markedBelow > index) this.#markedBelow += 1;
    if (rest.isSacked) this.sackedCount += 1;
    if (isInFlight(rest)) this.#chainAfter(segment, rest);
    return rest;
  }

  /** All of them, oldest first: for tests and for showing. */
  get all(): readonly SentSegment[] {
    return this.#segments.slice(this.#head);
  }

  /** Takes `count` bytes of `segment` out of the sums. */
  #forget(segment: SentSegment, count: number): void {
    if (segment.isSacked) this.sackedBytes -= count;
    if (segment.isLost) this.lostBytes -= count;
    if (segment.isResent) this.resentBytes -= count;
    if (segment.isRescue) this.rescuedBytes -= count;
  }

  /** `segment` left now: it is the last of those in flight. */
  #chain(segment: SentSegment): void {
    segment.leftBefore = this.#leftLast;
    segment.leftAfter = undefined;
    if (this.#leftLast === undefined) this.#leftFirst = segment;
    else this.#leftLast.leftAfter = segment;
    this.#leftLast = segment;
  }

  #chainAfter(before: SentSegment, segment: SentSegment): void {
    const after = before.leftAfter;
    segment.leftBefore = before;
    segment.leftAfter = after;
    before.leftAfter = segment;
    if (after === undefined) this.#leftLast = segment;
    else after.leftBefore = segment;
  }

  /** `segment` is about to be no longer in flight, if it is. */
  #unchain(segment: SentSegment): void {
    if (!isInFlight(segment)) return;
    const { leftBefore, leftAfter } = segment;
    if (leftBefore === undefined) this.#leftFirst = leftAfter;
    else leftBefore.leftAfter = leftAfter;
    if (leftAfter === undefined) this.#leftLast = leftBefore;
    else leftAfter.leftBefore = leftBefore;
    segment.leftBefore = undefined;
    segment.leftAfter = undefined;
  }

  /** Index of the segment that holds `seq`, or of the first after it. */
  #indexOf(seq: Seq): number {
    let low = this.#head;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = this.#segments[middle]!;
      if (seqLessOrEqual(seqAdd(segment.seq, segment.length), seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    if (this.#head < COMPACT_AT && this.#head < this.#segments.length) return;
    if (this.#head === this.#segments.length) {
      // Setting its length would be a slow call, and an idle connection needs none.
      this.#segments = NO_SEGMENTS;
    } else if (this.#head * 2 >= this.#segments.length) {
      this.#segments.splice(0, this.#head);
    } else {
      return;
    }
    this.#nextLost -= this.#head;
    this.#markedBelow -= this.#head;
    this.#head = 0;
  }
}

/** Shared by all that have nothing in flight; nothing is ever put into it. */
const NO_SEGMENTS: SentSegment[] = [];
/** Records to be used again, by whatever connection is next: an idle one keeps none. */
const SPARE: SentSegment[] = [];
const MAX_SPARE = 4096;
/** Dead entries at the front that are not worth moving the rest for. */
const COMPACT_AT = 64;
