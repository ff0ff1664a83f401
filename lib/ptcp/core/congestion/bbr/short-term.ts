// The short-term model: what the last round trip delivered, and the bounds that losses draw from it.
// draft-ietf-ccwg-bbr §5.5.10.3.
import type { AckSample } from '../controller.ts';
import { maxBw, updateMaxBw } from './bandwidth.ts';
import { type BbrModel, isProbingBw, isRateSample, updateRound } from './model.ts';
import { BETA, LOSS_THRESH, QUEUE_FACTOR } from './parameters.ts';

/** UpdateLatestDeliverySignals(), near the start of an ACK. */
export function updateLatestDeliverySignals(model: BbrModel, sample: AckSample): void {
  model.isLossRoundStart = false;
  if (!isRateSample(sample)) return;
  model.bwLatest = Math.max(model.bwLatest, sample.deliveryRate);
  model.inflightLatestBytes = Math.max(model.inflightLatestBytes, deliveredOf(sample));
  if (sample.priorDelivered < model.lossRoundDelivered) return;
  model.lossRoundDelivered = sample.delivered;
  model.isLossRoundStart = true;
}

/** AdvanceLatestDeliverySignals(), near its end. */
export function advanceLatestDeliverySignals(model: BbrModel, sample: AckSample): void {
  if (!model.isLossRoundStart) return;
  model.bwLatest = sample.deliveryRate;
  model.inflightLatestBytes = deliveredOf(sample);
}

/** RS.delivered */
function deliveredOf(sample: AckSample): number {
  return sample.delivered - sample.priorDelivered;
}

export function resetCongestionSignals(model: BbrModel): void {
  forgetRoundLosses(model);
  model.bwLatest = 0;
  model.inflightLatestBytes = 0;
}

/** UpdateCongestionSignals(): once in a round trip losses are answered. */
export function updateCongestionSignals(model: BbrModel, sample: AckSample): void {
  updateRound(model, sample);
  updateMaxBw(model, sample);
  model.deliveredInRoundBytes += sample.deliveredBytes;
  if (!model.isLossRoundStart) return;
  if (model.isLossInRound && !isProbingBw(model) && !isByChance(model)) lowerBounds(model);
  forgetRoundLosses(model);
}

function forgetRoundLosses(model: BbrModel): void {
  model.isLossInRound = false;
  model.lostInRoundBytes = 0;
  model.deliveredInRoundBytes = 0;
}

/**
 * Not draft-ietf-ccwg-bbr §5.5.10.3, which answers any loss: a link that loses by chance would take the rate down round
 * by round. In DOWN there is a queue, but of our own making, and what is delivered is what we have slowed down to.
 */
function isByChance(model: BbrModel): boolean {
  const { lostInRoundBytes, deliveredInRoundBytes, lossTolerance } = model;
  const tolerance = model.state === 'probe-bw-down' ? lossTolerance : chanceLoss(model);
  return lostInRoundBytes <= (lostInRoundBytes + deliveredInRoundBytes) * tolerance;
}

/** InitLowerBounds() and LossLowerBounds(). */
function lowerBounds(model: BbrModel): void {
  if (model.bwShortterm === Number.POSITIVE_INFINITY) model.bwShortterm = maxBw(model);
  if (model.inflightShorttermBytes === Number.POSITIVE_INFINITY)
    model.inflightShorttermBytes = model.cwndBytes;
  model.bwShortterm = Math.max(model.bwLatest, BETA * model.bwShortterm);
  model.inflightShorttermBytes = Math.max(model.inflightLatestBytes, BETA * model.inflightShorttermBytes);
}

export function resetShortTermModel(model: BbrModel): void {
  model.bwShortterm = Number.POSITIVE_INFINITY;
  model.inflightShorttermBytes = Number.POSITIVE_INFINITY;
}

/** What IsInflightTooHigh() looks at: of the ACK, or of one lost segment. */
interface LossRate {
  readonly txInFlightBytes: number;
  readonly lostSinceSentBytes: number;
  readonly hasSack: boolean;
}

/** IsInflightTooHigh(), §5.5.10.2: more was lost of what was in flight than is tolerated. */
export function isInflightTooHigh(model: BbrModel, rate: LossRate): boolean {
  if (!rate.hasSack) return rate.lostSinceSentBytes > 0;
  return rate.lostSinceSentBytes > rate.txInFlightBytes * lossThresh(model);
}

/** BBR.LossThresh; not draft-ietf-ccwg-bbr §5.5.10.2 (2 %) where more than that is lost by chance. */
export function lossThresh(model: BbrModel): number {
  return Math.max(LOSS_THRESH, chanceLoss(model));
}

/** What share of the data may be lost by chance: where there is a queue, losses are those of the queue. */
function chanceLoss(model: BbrModel): number {
  return model.rttMs > model.minRttMs * QUEUE_FACTOR ? 0 : model.lossTolerance;
}
