// Read first: RFC 8985 (with SACK) or RFC 6675, RFC 6582 (without), RFC 6298 §5 (the timer). What is lost, and when to react.
import type { Instant } from '../../time/clock.ts';
import { startFrto } from './frto.ts';
import { startPrr } from './prr.ts';
import { isRackOn, markLostByTime, markLostOnTimeout, recoveryEnded, startRack } from './rack.ts';
import { DUP_THRESH } from './scoreboard.ts';
import { sendMss } from './segment-size.ts';
import type { SentSegment } from './sent-segments.ts';
import { seqAdd, seqLess, seqLessOrEqual } from './seq.ts';
import { flightSize, type Tcb, type Undo } from './tcb.ts';
import { forgetTailProbe } from './tlp.ts';

/** RFC 6675 §4, SetPipe(): bytes that are thought to be in the network. */
export function pipe(tcb: Tcb): number {
  const { sent } = tcb;
  return Math.max(
    0,
    flightSize(tcb) - sent.sackedBytes - sent.lostBytes + sent.resentBytes - tcb.dupAckedBytes,
  );
}

/** Data was acknowledged: SND.UNA has moved by `ackedBytes`. Returns bytes newly thought lost. */
export function ackAdvanced(tcb: Tcb, ackedBytes: number, now: Instant): number {
  tcb.dupAcks = 0;
  tcb.retransmissions = 0;
  tcb.isPathSuspect = false;
  if (tcb.phase === 'open') {
    tcb.dupAckedBytes = 0;
    return 0;
  }
  if (seqLessOrEqual(tcb.recoveryPoint, tcb.sndUna)) {
    leaveRecovery(tcb, now);
    return 0;
  }
  // After a time-out all that was out is marked lost already.
  if (tcb.isSackOn || tcb.phase === 'loss') return 0;
  // RFC 6582 §3.2, step 3: a partial ACK. The next segment is lost too; what left the network is no longer ahead.
  tcb.dupAckedBytes = Math.max(0, tcb.dupAckedBytes - Math.max(0, ackedBytes - sendMss(tcb)));
  return markFirstLost(tcb);
}

/** The oldest segment is lost, whatever it is. Returns how many bytes that are newly so. */
export function markFirstLost(tcb: Tcb): number {
  const { first } = tcb.sent;
  return first === undefined ? 0 : tcb.sent.markLost(first);
}

function leaveRecovery(tcb: Tcb, now: Instant): void {
  if (tcb.phase === 'recovery') tcb.path.congestion.onRecovered(now, pipe(tcb));
  tcb.phase = 'open';
  tcb.undo = undefined;
  tcb.prr = undefined;
  tcb.frtoStep = 0;
  tcb.dupAckedBytes = 0;
  if (tcb.rack !== undefined) recoveryEnded(tcb.rack);
  // What was found lost beyond the recovery point belongs to another window of data (RFC 6675 §5).
  if (tcb.sent.lostBytes > tcb.sent.rescuedBytes) enterRecovery(tcb, now);
}

/** A duplicate ACK or, where the peer does SACK, one that SACKs something new. */
export function duplicateAckArrived(tcb: Tcb): void {
  tcb.dupAcks += 1;
  // After a time-out it speaks of segments that are out of the pipe already.
  if (tcb.isSackOn || tcb.phase === 'loss') return;
  // Each says that one segment has left the network (RFC 5681 §3.2, step 4, as pipe counts it), but no more of them than
  // were out as the recovery began: forged ones would release a segment each, which lets in one more, and so on.
  const flight = flightSize(tcb);
  const out = tcb.phase === 'recovery' ? Math.min(flight, tcb.recoveryFlightBytes) : flight;
  tcb.dupAckedBytes = Math.min(tcb.dupAckedBytes + sendMss(tcb), Math.max(0, out - sendMss(tcb)));
}

/** Looks for losses after an ACK and reacts to the first of a window. Returns bytes newly thought lost. */
export function detectLoss(tcb: Tcb, now: Instant): number {
  if (isRackOn(tcb)) return reactTo(tcb, markLostByTime(tcb, now), now);
  if (tcb.sent.count === 0) return 0;
  let lostBytes = tcb.isSackOn ? markLostByScoreboard(tcb) : 0;
  // RFC 6675 §5, steps (1) and (2); RFC 5681 §3.2, step 2. After a time-out duplicates of before it say nothing new
  // (RFC 6582 §4.1, RFC 6675 §5.1).
  if (tcb.phase === 'open' && tcb.dupAcks >= DUP_THRESH) lostBytes += markFirstLost(tcb);
  return reactTo(tcb, lostBytes, now);
}

/** RFC 6675 §4, IsLost(). */
function markLostByScoreboard(tcb: Tcb): number {
  const { scoreboard, sent } = tcb;
  if (scoreboard === undefined) return 0;
  const below = scoreboard.lostBelow(sendMss(tcb));
  if (below <= scoreboard.unaOffset) return 0;
  return sent.markLostBefore(seqAdd(tcb.sndUna, below - scoreboard.unaOffset));
}

function reactTo(tcb: Tcb, lostBytes: number, now: Instant): number {
  if (lostBytes > 0 && tcb.phase === 'open') enterRecovery(tcb, now);
  return lostBytes;
}

