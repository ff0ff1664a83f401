// BBR.max_bw and the estimate whether the pipe is full: draft-ietf-ccwg-bbr §5.5.2–5.5.6 and §5.3.1.2.
import type { AckSample } from '../controller.ts';
import type { BbrModel } from './model.ts';
import { FULL_BW_GROWTH, FULL_BW_ROUNDS } from './parameters.ts';

/** BBR.max_bw */
export function maxBw(model: BbrModel): number {
  return Math.max(model.maxBwBefore, model.maxBwNow);
}

/** UpdateMaxBw(), §5.5.5: a sample that the user kept small counts only if it shows more. */
export function updateMaxBw(model: BbrModel, sample: AckSample): void {
  const { deliveryRate } = sample;
  if (sample.isAppLimited && deliveryRate < maxBw(model)) return;
  if (deliveryRate > model.maxBwNow) model.maxBwNow = deliveryRate;
}

/** AdvanceMaxBwFilter(), §5.5.6. A cycle without a sample is none. */
export function advanceMaxBwFilter(model: BbrModel): void {
  if (model.maxBwNow === 0) return;
  model.maxBwBefore = model.maxBwNow;
  model.maxBwNow = 0;
}

/** BoundBWForModel(), §5.5.10.3. */
export function boundBwForModel(model: BbrModel): void {
  model.bw = Math.min(maxBw(model), model.bwShortterm);
}

/** ResetFullBW(): looks for a plateau anew, above `baseline`. */
export function resetFullBw(model: BbrModel, baseline = 0): void {
  model.fullBw = baseline;
  model.fullBwCount = 0;
  model.fullBwNow = false;
}

/** CheckFullBWReached(), §5.3.1.2: three rounds without a quarter more say that there is no more. */
export function checkFullBwReached(model: BbrModel, sample: AckSample): void {
  if (model.fullBwNow || !model.isRoundStart || sample.isAppLimited) return;
  // Nothing measured says nothing.
  if (sample.deliveryRate === 0) return;
  if (sample.deliveryRate >= model.fullBw * FULL_BW_GROWTH) {
    resetFullBw(model, sample.deliveryRate);
    return;
  }
  model.fullBwCount += 1;
  model.fullBwNow = model.fullBwCount >= FULL_BW_ROUNDS;
  if (model.fullBwNow) model.fullBwReached = true;
}
