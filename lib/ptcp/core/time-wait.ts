// TIME-WAIT, RFC 9293 §3.10.7.4 and §3.6.1: all that is left of a connection that this side closed first.
import type { Instant } from '../../time/clock.ts';
import type { PathId } from './path.ts';
import { type Seq, seqAdd, seqDiff, seqLess } from './seq.ts';
import { isVertex, type Tcb } from './tcb.ts';
import { tsVal } from './timestamps.ts';
import { advertiseWindow } from './window.ts';
import { Flag, type Segment, segmentLength } from './wire/segment.ts';

/** What must be known to answer the peer's last FIN again. */
export interface TimeWait {
  readonly kind: 'time-wait';
  readonly key: number;
  readonly pathId: PathId;
  readonly localPort: number;
  readonly remotePort: number;
  readonly sndNxt: Seq;
  /** Vertex only: what is acknowledged grows with what comes. */
  rcvNxt: Seq;
  /** The window field of its ACKs: what was promised stays promised (RFC 9293 §3.8.6, SHLD-14). */
  readonly window: number;
  readonly tsOffset: number;
  readonly tsRecent: number;
  readonly isTimestampsOn: boolean;
  /** Whether the profile would take timestamps, for the next connection. */
  readonly areTimestampsTaken: boolean;
  readonly isCrcOn: boolean;
  readonly isVertex: boolean;
  readonly timeWaitMs: number;
  /** Whether an ACK is on its way to be sent. */
  owesAck: boolean;
  dueAt: Instant;
  dueIndex: number;
}

export function createTimeWait(tcb: Tcb, key: number, now: Instant): TimeWait {
  return {
    kind: 'time-wait',
    key,
    pathId: tcb.path.id,
    localPort: tcb.localPort,
    remotePort: tcb.remotePort,
    sndNxt: tcb.sndNxt,
    rcvNxt: tcb.rcvNxt,
    window: advertiseWindow(tcb),
    tsOffset: tcb.tsOffset,
    tsRecent: tcb.tsRecent,
    isTimestampsOn: tcb.isTimestampsOn,
    areTimestampsTaken: tcb.profile.timestamps,
    isCrcOn: tcb.isCrcOn,
    isVertex: isVertex(tcb),
    timeWaitMs: tcb.profile.timeWaitMs,
    owesAck: false,
    dueAt: now + tcb.profile.timeWaitMs,
    dueIndex: -1,
  };
}

/** What a segment for a connection in TIME-WAIT asks for: an ACK, a new connection in its place, or nothing. */
export type TimeWaitOutcome = 'ack' | 'reopen' | 'nothing';

/**
 * A segment for a connection in TIME-WAIT. 'reopen' is a SYN that a listener may take; where there is none, or no room,
 * it gets an ACK.
 *
 * A reset does nothing: it may be an old one (RFC 1337 §3, fix F1).
 */
export function timeWaitArrives(record: TimeWait, segment: Segment, now: Instant): TimeWaitOutcome {
  const { flags } = segment;
  if ((flags & Flag.RST) !== 0) return 'nothing';
  if (record.isVertex) return vertexTimeWaitArrives(record, segment, now);
  if ((flags & (Flag.SYN | Flag.ACK)) === Flag.SYN && isNewIncarnation(record, segment)) return 'reopen';
  const isFinAgain =
    (flags & Flag.FIN) !== 0 && seqDiff(segment.seq, record.rcvNxt) + segmentLength(segment) === 0;
  // The wait begins anew with the peer's FIN, RFC 9293 §3.10.7.4, eighth step.
  if (isFinAgain) record.dueAt = now + record.timeWaitMs;
  // Everything else is old, or the SYN of somebody in a hurry: the ACK makes him reset us or wait (RFC 9293 §3.10.7.4).
  const isAnswered =
    segmentLength(segment) > 0 || seqLess(segment.seq, record.rcvNxt) || (flags & Flag.SYN) !== 0;
  return isAnswered ? 'ack' : 'nothing';
}

/**
 * Whether a SYN is from after the connection that waits here: RFC 6191 §2 (RFC 9293 §3.6.1, SHLD-4), and where
 * timestamps do not tell, its ISN is beyond all that the peer has used (MAY-2).
 */
function isNewIncarnation(record: TimeWait, syn: Segment): boolean {
  const isBeyond = !seqLess(syn.seq, record.rcvNxt);
  if (!syn.hasTimestamps || !record.areTimestampsTaken) return isBeyond;
  // Without them before, no old segment passes for a new one (RFC 7323 §3.2).
  if (!record.isTimestampsOn) return true;
  return seqLess(record.tsRecent, syn.tsVal) || (syn.tsVal === record.tsRecent && isBeyond);
}

/** The ISS of the next connection, beyond all that this one has sent (RFC 9293 §3.6.1, MAY-2). */
export function issBeyond(sndNxt: Seq, wanted: Seq): Seq {
  return seqLess(sndNxt, wanted) ? wanted : seqAdd(sndNxt, 0x1_0000 + (wanted & 0xffff));
}

/**
 * Vertex has told its user and sends on until all is acknowledged, its FIN above all: so all is. A SYN is not answered: an
 * ACK would end the attempt, and it is sent again until the record is gone.
 */
function vertexTimeWaitArrives(record: TimeWait, segment: Segment, now: Instant): TimeWaitOutcome {
  const length = segmentLength(segment);
  if (length === 0 || (segment.flags & Flag.SYN) !== 0) return 'nothing';
  const end = seqAdd(segment.seq, length);
  if (seqLess(record.rcvNxt, end)) record.rcvNxt = end;
  record.dueAt = now + record.timeWaitMs;
  return 'ack';
}

/** Fills in the ACK for a connection in TIME-WAIT. */
export function fillTimeWaitAck(record: TimeWait, segment: Segment, now: Instant): void {
  segment.clearOptions();
  segment.srcPort = record.localPort;
  segment.dstPort = record.remotePort;
  segment.seq = record.sndNxt;
  segment.ack = record.rcvNxt;
  segment.flags = Flag.ACK;
  segment.window = record.window;
  segment.hasTimestamps = record.isTimestampsOn;
  segment.tsVal = tsVal(record, now);
  segment.tsEcr = record.tsRecent;
  segment.isVertex = record.isVertex;
}
