// TIME-WAIT, RFC 9293 §3.10.7.4 and §3.6.1: all that is left of a connection that this side closed first.
import type { Instant } from '../../time/clock.ts';
import type { PathId } from './path.ts';
import { type Seq, seqDiff, seqLess } from './seq.ts';
import type { Tcb } from './tcb.ts';
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
  readonly rcvNxt: Seq;
  /** The window field of its ACKs: what was promised stays promised (RFC 9293 §3.8.6, SHLD-14). */
  readonly window: number;
  readonly tsOffset: number;
  readonly tsRecent: number;
  readonly isTimestampsOn: boolean;
  readonly isCrcOn: boolean;
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
    isCrcOn: tcb.isCrcOn,
    timeWaitMs: tcb.profile.timeWaitMs,
    owesAck: false,
    dueAt: now + tcb.profile.timeWaitMs,
    dueIndex: -1,
  };
}

/**
 * A segment for a connection in TIME-WAIT. Returns whether an ACK is owed.
 *
 * A reset does nothing: it may be an old one (RFC 1337 §3, fix F1).
 */
export function timeWaitArrives(record: TimeWait, segment: Segment, now: Instant): boolean {
  if ((segment.flags & Flag.RST) !== 0) return false;
  const isFinAgain =
    (segment.flags & Flag.FIN) !== 0 && seqDiff(segment.seq, record.rcvNxt) + segmentLength(segment) === 0;
  // The wait begins anew with the peer's FIN, RFC 9293 §3.10.7.4, eighth step.
  if (isFinAgain) record.dueAt = now + record.timeWaitMs;
  // Everything else is old, or the SYN of somebody in a hurry: the ACK makes him reset us or wait (RFC 9293 §3.10.7.4).
  return (
    segmentLength(segment) > 0 || seqLess(segment.seq, record.rcvNxt) || (segment.flags & Flag.SYN) !== 0
  );
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
}
