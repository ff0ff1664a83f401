// The receive window: what we tell the peer it may send, and how large our buffer for it is. RFC 9293 §3.8.6.
import type { Instant } from '../../time/clock.ts';
import type { MemoryBudget } from './memory.ts';
import { seqAdd, seqDiff } from './seq.ts';
import { isVertex, rcvWnd, type Tcb } from './tcb.ts';

/** The window field of a segment has 16 bits. */
export const MAX_WINDOW_FIELD = 0xffff;

/** The window field of the segment that is leaving; it fixes the right edge that the peer may rely on. */
export function advertiseWindow(tcb: Tcb): number {
  const shift = tcb.rcvWindShift;
  const window = Math.min(offerableWindow(tcb), MAX_WINDOW_FIELD << shift);
  // Rounding down would pull the right edge back (RFC 7323 §2.4, SHLD-14), so round up while there is a buffer for it.
  const isOpen = tcb.recvBuffer.readableBytes < tcb.rcvLimitBytes;
  const field = Math.min(isOpen ? Math.ceil(window / (1 << shift)) : window >>> shift, MAX_WINDOW_FIELD);
  const edge = seqAdd(tcb.rcvNxt, field << shift);
  if (seqDiff(edge, tcb.rcvAdv) > 0) tcb.rcvAdv = edge;
  return field;
}

/** The window field of a SYN or SYN-ACK, which is never scaled (RFC 7323 §2.2). */
export function advertiseSynWindow(tcb: Tcb): number {
  // One that goes again must not pull back an edge that an ACK between the two has rounded up (SHLD-14).
  const kept = tcb.state === 'SYN-RECEIVED' ? rcvWnd(tcb) : 0;
  const field = Math.min(Math.max(tcb.rcvLimitBytes, kept), MAX_WINDOW_FIELD);
  if (kept < field) tcb.rcvAdv = seqAdd(tcb.rcvNxt, field);
  return field;
}

/** The window that could be offered, right edge kept and silly windows avoided (RFC 9293 §3.8.6.2.2, MUST-39). */
function offerableWindow(tcb: Tcb): number {
  const kept = Math.max(0, rcvWnd(tcb));
  const { recvBuffer, rcvLimitBytes } = tcb;
  // What other connections have left of the endpoint's memory limits what is new, not what was promised (SHLD-14).
  const room = Math.min(rcvLimitBytes - recvBuffer.readableBytes, recvBuffer.roomBytes(rcvLimitBytes));
  const free = Math.max(0, room);
  const threshold = Math.min(tcb.rcvLimitBytes / 2, Math.max(tcb.rcvMss, LEAST_STEP_BYTES));
  return free - kept >= threshold ? free : kept;
}

/** Steps of the window while the peer's segment size is not known. */
const LEAST_STEP_BYTES = 536;

/**
 * Whether the peer should hear of the window now, because the user has read.
 *
 * When it was all but closed and has opened by a step, or has grown by a quarter of the buffer.
 */
export function isWindowUpdateDue(tcb: Tcb): boolean {
  // It looks at no window.
  if (isVertex(tcb)) return false;
  const kept = Math.max(0, rcvWnd(tcb));
  const gain = Math.min(offerableWindow(tcb), MAX_WINDOW_FIELD << tcb.rcvWindShift) - kept;
  if (gain <= 0) return false;
  const step = Math.max(tcb.rcvMss, LEAST_STEP_BYTES);
  return gain >= tcb.rcvLimitBytes / 4 || kept < 2 * step;
}

/**
 * The user has read `count` bytes: sizes the buffer so that the rate he reads at never waits for the window.
 *
 * Twice what was read in one round trip would do; twice that lets a sender in slow start double (RFC 5681 §3.1).
 */
export function adaptReceiveBuffer(tcb: Tcb, count: number, memory: MemoryBudget, now: Instant): void {
  tcb.rcvRoundBytes += count;
  const { rtt } = tcb.path;
  const roundMs = rtt.hasSample ? rtt.srttMs : DEFAULT_ROUND_MS;
  // Not only at the round's end: rounds counted here are not the sender's, and he would wait for what is known already.
  const wanted = Math.min(4 * tcb.rcvRoundBytes, tcb.profile.receiveBufferMaxBytes);
  // What it holds, or could hold from the start, needs no more memory.
  const securedBytes = Math.max(tcb.recvBuffer.capacityBytes, tcb.profile.receiveBufferBytes);
  if (wanted > tcb.rcvLimitBytes && wanted - securedBytes <= memory.freeBytes) tcb.rcvLimitBytes = wanted;
  if (now - tcb.rcvRoundAt < roundMs) return;
  tcb.rcvRoundBytes = 0;
  tcb.rcvRoundAt = now;
}

const DEFAULT_ROUND_MS = 100;
