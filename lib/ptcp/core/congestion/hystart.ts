// HyStart++, RFC 9406: leaves slow start when the RTT begins to grow, before the queue on the way overflows.
import type { AckSample } from './controller.ts';

/** RFC 9406 §4.3 */
const MIN_RTT_THRESH_MS = 4;
const MAX_RTT_THRESH_MS = 16;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

/** What slow start is to do. */
export type SlowStartPhase = 'slow-start' | 'css' | 'done';

/** Watches the RTT of one slow start, round by round. */
export class HyStart {
  #roundEndsAt = 0;
  #lastRoundMinRttMs = Number.POSITIVE_INFINITY;
  #currentRoundMinRttMs = Number.POSITIVE_INFINITY;
  #rttSampleCount = 0;
  /** Of the round in which Conservative Slow Start began; infinite outside of it. */
  #cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
  #cssRounds = 0;

  /** Bytes acknowledged count for this much of the window's growth. */
  growth(ackedBytes: number): number {
    return this.#isInCss ? ackedBytes / CSS_GROWTH_DIVISOR : ackedBytes;
  }

  /** One ACK in slow start. 'done' says that congestion avoidance begins here. */
  onAck(sample: AckSample): SlowStartPhase {
    if (sample.priorDelivered >= this.#roundEndsAt) this.#beginRound(sample.delivered);
    if (this.#cssRounds >= CSS_ROUNDS) return 'done';
    if (!Number.isNaN(sample.rttMs)) {
      this.#currentRoundMinRttMs = Math.min(this.#currentRoundMinRttMs, sample.rttMs);
      this.#rttSampleCount += 1;
    }
    if (this.#rttSampleCount >= N_RTT_SAMPLE) this.#judge();
    return this.#isInCss ? 'css' : 'slow-start';
  }

  get #isInCss(): boolean {
    return this.#cssBaselineMinRttMs !== Number.POSITIVE_INFINITY;
  }

  /** RFC 9406 §4.2: a round ends with the first ACK of what left after it had begun. */
  #beginRound(endsAt: number): void {
    this.#roundEndsAt = endsAt;
    this.#lastRoundMinRttMs = this.#currentRoundMinRttMs;
    this.#currentRoundMinRttMs = Number.POSITIVE_INFINITY;
    this.#rttSampleCount = 0;
    if (this.#isInCss) this.#cssRounds += 1;
  }

  #judge(): void {
    if (this.#isInCss) {
      if (this.#currentRoundMinRttMs >= this.#cssBaselineMinRttMs) return;
      // The growth was jitter: back to slow start.
      this.#cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
      this.#cssRounds = 0;
      return;
    }
    if (this.#lastRoundMinRttMs === Number.POSITIVE_INFINITY) return;
    const thresholdMs = Math.min(
      Math.max(MIN_RTT_THRESH_MS, this.#lastRoundMinRttMs / MIN_RTT_DIVISOR),
      MAX_RTT_THRESH_MS,
    );
    if (this.#currentRoundMinRttMs >= this.#lastRoundMinRttMs + thresholdMs) {
      this.#cssBaselineMinRttMs = this.#currentRoundMinRttMs;
    }
  }
}
