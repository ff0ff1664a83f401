// BBR alone, fed with one ACK for each round trip (or more where a test asks), as a path of a rate and an RTT gives them.
import { Prng } from '../../lib/bytes/prng.ts';
import { Bbr, type BbrOptions } from '../../lib/ptcp/core/congestion/bbr/bbr.ts';
import type { AckSample, LossSample } from '../../lib/ptcp/core/congestion/controller.ts';
import { ackSample } from './ack-sample.ts';

export const MSS = 1000;
export const RTT_MS = 50;
/** Bytes a millisecond, so that the bandwidth-delay product is 50 segments. */
export const RATE = 1000;
export const BDP = RATE * RTT_MS;

/** A BBR and the path that answers it. */
export class BbrRounds {
  readonly bbr: Bbr;
  now = 1000;
  delivered = 0;
  lost = 0;
  rate = RATE;
  rttMs = RTT_MS;

  constructor(options: Partial<BbrOptions> = {}) {
    const usual = { mssBytes: MSS, initialWindowSegments: 10, isPaced: true, random: new Prng('bbr') };
    this.bbr = new Bbr({ ...usual, ...options });
  }

  get state(): string {
    return this.bbr.model.state;
  }

  /** A round trip later an ACK comes for something that left at its beginning: it starts a new round. */
  round(fields: Partial<AckSample> = {}): void {
    const priorDelivered = this.delivered;
    this.now += this.rttMs;
    this.ack({ deliveredBytes: this.rate * this.rttMs, priorDelivered, ...fields });
  }

  /** An ACK within the round, unless `fields` say otherwise. */
  ack(fields: Partial<AckSample> = {}): void {
    this.delivered += fields.deliveredBytes ?? 0;
    const inFlight = this.rate * this.rttMs;
    this.bbr.onAck(
      ackSample({
        now: this.now,
        ackedBytes: fields.deliveredBytes ?? 0,
        delivered: this.delivered,
        priorDelivered: -1,
        deliveryRate: this.rate,
        rttMs: this.rttMs,
        srttMs: this.rttMs,
        minRttMs: this.rttMs,
        priorInFlightBytes: inFlight,
        inFlightBytes: inFlight,
        txInFlightBytes: inFlight,
        ...fields,
      }),
    );
  }

  /** `count` segments one after the other are found lost, sent when BDP bytes were in flight unless `fields` say. */
  lose(count: number, fields: Partial<LossSample> = {}): void {
    const lostBefore = this.lost;
    for (let i = 0; i < count; i += 1) {
      this.lost += MSS;
      this.bbr.onLost({
        now: this.now,
        lengthBytes: MSS,
        txInFlightBytes: BDP,
        lostSinceSentBytes: this.lost - lostBefore,
        isAppLimited: false,
        delivered: this.delivered,
        beginsRange: true,
        hasSack: true,
        ...fields,
      });
    }
  }

  /** Rounds until BBR is in `state`; at most `limit` of them. */
  reach(state: string, limit = 200, fields: Partial<AckSample> = {}): number {
    for (let rounds = 0; rounds < limit; rounds += 1) {
      if (this.state === state) return rounds;
      this.round(fields);
    }
    throw new Error(`still in ${this.state} after ${limit} rounds`);
  }

  /** Rounds until BBR cruises, having left Startup and Drain. */
  reachCruise(): void {
    this.reach('probe-bw-cruise');
  }
}
