// What to send next: the one place that decides. Read first: RFC 9293 §3.8.6.2.1, §3.7.4; RFC 6675 §5 (C).
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { BurstWriter } from './burst.ts';
import { ackPaid } from './debts.ts';
import { markAppLimited, rateOnSent } from './delivery-rate.ts';
import { startLinger } from './ending.ts';
import { giveUpFrto, wantsFrtoProbe } from './frto.ts';
import { ptcpFlagsOffered } from './handshake.ts';
import { nextPacedAt, paceSent, pacingAllowance } from './pacing.ts';
import { probeSent, probeTextBytes, resentAgain } from './pmtu.ts';
import { sendingWindow } from './prr.ts';
import { nextRescue, pipe, retransmitted } from './recovery.ts';
import { giveSack, pieceCut } from './sack.ts';
import { sendMss, textSegmentBytes } from './segment-size.ts';
import type { SentSegment } from './sent-segments.ts';
import { type Seq, seqAdd, seqDiff } from './seq.ts';
import { nextState } from './state.ts';
import { noteLimit, type SendLimit, tallyTextSent, troubleOf } from './tally.ts';
import { isSynchronized, isVertex, type Tcb } from './tcb.ts';
import { armPersist, armRetransmit } from './timers.ts';
import { tsVal } from './timestamps.ts';
import { armTailProbe, isTailProbeAllowed, tailProbeSent } from './tlp.ts';
import { pointAtUrgent } from './urgent.ts';
import { hasOpened, isAckSafe, wantsPoke } from './vertex-peer.ts';
import { advertiseSynWindow, advertiseWindow } from './window.ts';
import { sackBlocksIn, sackOptionBytes, synOptionBytes, TIMESTAMPS_BYTES } from './wire/options.ts';
import { Flag, HEADER_BYTES, MAX_OPTION_BYTES, type Segment } from './wire/segment.ts';

/** A burst of one connection ends here, so that others get their turn. */
const QUANTUM_BYTES = 65_536;

/** Why nothing more is sent just now. */
type Hold = 'cwnd' | 'pacing' | 'window' | 'nothing' | 'burst-full' | 'nagle';

/**
 * Writes what `tcb` has to send now as one burst: reset > SYN > SACK > retransmission > new data > probe > ACK.
 *
 * Called until it writes nothing, or returns that nothing more is to be sent now.
 */
export function nextBurst(tcb: Tcb, writer: BurstWriter): boolean {
  if (tcb.owesReset) {
    if (isVertex(tcb)) putFarewell(tcb, writer);
    else putReset(tcb, writer);
    return false;
  }
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return true;
  // Here, since `close` is not told the time.
  startLinger(tcb, writer.now);
  if (tcb.owesSyn) {
    putSyn(tcb, writer);
    return false;
  }
  if (tcb.owesAck && !isAckSafe(tcb)) tcb.owesAck = false;
  if (!isSynchronized(tcb.state)) {
    if (tcb.state === 'SYN-RECEIVED' && tcb.owesAck) putBareAck(tcb, writer, tcb.sndNxt);
    return false;
  }
  // A duplicate ACK must carry no text to count as one (RFC 5681 §2).
  if (tcb.owesAck && (tcb.recvBuffer.hasIsles || tcb.dsackStart !== tcb.dsackEnd)) {
    putBareAck(tcb, writer, tcb.sndNxt);
    return false;
  }
  putPathProbe(tcb, writer);
  if (writer.count > 0) return false;
  const isAllSent = sendText(tcb, writer);
  if (writer.count > 0) return isAllSent && !owesMore(tcb);
  if (tcb.owesProbe) putProbe(tcb, writer);
  else if (tcb.owesKeepAlive) {
    // SHLD-12: no text, and a sequence number that the peer must answer.
    tcb.owesKeepAlive = false;
    if (isVertex(tcb)) putPoke(tcb, writer);
    else putBareAck(tcb, writer, seqAdd(tcb.sndNxt, -1));
  } else if (tcb.owesAck) {
    putBareAck(tcb, writer, tcb.sndNxt);
    return !tcb.owesAck && !isVertex(tcb);
  } else if (isVertex(tcb) && wantsPoke(tcb)) putPoke(tcb, writer);
  return false;
}

/** Whether a burst of text has left debts; a search for a larger datagram may go on behind it. */
function owesMore(tcb: Tcb): boolean {
  return (
    tcb.owesProbe ||
    tcb.owesKeepAlive ||
    tcb.owesTailProbe ||
    tcb.owesAck ||
    isVertex(tcb) ||
    tcb.path.datagramBytes < tcb.path.maxDatagramBytes
  );
}

