// What newreno and cubic have in common: slow start, the windows that the RFCs fix, the pace. Recovery is around them.
import type { Instant } from '../../../time/clock.ts';
import type { AckSample, CongestionController, CongestionState, LossSample } from './controller.ts';
import { HyStart, limitedGrowth } from './hystart.ts';
import { initialWindowBytes } from './initial-window.ts';
import { WindowValidation } from './window-validation.ts';

/** Pacing spreads a window over less than a round trip, so that it never holds cwnd back. */
const SLOW_START_GAIN = 2;
const AVOIDANCE_GAIN = 1.25;
/** Below this no queue is overrun, and a connection need not keep a watch (as Linux's hystart_low_window). */
const LOW_WINDOW_SEGMENTS = 16;

/**
 * A controller that takes every loss for congestion: a window, slow start with HyStart++ (RFC 9406), and pacing. How
 * the window grows after slow start, and what remains of it after a loss, is for the classes below.
 */
export abstract class LossBased implements CongestionController {
  abstract readonly name: string;
  readonly usesPrr = true;
  cwndBytes: number;
  ssthreshBytes = Number.POSITIVE_INFINITY;
  pacingRate = Number.POSITIVE_INFINITY;
  protected mssBytes: number;
  readonly #initialWindowSegments: number;
  readonly #isPaced: boolean;
  #hystart: HyStart | undefined = undefined;
  #validation: WindowValidation | undefined = undefined;
  /** Until the ACK that ends the repair, that one included. */
  #isAfterTimeout = false;

  constructor(mssBytes: number, initialWindowSegments: number, isPaced = true) {
    this.mssBytes = mssBytes;
    this.#initialWindowSegments = initialWindowSegments;
    this.#isPaced = isPaced;
    this.cwndBytes = this.#initialWindow();
  }

  /** What remains of the window after a loss. */
  protected abstract readonly beta: number;

  /** Congestion avoidance: `ackedBytes` are acknowledged, and the window was in use. */
  protected abstract avoid(ackedBytes: number, sample: AckSample): void;

  /** An ACK that lets nothing grow: the window was not what held the sender back. */
  protected unused(_sample: AckSample): void {}

  /** Congestion was found, and the window is about to shrink; so much of it was known to fit the path. */
  protected congested(_windowBytes: number): void {}

  /** The window became another for other reasons: what congestion avoidance has counted is void. */
  protected interrupted(): void {}

