// draft-ietf-ccwg-bbr §4.1: how fast the path delivers, taken from the segments that an ACK covers.
import type { Instant } from '../../time/clock.ts';
import type { AckSample, LossSample } from './congestion/controller.ts';
import { pipe } from './recovery.ts';
import type { SentSegment } from './sent-segments.ts';
import { seqAdd } from './seq.ts';
import { tallyRate } from './tally.ts';
import type { Tcb } from './tcb.ts';

/** A segment leaves: it carries what was delivered until now. `inFlightBytes` is that without it. */
export function rateOnSent(tcb: Tcb, segment: SentSegment, now: Instant, inFlightBytes: number): void {
  const isAppLimited = tcb.appLimitedUntil >= tcb.delivered;
  if (inFlightBytes === 0) {
    // draft-ietf-ccwg-bbr §5.4.1
    if (isAppLimited) tcb.path.congestion.onRestart?.(now);
    tcb.firstSentAt = now;
    tcb.deliveredAt = now;
  }
  segment.delivered = tcb.delivered;
  segment.deliveredAt = tcb.deliveredAt;
  segment.firstSentAt = tcb.firstSentAt;
  segment.isAppLimited = isAppLimited;
  segment.txInFlightBytes = inFlightBytes + segment.length;
  segment.lostAtSend = tcb.sent.everLostBytes;
}

/** What one ACK has covered so far. One for an endpoint, begun anew for each ACK. */
export class RateSampler {
  deliveredBytes = 0;
  /** When the newest of the covered segments left, -Infinity while there is none. */
  newestSentAt: Instant = Number.NEGATIVE_INFINITY;
  /** RTT of the newest covered segment; NaN where none is to be trusted. */
  rttMs = Number.NaN;
  /** Whether the timestamp that this ACK echoes measures something else than the RTT. */
  isEchoStale = false;
  #hasResent = false;
  #priorDelivered = 0;
  #priorDeliveredAt: Instant = 0;
  #sendElapsedMs = 0;
  #isAppLimited = false;
  #txInFlightBytes = 0;
  #lostAtSend = 0;
  #karnSentAt = Number.NEGATIVE_INFINITY;

  begin(): void {
    this.deliveredBytes = 0;
    this.newestSentAt = Number.NEGATIVE_INFINITY;
    this.rttMs = Number.NaN;
    this.isEchoStale = false;
    this.#hasResent = false;
    this.#priorDelivered = 0;
    this.#priorDeliveredAt = 0;
    this.#sendElapsedMs = 0;
    this.#isAppLimited = false;
    this.#txInFlightBytes = 0;
    this.#lostAtSend = 0;
    this.#karnSentAt = Number.NEGATIVE_INFINITY;
  }

  /** `segment` arrived, as we learn now. */
  cover(tcb: Tcb, segment: SentSegment, now: Instant): void {
    if (segment.isSacked) return;
    this.deliveredBytes += segment.length;
    // Karn, RFC 6298 §3. What was sent once may still have waited at the peer behind what was sent twice.
    if (segment.transmissions > 1) {
      this.#hasResent = true;
      this.rttMs = Number.NaN;
    } else if (!this.#hasResent && segment.sentAt >= this.#karnSentAt) {
      this.#karnSentAt = segment.sentAt;
      this.rttMs = now - segment.sentAt;
    }
    if (segment.sentAt < this.newestSentAt) return;
    // A retransmission that seems to have come back sooner than any did is an ACK of the original (RFC 8985 §6.2).
    if (segment.transmissions > 1 && now - segment.sentAt < tcb.path.rtt.minRttMs) return;
    this.newestSentAt = segment.sentAt;
    this.#priorDelivered = segment.delivered;
    this.#priorDeliveredAt = segment.deliveredAt;
    this.#isAppLimited = segment.isAppLimited;
    this.#txInFlightBytes = segment.txInFlightBytes;
    this.#lostAtSend = segment.lostAtSend;
    this.#sendElapsedMs = segment.sentAt - segment.firstSentAt;
    tcb.firstSentAt = segment.sentAt;
  }

  /** Puts the rate into `sample`. The longer of the sending and the acknowledging time counts. */
  finish(tcb: Tcb, sample: AckSample, now: Instant): void {
    sample.deliveredBytes = this.deliveredBytes;
    sample.rttMs = this.rttMs;
    if (this.deliveredBytes > 0) {
      tcb.delivered += this.deliveredBytes;
      tcb.deliveredAt = now;
    }
    sample.delivered = tcb.delivered;
    sample.priorDelivered = this.#priorDelivered;
    sample.isAppLimited = this.#isAppLimited;
    const hasNewest = this.newestSentAt !== Number.NEGATIVE_INFINITY;
    sample.txInFlightBytes = this.#txInFlightBytes;
    sample.lostSinceSentBytes = hasNewest ? tcb.sent.everLostBytes - this.#lostAtSend : 0;
    const intervalMs = Math.max(this.#sendElapsedMs, now - this.#priorDeliveredAt);
    const hasSample = hasNewest && intervalMs > 0;
    sample.deliveryRate = hasSample ? (tcb.delivered - this.#priorDelivered) / intervalMs : 0;
    if (hasSample) tallyRate(tcb, sample.deliveryRate, sample.isAppLimited);
  }
}

/** There was room to send and nothing to send: until that is delivered, samples say less than the path can do. */
export function markAppLimited(tcb: Tcb): void {
  tcb.appLimitedUntil = tcb.delivered + pipe(tcb);
}

const loss: LossSample = {
  now: 0,
  lengthBytes: 0,
  txInFlightBytes: 0,
  lostSinceSentBytes: 0,
  isAppLimited: false,
  delivered: 0,
  beginsRange: false,
  hasSack: false,
};

/** Tells the controller of each segment found lost since the last time (draft-ietf-ccwg-bbr §5.2.4). */
export function reportLost(tcb: Tcb, now: Instant): void {
  const { newlyLost } = tcb.sent;
  if (newlyLost.length === 0) return;
  const { congestion } = tcb.path;
  let untold = 0;
  for (const segment of newlyLost) untold += segment.length;
  for (const segment of newlyLost) {
    untold -= segment.length;
    loss.now = now;
    loss.lengthBytes = segment.length;
    loss.txInFlightBytes = segment.txInFlightBytes;
    loss.lostSinceSentBytes = tcb.sent.everLostBytes - untold - segment.lostAtSend;
    loss.isAppLimited = segment.isAppLimited;
    loss.delivered = tcb.delivered;
    loss.beginsRange = segment.seq !== tcb.lostUntil;
    loss.hasSack = tcb.isSackOn;
    tcb.lostUntil = seqAdd(segment.seq, segment.length);
    congestion.onLost?.(loss);
  }
  newlyLost.length = 0;
}