/** Returns whether that was all that may be sent now. */
function sendText(tcb: Tcb, writer: BurstWriter): boolean {
  if (tcb.sent.count === 0 && tcb.sendBuffer.length === 0 && !(tcb.isFinQueued && !tcb.isFinSent)) {
    tcb.pacedAt = NEVER;
    noteLimit(tcb, 'idle', writer.now);
    return true;
  }
  restartIfIdle(tcb, writer.now);
  const before = tcb.sndNxt;
  if (tcb.owesTailProbe) putTailProbe(tcb, writer);
  const hold = sendWhatMay(tcb, writer);
  if (writer.count > 0 && tcb.retransmitAt === NEVER) armRetransmit(tcb, writer.now);
  if (tcb.sndNxt !== before) armTailProbe(tcb, writer.now);
  return hold !== 'burst-full';
}

function sendWhatMay(tcb: Tcb, writer: BurstWriter): Hold {
  let hold: Hold = 'burst-full';
  while (writer.count === 0 || writer.segmentBytes < QUANTUM_BYTES) {
    const before = writer.count;
    hold = sendNext(tcb, writer);
    if (writer.count === before) break;
    hold = 'burst-full';
  }
  noteHold(tcb, hold, writer.now);
  return hold;
}

/** RFC 5681 §4.1: after a pause of an RTO the ACK clock is gone. */
function restartIfIdle(tcb: Tcb, now: Instant): void {
  const { congestion, rtt } = tcb.path;
  if (tcb.sent.count === 0 && tcb.lastSentAt !== -NEVER && now - tcb.lastSentAt > rtt.rtoMs)
    congestion.onIdle(now);
}

/** What held the sender back decides whether the window may grow, and which timer waits. */
function noteHold(tcb: Tcb, hold: Hold, now: Instant): void {
  const { congestion } = tcb.path;
  tcb.pacedAt = NEVER;
  noteLimit(tcb, limitOf(tcb, hold), now);
  if (hold === 'cwnd') tcb.isCwndLimited = true;
  else if (hold === 'pacing') {
    tcb.isCwndLimited = true;
    tcb.pacedAt = nextPacedAt(tcb.path, sendMss(tcb));
  } else if (hold !== 'burst-full') {
    // In slow start half a window in use is enough to double (RFC 7661 §4.3).
    const used = congestion.cwndBytes < congestion.ssthreshBytes ? 2 * pipe(tcb) : pipe(tcb) + sendMss(tcb);
    tcb.isCwndLimited = used > congestion.cwndBytes;
    // draft-ietf-ccwg-bbr §4.1.2.4: less than a segment to send, and room for it.
    if (hold !== 'window' && pipe(tcb) < congestion.cwndBytes) markAppLimited(tcb);
  }
  if (hold === 'window' && tcb.sent.count === 0) armPersist(tcb, now);
  else if (hold !== 'window' && tcb.sndWnd > 0 && !tcb.owesProbe) tcb.persistAt = NEVER;
}

/** As Linux's chronographs have it: a user who waits for room in the send buffer could write more. */
function limitOf(tcb: Tcb, hold: Hold): SendLimit {
  if (hold === 'window') return 'receive-window';
  return hold === 'nothing' && tcb.wantsToWrite ? 'send-buffer' : 'path';
}

/** Sends one segment if one may go, and else says why not. */
function sendNext(tcb: Tcb, writer: BurstWriter): Hold {
  // RFC 6675 §4, NextSeg(): rule (1) is what is lost; (2) new data; (3) and (4) a rescue.
  const lost = tcb.sent.nextLost();
  if (lost === undefined) return sendNew(tcb, writer);
  if (tcb.frtoStep === 3) {
    const hold = wantsFrtoProbe(tcb) ? sendNew(tcb, writer) : 'cwnd';
    if (hold === 'cwnd' || hold === 'pacing' || hold === 'burst-full') return hold;
    giveUpFrto(tcb);
    if (tcb.frtoStep === 3) return hold;
  }
  return resend(tcb, lost, writer);
}

