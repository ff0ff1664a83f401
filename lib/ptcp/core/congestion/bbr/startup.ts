// Startup and Drain: draft-ietf-ccwg-bbr §5.3.1.1 and §5.3.2.
import type { AckSample } from '../controller.ts';
import { bdpBytes, inflight } from './control.ts';
import { type BbrModel, enterState } from './model.ts';
import {
  DEFAULT_CWND_GAIN,
  DRAIN_PACING_GAIN,
  DRAIN_ROUNDS,
  STARTUP_FULL_LOSS_COUNT,
  STARTUP_PACING_GAIN,
} from './parameters.ts';
import { enterProbeBw } from './probe-bw.ts';
import { isInflightTooHigh } from './short-term.ts';

/** EnterStartup(), §5.3.1.1. */
export function enterStartup(model: BbrModel): void {
  enterState(model, 'startup', STARTUP_PACING_GAIN, DEFAULT_CWND_GAIN);
}

/** CheckStartupDone(), §5.3.1.1. */
export function checkStartupDone(model: BbrModel, sample: AckSample): void {
  checkStartupHighLoss(model, sample);
  if (model.state !== 'startup' || !model.fullBwReached) return;
  enterState(model, 'drain', DRAIN_PACING_GAIN, DEFAULT_CWND_GAIN);
  model.drainStartRound = model.roundCount;
}

/** CheckStartupHighLoss(), §5.3.1.3: a round of recovery in which much was lost, and in many places. */
function checkStartupHighLoss(model: BbrModel, sample: AckSample): void {
  // Without SACK a round trip shows one loss at the most, so that one is enough.
  const isOver = sample.hasSack ? model.isLossRoundStart : model.lossRangeCount > 0;
  if (!isOver) return;
  const leastRanges = sample.hasSack ? STARTUP_FULL_LOSS_COUNT : 1;
  const isMuch = model.lossRangeCount >= leastRanges && isInflightTooHigh(model, sample);
  if (model.isLossRoundStart) model.lossRangeCount = 0;
  if (model.fullBwReached || !sample.isInRecovery || !isMuch) return;
  model.undoState = 'startup';
  model.fullBwReached = true;
  model.inflightLongtermBytes = Math.max(bdpBytes(model), model.inflightLatestBytes);
}

/** CheckDrainDone(), §5.3.2. */
export function checkDrainDone(model: BbrModel, sample: AckSample): void {
  if (model.state !== 'drain') return;
  const isDrained = sample.inFlightBytes <= inflight(model, 1);
  if (isDrained || model.roundCount > model.drainStartRound + DRAIN_ROUNDS) enterProbeBw(model, sample);
}
