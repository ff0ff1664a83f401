// How a connection ends: every way leads through here.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import { SentSegments } from './sent-segments.ts';
import { type Cause, nextState } from './state.ts';
import { type CloseReason, isVertex, News, type Tcb } from './tcb.ts';
import { closingPatienceMs } from './vertex-peer.ts';

/** The ways to end that are not the regular one. */
type Mishap = Exclude<CloseReason, 'done'>;

const CAUSE_OF: Readonly<Record<Mishap, Cause>> = {
  reset: 'rcv-rst',
  refused: 'rcv-rst',
  timeout: 'gave-up',
  aborted: 'user-abort',
  'linger-expired': 'user-abort',
  'stream-full': 'user-abort',
};

/** Ends `tcb` at once, for a reason that is not the regular one unless everything had already arrived. */
export function endConnection(tcb: Tcb, reason: Mishap): void {
  if (tcb.state === 'CLOSED') return;
  const hasEndedWell = reason !== 'aborted' && reason !== 'linger-expired' && isAllButAcknowledged(tcb);
  finish(tcb, nextState(tcb.state, CAUSE_OF[reason]), hasEndedWell ? 'done' : reason);
}

/**
 * A passive closer that waits for the ACK of its FIN only: all data went and came, and so did the peer's FIN. That the
 * last ACK is lost, or answered by a reset because the peer has forgotten us, changes nothing.
 */
function isAllButAcknowledged(tcb: Tcb): boolean {
  if (tcb.state !== 'LAST-ACK' && tcb.state !== 'CLOSING') return false;
  return tcb.isFinSent && tcb.sendBuffer.length === 0;
}

/** The regular end: into TIME-WAIT or CLOSED. */
export function endWell(tcb: Tcb, cause: Cause): void {
  finish(tcb, nextState(tcb.state, cause), 'done');
}

function finish(tcb: Tcb, state: Tcb['state'], reason: CloseReason): void {
  tcb.state = state;
  tcb.closeReason = reason === 'done' && tcb.vertex?.isTextLost === true ? 'reset' : reason;
  tcb.news |= News.Closed;
  tcb.sent = new SentSegments();
  tcb.sendBuffer.clear();
  // Data that came before a good end may still be read.
  if (reason === 'done') tcb.recvBuffer.end();
  else tcb.recvBuffer.clear();
  disarmAll(tcb);
}

function disarmAll(tcb: Tcb): void {
  tcb.retransmitAt = NEVER;
  tcb.reorderAt = NEVER;
  tcb.tailProbeAt = NEVER;
  tcb.persistAt = NEVER;
  tcb.delayedAckAt = NEVER;
  tcb.keepAliveAt = NEVER;
  tcb.lingerAt = NEVER;
  tcb.pacedAt = NEVER;
  tcb.releaseAt = NEVER;
  tcb.unansweredSince = NEVER;
}

/** FIN-WAIT-2 with nobody behind it: tcp_fin_timeout of Linux 6.x, net/ipv4/tcp.c. */
const FIN_WAIT_2_MS = 60_000;

/**
 * Our FIN is acknowledged and the user is gone: from here the peer has `lingerMs` to close too. A linger of 0 is about
 * text that comes after all; a peer that is silent may take its time.
 */
export function startLinger(tcb: Tcb, now: Instant): void {
  if (isVertex(tcb)) {
    const patienceMs = closingPatienceMs(tcb);
    if (patienceMs !== undefined && tcb.lingerAt === NEVER) tcb.lingerAt = now + patienceMs;
    return;
  }
  if (!tcb.isClosedByUser || tcb.state !== 'FIN-WAIT-2' || tcb.lingerAt !== NEVER) return;
  tcb.lingerAt = now + (tcb.profile.lingerMs === 0 ? FIN_WAIT_2_MS : tcb.profile.lingerMs);
}
