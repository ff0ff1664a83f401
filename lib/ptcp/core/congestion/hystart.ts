// HyStart++, RFC 9406: leaves slow start when the RTT begins to grow, before the queue on the way overflows.
import type { Instant } from '../../../time/clock.ts';
import { NEVER } from '../../../time/clock.ts';
import type { AckSample } from './controller.ts';

/** RFC 9406 §4.3 */
const MIN_RTT_THRESH_MS = 4;
const MAX_RTT_THRESH_MS = 16;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/** L, in segments: how much of one ACK counts. What is paced needs no limit. */
const UNPACED_LIMIT_SEGMENTS = 8;

/** What slow start is to do. */
export type SlowStartPhase = 'slow-start' | 'css' | 'done';

/** RFC 9406 §4.2 and §4.3: how many of the acknowledged bytes count in slow start, in the first one and in later ones. */
export function limitedGrowth(ackedBytes: number, mssBytes: number, isPaced: boolean): number {
  return isPaced ? ackedBytes : Math.min(ackedBytes, UNPACED_LIMIT_SEGMENTS * mssBytes);
}

/** Watches the RTT of one slow start, round by round. */
export class HyStart {
  #roundEndsAt = 0;
  #lastRoundMinRttMs = Number.POSITIVE_INFINITY;
  #currentRoundMinRttMs = Number.POSITIVE_INFINITY;
  #rttSampleCount = 0;
  /** Of the round in which Conservative Slow Start began; infinite outside of it. */
  #cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
  #cssRounds = 0;
  /** A stretch of a round: at least N_RTT_SAMPLE samples and an eighth of a round trip. */
  #stretchMinRttMs = Number.POSITIVE_INFINITY;
  #stretchSampleCount = 0;
  #stretchBeganAt: Instant = -NEVER;

  get isInCss(): boolean {
    return this.#cssBaselineMinRttMs !== Number.POSITIVE_INFINITY;
  }

  /** Bytes acknowledged count for this much of the window's growth. */
  growth(ackedBytes: number): number {
    return this.isInCss ? ackedBytes / CSS_GROWTH_DIVISOR : ackedBytes;
  }

  /** One ACK in slow start. 'done' says that congestion avoidance begins here. */
  onAck(sample: AckSample): SlowStartPhase {
    if (sample.priorDelivered >= this.#roundEndsAt) this.#beginRound(sample);
    if (this.#cssRounds >= CSS_ROUNDS) return 'done';
    if (!Number.isNaN(sample.rttMs)) this.#measure(sample);
    return this.isInCss ? 'css' : 'slow-start';
  }

  /** RFC 9406 §4.2: a round ends with the first ACK of what left after it had begun. */
  #beginRound(sample: AckSample): void {
    this.#roundEndsAt = sample.delivered;
    this.#lastRoundMinRttMs = this.#currentRoundMinRttMs;
    this.#currentRoundMinRttMs = Number.POSITIVE_INFINITY;
    this.#rttSampleCount = 0;
    this.#beginStretch(sample.now);
    // The round in which it began counts too, however little was left of it.
    if (this.isInCss) this.#cssRounds += 1;
  }

  #beginStretch(now: Instant): void {
    this.#stretchMinRttMs = Number.POSITIVE_INFINITY;
    this.#stretchSampleCount = 0;
    this.#stretchBeganAt = now;
  }

  #measure({ now, rttMs }: AckSample): void {
    this.#currentRoundMinRttMs = Math.min(this.#currentRoundMinRttMs, rttMs);
    this.#stretchMinRttMs = Math.min(this.#stretchMinRttMs, rttMs);
    this.#rttSampleCount += 1;
    this.#stretchSampleCount += 1;
    if (this.#rttSampleCount < N_RTT_SAMPLE) return;
    if (this.isInCss) {
      this.#resumeIfSpurious();
      return;
    }
    if (this.#hasGrown(this.#currentRoundMinRttMs)) this.#cssBaselineMinRttMs = this.#currentRoundMinRttMs;
    else this.#judgeStretch(now);
  }

  /**
   * Not RFC 9406 §4.2 (the smallest RTT of the round so far, alone): a flight that meets an empty queue and leaves a full
   * one would show it only in the next round, when the window has doubled again and a queue of one bandwidth-delay
   * product is overrun. Where the flight's own burst made that queue, the next round is seen to begin without it.
   */
  #judgeStretch(now: Instant): void {
    if (this.#stretchSampleCount < N_RTT_SAMPLE) return;
    if (now - this.#stretchBeganAt < this.#lastRoundMinRttMs / MIN_RTT_DIVISOR) return;
    if (this.#hasGrown(this.#stretchMinRttMs)) this.#cssBaselineMinRttMs = this.#stretchMinRttMs;
    this.#beginStretch(now);
  }

  /** RFC 9406 §4.2 and §4.3: whether it is above that of the last round by more than chance. */
  #hasGrown(minRttMs: number): boolean {
    const lastMs = this.#lastRoundMinRttMs;
    if (lastMs === Number.POSITIVE_INFINITY) return false;
    const thresholdMs = Math.min(Math.max(MIN_RTT_THRESH_MS, lastMs / MIN_RTT_DIVISOR), MAX_RTT_THRESH_MS);
    return minRttMs >= lastMs + thresholdMs;
  }

  /** RFC 9406 §4.2: the growth was jitter, so slow start goes on. */
  #resumeIfSpurious(): void {
    // In the round of the entry the samples are of what left before it.
    if (this.#cssRounds === 0 || this.#currentRoundMinRttMs >= this.#cssBaselineMinRttMs) return;
    this.#cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
    this.#cssRounds = 0;
  }
}
