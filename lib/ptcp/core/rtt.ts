// RFC 6298, and RFC 7323 Appendix G for many samples in one round trip.

/** The RTT and the RTO of a path. */
export class RttEstimator {
  srttMs = 0;
  rttvarMs = 0;
  minRttMs = Number.POSITIVE_INFINITY;
  hasSample = false;
  /** The RTO before backing off. */
  #baseRtoMs: number;
  #backoff = 0;
  readonly #minMs: number;
  readonly #maxMs: number;

  constructor(initialMs: number, minMs: number, maxMs: number) {
    this.#baseRtoMs = initialMs;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** RTO: how long to wait for an acknowledgement. */
  get rtoMs(): number {
    const factor = this.#backoff === 0 ? 1 : 2 ** this.#backoff;
    return Math.min(this.#baseRtoMs * factor, this.#maxMs);
  }

  get backoff(): number {
    return this.#backoff;
  }

  /** `samplesPerRtt`: how many samples one round trip gives, so that they weigh together what one would. */
  sample(rttMs: number, samplesPerRtt: number): void {
    this.minRttMs = Math.min(this.minRttMs, rttMs);
    if (!this.hasSample) {
      // RFC 6298 §2.2
      this.srttMs = rttMs;
      this.rttvarMs = rttMs / 2;
      this.hasSample = true;
    } else {
      // RFC 6298 §2.3 with the weights of RFC 7323 Appendix G
      const beta = 1 / (4 * samplesPerRtt);
      const alpha = 1 / (8 * samplesPerRtt);
      this.rttvarMs = (1 - beta) * this.rttvarMs + beta * Math.abs(this.srttMs - rttMs);
      this.srttMs = (1 - alpha) * this.srttMs + alpha * rttMs;
    }
    // The granularity G of RFC 6298 §2.3 is the millisecond of the timers below us.
    const rtoMs = this.srttMs + Math.max(GRANULARITY_MS, 4 * this.rttvarMs);
    this.#baseRtoMs = Math.min(Math.max(rtoMs, this.#minMs), this.#maxMs);
    // Karn: only a new measurement ends the backing off (RFC 6298 §5, after rule 5.7).
    this.endBackOff();
  }

  /**
   * What an earlier connection on the path measured (RFC 9040 §6). The RTO only becomes longer by it: until there is a
   * sample of our own it is that of RFC 6298 §2.1, on which the time that SYNs are tried for depends. What no path takes
   * came from a clock that jumped, and would keep the next SYN waiting for minutes.
   */
  recall(srttMs: number, rttvarMs: number): void {
    if (srttMs > LONGEST_PATH_MS) return;
    this.srttMs = srttMs;
    this.rttvarMs = rttvarMs;
    this.hasSample = true;
    const rtoMs = srttMs + Math.max(GRANULARITY_MS, 4 * rttvarMs);
    this.#baseRtoMs = Math.min(Math.max(this.#baseRtoMs, rtoMs), this.#maxMs);
  }

  /** RFC 6298 §5.5 */
  backOff(): void {
    if (this.rtoMs < this.#maxMs) this.#backoff += 1;
  }

  /** The handshake is over: its backing off was for the SYN. */
  endBackOff(): void {
    this.#backoff = 0;
  }

  /** RFC 6298 §5.7: the SYN was lost, so the first RTO for data is three seconds at least. */
  synWasLost(): void {
    this.#baseRtoMs = Math.max(this.#baseRtoMs, RTO_AFTER_SYN_LOSS_MS);
  }
}

const GRANULARITY_MS = 1;
const RTO_AFTER_SYN_LOSS_MS = 3000;
/** As long as RFC 6298 §5.7 waits where a second was too short. */
const LONGEST_PATH_MS = 3000;
