// The ACK field of a segment, RFC 9293 §3.10.7.4, fifth step: what was acknowledged, and what follows from it.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { AckSample } from './congestion/controller.ts';
import { oweChallengeAck } from './debts.ts';
import { markAppLimited, RateSampler, reportLost } from './delivery-rate.ts';
import { frtoAckArrived } from './frto.ts';
import { takeProbeSack } from './pmtu.ts';
import { type PrrAck, prrAckArrived } from './prr.ts';
import { adaptReorderingWindow, isRackOn, RackSample, startRack } from './rack.ts';
import {
  ackAdvanced,
  detectLoss,
  duplicateAckArrived,
  markFirstLost,
  pipe,
  tailLossRepaired,
  takeBack,
  undoIfSpurious,
} from './recovery.ts';
import type { Prr } from './recovery-state.ts';
import { type SackNews, takeSack } from './sack.ts';
import { SackScoreboard } from './scoreboard.ts';
import { sendMss } from './segment-size.ts';
import type { SegmentVisitor, SentSegment } from './sent-segments.ts';
import { seqAdd, seqDiff, seqLess } from './seq.ts';
import { tallyProgress, troubleOf } from './tally.ts';
import { flightSize, News, type Tcb } from './tcb.ts';
import { armRetransmit } from './timers.ts';
import { echoedRtt } from './timestamps.ts';
import { armTailProbe, isOfTailProbe, tailProbeAcked } from './tlp.ts';
import { Flag, type Segment } from './wire/segment.ts';

/** What the ACK in hand shows to have arrived. */
class Arrivals implements SegmentVisitor {
  /** The timestamp echoed, NaN while it says nothing of what is visited. */
  echo = Number.NaN;
  #tcb: Tcb | undefined = undefined;
  #now: Instant = 0;

  begin(tcb: Tcb, now: Instant): void {
    sampler.begin();
    if (tcb.rack !== undefined) rackSample.begin(tcb.rack);
    this.echo = Number.NaN;
    this.#tcb = tcb;
    this.#now = now;
  }