  onAck(sample: AckSample): void {
    this.#validate(sample);
    if (!sample.isInRecovery) {
      if (this.cwndBytes < this.ssthreshBytes) this.#watchSlowStart(sample);
      if (this.#isInUse(sample)) this.#grow(sample);
      else this.unused(sample);
    }
    this.#isAfterTimeout &&= sample.isAfterTimeout;
    if (sample.srttMs > 0) this.pacingRate = (this.#pacingGain * this.cwndBytes) / sample.srttMs;
  }

  get #pacingGain(): number {
    const isDoubling = this.cwndBytes < this.ssthreshBytes && this.#hystart?.isInCss !== true;
    return isDoubling ? SLOW_START_GAIN : AVOIDANCE_GAIN;
  }

  #validate(sample: AckSample): void {
    if (this.#validation === undefined) {
      if (this.cwndBytes < LOW_WINDOW_SEGMENTS * this.mssBytes) return;
      this.#validation = new WindowValidation(sample);
    }
    this.#validation.onAck(sample, this.cwndBytes);
    if (this.#validation.expire(sample.now, this, this.#initialWindow())) this.interrupted();
  }

  /** RFC 7661 §4.4: what was not in use of late grows only while it is in use entirely. */
  #isInUse({ now, isCwndLimited, priorInFlightBytes }: AckSample): boolean {
    if (!isCwndLimited) return false;
    if (this.#validation?.isValidated(now, this.cwndBytes) !== false) return true;
    return priorInFlightBytes + this.mssBytes > this.cwndBytes;
  }

  /** RFC 9406 §4.3: HyStart++ is for the first slow start; a later one has an ssthresh to stop at. */
  #watchSlowStart(sample: AckSample): void {
    if (
      this.ssthreshBytes !== Number.POSITIVE_INFINITY ||
      this.cwndBytes < LOW_WINDOW_SEGMENTS * this.mssBytes
    )
      return;
    this.#hystart ??= new HyStart();
    if (this.#hystart.onAck(sample) !== 'done') return;
    this.ssthreshBytes = this.cwndBytes;
    this.#hystart = undefined;
  }

  #grow(sample: AckSample): void {
    let leftBytes = sample.ackedBytes;
    if (this.cwndBytes < this.ssthreshBytes) {
      // Not RFC 5681 §3.1 (at most SMSS for each ACK) nor RFC 3465 (L = 2): one ACK stands for a whole batch here, as in
      // RFC 9002 §7.3.1; counting bytes leaves nothing to gain by splitting ACKs, and pacing takes the burst away.
      // After a time-out it may cover what had arrived before: only what it takes out of the pipe counts (RFC 3465 §2.3).
      const countedBytes = this.#isAfterTimeout ? Math.min(leftBytes, sample.priorInFlightBytes) : leftBytes;
      const growing = limitedGrowth(countedBytes, this.mssBytes, this.#isPaced);
      const wanted = this.#hystart?.growth(growing) ?? growing;
      const growth = Math.min(wanted, this.ssthreshBytes - this.cwndBytes);
      this.cwndBytes += growth;
      leftBytes -= wanted === growth ? leftBytes : growth;
    }
    if (leftBytes > 0) this.avoid(leftBytes, sample);
  }

  onLost({ lengthBytes }: LossSample): void {
    this.#validation?.onLost(lengthBytes);
  }

  onCongestion(now: Instant, inFlightBytes: number): void {
    const lossWindowBytes = this.#validation?.onCongestion(now, this.cwndBytes, inFlightBytes);
    this.congested(lossWindowBytes ?? this.cwndBytes);
    this.#decrease(lossWindowBytes === undefined ? inFlightBytes * this.beta : lossWindowBytes / 2);
    this.cwndBytes = this.ssthreshBytes;
  }

  onRecovered(_now: Instant, _inFlightBytes: number): void {
    const unvalidatedBytes = this.#validation?.onRecovered();
    // RFC 7661 §4.4.1: not below one segment; ssthresh keeps its two.
    this.cwndBytes =
      unvalidatedBytes === undefined ? this.ssthreshBytes : Math.max(unvalidatedBytes, this.mssBytes);
    this.ssthreshBytes = Math.max(this.cwndBytes, 2 * this.mssBytes);
  }

  onTimeout(_now: Instant, inFlightBytes: number, isFirst: boolean): void {
    // RFC 5681 §3.1: a segment that times out again does not halve again.
    if (isFirst) {
      this.congested(this.cwndBytes);
      this.#decrease(inFlightBytes * this.beta);
    }
    this.#validation?.reset();
    this.#isAfterTimeout = true;
    this.cwndBytes = this.mssBytes;
  }

  save(): CongestionState {
    return { cwndBytes: this.cwndBytes, ssthreshBytes: this.ssthreshBytes };
  }

  undo(state: CongestionState): void {
    this.cwndBytes = Math.max(this.cwndBytes, state.cwndBytes);
    this.ssthreshBytes = state.ssthreshBytes;
    this.#validation?.reset();
  }

  onIdle(now: Instant): void {
    this.interrupted();
    this.#validation?.onIdle();
    this.#validation?.expire(now, this, this.#initialWindow());
    // RFC 7661 §4.4.2: the window is kept where something keeps the burst small. Else RFC 5681 §4.1: the restart window.
    if (!this.#isPaced) this.cwndBytes = Math.min(this.cwndBytes, this.#initialWindow());
  }

  onSynLost(): void {
    // RFC 5681 §3.1: then the initial window is one segment.
    this.cwndBytes = this.mssBytes;
  }

  recall(ssthreshBytes: number): void {
    this.ssthreshBytes = Math.max(ssthreshBytes, 2 * this.mssBytes);
  }

  setMss(mssBytes: number): void {
    const isUntouched =
      this.cwndBytes === this.#initialWindow() && this.ssthreshBytes === Number.POSITIVE_INFINITY;
    // Windows of so many segments stay so: after a lost SYN it is a single one.
    const scale = Math.min(1, mssBytes / this.mssBytes);
    this.mssBytes = mssBytes;
    this.cwndBytes = isUntouched ? this.#initialWindow() : Math.max(this.cwndBytes * scale, mssBytes);
    this.ssthreshBytes = Math.max(this.ssthreshBytes * scale, 2 * mssBytes);
  }

  #decrease(wantedBytes: number): void {
    // RFC 5681 §3.1, equation 4; RFC 9438 §4.6
    this.ssthreshBytes = Math.max(wantedBytes, 2 * this.mssBytes);
    this.#hystart = undefined;
  }

  #initialWindow(): number {
    return initialWindowBytes(this.mssBytes, this.#initialWindowSegments);
  }
}
