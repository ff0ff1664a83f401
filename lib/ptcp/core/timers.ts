// The timers of a connection: due times in the control block, no callbacks. The endpoint asks what is due.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import { oweReset } from './debts.ts';
import { reportLost } from './delivery-rate.ts';
import { endConnection } from './ending.ts';
import { pathTimedOut } from './pmtu.ts';
import { detectLoss, retransmitTimedOut } from './recovery.ts';
import { tallyTimeout } from './tally.ts';
import { isSynchronized, isVertex, News, type Tcb } from './tcb.ts';
import { tailProbeDue } from './tlp.ts';
import { silentEnd } from './vertex-peer.ts';

/** RFC 9293 §3.8.3 (SHLD-11): R2 is at least this long. */
const R2_LEAST_MS = 100_000;
/** The override of RFC 9293 §3.8.6.2.1, item (4): 0.1 to 1 s. */
const OVERRIDE_LEAST_MS = 100;
const OVERRIDE_MOST_MS = 1000;

/** When the connection next wants `handleDue`. */
export function nextDueAt(tcb: Tcb): Instant {
  return Math.min(
    tcb.retransmitAt,
    tcb.reorderAt,
    tcb.tailProbeAt,
    tcb.persistAt,
    tcb.delayedAckAt,
    tcb.keepAliveAt,
    tcb.lingerAt,
    tcb.pacedAt,
    tcb.releaseAt,
    userTimeoutAt(tcb),
  );
}

function userTimeoutAt(tcb: Tcb): Instant {
  const { userTimeoutMs } = tcb.profile;
  return userTimeoutMs === 'off' ? NEVER : tcb.unansweredSince + userTimeoutMs;
}

/** Does what is due at `now`, in the order in which it matters when due together. */
export function handleDue(tcb: Tcb, now: Instant): void {
  if (userTimeoutAt(tcb) <= now) {
    endConnection(tcb, 'timeout');
    return;
  }
  if (tcb.lingerAt <= now) {
    lingerExpired(tcb);
    return;
  }
  if (tcb.reorderAt <= now) {
    detectLoss(tcb, now);
    reportLost(tcb, now);
  }
  // A probe goes before a time-out that is due with it, which then waits anew (RFC 8985 §7.3).
  if (tcb.tailProbeAt <= now && tailProbeDue(tcb)) armRetransmit(tcb, now);
  if (tcb.retransmitAt <= now) retransmitDue(tcb, now);
  if (tcb.persistAt <= now) persistDue(tcb, now);
  if (tcb.keepAliveAt <= now) keepAliveDue(tcb, now);
  if (tcb.delayedAckAt <= now) {
    tcb.delayedAckAt = NEVER;
    if (tcb.vertex !== undefined) tcb.vertex.flightStart = tcb.rcvNxt;
    tcb.owesAck = true;
  }
  if (tcb.pacedAt <= now) tcb.pacedAt = NEVER;
  if (tcb.releaseAt <= now) {
    tcb.releaseAt = NEVER;
    tcb.sendBuffer.releaseIfEmpty();
    tcb.recvBuffer.releaseIfEmpty();
  }
}

/** The user closed, and the peer has not: RFC 9293 §3.6.1 (SHLD-3) at last. */
function lingerExpired(tcb: Tcb): void {
  if (isVertex(tcb)) {
    endConnection(tcb, silentEnd(tcb));
    return;
  }
  tcb.owesReset = true;
  tcb.resetSeq = tcb.sndNxt;
  endConnection(tcb, 'linger-expired');
}

function retransmitDue(tcb: Tcb, now: Instant): void {
  tcb.retransmitAt = NEVER;
  if (!isSynchronized(tcb.state)) {
    synTimedOut(tcb, now);
    return;
  }
  if (isGivenUp(tcb, tcb.retransmissions, now)) return;
  tallyTimeout(tcb, now);
  retransmitTimedOut(tcb, now);
  pathTimedOut(tcb);
  reportLost(tcb, now);
  if (tcb.retransmissions >= tcb.profile.r1 && !tcb.isPathSuspect) suspectPath(tcb);
  armRetransmit(tcb, now);
}

function synTimedOut(tcb: Tcb, now: Instant): void {
  const { profile } = tcb;
  if (tcb.synTransmissions > profile.synRetries) {
    endConnection(tcb, 'timeout');
    return;
  }
  // RFC 5681 §3.1: a lost SYN makes the initial window one segment.
  tcb.path.congestion.onSynLost();
  tcb.path.rtt.backOff();
  tcb.owesSyn = true;
  if (tcb.synTransmissions === profile.r1) suspectPath(tcb);
  tcb.retransmitAt = now + tcb.path.rtt.rtoMs;
}