  visit(segment: SentSegment): void {
    const tcb = this.#tcb!;
    sampler.cover(tcb, segment, this.#now);
    if (tcb.rack !== undefined) rackSample.cover(tcb, segment, this.#now, this.echo);
  }

  /** The ACK is taken in; a connection that ends is not kept. */
  finish(): void {
    const tcb = this.#tcb!;
    if (tcb.rack !== undefined) rackSample.finish(tcb, tcb.rack);
    this.#tcb = undefined;
  }
}

/** One of each serves all connections: an ACK is dealt with in one go. */
const sampler = new RateSampler();
const rackSample = new RackSample();
const arrivals = new Arrivals();
const sample: AckSample = {
  now: 0,
  ackedBytes: 0,
  deliveredBytes: 0,
  lostBytes: 0,
  priorInFlightBytes: 0,
  inFlightBytes: 0,
  rttMs: Number.NaN,
  srttMs: 0,
  minRttMs: 0,
  deliveryRate: 0,
  isAppLimited: false,
  priorDelivered: 0,
  delivered: 0,
  txInFlightBytes: 0,
  lostSinceSentBytes: 0,
  hasSack: false,
  isInRecovery: false,
  isAfterTimeout: false,
  isCwndLimited: false,
  ecnCeBytes: 0,
};

/** Deals with SEG.ACK. 'drop' says that the rest of the segment is not to be looked at. */
export function ackArrives(tcb: Tcb, segment: Segment, now: Instant): 'drop' | 'go-on' {
  // RFC 5961 §5 (MAY-12): an ACK for what was never sent, or for what is long gone, may be forged.
  if (seqLess(tcb.sndNxt, segment.ack) || seqLess(segment.ack, seqAdd(tcb.sndUna, -tcb.maxSndWnd))) {
    oweChallengeAck(tcb, now);
    return 'drop';
  }
  if (isNothingAcknowledged(tcb, segment)) {
    updateSendWindow(tcb, segment, now);
    if (tcb.wantsToWrite) tellOfRoom(tcb);
    return 'go-on';
  }
  // The peer is alive, so nothing gives up before it has been silent anew (RFC 9293 §3.8.6.1, MUST-37).
  if (tcb.sndWnd === 0 && tcb.sent.count > 0) {
    tcb.unansweredSince = now;
    tcb.retransmissions = 0;
    tcb.isPathSuspect = false;
  }
  const priorInFlight = pipe(tcb);
  const priorUna = tcb.sndUna;
  const { prr } = tcb;
  // After a time-out the window grows again as it repairs (RFC 5681 §3.1): only fast recovery holds it still, up to
  // and with the ACK that ends it.
  sample.isInRecovery = tcb.phase === 'recovery';
  const ackedCount = seqDiff(segment.ack, priorUna);
  const isDuplicate = ackedCount === 0 && isDuplicateAck(tcb, segment);

  arrivals.begin(tcb, now);
  const news = ackedCount >= 0 ? takeSackBlocks(tcb, segment) : NO_SACK_NEWS;
  if (ackedCount > 0) acknowledge(tcb, segment, ackedCount, now);
  arrivals.finish();
  const isWindowChanged = updateSendWindow(tcb, segment, now);

  sample.lostBytes = 0;
  if (ackedCount > 0) measureRtt(tcb, segment, ackedCount, now);
  if (tcb.frtoStep !== 0 && frtoAckArrived(tcb, segment, ackedCount, news) && tcb.undo !== undefined)
    takeBack(tcb, tcb.undo);
  if (ackedCount > 0) {
    undoIfSpurious(tcb, segment.tsEcr);
    sample.lostBytes += ackAdvanced(tcb, ackedCount, now);
  } else if (tcb.isSackOn ? news.newlySackedBytes > 0 : isDuplicate && !isWindowChanged) {
    duplicateAckArrived(tcb);
  }
  if (tcb.rack !== undefined) adaptReorderingWindow(tcb, tcb.rack, news.isDsack && !isOfTailProbe(tcb, news));
  if (ackedCount >= 0 && tailProbeAcked(tcb, segment, news, priorUna))
    tailLossRepaired(tcb, seqDiff(tcb.sndNxt, priorUna), now);
  sample.lostBytes += detectLoss(tcb, now);
  if (tcb.prr !== undefined) reduceRate(tcb, tcb.prr, ackedCount > 0, tcb.prr !== prr);
  if (ackedCount > 0) {
    tallyProgress(tcb, now);
    armRetransmit(tcb, now);
    armTailProbe(tcb, now);
  }
  informController(tcb, Math.max(0, ackedCount), priorInFlight, now);
  if (tcb.wantsToWrite) tellOfRoom(tcb);
  return 'go-on';
}

/**
 * Whether nothing is out, so that the ACK can tell of no more than the window: as in every segment that only brings text.
 * What follows would change nothing, and takes as long as the rest of the segment.
 */
function isNothingAcknowledged(tcb: Tcb, segment: Segment): boolean {
  return (
    tcb.sent.count === 0 &&
    segment.ack === tcb.sndUna &&
    segment.sackCount === 0 &&
    tcb.rack === undefined &&
    tcb.prr === undefined &&
    tcb.tailProbe === undefined &&
    tcb.frtoStep === 0
  );
}

const prrAck: PrrAck = { deliveredBytes: 0, inFlightBytes: 0, isSafe: false };

/** RFC 9937 §6.2; `isFirst` for the ACK that began the recovery. */
function reduceRate(tcb: Tcb, prr: Prr, hasAdvanced: boolean, isFirst: boolean): void {
  prrAck.deliveredBytes = sampler.deliveredBytes;
  prrAck.inFlightBytes = pipe(tcb);
  prrAck.isSafe = hasAdvanced && sample.lostBytes === 0;
  // RFC 9937 §6.1: what this ACK delivers belongs to the recovery that it begins.
  if (isFirst) prr.recoverFs += sampler.deliveredBytes;
  prrAckArrived(tcb, prr, prrAck);
}

/**
 * RFC 5681 §2: outstanding data, no text, no SYN or FIN, and (checked by the caller) an unchanged window. While that is
 * closed, ACKs answer our probes and tell of no loss.
 */
function isDuplicateAck(tcb: Tcb, segment: Segment): boolean {
  return (
    flightSize(tcb) > 0 &&
    tcb.sndWnd > 0 &&
    segment.payloadStart === segment.payloadEnd &&
    (segment.flags & (Flag.SYN | Flag.FIN)) === 0
  );
}

/** What an ACK without SACK blocks changes. */
const NO_SACK_NEWS: Readonly<SackNews> = { newlySackedBytes: 0, isDsack: false, dsackEnd: 0 };

function takeSackBlocks(tcb: Tcb, segment: Segment): Readonly<SackNews> {
  if (!tcb.isSackOn || segment.sackCount === 0) return NO_SACK_NEWS;
  // It answers a duplicate, as below.
  if (takeProbeSack(tcb, segment)) sampler.isEchoStale = true;
  if (tcb.sent.count > 0) {
    tcb.scoreboard ??= new SackScoreboard();
    if (tcb.rack === undefined && isRackOn(tcb)) rackSample.begin(startRack(tcb));
  }
  const news = takeSack(tcb, segment, arrivals);
  // The ACK answers a duplicate and echoes an older segment: it says how long the first ACK has been lost, not the RTT.
  if (news.isDsack) {
    sampler.isEchoStale = true;
    troubleOf(tcb).dsackCount += 1;
  }
  return news;
}

/** SND.UNA moves to SEG.ACK. */
function acknowledge(tcb: Tcb, segment: Segment, count: number, now: Instant): void {
  const { ack } = segment;
  // What came last in order is echoed (RFC 7323 §4.3): that is among what is acknowledged, not among what is SACKed.
  if (tcb.isTimestampsOn) arrivals.echo = segment.tsEcr;
  tcb.sent.acknowledge(ack, arrivals);
  tcb.sendBuffer.acknowledge(ack);
  tcb.sndUna = ack;
  if (tcb.sent.count === 0) tcb.scoreboard = undefined;
  else tcb.scoreboard?.advance(count);
  tcb.unansweredSince = now;
  tcb.persistBackoff = 0;
  if (tcb.sendBuffer.length === 0) releaseSoon(tcb, tcb.sendBuffer, now);
}

/** With so much of the buffer free, or of a window, the user is asked for more. */
const ROOM_SHARE = 1 / 4;
const ROOM_WINDOWS = 1 / 2;

/**
 * Asks the user for more: early enough that what is unsent lasts until he answers. Not only where SND.UNA moves: while a
 * hole is repaired, SACKs let new data out and nothing leaves the buffer.
 */
function tellOfRoom(tcb: Tcb): void {
  const limitBytes = sendBufferLimit(tcb);
  const wantedBytes = Math.min(limitBytes * ROOM_SHARE, tcb.path.congestion.cwndBytes * ROOM_WINDOWS);
  if (limitBytes - tcb.sendBuffer.length < wantedBytes) return;
  tcb.wantsToWrite = false;
  tcb.news |= News.Writable;
}

/**
 * How much the send buffer may hold now: what is out, and a window more, so that an ACK never finds it empty. In a
 * recovery more than a window is out, for the peer has most of it already: that must not keep new data waiting.
 */
export function sendBufferLimit(tcb: Tcb): number {
  const { sendBufferBytes, sendBufferMaxBytes } = tcb.profile;
  const wantedBytes = flightSize(tcb) + Math.floor(tcb.path.congestion.cwndBytes);
  return Math.min(Math.max(wantedBytes, sendBufferBytes), sendBufferMaxBytes);
}

/** Small rings are cheap to make anew; a large one waits for a second, in case the transfer goes on. */
const RELEASE_AT_ONCE_BYTES = 4096;
const RELEASE_AFTER_MS = 1000;

/** `buffer` is empty: its memory goes at once, or soon. */
export function releaseSoon(
  tcb: Tcb,
  buffer: { readonly capacityBytes: number; releaseIfEmpty(): void },
  now: Instant,
): void {
  if (buffer.capacityBytes === 0) return;
  if (buffer.capacityBytes <= RELEASE_AT_ONCE_BYTES) buffer.releaseIfEmpty();
  else tcb.releaseAt = now + RELEASE_AFTER_MS;
}

/**
 * Takes SEG.WND, RFC 9293 §3.10.7.4, unless the segment is older than the last that did. Returns whether it changed.
 *
 * Not RFC 9293 §3.10.7.4, which looks at SEG.SEQ first: of two segments the one with the larger ACK is the newer, and with
 * text sent again SEG.SEQ is small. Its ACK without its window would move the right edge beyond what the peer has offered.
 */
function updateSendWindow(tcb: Tcb, segment: Segment, now: Instant): boolean {
  const { sndWl1, sndWl2 } = tcb;
  if (seqLess(segment.ack, sndWl2)) return false;
  const isLate = seqLess(segment.seq, sndWl1);
  if (isLate && segment.ack === sndWl2) return false;
  const before = tcb.sndWnd;
  setSendWindow(tcb, segment);
  if (isLate) tcb.sndWl1 = sndWl1;
  noteShutWindow(tcb, now);
  if (before === 0 && tcb.sndWnd > 0) windowOpened(tcb, now);
  else if (before > 0 && tcb.sndWnd === 0) armRetransmit(tcb, now);
  return before !== tcb.sndWnd;
}

/** Takes SEG.WND, scaled (RFC 7323 §2.3). */
export function setSendWindow(tcb: Tcb, segment: Segment): void {
  const window = segment.window * (1 << tcb.sndWindShift);
  tcb.sndWnd = window;
  tcb.sndWl1 = segment.seq;
  tcb.sndWl2 = segment.ack;
  if (window > tcb.maxSndWnd) tcb.maxSndWnd = window;
}

/** Shut, or what RFC 9293 §3.8.6.2.1 would not fill: less than a segment, and than half of the largest window so far. */
function noteShutWindow(tcb: Tcb, now: Instant): void {
  const isShut = tcb.sndWnd === 0 || (tcb.sndWnd < sendMss(tcb) && tcb.sndWnd < tcb.maxSndWnd / 2);
  if (!isShut) tcb.windowShutAt = NEVER;
  else if (tcb.windowShutAt === NEVER) tcb.windowShutAt = now;
}

/** What was sent into the closed window is gone; it goes again at once, and nobody takes that for congestion. */
function windowOpened(tcb: Tcb, now: Instant): void {
  tcb.persistAt = NEVER;
  tcb.persistBackoff = 0;
  tcb.owesProbe = false;
  markFirstLost(tcb);
  tcb.sent.newlyLost.length = 0;
  armRetransmit(tcb, now);
}

function measureRtt(tcb: Tcb, segment: Segment, ackedCount: number, now: Instant): void {
  const { rtt } = tcb.path;
  // Our own record is finer than an echo; the echo serves where Karn's rule forbids the record (RFC 7323 §4.1).
  let { rttMs } = sampler;
  if (Number.isNaN(rttMs) && !sampler.isEchoStale) rttMs = echoedRtt(tcb, segment, now);
  if (Number.isNaN(rttMs)) return;
  tcb.isTailProbeSpent = false;
  // Appendix G counts an ACK for every second segment. One for a whole batch stands for as many of them, and weighs so.
  const bytesPerSample = Math.max(2 * sendMss(tcb), ackedCount);
  rtt.sample(rttMs, Math.max(1, Math.ceil(flightSize(tcb) / bytesPerSample)));
}

function informController(tcb: Tcb, ackedBytes: number, priorInFlight: number, now: Instant): void {
  sampler.finish(tcb, sample, now);
  reportLost(tcb, now);
  if (sample.deliveredBytes === 0 && ackedBytes === 0 && sample.lostBytes === 0) return;
  const { rtt, congestion } = tcb.path;
  sample.now = now;
  sample.ackedBytes = ackedBytes;
  sample.priorInFlightBytes = priorInFlight;
  sample.inFlightBytes = pipe(tcb);
  sample.srttMs = rtt.srttMs;
  sample.minRttMs = rtt.minRttMs;
  sample.isInRecovery ||= tcb.phase === 'recovery';
  sample.isAfterTimeout = tcb.phase === 'loss';
  sample.isCwndLimited = tcb.isCwndLimited;
  sample.hasSack = tcb.isSackOn;
  congestion.onAck(sample);
  if (congestion.isHoldingBack === true) markAppLimited(tcb);
}
