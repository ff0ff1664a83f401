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

  /** The application writes so many segments into an empty pipe; they are acknowledged one by one a round trip later. */
  burst(segments: number, fields: Partial<AckSample> = {}): void {
    const { controller } = this;
    this.#sentAfter.length = this.#ackedCount;
    const priorDelivered = this.#delivered;
    const isDoubling = controller.cwndBytes < controller.ssthreshBytes;
    const wantedBytes = (isDoubling ? 2 * segments : segments + 1) * MSS;
    const isCwndLimited = wantedBytes > controller.cwndBytes;
    this.now += this.rttMs;
    for (let left = segments; left > 0; left -= 1) {
      this.#delivered += MSS;
      controller.onAck(
        ackSample({
          now: this.now,
          ackedBytes: MSS,
          deliveredBytes: MSS,
          priorInFlightBytes: left * MSS,
          inFlightBytes: (left - 1) * MSS,
          rttMs: this.rttMs,
          srttMs: this.rttMs,
          minRttMs: this.rttMs,
          delivered: this.#delivered,
          priorDelivered,
          isCwndLimited,
          ...fields,
        }),
      );
    }
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