/** RFC 8985 §7.3: one segment beyond the window, new data or else the last sent. */
function putTailProbe(tcb: Tcb, writer: BurstWriter): void {
  tcb.owesTailProbe = false;
  // An ACK may have come since the time was up; and what is lost is sent again for its own sake.
  if (!isTailProbeAllowed(tcb) || tcb.sent.nextLost() !== undefined) return;
  const unsent = Math.max(0, seqDiff(tcb.sendBuffer.tail, tcb.sndNxt));
  const usable = Math.max(0, seqDiff(seqAdd(tcb.sndUna, tcb.sndWnd), tcb.sndNxt));
  const length = Math.min(unsent, usable, sendMss(tcb));
  if (length > 0) {
    putNew(tcb, length, length === unsent, writer);
    tailProbeSent(tcb, undefined, tsVal(tcb, writer.now));
  } else {
    // What is left behind a cut may be too large still.
    do cutToPath(tcb, tcb.sent.last!);
    while (textOf(tcb.sent.last!) > sendMss(tcb));
    probeAgain(tcb, tcb.sent.last!, writer);
  }
  armRetransmit(tcb, writer.now);
}

function probeAgain(tcb: Tcb, segment: SentSegment, writer: BurstWriter): void {
  const { now } = writer;
  rateOnSent(tcb, segment, now, pipe(tcb));
  retransmitted(tcb, segment, tsVal(tcb, now));
  tcb.sent.probe(segment, now);
  putText(tcb, writer, segment, true);
  tailProbeSent(tcb, segment.seq, tsVal(tcb, now));
}

function resend(tcb: Tcb, segment: SentSegment, writer: BurstWriter): Hold {
  cutToPath(tcb, segment);
  if (segment.isSacked) return sendNext(tcb, writer);
  const end = seqDiff(seqAdd(segment.seq, segment.length), tcb.sndUna);
  const isFirst = segment.seq === tcb.sndUna;
  // SHLD-16, and MAY-7 not taken: only inside the window, but for the oldest, which serves as the probe.
  if (end > tcb.sndWnd && !isFirst) return 'window';
  // RFC 6675 §5, (4.3): the first one goes whatever is in flight; (C): the others as the pipe empties.
  // After a time-out what is in flight beside it must not keep it waiting for the next (RFC 6298 §5.4).
  const isFree = isFirst && !segment.isResent && (segment.transmissions === 1 || tcb.retransmissions > 0);
  if (!isFree && pipe(tcb) > 0 && pipe(tcb) + segment.length > sendingWindow(tcb)) return 'cwnd';
  if (pacingAllowance(tcb.path, sendMss(tcb), writer.now) <= 0) return 'pacing';
  if (!writer.takes(textSegmentBytes(tcb, textOf(segment)))) return 'burst-full';
  putResent(tcb, segment, writer);
  return 'burst-full';
}

/** What was sent may be larger than what the path carries now; the rest becomes a segment of its own. */
function cutToPath(tcb: Tcb, segment: SentSegment): void {
  resentAgain(tcb, textOf(segment), segment.transmissions);
  const mss = sendMss(tcb);
  if (textOf(segment) <= mss) return;
  const rest = tcb.sent.split(segment, mss);
  pieceCut(tcb, rest);
  pieceCut(tcb, segment);
}

function putResent(tcb: Tcb, segment: SentSegment, writer: BurstWriter): void {
  const { now } = writer;
  rateOnSent(tcb, segment, now, pipe(tcb));
  retransmitted(tcb, segment, tsVal(tcb, now));
  troubleOf(tcb).retransmittedBytes += textOf(segment);
  tcb.sent.resend(segment, now);
  const isLast = tcb.sent.last === segment && seqDiff(tcb.sendBuffer.tail, tcb.sndNxt) <= 0;
  putText(tcb, writer, segment, isLast);
  if (segment === tcb.sent.first) armRetransmit(tcb, now);
}

/** RFC 9293 §3.8.6.2.1 (sender's silly window) and §3.7.4 (Nagle). */
function sendNew(tcb: Tcb, writer: BurstWriter): Hold {
  const mss = sendMss(tcb);
  const unsent = Math.max(0, seqDiff(tcb.sendBuffer.tail, tcb.sndNxt));
  const wantsFin = tcb.isFinQueued && !tcb.isFinSent;
  if (unsent === 0 && !wantsFin) return sendRescue(tcb, writer);
  const usable = seqDiff(seqAdd(tcb.sndUna, tcb.sndWnd), tcb.sndNxt);
  if (tcb.sent.count >= mostSegments(tcb)) return 'window';
  const length = Math.min(unsent, mss, Math.max(usable, 0));
  const hasFin = wantsFin && length === unsent && length < Math.max(usable, 0);
  if (length === 0 && !hasFin) return 'window';
  const isAll = length === unsent;
  if (length < mss && !isAll && !isOverride(tcb, length)) return 'window';
  if (length < mss && !wantsFin && isHeldBack(tcb)) return 'nagle';
  const size = length + (hasFin ? 1 : 0);
  const inFlight = pipe(tcb);
  if (inFlight > 0 && inFlight + size > sendingWindow(tcb)) return 'cwnd';
  if (pacingAllowance(tcb.path, mss, writer.now) <= 0) return 'pacing';
  if (!writer.takes(textSegmentBytes(tcb, length))) return 'burst-full';
  putNew(tcb, size, isAll, writer);
  return 'burst-full';
}

