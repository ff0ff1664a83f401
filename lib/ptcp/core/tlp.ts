// Tail loss probes, RFC 8985 §7: when the last segments of a flight are lost nothing tells of it, so we ask.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import { isRackOn } from './rack.ts';
import type { SackNews } from './sack.ts';
import { seqDiff, seqLess } from './seq.ts';
import type { Tcb } from './tcb.ts';
import type { Segment } from './wire/segment.ts';

/** TLP.max_ack_delay: WCDelAckT, the longest that common receivers delay an ACK. */
const MAX_ACK_DELAY_MS = 200;
/** Not RFC 8985 §7.2: both ends work through whole batches, and their timers do no better. */
const PTO_LEAST_MS = 10;

/** Whether nothing speaks against a probe, should the time for one come: RFC 8985 §7.2 and §7.3. */
export function isTailProbeAllowed(tcb: Tcb): boolean {
  return (
    isRackOn(tcb) &&
    tcb.phase === 'open' &&
    tcb.tailProbe === undefined &&
    !tcb.isTailProbeSpent &&
    tcb.path.rtt.hasSample &&
    tcb.sent.count > 0 &&
    tcb.sent.sackedCount === 0 &&
    tcb.retransmitAt !== NEVER
  );
}

/** New data was sent or acknowledged: starts the wait anew, as RFC 8985 §7.2, TLP_calc_PTO(), has it. */
export function armTailProbe(tcb: Tcb, now: Instant): void {
  if (!isTailProbeAllowed(tcb)) {
    tcb.tailProbeAt = NEVER;
    return;
  }
  const roundTripsMs = Math.max(2 * tcb.path.rtt.srttMs, PTO_LEAST_MS);
  const ptoMs = tcb.sent.count === 1 ? roundTripsMs + MAX_ACK_DELAY_MS : roundTripsMs;
  tcb.tailProbeAt = Math.min(now + ptoMs, tcb.retransmitAt);
}

/** The PTO is over. Returns whether a probe is owed: if so the RTO begins anew (RFC 8985 §7.3). */
export function tailProbeDue(tcb: Tcb): boolean {
  tcb.tailProbeAt = NEVER;
  tcb.owesTailProbe = isTailProbeAllowed(tcb);
  return tcb.owesTailProbe;
}

/** The probe is leaving: new data, or again what begins at `resentFrom`. Until it has measured an RTT it is the only one. */
export function tailProbeSent(tcb: Tcb, resentFrom: number | undefined, tsVal: number): void {
  tcb.tailProbe = { endSeq: tcb.sndNxt, resentFrom, tsVal };
  tcb.isTailProbeSpent = true;
  tcb.tailProbeAt = NEVER;
}

/** A recovery begins: it repairs what a probe would ask about (RFC 8985 §7.1). */
export function forgetTailProbe(tcb: Tcb): void {
  tcb.tailProbe = undefined;
  tcb.tailProbeAt = NEVER;
  tcb.owesTailProbe = false;
}

/** Whether the D-SACK in `news` says that a probe was needless: a matter of delay, not of order. */
export function isOfTailProbe(tcb: Tcb, news: Readonly<SackNews>): boolean {
  return news.isDsack && news.dsackEnd === tcb.tailProbe?.endSeq;
}

/**
 * An ACK, whose data is dealt with already; SND.UNA was `priorUna`. Returns whether it shows that the probe repaired a
 * loss that nothing else tells of (RFC 8985 §7.4.2): that is congestion like any other.
 */
export function tailProbeAcked(
  tcb: Tcb,
  segment: Segment,
  news: Readonly<SackNews>,
  priorUna: number,
): boolean {
  const probe = tcb.tailProbe;
  if (probe === undefined || seqLess(segment.ack, probe.endSeq)) return false;
  const isNeedless = probe.resentFrom === undefined || haveBothArrived(tcb, segment, news, priorUna);
  // The D-SACK for the second copy may still come, until something beyond it is acknowledged.
  if (!isNeedless && segment.ack === probe.endSeq) return false;
  tcb.tailProbe = undefined;
  return !isNeedless;
}

/** Whether the original arrived, and the probe beside it: RFC 8985 §7.4.2, cases 1 and 2, and by its timestamp. */
function haveBothArrived(tcb: Tcb, segment: Segment, news: Readonly<SackNews>, priorUna: number): boolean {
  const probe = tcb.tailProbe!;
  if (isOfTailProbe(tcb, news)) return true;
  // Where the ACK covers no other segment the echo tells which copy came first (RFC 3522 §3.2).
  if (tcb.isTimestampsOn && priorUna === probe.resentFrom && segment.ack === probe.endSeq)
    return seqLess(segment.tsEcr, probe.tsVal);
  return (
    seqDiff(segment.ack, priorUna) === 0 &&
    segment.ack === probe.endSeq &&
    segment.sackCount === 0 &&
    segment.payloadStart === segment.payloadEnd
  );
}
