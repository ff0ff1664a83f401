// F-RTO with SACK, RFC 5682 §3.1: was the time-out only a delay? Timestamps tell at once (RFC 3522); this is for without.
import type { SackNews } from './sack.ts';
import { sendMss } from './segment-size.ts';
import { seqDiff, seqLess, seqLessOrEqual } from './seq.ts';
import type { Tcb } from './tcb.ts';
import type { Segment } from './wire/segment.ts';

/** New segments sent to find out, RFC 5682 §3.1, step 2b. */
const PROBES = 2;

/**
 * Step 1: the RTO ran out. Not for a repair that is under way, whose own retransmissions may be what is acknowledged;
 * `isRepeated` says that it only ran out once more for the same segment.
 */
export function startFrto(tcb: Tcb, isRepeated: boolean): void {
  const isFit = tcb.phase === 'open' || (isRepeated && tcb.frtoStep === 2);
  tcb.frtoStep = isFit && tcb.isSackOn && !tcb.isTimestampsOn ? 2 : 0;
}

/** An ACK, whose data is dealt with already. Returns whether the time-out is proven spurious. */
export function frtoAckArrived(
  tcb: Tcb,
  segment: Segment,
  ackedCount: number,
  news: Readonly<SackNews>,
): boolean {
  const isNews = ackedCount > 0 || news.newlySackedBytes > 0;
  if (tcb.frtoStep === 2) {
    if (ackedCount <= 0) return false;
    const isAll = seqLessOrEqual(tcb.recoveryPoint, tcb.sndUna);
    tcb.frtoStep = isAll ? 0 : 3;
    tcb.recoveryPoint = isAll ? tcb.recoveryPoint : tcb.sndNxt;
    return false;
  }
  // Step 3: a duplicate ACK or one that moves the window; others say nothing.
  const isDuplicate = ackedCount === 0 && segment.payloadStart === segment.payloadEnd;
  if (!isNews && !isDuplicate) return false;
  tcb.frtoStep = 0;
  return isNews && !coversMore(tcb, segment);
}

/** Whether `segment` acknowledges or SACKs something beyond RecoveryPoint: what left after the time-out. */
function coversMore(tcb: Tcb, segment: Segment): boolean {
  if (seqLess(tcb.recoveryPoint, segment.ack)) return true;
  for (let block = 0; block < segment.sackCount; block += 1) {
    const right = segment.sackEdges[2 * block + 1]!;
    if (seqLess(tcb.recoveryPoint, right)) return true;
  }
  return false;
}

/** Step 2b: whether new data may leave now, instead of what is thought lost. */
export function wantsFrtoProbe(tcb: Tcb): boolean {
  return seqDiff(tcb.sndNxt, tcb.recoveryPoint) < PROBES * sendMss(tcb);
}

/** There is no new data to send, or no window for it: the repair goes on as ever. */
export function giveUpFrto(tcb: Tcb): void {
  if (tcb.sndNxt === tcb.recoveryPoint) tcb.frtoStep = 0;
}