/** RFC 9293 §3.8.3: R2, unless the user has set a time of his own. */
function isGivenUp(tcb: Tcb, attempts: number, now: Instant): boolean {
  if (tcb.profile.userTimeoutMs !== 'off' || attempts < tcb.profile.r2) return false;
  if (now - tcb.unansweredSince < R2_LEAST_MS) return false;
  endConnection(tcb, 'timeout');
  return true;
}

/** R1, RFC 9293 §3.8.3 (MUST-20, SHLD-9): whoever knows of other paths may look for one. */
function suspectPath(tcb: Tcb): void {
  tcb.isPathSuspect = true;
  tcb.news |= News.PathSuspect;
}

/** The peer's window is closed, or too small for too long: RFC 9293 §3.8.6.1, MUST-36. */
function persistDue(tcb: Tcb, now: Instant): void {
  tcb.persistAt = NEVER;
  // Answered probes do not count towards R2, however many there are (MUST-37).
  if (isGivenUp(tcb, tcb.retransmissions, now)) return;
  // Not RFC 9293 §3.8.6.1 (MUST-37): without a user a peer that never opens its window would hold the buffer for ever
  // (RFC 6429 §3 allows it; Linux, net/ipv4/tcp_timer.c, tcp_probe_timer(), 6.x, limits orphans too).
  if (tcb.isClosedByUser && tcb.persistBackoff >= tcb.profile.r2) {
    oweReset(tcb, tcb.sndNxt);
    endConnection(tcb, 'timeout');
    return;
  }
  if (tcb.retransmissions >= tcb.profile.r1 && !tcb.isPathSuspect) suspectPath(tcb);
  tcb.owesProbe = true;
  tcb.retransmissions += 1;
  tcb.persistBackoff += 1;
}

/** Starts the wait for a window; SHLD-29: first after an RTO, SHLD-30: then twice as long each time. */
export function armPersist(tcb: Tcb, now: Instant): void {
  if (tcb.persistAt !== NEVER) return;
  const { rtt } = tcb.path;
  const delayMs =
    tcb.sndWnd === 0
      ? Math.min(rtt.rtoMs * 2 ** tcb.persistBackoff, tcb.profile.rtoMaxMs)
      : Math.min(Math.max(rtt.rtoMs, OVERRIDE_LEAST_MS), OVERRIDE_MOST_MS);
  tcb.persistAt = now + delayMs;
}

/** RFC 6298 §5.1 and §5.3: (re)starts the timer while something is outstanding, else stops it (§5.2). */
export function armRetransmit(tcb: Tcb, now: Instant): void {
  if (tcb.sent.count === 0) {
    tcb.retransmitAt = NEVER;
    tcb.persistAt = NEVER;
    tcb.unansweredSince = NEVER;
    return;
  }
  if (tcb.unansweredSince === NEVER) tcb.unansweredSince = now;
  if (tcb.sndWnd === 0) {
    // A closed window is probed, not retransmitted into: that is no congestion (RFC 9293 §3.8.6, SHLD-17).
    tcb.retransmitAt = NEVER;
    armPersist(tcb, now);
    return;
  }
  // What is outstanding has this timer and no other (RFC 9293 §3.8.6.1 probes only where nothing is).
  tcb.persistAt = NEVER;
  tcb.retransmitAt = now + tcb.path.rtt.rtoMs;
}

/** RFC 9293 §3.8.4. Called whenever the peer shows a sign of life, and when the switch is turned. */
export function armKeepAlive(tcb: Tcb): void {
  tcb.keepAliveProbesSent = 0;
  const isWanted = tcb.keepAlive && isSynchronized(tcb.state) && tcb.state !== 'TIME-WAIT';
  tcb.keepAliveAt = isWanted ? tcb.lastReceivedAt + tcb.profile.keepAliveIdleMs : NEVER;
}

function keepAliveDue(tcb: Tcb, now: Instant): void {
  const { profile } = tcb;
  if (tcb.keepAliveProbesSent >= profile.keepAliveProbes) {
    endConnection(tcb, 'timeout');
    return;
  }
  tcb.keepAliveAt = now + profile.keepAliveIntervalMs;
  // MUST-26: only while nothing is outstanding; what is outstanding has its own timer.
  if (tcb.sent.count > 0) return;
  tcb.keepAliveProbesSent += 1;
  tcb.owesKeepAlive = true;
}
