// RFC 7661: what a window is worth that the application has not been using. Its variables keep their names.
import type { Instant } from '../../../time/clock.ts';
import { NEVER } from '../../../time/clock.ts';
import type { AckSample } from './controller.ts';

/** RFC 7661 §4.4.3: how long an unused window is kept whole, at most (NVP). */
const NON_VALIDATED_PERIOD_MS = 300_000;
/** RFC 7661 §4.2: the pipeACK sampling period is Max(3*RTT, 1 second). */
const SAMPLING_ROUND_TRIPS = 3;
const SAMPLING_LEAST_MS = 1000;

/** The two numbers that the end of a non-validated period changes. */
interface Window {
  cwndBytes: number;
  ssthreshBytes: number;
}

/** Watches how much of one path's congestion window is in use. */
export class WindowValidation {
  /** Largest samples of this half of the sampling period and of the half before: so none is used for too long. */
  #newerMaxBytes = 0;
  #olderMaxBytes = 0;
  #halfBeganAt: Instant;
  #srttMs = 0;
  /** pipeACK is undefined until something is acknowledged that left after this much was delivered. */
  #undefinedUntil: number;
  #isDefined = false;
  /** The window when the round trip began that is being measured, and the one before. */
  #roundEndsAt = 0;
  #roundCwndBytes = Number.POSITIVE_INFINITY;
  #priorRoundCwndBytes = Number.POSITIVE_INFINITY;
  #delivered: number;
  #ackedAt: Instant;
  #nonValidatedSince: Instant = NEVER;
  /** Max(pipeACK, LossFlightSize) while a loss of the non-validated phase is repaired, else NaN. */
  #lossWindowBytes = Number.NaN;
  /** R: what was found lost in that repair, and so sent again. */
  #lostBytes = 0;

  constructor(sample: AckSample) {
    this.#halfBeganAt = sample.now;
    this.#ackedAt = sample.now;
    this.#delivered = sample.delivered;
    this.#undefinedUntil = sample.delivered;
  }

  /** One ACK. RFC 7661 §4.2: in fast recovery nothing is measured. */
  onAck(sample: AckSample, cwndBytes: number): void {
    this.#delivered = sample.delivered;
    this.#ackedAt = sample.now;
    this.#srttMs = sample.srttMs;
    if (!sample.isInRecovery && sample.deliveredBytes > 0) this.#measure(sample, cwndBytes);
    if (this.isValidated(sample.now, cwndBytes)) this.#nonValidatedSince = NEVER;
    else if (this.#nonValidatedSince === NEVER) this.#nonValidatedSince = sample.now;
  }

  /** A segment was found lost, and will be sent again. */
  onLost(lengthBytes: number): void {
    this.#lostBytes += lengthBytes;
  }

  /** What was delivered while one segment was under way is what the network took in a round trip. */
  #measure({ now, delivered, priorDelivered }: AckSample, cwndBytes: number): void {
    if (priorDelivered > this.#undefinedUntil) {
      this.#isDefined = true;
      this.#forget(now);
      this.#newerMaxBytes = Math.max(this.#newerMaxBytes, delivered - priorDelivered);
    }
    if (priorDelivered < this.#roundEndsAt) return;
    this.#roundEndsAt = delivered;
    this.#priorRoundCwndBytes = this.#roundCwndBytes;
    this.#roundCwndBytes = cwndBytes;
  }

  #forget(now: Instant): void {
    const halfMs = Math.max(SAMPLING_ROUND_TRIPS * this.#srttMs, SAMPLING_LEAST_MS) / 2;
    if (now - this.#halfBeganAt < halfMs) return;
    this.#olderMaxBytes = now - this.#halfBeganAt < 2 * halfMs ? this.#newerMaxBytes : 0;
    this.#newerMaxBytes = 0;
    this.#halfBeganAt = now;
  }

  #pipeAck(now: Instant): number {
    this.#forget(now);
    return Math.max(this.#newerMaxBytes, this.#olderMaxBytes);
  }

  /**
   * Whether the window is known to fit the path. RFC 7661 §4.3: pipeACK is half of it, or undefined.
   *
   * The window is that with which the measured segments left: in slow start it has doubled since.
   */
  isValidated(now: Instant, cwndBytes: number): boolean {
    return !this.#isDefined || 2 * this.#pipeAck(now) >= Math.min(cwndBytes, this.#priorRoundCwndBytes);
  }

  /**
   * Loss was found. RFC 7661 §4.4.1: returns Max(pipeACK, LossFlightSize) if the window had not been validated, for what
   * was in use is what was too much; else undefined.
   */
  onCongestion(now: Instant, cwndBytes: number, lossFlightSizeBytes: number): number | undefined {
    this.#lostBytes = 0;
    this.#lossWindowBytes = this.isValidated(now, cwndBytes)
      ? Number.NaN
      : Math.max(this.#pipeAck(now), lossFlightSizeBytes);
    return Number.isNaN(this.#lossWindowBytes) ? undefined : this.#lossWindowBytes;
  }

  /** The loss is repaired: returns what RFC 7661 §4.4.1 sets cwnd to, if it was one of the non-validated phase. */
  onRecovered(): number | undefined {
    const lossWindowBytes = this.#lossWindowBytes;
    this.reset();
    return Number.isNaN(lossWindowBytes) ? undefined : Math.max(0, lossWindowBytes - this.#lostBytes) / 2;
  }

  /** RFC 7661 §4.2, §4.4: after a recovery or a time-out pipeACK is undefined, and so the phase a validated one. */
  reset(): void {
    this.#lossWindowBytes = Number.NaN;
    this.#isDefined = false;
    this.#undefinedUntil = this.#delivered;
    this.#newerMaxBytes = 0;
    this.#olderMaxBytes = 0;
    this.#nonValidatedSince = NEVER;
  }

  /** Something leaves after a pause: whoever was silent since the last ACK was not there to enter the phase. */
  onIdle(): void {
    if (this.#nonValidatedSince === NEVER) this.#nonValidatedSince = this.#ackedAt;
  }

  /**
   * RFC 7661 §4.4.3 and §4.5.2: `window` shrinks by half, but not below the initial window, for each whole period that
   * it has not been validated, and ssthresh remembers it. Returns whether it did.
   */
  expire(now: Instant, window: Window, initialWindowBytes: number): boolean {
    let since = this.#nonValidatedSince;
    if (since === NEVER || now - since <= NON_VALIDATED_PERIOD_MS) return false;
    while (now - since > NON_VALIDATED_PERIOD_MS && window.cwndBytes > initialWindowBytes) {
      since += NON_VALIDATED_PERIOD_MS;
      window.ssthreshBytes = Math.max(window.ssthreshBytes, (3 * window.cwndBytes) / 4);
      window.cwndBytes = Math.max(window.cwndBytes / 2, initialWindowBytes);
    }
    this.#nonValidatedSince = Math.max(since, now - NON_VALIDATED_PERIOD_MS);
    return true;
  }
}
