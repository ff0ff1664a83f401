// RFC 9438. Its variables keep their names; windows are in bytes, times in milliseconds.
import type { Instant } from '../../../time/clock.ts';
import { NEVER } from '../../../time/clock.ts';
import type { AckSample, CongestionState } from './controller.ts';
import { cubeRoot } from './cube-root.ts';
import { LossBased } from './loss-based.ts';

/** RFC 9438 §4.6 and §5.1: segments over seconds cubed. */
const BETA_CUBIC = 0.7;
const C = 0.4;
/** RFC 9438 §4.3: with it AIMD(alpha, 0.7) has about the window of Reno's AIMD(1, 0.5). */
const ALPHA_CUBIC = (3 * (1 - BETA_CUBIC)) / (1 + BETA_CUBIC);
/** RFC 9438 §4.2: no faster than this a round trip, which slow start alone may pass. */
const FASTEST_GROWTH = 1.5;

/** RFC 9438 §4.9.2 */
interface CubicState extends CongestionState {
  readonly cwndPriorBytes: number;
  readonly wMaxBytes: number;
  readonly wEstBytes: number;
  readonly kMs: number;
  readonly epochAt: Instant;
  readonly pausedAt: Instant;
}

/**
 * CUBIC (RFC 9438) with HyStart++ (RFC 9406), paced: after a loss the window grows fast to where it was, lingers there,
 * and then probes further, by the time that has passed and not by the round trip; never slower than Reno would.
 */
export class Cubic extends LossBased {
  readonly name = 'cubic';
  protected readonly beta = BETA_CUBIC;
  /** The window when congestion last reduced it; 0 before that, so that Reno's pace is kept from the start (§4.10). */
  #cwndPriorBytes = 0;
  /** Where the curve is flat. 0 while unknown: the curve then begins there (§4.8, §4.10). */
  #wMaxBytes = 0;
  /** What Reno's window would be. */
  #wEstBytes = 0;
  /** How long the curve takes up to W_max. */
  #kMs = 0;
  /** When this congestion avoidance stage began, pauses of the application added; NEVER outside of one. */
  #epochAt: Instant = NEVER;
  /** Since when the window has not been in use; NEVER while it is. */
  #pausedAt: Instant = NEVER;

  protected avoid(ackedBytes: number, sample: AckSample): void {
    const { now, srttMs } = sample;
    this.#resume(sample);
    if (this.#epochAt === NEVER) this.#beginEpoch(now);
    const share = Math.min(ackedBytes / this.cwndBytes, 1);
    this.#wEstBytes += this.#alpha * this.mssBytes * share;
    const tMs = now - this.#epochAt;
    if (this.#wCubic(tMs) < this.#wEstBytes) {
      // RFC 9438 §4.3, the Reno-friendly region. The curve is followed a round trip ahead, so cwnd may be above already.
      this.cwndBytes = Math.max(this.cwndBytes, this.#wEstBytes);
      return;
    }
    // RFC 9438 §4.4 and §4.5, for bytes: a whole window of them brings cwnd to the target.
    const target = Math.min(this.#wCubic(tMs + srttMs), FASTEST_GROWTH * this.cwndBytes);
    if (target > this.cwndBytes) this.cwndBytes += (target - this.cwndBytes) * share;
  }

  get #alpha(): number {
    return this.#wEstBytes >= this.#cwndPriorBytes ? 1 : ALPHA_CUBIC;
  }

  /** RFC 9438 §4.2, equation 1 */
  #wCubic(tMs: number): number {
    const seconds = (tMs - this.#kMs) / 1000;
    return C * this.mssBytes * seconds * seconds * seconds + this.#wMaxBytes;
  }

  #beginEpoch(now: Instant): void {
    this.#epochAt = now;
    this.#wEstBytes = this.cwndBytes;
    // RFC 9438 §4.8 and §4.10: without a W_max above it the curve begins at its flat part.
    if (this.#wMaxBytes < this.cwndBytes) this.#wMaxBytes = this.cwndBytes;
    // RFC 9438 §4.2, equation 2
    this.#kMs = 1000 * cubeRoot((this.#wMaxBytes - this.cwndBytes) / (C * this.mssBytes));
  }

  protected override unused({ now }: AckSample): void {
    if (this.#pausedAt === NEVER) this.#pausedAt = now;
  }

  /**
   * RFC 9438 §4.2, §5.8: t does not include what the application did not use. The round trip before this ACK it did.
   */
  #resume({ now, srttMs, inFlightBytes }: AckSample): void {
    const pausedMs = now - this.#pausedAt - srttMs;
    if (pausedMs > 0 && this.#epochAt !== NEVER) this.#epochAt += pausedMs;
    // With nothing in flight nobody knows when the next segment leaves.
    this.#pausedAt = inFlightBytes === 0 ? now : NEVER;
  }

  protected override congested(windowBytes: number): void {
    // RFC 9438 §4.7, fast convergence: whoever did not come back to W_max makes room for others.
    const isShrinking = windowBytes < this.#wMaxBytes;
    this.#wMaxBytes = isShrinking ? (windowBytes * (1 + BETA_CUBIC)) / 2 : windowBytes;
    this.#cwndPriorBytes = windowBytes;
    this.interrupted();
  }

  override onTimeout(now: Instant, inFlightBytes: number, isFirst: boolean): void {
    super.onTimeout(now, inFlightBytes, isFirst);
    // RFC 9438 §4.8: K is 0 then, and W_max where slow start ends.
    this.#wMaxBytes = 0;
    this.interrupted();
  }

  protected override interrupted(): void {
    this.#epochAt = NEVER;
    this.#pausedAt = NEVER;
  }

  override save(): CubicState {
    return {
      ...super.save(),
      cwndPriorBytes: this.#cwndPriorBytes,
      wMaxBytes: this.#wMaxBytes,
      wEstBytes: this.#wEstBytes,
      kMs: this.#kMs,
      epochAt: this.#epochAt,
      pausedAt: this.#pausedAt,
    };
  }

  override undo(state: CubicState): void {
    // RFC 9438 §4.9.2: who has come further since keeps what he has.
    if (this.cwndBytes >= this.#cwndPriorBytes) return;
    super.undo(state);
    this.#cwndPriorBytes = state.cwndPriorBytes;
    this.#wMaxBytes = state.wMaxBytes;
    this.#wEstBytes = state.wEstBytes;
    this.#kMs = state.kMs;
    this.#epochAt = state.epochAt;
    this.#pausedAt = state.pausedAt;
  }

  override setMss(mssBytes: number): void {
    const scale = Math.min(1, mssBytes / this.mssBytes);
    super.setMss(mssBytes);
    this.#wMaxBytes *= scale;
    this.#cwndPriorBytes *= scale;
    this.interrupted();
  }
}
