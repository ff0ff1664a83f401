// Read first: RFC 9293 §3.10.7.4, then RFC 5961 (blind attacks) and RFC 7323 §5.3 (PAWS).
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import { ackArrives, releaseSoon, setSendWindow } from './ack.ts';
import { oweAck, oweChallengeAck, oweDelayedAck, oweReset } from './debts.ts';
import { endConnection, endWell } from './ending.ts';
import { noteIsle } from './sack.ts';
import { type Seq, seqAdd, seqDiff, seqLess, seqLessOrEqual } from './seq.ts';
import { nextState } from './state.ts';
import { tallyTextReceived, troubleOf } from './tally.ts';
import {
  canReceiveText,
  flightSize,
  isSynchronized,
  isVertex,
  maxSynAck,
  News,
  rcvWnd,
  type Tcb,
} from './tcb.ts';
import { armKeepAlive, armRetransmit } from './timers.ts';
import { echoedRtt, isPawsReject, updateTsRecent } from './timestamps.ts';
import { urgentArrives } from './urgent.ts';
import { isStreamFull, peerIsGone, restartPatience } from './vertex-peer.ts';
import { Flag, type Segment, segmentLength } from './wire/segment.ts';

/**
 * SEGMENT ARRIVES from SYN-RECEIVED on, RFC 9293 §3.10.7.4, step by step and in its order.
 *
 * Returns nothing: replies are debts in `tcb`, which `nextBurst` pays.
 */
export function segmentArrives(tcb: Tcb, segment: Segment, now: Instant): void {
  if (tcb.state === 'SYN-RECEIVED' && isSynAgain(tcb, segment) && !synCameAgain(tcb, segment)) return;
  // RFC 7323 §3.2: once negotiated, a segment without timestamps is not the peer's; resets are excepted.
  if (tcb.isTimestampsOn && !segment.hasTimestamps && (segment.flags & Flag.RST) === 0) return;
  // RFC 7323 §5.3, R1
  if (isPawsReject(tcb, segment, now)) {
    answerUnacceptable(tcb, segment, now);
    return;
  }
  // First, check the sequence number. A reset out of the window is dropped (RFC 5961 §3).
  if (!isAcceptable(tcb, segment)) {
    if ((segment.flags & Flag.RST) === 0) unacceptableArrived(tcb, segment, now);
    return;
  }
  // Second, check the RST bit.
  if ((segment.flags & Flag.RST) !== 0) {
    resetArrives(tcb, segment, now);
    return;
  }
  // Third, check security: PTCP has none here.
  // Fourth, check the SYN bit. It may be forged, so ask back (RFC 5961 §4).
  if ((segment.flags & Flag.SYN) !== 0) {
    oweChallengeAck(tcb, now);
    return;
  }
  // Fifth, check the ACK field.
  if ((segment.flags & Flag.ACK) === 0) return;
  if (ackFieldArrives(tcb, segment, now) === 'drop') return;
  // Not RFC 7323 §5.3, R3, whose turn is before the SYN and the ACK: a forged segment that these give away would put
  // TS.Recent ahead of the peer for days (so Linux, net/ipv4/tcp_input.c, tcp_ack(), 6.x).
  updateTsRecent(tcb, segment, now);
  peerShowedLife(tcb, now);
  // Sixth, the URG bit, reported only. Seventh, the text.
  if ((segment.flags & Flag.URG) !== 0) urgentArrives(tcb, segment);
  if (segment.payloadEnd > segment.payloadStart) textArrives(tcb, segment, now);
  // Eighth, the FIN bit, but only once everything before it is here.
  if ((segment.flags & Flag.FIN) !== 0) noteFin(tcb, segment);
  if (tcb.pendingFin === tcb.rcvNxt && canReceiveText(tcb)) finArrives(tcb);
}

/** The four cases of RFC 9293 §3.10.7.4, first step. */
export function isAcceptable(tcb: Pick<Tcb, 'rcvNxt' | 'rcvAdv'>, segment: Segment): boolean {
  const length = segmentLength(segment);
  const window = Math.max(0, rcvWnd(tcb));
  const start = seqDiff(segment.seq, tcb.rcvNxt);
  if (length === 0) return window === 0 ? start === 0 : start >= 0 && start < window;
  // MUST-66: with a closed window a reset, an ACK or urgent news at RCV.NXT still counts; the text is cut off later.
  if (window === 0) return start === 0 && (segment.flags & (Flag.RST | Flag.URG)) !== 0;
  const last = start + length - 1;
  return (start >= 0 && start < window) || (last >= 0 && last < window);
}