/** A SentSegment in memory, rounded up. */
const RECORD_BYTES = 256;
const LEAST_RECORDS = 64;

/**
 * What is kept of each segment in flight may take as much memory as the text does, not more: a peer that asks for tiny
 * segments would make it several times that, unaccounted for (CVE-2019-11479).
 */
function mostSegments(tcb: Tcb): number {
  return Math.max(LEAST_RECORDS, tcb.sendBuffer.capacityBytes / RECORD_BYTES);
}

/** RFC 9293 §3.7.4, and MAY-16 of §3.9.1.2: but not when the buffer is full, for then no more can be written. */
function isHeldBack(tcb: Tcb): boolean {
  return (tcb.nagle && tcb.sent.count > 0) || (tcb.isCorked && !tcb.wantsToWrite);
}

/** Item (3) of RFC 9293 §3.8.6.2.1: half of the largest window the peer ever gave is worth a segment. */
function isOverride(tcb: Tcb, length: number): boolean {
  return length >= tcb.maxSndWnd / 2;
}

/** Sends `size` units of sequence space for the first time; beyond the text there is only the FIN. */
function putNew(tcb: Tcb, size: number, isAll: boolean, writer: BurstWriter): void {
  const inFlight = pipe(tcb);
  const unsent = seqDiff(tcb.sendBuffer.tail, tcb.sndNxt);
  const segment = tcb.sent.push(tcb.sndNxt, size, writer.now);
  segment.hasFin = size > unsent;
  rateOnSent(tcb, segment, writer.now, inFlight);
  tcb.sndNxt = seqAdd(tcb.sndNxt, size);
  tcb.bytesSent += textOf(segment);
  putText(tcb, writer, segment, isAll);
  if (segment.hasFin) finSent(tcb);
}

/** Bytes of text in `segment`: its length without the FIN. */
function textOf(segment: SentSegment): number {
  return segment.length - (segment.hasFin ? 1 : 0);
}

function finSent(tcb: Tcb): void {
  tcb.isFinSent = true;
  tcb.state = nextState(tcb.state, 'user-close');
}

/** RFC 6675 §4, NextSeg() rules (3) and (4): with nothing lost and nothing new, what may be lost. */
function sendRescue(tcb: Tcb, writer: BurstWriter): Hold {
  const segment = nextRescue(tcb);
  if (segment === undefined) return 'nothing';
  cutToPath(tcb, segment);
  if (segment.isSacked) return 'nothing';
  if (pipe(tcb) + segment.length > sendingWindow(tcb)) return 'cwnd';
  if (!writer.takes(textSegmentBytes(tcb, textOf(segment)))) return 'burst-full';
  putResent(tcb, segment, writer);
  return 'burst-full';
}

/** A closed window is asked about with one octet, or the oldest segment again (RFC 9293 §3.8.6.1). */
function putProbe(tcb: Tcb, writer: BurstWriter): void {
  tcb.owesProbe = false;
  const oldest = tcb.sent.first;
  const unsent = seqDiff(tcb.sendBuffer.tail, tcb.sndNxt);
  if (oldest !== undefined) {
    cutToPath(tcb, oldest);
    // Karn: from now on its ACK measures no RTT (RFC 6298 §3).
    oldest.transmissions += 1;
    putText(tcb, writer, oldest, false);
  } else if (unsent > 0) {
    // With the window small instead of closed this is the override of §3.8.6.2.1, item (4).
    const length = Math.min(unsent, Math.max(1, tcb.sndWnd), sendMss(tcb));
    putNew(tcb, length, length === unsent, writer);
  } else if (tcb.isFinQueued && !tcb.isFinSent) {
    putNew(tcb, 1, true, writer);
  }
  armRetransmit(tcb, writer.now);
}

