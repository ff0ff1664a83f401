// Urgent data, RFC 9293 §3.8.5 with RFC 6093: a pointer beside the stream; the text stays in line.
import { seqAdd, seqDiff, seqLess, seqLessOrEqual } from './seq.ts';
import { canReceiveText, News, type Tcb } from './tcb.ts';
import { Flag, type Segment } from './wire/segment.ts';

/** Far as a pointer of 16 bits reaches. */
const FARTHEST = 0xffff;

/**
 * `segment` is about to leave. MUST-62: the pointer names the octet after the urgent data; where that is farther than it
 * reaches, it says as far as it can, and later segments say more (MUST-31).
 */
export function pointAtUrgent(tcb: Tcb, segment: Segment): void {
  const { sndUp } = tcb;
  if (sndUp === undefined) return;
  if (!seqLess(tcb.sndUna, sndUp)) {
    tcb.sndUp = undefined;
    return;
  }
  if (!seqLess(segment.seq, sndUp)) return;
  segment.flags |= Flag.URG;
  segment.urgentPointer = Math.min(seqDiff(sndUp, segment.seq), FARTHEST);
}

/** The URG bit of a segment that arrived. Not with a CRC, which has the pointer's place. */
export function urgentArrives(tcb: Tcb, segment: Segment): void {
  if (tcb.isCrcOn || !canReceiveText(tcb)) return;
  const until = seqAdd(segment.seq, segment.urgentPointer);
  const isNews = tcb.urgentUntil === undefined || seqLess(tcb.urgentUntil, until);
  // Sixth step of RFC 9293 §3.10.7.4: in advance of what the user has consumed.
  if (!isNews || seqLessOrEqual(until, firstUnread(tcb))) return;
  tcb.urgentUntil = until;
  tcb.news |= News.Urgent;
}

/** MUST-33: bytes up to the end of the urgent data that the user has not read yet, those on their way included. */
export function urgentLeft(tcb: Tcb): number {
  return tcb.urgentUntil === undefined ? 0 : Math.max(0, seqDiff(tcb.urgentUntil, firstUnread(tcb)));
}

/** The user has read: what ended before is told of no more, for after 2^31 bytes it would seem to lie ahead again. */
export function urgentRead(tcb: Tcb): void {
  if (tcb.urgentUntil === undefined || (tcb.news & News.Urgent) !== 0) return;
  if (seqLessOrEqual(tcb.urgentUntil, firstUnread(tcb))) tcb.urgentUntil = undefined;
}

function firstUnread(tcb: Tcb): number {
  return seqAdd(tcb.rcvNxt, -tcb.recvBuffer.readableBytes);
}