/** The peer's SYN once more: it has not seen our SYN-ACK, or (simultaneous open) it is the SYN-ACK to our SYN. */
function isSynAgain(tcb: Tcb, segment: Segment): boolean {
  return segment.seq === tcb.irs && (segment.flags & (Flag.SYN | Flag.RST)) === Flag.SYN;
}

/**
 * Not RFC 9293 §3.10.7.4, whose first step drops it as old: in a simultaneous open the SYN-ACK that completes it repeats
 * the SYN (Figure 7), so its SYN is cut off and the ACK counts; a bare SYN gets the SYN-ACK again. Returns whether to go on.
 */
function synCameAgain(tcb: Tcb, segment: Segment): boolean {
  if ((segment.flags & Flag.ACK) === 0) {
    tcb.owesSyn = true;
    tcb.synTransmissions = Math.min(tcb.synTransmissions, 1);
    return false;
  }
  segment.flags &= ~Flag.SYN;
  segment.seq = seqAdd(segment.seq, 1);
  // A SYN's window is not scaled (RFC 7323 §2.2) and what follows takes it for scaled; the fraction keeps it what it is.
  segment.window /= 2 ** tcb.sndWindShift;
  return true;
}

/**
 * An unacceptable segment gets an ACK (RFC 9293 §3.10.7.4); one without text only so often, or two peers that disagree
 * would answer each other for ever.
 */
function answerUnacceptable(tcb: Tcb, segment: Segment, now: Instant): void {
  if (segment.payloadEnd > segment.payloadStart || (isVertex(tcb) && isAckMissing(segment))) oweAck(tcb);
  else oweChallengeAck(tcb, now);
}

/** Vertex sends its FIN and its SYN-ACK until they are acknowledged. A SYN alone may be of somebody else by now. */
function isAckMissing({ flags }: Segment): boolean {
  return (flags & Flag.FIN) !== 0 || (flags & (Flag.SYN | Flag.ACK)) === (Flag.SYN | Flag.ACK);
}

function unacceptableArrived(tcb: Tcb, segment: Segment, now: Instant): void {
  answerUnacceptable(tcb, segment, now);
  // The last segment once more: its ACK was lost. Echoing the time of the first would make the peer take the wait for a
  // round trip, RFC 7323 §4.1 (so Linux, net/ipv4/tcp_input.c, tcp_sequence(), 6.x). As hard to forge as a reset.
  if (seqAdd(segment.seq, segmentLength(segment)) === tcb.rcvNxt) updateTsRecent(tcb, segment, now);
  noteDuplicate(tcb, segment.seq, seqAdd(segment.seq, segment.payloadEnd - segment.payloadStart));
  // An old segment that is a keep-alive, or a probe of our closed window: its ACK is still news (RFC 9293 §3.10.7.4:
  // with a zero window, ACKs, URGs and RSTs are processed).
  if ((segment.flags & Flag.ACK) !== 0 && (segment.flags & Flag.SYN) === 0 && rcvWnd(tcb) <= 0) {
    if (segment.seq === tcb.rcvNxt && ackFieldArrives(tcb, segment, now) === 'go-on')
      peerShowedLife(tcb, now);
  }
}

/** RFC 2883 §4: text that came twice is told to the peer once. */
function noteDuplicate(tcb: Tcb, start: Seq, end: Seq): void {
  if (!tcb.isSackOn || !seqLess(start, end) || !seqLessOrEqual(end, tcb.rcvNxt)) return;
  tcb.dsackStart = start;
  tcb.dsackEnd = end;
}

/** RFC 9293 §3.10.7.4, second step, with RFC 5961 §3: only an exact hit kills. */
function resetArrives(tcb: Tcb, segment: Segment, now: Instant): void {
  if (segment.seq !== tcb.rcvNxt) {
    oweChallengeAck(tcb, now);
    return;
  }
  endConnection(tcb, tcb.state === 'SYN-RECEIVED' ? 'refused' : 'reset');
}

