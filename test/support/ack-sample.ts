import type { AckSample } from '../../lib/ptcp/core/congestion/controller.ts';

/** What an ACK that says nothing tells a controller, with `fields` in it. */
export function ackSample(fields: Partial<AckSample>): AckSample {
  return {
    now: 0,
    ackedBytes: 0,
    deliveredBytes: 0,
    lostBytes: 0,
    priorInFlightBytes: 0,
    inFlightBytes: 0,
    rttMs: Number.NaN,
    srttMs: 50,
    minRttMs: 50,
    deliveryRate: 0,
    isAppLimited: false,
    priorDelivered: 0,
    delivered: 0,
    txInFlightBytes: 0,
    lostSinceSentBytes: 0,
    hasSack: true,
    isInRecovery: false,
    isAfterTimeout: false,
    isCwndLimited: true,
    ecnCeBytes: 0,
    ...fields,
  };
}
