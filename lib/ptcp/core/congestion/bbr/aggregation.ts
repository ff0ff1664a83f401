// BBR.extra_acked: how much comes acknowledged at once, draft-ietf-ccwg-bbr §5.5.9.
import type { AckSample } from '../controller.ts';
import type { BbrModel } from './model.ts';
import { EXTRA_ACKED_ROUNDS } from './parameters.ts';

/** BBR.extra_acked, bytes. */
export function extraAcked(model: BbrModel): number {
  return Math.max(model.extraAckedBefore, model.extraAckedNow);
}

/** UpdateACKAggregation(). The windowed maximum is that of two halves of the window. */
export function updateAckAggregation(model: BbrModel, sample: AckSample): void {
  if (model.isRoundStart) turnWindow(model);
  if (sample.deliveredBytes === 0) return;
  let expectedBytes = model.bw * (sample.now - model.extraAckedIntervalStart);
  if (model.extraAckedDelivered <= expectedBytes) {
    model.extraAckedDelivered = 0;
    model.extraAckedIntervalStart = sample.now;
    expectedBytes = 0;
  }
  model.extraAckedDelivered += sample.deliveredBytes;
  const extra = Math.min(model.extraAckedDelivered - expectedBytes, model.cwndBytes);
  if (extra > model.extraAckedNow) model.extraAckedNow = extra;
}

function turnWindow(model: BbrModel): void {
  const halfRounds = model.fullBwReached ? EXTRA_ACKED_ROUNDS / 2 : 1;
  if (model.roundCount - model.extraAckedRound < halfRounds) return;
  model.extraAckedRound = model.roundCount;
  model.extraAckedBefore = model.extraAckedNow;
  model.extraAckedNow = 0;
}