function ackFieldArrives(tcb: Tcb, segment: Segment, now: Instant): 'drop' | 'go-on' {
  if (tcb.state === 'SYN-RECEIVED') {
    if (!seqLess(tcb.sndUna, segment.ack) || seqLess(maxSynAck(tcb), segment.ack)) {
      oweReset(tcb, segment.ack);
      return 'drop';
    }
    synAcknowledged(tcb, segment, now);
  }
  if (ackArrives(tcb, segment, now) === 'drop') return 'drop';
  if (isFinAcknowledged(tcb)) finAcknowledged(tcb);
  return tcb.state === 'CLOSED' ? 'drop' : 'go-on';
}

/** Our SYN or SYN-ACK was acknowledged: from SYN-RECEIVED to ESTABLISHED. */
function synAcknowledged(tcb: Tcb, segment: Segment, now: Instant): void {
  tcb.state = nextState(tcb.state, 'rcv-ack-of-syn');
  establish(tcb, segment, now);
  setSendWindow(tcb, segment);
}

/** The handshake is over, from whichever side: SEG.ACK covers our SYN. */
export function establish(tcb: Tcb, segment: Segment, now: Instant): void {
  const { rtt } = tcb.path;
  tcb.sndUna = seqAdd(tcb.iss, 1);
  if (tcb.synTextBytes > 0) synTextAcknowledged(tcb, segment.ack, now);
  tcb.owesSyn = false;
  tcb.unansweredSince = NEVER;
  const hasTimedOut = rtt.backoff > 0;
  rtt.endBackOff();
  // Karn's rule, RFC 6298 §3: a SYN sent twice, or as SYN-ACK too, measures nothing, but an echoed timestamp does.
  // Not RFC 6298 §5.7: three seconds are for want of a sample, so with one the RTO is computed from that.
  const rttMs = tcb.synTransmissions === 1 ? now - tcb.lastSentAt : echoedRtt(tcb, segment, now);
  if (!Number.isNaN(rttMs)) rtt.sample(rttMs, 1);
  else if (hasTimedOut) rtt.synWasLost();
  tcb.retransmissions = 0;
  tcb.isPathSuspect = false;
  tcb.news |= tcb.isPassive ? News.Accepted | News.Established : News.Established;
  if (tcb.recvBuffer.readableBytes > 0) tcb.news |= News.Readable;
  tcb.rcvRoundAt = now;
  armRetransmit(tcb, now);
  if (tcb.keepAlive) armKeepAlive(tcb);
}

/** Of the text on our SYN the peer has what is before `ack`; the rest goes again (RFC 9293 §3.10.7.3). */
function synTextAcknowledged(tcb: Tcb, ack: Seq, now: Instant): void {
  tcb.synTextBytes = 0;
  tcb.bytesSent += seqDiff(ack, tcb.sndUna);
  tcb.sendBuffer.acknowledge(ack);
  tcb.sndUna = ack;
  tcb.sndNxt = ack;
  if (tcb.wantsToWrite) tcb.news |= News.Writable;
  tcb.wantsToWrite = false;
  if (tcb.sendBuffer.length === 0) releaseSoon(tcb, tcb.sendBuffer, now);
}

function isFinAcknowledged(tcb: Tcb): boolean {
  return tcb.isFinSent && flightSize(tcb) === 0;
}

/** RFC 9293 §3.10.7.4, fifth step, for FIN-WAIT-1, CLOSING and LAST-ACK. */
function finAcknowledged(tcb: Tcb): void {
  tcb.lingerAt = NEVER;
  if (tcb.state === 'FIN-WAIT-1') {
    tcb.state = nextState(tcb.state, 'rcv-ack-of-fin');
  } else if (tcb.state === 'CLOSING' || tcb.state === 'LAST-ACK') {
    endWell(tcb, 'rcv-ack-of-fin');
  }
}

function peerShowedLife(tcb: Tcb, now: Instant): void {
  tcb.lastReceivedAt = now;
  if (isVertex(tcb)) restartPatience(tcb);
  if (tcb.keepAlive) armKeepAlive(tcb);
}