/**
 * A datagram larger than those so far, with text that is in flight already: whether it arrives or not, it is no news of
 * congestion (RFC 8899 §3, item 7), but there must be room for a segment.
 */
function putPathProbe(tcb: Tcb, writer: BurstWriter): void {
  const textBytes = probeTextBytes(tcb, writer.now);
  if (textBytes === 0) return;
  const mss = sendMss(tcb);
  if (pipe(tcb) + mss > tcb.path.congestion.cwndBytes) return;
  if (pacingAllowance(tcb.path, mss, writer.now) <= 0 || !writer.takes(textSegmentBytes(tcb, textBytes)))
    return;
  writer.segment.clearOptions();
  fillHeader(tcb, writer, seqAdd(tcb.sndNxt, -textBytes), Flag.ACK);
  writer.put(tcb.sendBuffer, textBytes, tcb.isCrcOn);
  probeSent(tcb, textBytes, writer.now);
  paceSent(tcb.path, textBytes);
  tcb.segmentsSent += 1;
  ackPaid(tcb);
}

function putText(tcb: Tcb, writer: BurstWriter, sent: SentSegment, isPushed: boolean): void {
  const textBytes = textOf(sent);
  let flags: number = Flag.ACK;
  if (sent.hasFin) flags |= Flag.FIN;
  // MUST-61 and SHLD-27: one PSH, on the last of what was there to send.
  if (isPushed && textBytes > 0) flags |= Flag.PSH;
  if (!isAckSafe(tcb)) flags &= ~Flag.ACK;
  writer.segment.clearOptions();
  fillHeader(tcb, writer, sent.seq, flags);
  writer.put(tcb.sendBuffer, textBytes, tcb.isCrcOn);
  paceSent(tcb.path, textBytes);
  if (tcb.prr !== undefined) tcb.prr.prrOut += sent.length;
  tcb.lastSentAt = writer.now;
  tcb.segmentsSent += 1;
  if (textBytes > 0) tallyTextSent(tcb, writer.now);
  ackPaid(tcb);
}

/** What every segment of a synchronized connection has. */
function fillHeader(tcb: Tcb, writer: BurstWriter, seq: Seq, flags: number): void {
  const { segment } = writer;
  segment.srcPort = tcb.localPort;
  segment.dstPort = tcb.remotePort;
  segment.seq = seq;
  segment.ack = tcb.rcvNxt;
  segment.flags = flags;
  segment.window = advertiseWindow(tcb);
  segment.isVertex = isVertex(tcb);
  pointAtUrgent(tcb, segment);
  stampSegment(tcb, writer);
}

function stampSegment(tcb: Tcb, writer: BurstWriter): void {
  const { segment } = writer;
  segment.hasTimestamps = tcb.isTimestampsOn;
  segment.tsVal = tsVal(tcb, writer.now);
  segment.tsEcr = tcb.tsRecent;
}

/** An ACK without text, with as many SACK blocks as fit (RFC 2018 §3). */
function putBareAck(tcb: Tcb, writer: BurstWriter, seq: Seq): void {
  const { segment } = writer;
  segment.clearOptions();
  fillHeader(tcb, writer, seq, Flag.ACK);
  const room = MAX_OPTION_BYTES - (tcb.isTimestampsOn ? TIMESTAMPS_BYTES : 0);
  giveSack(tcb, segment, sackBlocksIn(room));
  if (!writer.takes(textSegmentBytes(tcb, 0) + sackOptionBytes(segment.sackCount))) return;
  writer.put(undefined, 0, tcb.isCrcOn);
  tcb.segmentsSent += 1;
  ackPaid(tcb);
}

