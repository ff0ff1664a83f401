// RFC 5681 with byte counting, RFC 6928's initial window; recovery is that of RFC 6675 or RFC 6582 around it.
import type { Instant } from '../../../time/clock.ts';
import type { AckSample, CongestionController, CongestionState } from './controller.ts';
import { HyStart } from './hystart.ts';

/** Pacing spreads a window over less than a round trip, so that it never holds cwnd back. */
const SLOW_START_GAIN = 2;
const AVOIDANCE_GAIN = 1.25;
/** Below this no queue is overrun, and an idle connection need not keep a watch (Linux's hystart_low_window). */
const LOW_WINDOW_SEGMENTS = 16;

/** NewReno (RFC 5681, RFC 6582) with HyStart++ (RFC 9406), paced. It takes every loss for congestion. */
export class NewReno implements CongestionController {
  readonly name = 'newreno';
  readonly usesPrr = true;
  cwndBytes: number;
  ssthreshBytes = Number.POSITIVE_INFINITY;
  pacingRate = Number.POSITIVE_INFINITY;
  #mssBytes: number;
  readonly #initialWindowSegments: number;
  #hystart: HyStart | undefined = undefined;
  /** Bytes acknowledged in congestion avoidance and not yet turned into growth. */
  #ackedBytes = 0;

  constructor(mssBytes: number, initialWindowSegments: number) {
    this.#mssBytes = mssBytes;
    this.#initialWindowSegments = initialWindowSegments;
    this.cwndBytes = this.#initialWindow();
  }

  onAck(sample: AckSample): void {
    if (this.cwndBytes < this.ssthreshBytes && !sample.isInRecovery) this.#watchSlowStart(sample);
    if (!sample.isInRecovery && sample.isCwndLimited) this.#grow(sample.ackedBytes);
    if (sample.srttMs > 0) {
      const gain = this.cwndBytes < this.ssthreshBytes ? SLOW_START_GAIN : AVOIDANCE_GAIN;
      this.pacingRate = (gain * this.cwndBytes) / sample.srttMs;
    }
  }

  /** RFC 9406 §4.3: HyStart++ is for the first slow start; a later one has an ssthresh to stop at. */
  #watchSlowStart(sample: AckSample): void {
    if (
      this.ssthreshBytes !== Number.POSITIVE_INFINITY ||
      this.cwndBytes < LOW_WINDOW_SEGMENTS * this.#mssBytes
    )
      return;
    this.#hystart ??= new HyStart();
    if (this.#hystart.onAck(sample) !== 'done') return;
    this.ssthreshBytes = this.cwndBytes;
    this.#hystart = undefined;
  }

  #grow(ackedBytes: number): void {
    let leftBytes = ackedBytes;
    if (this.cwndBytes < this.ssthreshBytes) {
      // Not RFC 5681 §3.1 (at most SMSS for each ACK) nor RFC 3465 (L = 2): one ACK stands for a whole batch here, as in
      // RFC 9002 §7.3.1; counting bytes leaves nothing to gain by splitting ACKs, and pacing takes the burst away.
      const wanted = this.#hystart?.growth(leftBytes) ?? leftBytes;
      const growth = Math.min(wanted, this.ssthreshBytes - this.cwndBytes);
      this.cwndBytes += growth;
      leftBytes -= wanted === growth ? leftBytes : growth;
    }
    if (leftBytes === 0) return;
    // RFC 5681 §3.1, congestion avoidance: one SMSS for each window of acknowledged bytes.
    this.#ackedBytes += leftBytes;
    while (this.#ackedBytes >= this.cwndBytes) {
      this.#ackedBytes -= this.cwndBytes;
      this.cwndBytes += this.#mssBytes;
    }
  }

  onCongestion(_now: Instant, inFlightBytes: number): void {
    this.#halve(inFlightBytes);
    this.cwndBytes = this.ssthreshBytes;
  }

  onRecovered(_now: Instant, _inFlightBytes: number): void {
    this.cwndBytes = this.ssthreshBytes;
  }

  onTimeout(_now: Instant, inFlightBytes: number, isFirst: boolean): void {
    // RFC 5681 §3.1: a segment that times out again does not halve again.
    if (isFirst) this.#halve(inFlightBytes);
    this.cwndBytes = this.#mssBytes;
  }

  save(): CongestionState {
    return { cwndBytes: this.cwndBytes, ssthreshBytes: this.ssthreshBytes };
  }

  undo(state: CongestionState): void {
    this.cwndBytes = Math.max(this.cwndBytes, state.cwndBytes);
    this.ssthreshBytes = state.ssthreshBytes;
  }

  onIdle(): void {
    // RFC 5681 §4.1: the restart window.
    this.cwndBytes = Math.min(this.cwndBytes, this.#initialWindow());
    this.#ackedBytes = 0;
  }

  onSynLost(): void {
    // RFC 5681 §3.1: then the initial window is one segment.
    this.cwndBytes = this.#mssBytes;
  }

  setMss(mssBytes: number): void {
    const isUntouched = this.cwndBytes === this.#initialWindow();
    // A window of so many segments stays one: after a lost SYN it is a single one.
    const scaledBytes = (this.cwndBytes * mssBytes) / this.#mssBytes;
    this.#mssBytes = mssBytes;
    this.cwndBytes = isUntouched
      ? this.#initialWindow()
      : Math.max(Math.min(this.cwndBytes, scaledBytes), mssBytes);
  }

  #halve(inFlightBytes: number): void {
    // RFC 5681 §3.1, equation 4
    this.ssthreshBytes = Math.max(inFlightBytes / 2, 2 * this.#mssBytes);
    this.#ackedBytes = 0;
    this.#hystart = undefined;
  }

  #initialWindow(): number {
    // RFC 6928 §2, generalised: ten segments of up to 1460 bytes, and never less than two segments.
    const segments = this.#initialWindowSegments;
    return Math.min(segments * this.#mssBytes, Math.max(2 * this.#mssBytes, segments * 1460));
  }
}