/** RFC 9293 §3.10.7.4, seventh step: text, in order or not, cut to the window. */
export function textArrives(tcb: Tcb, segment: Segment, now: Instant): void {
  if (!canReceiveText(tcb) && tcb.state !== 'SYN-RECEIVED') {
    // After the peer's FIN there is none; what claims to be is ignored.
    return;
  }
  const start = seqDiff(segment.seq, tcb.rcvNxt);
  // Not beyond the window, nor beyond a FIN that came early.
  const edge = tcb.pendingFin === undefined ? rcvWnd(tcb) : seqDiff(tcb.pendingFin, tcb.rcvNxt);
  const limit = Math.min(segment.payloadEnd, segment.payloadStart + Math.max(0, edge - start));
  const count = limit - segment.payloadStart;
  if (count <= 0) {
    // Let in for its URG alone (MUST-66): of its text the peer must hear that there is no room.
    oweAck(tcb);
    return;
  }
  if (tcb.isClosedByUser && tcb.profile.lingerMs === 0) {
    // SHLD-3, RFC 9293 §3.6.1: nobody will ever read it.
    oweReset(tcb, tcb.sndNxt);
    endConnection(tcb, 'aborted');
    return;
  }
  tcb.rcvMss = Math.max(tcb.rcvMss, segment.payloadEnd - segment.payloadStart);
  tallyTextReceived(tcb, now);
  takeText(tcb, segment, start, limit, now);
}

function takeText(tcb: Tcb, segment: Segment, start: number, limit: number, now: Instant): void {
  const { recvBuffer } = tcb;
  const offset = recvBuffer.nextOffset + start;
  const end = offset + (limit - segment.payloadStart);
  if (recvBuffer.holds(offset, end)) {
    noteDuplicate(tcb, segment.seq, seqAdd(segment.seq, end - offset));
    if (tcb.isSackOn && seqLess(tcb.rcvNxt, segment.seq)) {
      tcb.dsackStart = segment.seq;
      tcb.dsackEnd = seqAdd(segment.seq, end - offset);
      // RFC 2883 §4: the block that it lies in comes next.
      noteIsle(tcb, offset);
    }
    oweAck(tcb);
    return;
  }
  // RFC 2883 §4.2: of a segment that is new in part, the part that is not.
  if (start < 0) noteDuplicate(tcb, segment.seq, tcb.rcvNxt);
  const hadIsles = recvBuffer.hasIsles;
  const grown = recvBuffer.insert(offset, segment.bytes, segment.payloadStart, limit);
  if (isVertex(tcb) && isStreamFull(recvBuffer.nextOffset)) {
    oweReset(tcb, tcb.sndNxt);
    endConnection(tcb, 'stream-full');
    return;
  }
  if (grown > 0) {
    tcb.rcvNxt = seqAdd(tcb.rcvNxt, grown);
    tcb.bytesReceived += grown;
    // What came on a SYN is news only once the handshake is over (RFC 9293 §3.10.7.2–3).
    if (!recvBuffer.isDiscarding) tcb.news |= isSynchronized(tcb.state) ? News.Readable : 0;
    else releaseSoon(tcb, recvBuffer, now);
  }
  if (grown > 0 && !hadIsles) {
    oweDelayedAck(tcb, grown, now);
    return;
  }
  // RFC 5681 §4.2: out of order, or a gap filled (in part), is acknowledged at once.
  if (grown === 0) {
    troubleOf(tcb).outOfOrderSegments += 1;
    noteIsle(tcb, offset);
  }
  // Vertex has no use for duplicates.
  if (grown > 0 || !isVertex(tcb)) oweAck(tcb);
}

/** Remembers where the peer's FIN is; data in front of it may still be missing. */
function noteFin(tcb: Tcb, segment: Segment): void {
  if (tcb.isFinReceived) {
    // It was heard: say so again, since the ACK may be lost.
    oweAck(tcb);
    return;
  }
  const finSeq = seqAdd(segment.seq, segment.payloadEnd - segment.payloadStart);
  if (seqDiff(finSeq, tcb.rcvNxt) < 0 || seqDiff(finSeq, tcb.rcvAdv) > 0) return;
  tcb.pendingFin ??= finSeq;
  oweAck(tcb);
}

/** RFC 9293 §3.10.7.4, eighth step. */
function finArrives(tcb: Tcb): void {
  tcb.isFinReceived = true;
  tcb.rcvNxt = seqAdd(tcb.rcvNxt, 1);
  if (seqLess(tcb.rcvAdv, tcb.rcvNxt)) tcb.rcvAdv = tcb.rcvNxt;
  oweAck(tcb);
  peerIsGone(tcb);
  tcb.news |= News.PeerClosed;
  // The same segment may have acknowledged our FIN: then it has led from FIN-WAIT-1 to FIN-WAIT-2 already.
  if (tcb.state === 'FIN-WAIT-2') endWell(tcb, 'rcv-fin');
  else tcb.state = nextState(tcb.state, 'rcv-fin');
}
