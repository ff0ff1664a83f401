import type { AckSample, CongestionController } from '../../lib/ptcp/core/congestion/controller.ts';
import { ackSample } from './ack-sample.ts';

/** Segments of the flows below. */
export const MSS = 1000;

/** What a flow on an ideal path does: one ACK for each segment, evenly spread over round trips of one length. */
export class AckClock {
  now = 0;
  #delivered = 0;
  /** What was delivered when each segment in flight left,. */
  readonly #sentAfter: number[] = [];
  #ackedCount = 0;
  readonly controller: CongestionController;
  readonly rttMs: number;

  constructor(controller: CongestionController, rttMs: number) {
    this.controller = controller;
    this.rttMs = rttMs;
    this.#send();
  }

  /** Fills the window. */
  #send(): void {
    while (this.#sentAfter.length - this.#ackedCount < Math.floor(this.cwnd))
      this.#sentAfter.push(this.#delivered);
  }

  get cwnd(): number {
    return this.controller.cwndBytes / MSS;
  }

  get ssthresh(): number {
    return this.controller.ssthreshBytes / MSS;
  }

  /** A segment of a full window is acknowledged, a part of a round trip after the one before. */
  ack(fields: Partial<AckSample> = {}): void {
    const { cwndBytes } = this.controller;
    this.now += (this.rttMs * MSS) / cwndBytes;
    this.#delivered += MSS;
    const priorDelivered = this.#sentAfter[this.#ackedCount++] ?? this.#delivered;
    this.controller.onAck(
      ackSample({
        now: this.now,
        ackedBytes: MSS,
        deliveredBytes: MSS,
        priorInFlightBytes: cwndBytes,
        inFlightBytes: cwndBytes - MSS,
        rttMs: this.rttMs,
        srttMs: this.rttMs,
        minRttMs: this.rttMs,
        delivered: this.#delivered,
        priorDelivered,
        ...fields,
      }),
    );
    this.#send();
  }

  /** Whole windows are acknowledged until `durationMs` have passed. */
  run(durationMs: number, fields?: Partial<AckSample>): void {
    const end = this.now + durationMs;
    while (this.now < end) this.ack(fields);
  }

  /** A loss is found in a full window, and repaired a round trip later. */
  lose(inFlightBytes = this.controller.cwndBytes): void {
    this.controller.onCongestion(this.now, inFlightBytes);
    this.now += this.rttMs;
    this.controller.onRecovered(this.now, this.controller.cwndBytes);
  }

  /** Grows in slow start, by one segment for each ACK, to `segments`. */
  slowStartTo(segments: number): void {
    while (this.cwnd < segments) this.ack({ now: this.now });
  }
}