function putSyn(tcb: Tcb, writer: BurstWriter): void {
  const { profile } = tcb;
  const { segment } = writer;
  const isAnswer = tcb.state === 'SYN-RECEIVED';
  tcb.owesSyn = false;
  tcb.synTransmissions += 1;
  tcb.lastSentAt = writer.now;
  // RFC 6298 §5.1: the timer starts as the SYN leaves. Nobody tells `connect` the time.
  if (tcb.retransmitAt === NEVER) {
    tcb.retransmitAt = writer.now + tcb.path.rtt.rtoMs;
    tcb.unansweredSince = writer.now;
  }
  segment.clearOptions();
  segment.srcPort = tcb.localPort;
  segment.dstPort = tcb.remotePort;
  segment.seq = tcb.iss;
  segment.ack = isAnswer ? tcb.rcvNxt : 0;
  segment.flags = isAnswer ? Flag.SYN | Flag.ACK : Flag.SYN;
  segment.window = advertiseSynWindow(tcb);
  segment.mss = profile.mssBytes;
  segment.windowScale = profile.windowScale === 'off' ? -1 : profile.windowScale;
  // A SYN-ACK has only what the SYN had (RFC 7323 §1.3, RFC 2018 §2).
  segment.sackPermitted = isAnswer ? tcb.isSackOn : profile.sack;
  segment.hasTimestamps = isAnswer ? tcb.isTimestampsOn : profile.timestamps;
  segment.tsVal = tsVal(tcb, writer.now);
  segment.tsEcr = isAnswer ? tcb.tsRecent : 0;
  segment.ptcpFlags = profile.ptcpOption && (!isAnswer || tcb.isPtcpPeer) ? ptcpFlagsOffered(profile) : -1;
  segment.ptcpTokenHigh = tcb.token;
  segment.isVertex = isVertex(tcb);
  // Only with the first: where SYNs with text are dropped on the way, the next gets through.
  const textBytes = profile.synData && tcb.synTransmissions === 1 && !isAnswer ? synText(tcb, segment) : 0;
  writer.putSyn(profile.optionOrder, tcb.sendBuffer, textBytes);
  tcb.synTextBytes += textBytes;
  tcb.segmentsSent += 1;
  if (isAnswer) ackPaid(tcb);
}

/** How much text a SYN may carry: what any peer takes, less the options (RFC 9293 §3.7.1, MUST-15; RFC 6691 §2). */
function synText(tcb: Tcb, syn: Segment): number {
  if (isVertex(tcb)) return 0;
  const { defaultPeerMssBytes, optionOrder } = tcb.profile;
  const limit = Math.min(defaultPeerMssBytes, tcb.path.datagramBytes - HEADER_BYTES);
  return Math.min(tcb.sendBuffer.length, limit - synOptionBytes(syn, optionOrder));
}

/** RFC 9293 §3.10.7.1 and §3.10.5. It carries an ACK once there is something to acknowledge. */
function putReset(tcb: Tcb, writer: BurstWriter): void {
  const { segment } = writer;
  tcb.owesReset = false;
  segment.clearOptions();
  segment.srcPort = tcb.localPort;
  segment.dstPort = tcb.remotePort;
  segment.seq = tcb.resetSeq;
  // In answer to an ACK it carries none of its own (RFC 9293 §3.5.2, group 1).
  const hasAck = tcb.state !== 'SYN-SENT' && tcb.resetSeq === tcb.sndNxt;
  segment.flags = hasAck ? Flag.RST | Flag.ACK : Flag.RST;
  segment.ack = hasAck ? tcb.rcvNxt : 0;
  segment.window = 0;
  stampSegment(tcb, writer);
  writer.put(undefined, 0, tcb.isCrcOn);
  tcb.segmentsSent += 1;
}

/**
 * Vertex ignores a reset with an ACK, and one without makes it forget the connection and tell nobody: so the FIN, where
 * it expects it if all has arrived, and where if nothing has.
 */
function putFarewell(tcb: Tcb, writer: BurstWriter): void {
  const { segment } = writer;
  const last = seqAdd(tcb.sndNxt, tcb.isFinSent ? -1 : 0);
  const isFirst = tcb.resetSeq !== tcb.sndUna;
  tcb.owesReset = hasOpened(tcb) && isFirst && last !== tcb.sndUna;
  if (!hasOpened(tcb)) return;
  segment.clearOptions();
  fillHeader(tcb, writer, isFirst ? last : tcb.sndUna, Flag.FIN | Flag.ACK);
  writer.put(undefined, 0, false);
  tcb.resetSeq = tcb.sndUna;
  tcb.segmentsSent += 1;
}

/** One octet that Vertex has already, whatever it is (RFC 9293 §3.8.4 lets a keep-alive have such a one). */
function putPoke(tcb: Tcb, writer: BurstWriter): void {
  writer.segment.clearOptions();
  fillHeader(tcb, writer, seqAdd(tcb.sndUna, -1), Flag.ACK);
  if (!writer.takes(textSegmentBytes(tcb, 1))) return;
  writer.put(undefined, 1, false);
  tcb.vertex!.pokedAt = tcb.lastSentAt;
  tcb.segmentsSent += 1;
  ackPaid(tcb);
}
