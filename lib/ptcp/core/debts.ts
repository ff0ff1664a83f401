// What a connection owes its peer: noted here as segments arrive, paid by nextBurst.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import type { Seq } from './seq.ts';
import { isOnVertex, type Tcb } from './tcb.ts';
import { ackDelayMs } from './vertex-peer.ts';

/** Challenge ACKs of one connection in one second, RFC 5961 §7; a bit of chance hides the count from outsiders. */
const CHALLENGES_PER_ROUND = 10;
const CHALLENGE_ROUND_MS = 1000;

/** An ACK leaves with the next poll. */
export function oweAck(tcb: Tcb): void {
  tcb.owesAck = true;
}

/** What the limit of challenge ACKs is kept in. */
export interface Challenged {
  readonly profile: Profile;
  readonly tsOffset: number;
  owesAck: boolean;
  challengeAcksLeft: number;
  challengeRoundAt: Instant;
}

/**
 * RFC 5961 §3–5: ask back, for what came may be forged. Limited for each connection by itself, so that nobody learns of
 * one connection from another (CVE-2016-5696). Vertex is not asked: an ACK that it does not expect may end it.
 */
export function oweChallengeAck(tcb: Challenged, now: Instant): void {
  if (isOnVertex(tcb)) return;
  if (now - tcb.challengeRoundAt >= CHALLENGE_ROUND_MS) {
    tcb.challengeRoundAt = now;
    tcb.challengeAcksLeft = CHALLENGES_PER_ROUND + (tcb.tsOffset & 3);
  }
  if (tcb.challengeAcksLeft === 0) return;
  tcb.challengeAcksLeft -= 1;
  tcb.owesAck = true;
}

export function oweReset(tcb: Tcb, seq: Seq): void {
  tcb.owesReset = true;
  tcb.resetSeq = seq;
}

/** Text came in order: RFC 5681 §4.2 and RFC 9293 §3.8.6.3. */
export function oweDelayedAck(tcb: Tcb, bytes: number, now: Instant): void {
  tcb.ackPendingBytes += bytes;
  if (tcb.quickAcksLeft > 0) {
    tcb.quickAcksLeft -= 1;
    tcb.owesAck = true;
    return;
  }
  if (tcb.vertex !== undefined) {
    const delayMs = ackDelayMs(tcb, tcb.vertex);
    if (delayMs === 0) tcb.owesAck = true;
    else tcb.delayedAckAt = Math.min(tcb.delayedAckAt, now + delayMs);
    return;
  }
  // SHLD-19: every second full-sized segment, or as many bytes.
  if (tcb.ackPendingBytes >= tcb.profile.ackEverySegments * tcb.rcvMss || tcb.profile.ackDelayMs === 0) {
    tcb.owesAck = true;
  } else if (tcb.delayedAckAt === NEVER) {
    tcb.delayedAckAt = now + tcb.profile.ackDelayMs;
  }
}

/** A segment with an ACK has left. */
export function ackPaid(tcb: Tcb): void {
  tcb.owesAck = false;
  tcb.ackPendingBytes = 0;
  tcb.delayedAckAt = NEVER;
  tcb.lastAckSent = tcb.rcvNxt;
}
