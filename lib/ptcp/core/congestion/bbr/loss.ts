// Each lost segment, and the way back when it was not lost: draft-ietf-ccwg-bbr §5.5.10.2 and §5.5.11.
import type { LossSample } from '../controller.ts';
import { resetFullBw } from './bandwidth.ts';
import { restoreCwnd, saveCwnd, targetInflight } from './control.ts';
import type { BbrModel } from './model.ts';
import { BETA } from './parameters.ts';
import { startProbeBwDown, startProbeBwRefill } from './probe-bw.ts';
import { isInflightTooHigh, lossThresh } from './short-term.ts';
import { enterStartup } from './startup.ts';

/** HandleLostPacket(), §5.5.10.2. */
export function segmentLost(model: BbrModel, loss: LossSample): void {
  noteLoss(model, loss);
  if (!model.isBwProbeSample || !isInflightTooHigh(model, loss)) return;
  // HandleInflightTooHigh()
  model.prevProbeTooHigh = true;
  model.isBwProbeSample = false;
  if (!loss.isAppLimited)
    model.inflightLongtermBytes = Math.max(inflightAtLoss(model, loss), targetInflight(model) * BETA);
  if (model.state !== 'probe-bw-up') return;
  model.undoState = 'probe-bw-up';
  startProbeBwDown(model, loss);
}

/** NoteLoss() */
function noteLoss(model: BbrModel, loss: LossSample): void {
  if (!model.isLossInRound) {
    model.lossRoundDelivered = loss.delivered;
    saveStateUponLoss(model);
  }
  model.isLossInRound = true;
  model.lostInRoundBytes += loss.lengthBytes;
  if (loss.beginsRange) model.lossRangeCount += 1;
}

/** InflightAtLoss(): how much was in flight when the losses passed the threshold. */
function inflightAtLoss(model: BbrModel, loss: LossSample): number {
  const inflightPrev = loss.txInFlightBytes - loss.lengthBytes;
  const lostPrev = loss.lostSinceSentBytes - loss.lengthBytes;
  const threshold = lossThresh(model);
  const lostPrefix = (threshold * inflightPrev - lostPrev) / (1 - threshold);
  return inflightPrev + lostPrefix;
}

/** SaveStateUponLoss(), §5.5.11.1. */
export function saveStateUponLoss(model: BbrModel): void {
  saveCwnd(model);
  model.undoState = 'none';
  model.undoBwShortterm = model.bwShortterm;
  model.undoInflightShorttermBytes = model.inflightShorttermBytes;
  model.undoInflightLongtermBytes = model.inflightLongtermBytes;
}

/** HandleSpuriousLossDetection(), §5.5.11.2. */
export function undoLoss(model: BbrModel): void {
  restoreCwnd(model);
  model.isLossInRound = false;
  resetFullBw(model);
  model.bwShortterm = Math.max(model.bwShortterm, model.undoBwShortterm);
  model.inflightShorttermBytes = Math.max(model.inflightShorttermBytes, model.undoInflightShorttermBytes);
  model.inflightLongtermBytes = Math.max(model.inflightLongtermBytes, model.undoInflightLongtermBytes);
  returnToProbing(model);
  model.undoState = 'none';
}

function returnToProbing(model: BbrModel): void {
  const { undoState, state } = model;
  if (undoState === 'none' || state === undoState) return;
  if (undoState === 'startup') model.fullBwReached = false;
  if (state === 'probe-rtt') return;
  if (undoState === 'startup') enterStartup(model);
  else startProbeBwRefill(model, model.nextRoundDelivered);
}