function enterRecovery(tcb: Tcb, now: Instant): void {
  const { congestion } = tcb.path;
  tcb.phase = 'recovery';
  tcb.recoveryPoint = tcb.sndNxt;
  tcb.recoveryFlightBytes = flightSize(tcb);
  tcb.highRxt = tcb.sndUna;
  tcb.isRescued = false;
  // What an earlier recovery sent again is not yet acknowledged: its ACK would pass for one of the original.
  const isProvable = tcb.sent.resentBytes === 0;
  tcb.undo = isProvable ? { congestion: congestion.save(), firstResend: undefined } : undefined;
  // RFC 5681 §3.2, step 2: what limited transmit has sent beyond the window does not count.
  congestion.onCongestion(now, Math.min(flightSize(tcb), congestion.cwndBytes));
  startPrr(tcb, pipe(tcb));
  forgetTailProbe(tcb);
}

/** A tail probe repaired a loss: congestion as if a recovery had begun and ended (RFC 8985 §7.4.2). */
export function tailLossRepaired(tcb: Tcb, flightBytes: number, now: Instant): void {
  const { congestion } = tcb.path;
  congestion.onCongestion(now, Math.min(flightBytes, congestion.cwndBytes));
  congestion.onRecovered(now, pipe(tcb));
}

/** The retransmission timer ran out: RFC 6298 §5.4–5.6, RFC 5681 §3.1, RFC 6675 §5.1. */
export function retransmitTimedOut(tcb: Tcb, now: Instant): void {
  const { congestion, rtt } = tcb.path;
  tcb.retransmissions += 1;
  // RFC 2018 §8: the peer threw away what it had SACKed.
  const hasReneged = tcb.sent.first?.isSacked === true;
  if (hasReneged) tcb.scoreboard?.ranges.clear();
  if (tcb.phase !== 'loss') tcb.undo = { congestion: congestion.save(), firstResend: resentByProbe(tcb) };
  const isFirst = tcb.phase !== 'loss' || tcb.retransmissions === 1;
  congestion.onTimeout(now, flightSize(tcb), isFirst);
  startFrto(tcb, tcb.retransmissions > 1 && !hasReneged);
  forgetTailProbe(tcb);
  tcb.prr = undefined;
  tcb.phase = 'loss';
  if (isRackOn(tcb) && !hasReneged) markLostOnTimeout(tcb, now);
  else tcb.sent.markAllLost(hasReneged);
  tcb.recoveryPoint = tcb.sndNxt;
  tcb.dupAcks = 0;
  tcb.dupAckedBytes = 0;
  rtt.backOff();
}

/** When the tail probe left, if it was a retransmission: the ACK of that must not pass for one of the original (RFC 3522 §3.2). */
function resentByProbe({ tailProbe }: Tcb): number | undefined {
  return tailProbe?.resentFrom === undefined ? undefined : tailProbe.tsVal;
}

/**
 * SND.UNA has moved. RFC 3522: if the ACK that ends the wait for a retransmission carries the timestamp of the original,
 * nothing was lost, and the controller goes back to where it was (RFC 4015 §3.2).
 */
export function undoIfSpurious(tcb: Tcb, tsEcr: number): void {
  const { undo } = tcb;
  if (undo === undefined || tcb.phase === 'open') return;
  // F-RTO will tell.
  if (tcb.frtoStep !== 0) return;
  // Nothing was sent again yet: what came late came by itself.
  const isOriginal =
    undo.firstResend === undefined || (tcb.isTimestampsOn && seqLess(tsEcr, undo.firstResend));
  tcb.undo = undefined;
  if (isOriginal) takeBack(tcb, undo);
}

/** Nothing was lost (RFC 4015 §3.2, RFC 5682 §4). */
export function takeBack(tcb: Tcb, undo: Undo): void {
  // RFC 8985 §6.2, step 3, cannot see it: what was sent again tells nothing of the order.
  if (tcb.rack !== undefined && tcb.phase === 'recovery') tcb.rack.isReorderingSeen = true;
  tcb.path.congestion.undo(undo.congestion);
  tcb.sent.clearLost();
  tcb.undo = undefined;
  tcb.prr = undefined;
  tcb.frtoStep = 0;
  tcb.phase = 'open';
  tcb.dupAckedBytes = 0;
}

/**
 * RFC 6675 §4, NextSeg(), rules (3) and (4), for when there is neither lost nor new data and still room in the window.
 * RACK has timers instead.
 */
export function nextRescue(tcb: Tcb): SentSegment | undefined {
  if (tcb.phase !== 'recovery' || !tcb.isSackOn || isRackOn(tcb) || tcb.scoreboard === undefined)
    return undefined;
  const highest = tcb.scoreboard.ranges.last;
  if (highest !== undefined) {
    const highestSacked = seqAdd(tcb.sndUna, highest.start - tcb.scoreboard.unaOffset);
    const hole = tcb.sent.nextUnsacked(tcb.highRxt, highestSacked);
    // All before it is SACKed, or lost and rule (1)'s: the next search need not pass it again.
    const searched = hole?.seq ?? highestSacked;
    if (seqLess(tcb.highRxt, searched)) tcb.highRxt = searched;
    if (hole !== undefined) return hole;
  }
  if (tcb.isRescued) return undefined;
  const last = tcb.sent.last;
  return last === undefined || last.isSacked || last.isResent ? undefined : last;
}

/** `segment` is being sent again. */
export function retransmitted(tcb: Tcb, segment: SentSegment, tsVal: number): void {
  const end = seqAdd(segment.seq, segment.length);
  // Rule (4) leaves HighRxt alone: holes before the last segment are still rule (3)'s.
  if (segment === tcb.sent.last && !segment.isLost) tcb.isRescued = true;
  else if (seqLess(tcb.highRxt, end)) tcb.highRxt = end;
  if (tcb.undo !== undefined) tcb.undo.firstResend ??= tsVal;
  if (isRackOn(tcb)) startRack(tcb);
  tcb.retransmittedSegments += 1;
}
