// The SACK option, taken and given: RFC 2018 and RFC 2883.
import type { Range } from '../../bytes/range-set.ts';
import type { SackedStretch, SegmentVisitor, SentSegment } from './sent-segments.ts';
import { type Seq, seqAdd, seqDiff, seqLess, seqLessOrEqual } from './seq.ts';
import { flightSize, type Tcb } from './tcb.ts';
import { MAX_SACK_BLOCKS, type Segment } from './wire/segment.ts';

/** What the SACK blocks of one ACK changed. Reused from ACK to ACK. */
export interface SackNews {
  /** Bytes SACKed for the first time. */
  newlySackedBytes: number;
  /** The first block told of data that came twice (RFC 2883), which ends at `dsackEnd`. */
  isDsack: boolean;
  dsackEnd: Seq;
}

const news: SackNews = { newlySackedBytes: 0, isDsack: false, dsackEnd: 0 };
const stretch: SackedStretch = { from: 0, until: 0, start: 0, end: 0 };

/**
 * Enters the SACK blocks of `segment` into the scoreboard; blocks outside (SND.UNA, SND.NXT] are ignored, so that a lying
 * peer changes nothing; so are those that would make more ranges than there are segments (CVE-2019-11478).
 */
export function takeSack(tcb: Tcb, segment: Segment, visitor: SegmentVisitor): SackNews {
  const scoreboard = tcb.scoreboard!;
  const before = tcb.sent.sackedBytes;
  news.isDsack = false;
  for (let block = 0; block < segment.sackCount; block += 1) {
    const left = segment.sackEdges[2 * block]!;
    const right = segment.sackEdges[2 * block + 1]!;
    if (!seqLess(left, right)) continue;
    if (block === 0 && isDsack(segment, left, right)) {
      news.isDsack = true;
      news.dsackEnd = right;
      continue;
    }
    // Counted from SND.UNA: three comparisons around the circle could all be true of a block half way round it.
    const first = seqDiff(left, tcb.sndUna);
    const last = seqDiff(right, tcb.sndUna);
    if (first <= 0 || last <= first || last > flightSize(tcb)) continue;
    if (scoreboard.ranges.count >= tcb.sent.count) break;
    takeBlock(tcb, left, right, visitor);
  }
  news.newlySackedBytes = tcb.sent.sackedBytes - before;
  return news;
}

/** Marks what is new of [left, right): the gaps, so that what is known costs nothing. */
function takeBlock(tcb: Tcb, left: Seq, right: Seq, visitor: SegmentVisitor): void {
  const { ranges } = tcb.scoreboard!;
  const start = tcb.scoreboard!.offsetOf(left, tcb.sndUna);
  const end = start + seqDiff(right, left);
  let from = ranges.nextGap(start);
  if (from >= end) return;
  // A segment may become whole only together with what was SACKed before beside it.
  stretch.start = seqOf(tcb, ranges.coveredSince(start));
  stretch.end = seqOf(tcb, ranges.nextGap(end));
  while (from < end) {
    const until = Math.min(end, ranges.nextCovered(from));
    stretch.from = seqOf(tcb, from);
    stretch.until = seqOf(tcb, until);
    tcb.sent.markSacked(stretch, visitor);
    from = ranges.nextGap(until);
  }
  ranges.add(start, end);
}

function seqOf(tcb: Tcb, offset: number): Seq {
  return seqAdd(tcb.sndUna, offset - tcb.scoreboard!.unaOffset);
}

/**
 * `piece` was cut from a larger segment: of that too little was SACKed to count, of this perhaps all. It has arrived, and
 * need not be sent again (RFC 2018 §5.1).
 */
export function pieceCut(tcb: Tcb, piece: SentSegment): void {
  const { scoreboard, sent } = tcb;
  if (scoreboard === undefined || piece.isSacked) return;
  const start = scoreboard.offsetOf(piece.seq, tcb.sndUna);
  if (!scoreboard.ranges.covers(start, start + piece.length)) return;
  stretch.from = piece.seq;
  stretch.until = seqAdd(piece.seq, piece.length);
  stretch.start = stretch.from;
  stretch.end = stretch.until;
  tcb.delivered += piece.length;
  sent.markSacked(stretch, NOBODY);
}

const NOBODY: SegmentVisitor = { visit: () => {} };

/** RFC 2883 §4: the first block lies below the ACK, or inside the second block. */
function isDsack(segment: Segment, left: Seq, right: Seq): boolean {
  if (seqLess(left, segment.ack)) return true;
  return (
    segment.sackCount > 1 &&
    seqLessOrEqual(segment.sackEdges[2]!, left) &&
    seqLessOrEqual(right, segment.sackEdges[3]!)
  );
}

/**
 * Puts up to `max` SACK blocks into `segment`: D-SACK first, then the isles that grew last, then others, the lowest first
 * (RFC 2018 §4, RFC 2883 §4).
 */
export function giveSack(tcb: Tcb, segment: Segment, max: number): void {
  segment.sackCount = 0;
  if (!tcb.isSackOn) return;
  if (tcb.dsackStart !== tcb.dsackEnd && max > 0) {
    putBlock(segment, tcb.dsackStart, tcb.dsackEnd);
    tcb.dsackStart = tcb.dsackEnd;
  }
  const { isles } = tcb.recvBuffer;
  const limit = Math.min(max, MAX_SACK_BLOCKS);
  if (isles.count === 0) {
    tcb.recentIsles = undefined;
    return;
  }
  const given: number[] = [];
  for (const point of tcb.recentIsles ?? []) {
    if (segment.sackCount < limit) giveIsle(tcb, segment, tcb.recvBuffer.isleAt(point), given);
  }
  for (let index = 0; index < isles.count && segment.sackCount < limit; index += 1) {
    giveIsle(tcb, segment, isles.at(index), given);
  }
}

/** Puts `isle` into `segment` unless it is one of those `given`, by where they start. */
function giveIsle(tcb: Tcb, segment: Segment, isle: Range | undefined, given: number[]): void {
  if (isle === undefined || given.includes(isle.start)) return;
  given.push(isle.start);
  const left = seqAdd(tcb.rcvNxt, isle.start - tcb.recvBuffer.nextOffset);
  putBlock(segment, left, seqAdd(left, isle.end - isle.start));
}

/** The isle around `offset` has just grown: it comes first in the next SACK, those reported before it after it. */
export function noteIsle(tcb: Tcb, offset: number): void {
  const isle = tcb.recvBuffer.isleAt(offset);
  if (isle === undefined) return;
  const others = (tcb.recentIsles ?? []).filter((point) => point < isle.start || point >= isle.end);
  tcb.recentIsles = [offset, ...others.slice(0, MAX_SACK_BLOCKS - 1)];
}

function putBlock(segment: Segment, left: Seq, right: Seq): void {
  segment.sackEdges[2 * segment.sackCount] = left;
  segment.sackEdges[2 * segment.sackCount + 1] = right;
  segment.sackCount += 1;
}
