// ProbeBW: draft-ietf-ccwg-bbr §5.3.3, its pseudocode in §5.3.3.8.3 and §5.3.3.9.
import type { Entropy } from '../../../../interfaces/entropy.ts';
import type { Instant } from '../../../../time/clock.ts';
import type { AckSample } from '../controller.ts';
import { advanceMaxBwFilter, maxBw, resetFullBw } from './bandwidth.ts';
import { inflight, inflightWithHeadroom, targetInflight } from './control.ts';
import { type BbrModel, enterState, isCwndLimited, isInProbeBw, startRound } from './model.ts';
import {
  DEFAULT_CWND_GAIN,
  DOWN_PACING_GAIN,
  PROBE_ROUNDS,
  PROBE_WAIT_MS,
  PROBE_WAIT_RANDOM_MS,
  UP_CWND_GAIN,
  UP_PACING_GAIN,
} from './parameters.ts';
import { isInflightTooHigh, resetCongestionSignals, resetShortTermModel } from './short-term.ts';

/** The time and the bytes delivered, of an ACK or of a loss. */
export interface Progress {
  readonly now: Instant;
  readonly delivered: number;
}

/** EnterProbeBW() */
export function enterProbeBw(model: BbrModel, progress: Progress): void {
  startProbeBwDown(model, progress);
}

/** StartProbeBW_DOWN() */
export function startProbeBwDown(model: BbrModel, { now, delivered }: Progress): void {
  resetCongestionSignals(model);
  model.probeUpAckedPerInc = Number.POSITIVE_INFINITY;
  pickProbeWait(model);
  model.cycleStamp = now;
  model.ackPhase = 'probe-stopping';
  startRound(model, delivered);
  enterState(model, 'probe-bw-down', DOWN_PACING_GAIN, DEFAULT_CWND_GAIN);
}

/** StartProbeBW_CRUISE() */
export function startProbeBwCruise(model: BbrModel): void {
  enterState(model, 'probe-bw-cruise', 1, DEFAULT_CWND_GAIN);
}

/** StartProbeBW_REFILL() */
export function startProbeBwRefill(model: BbrModel, delivered: number): void {
  resetShortTermModel(model);
  model.bwProbeUpRounds = 0;
  model.bwProbeUpAckedBytes = 0;
  model.prevProbePrecautionary = false;
  model.ackPhase = 'refilling';
  startRound(model, delivered);
  enterState(model, 'probe-bw-refill', 1, DEFAULT_CWND_GAIN);
}

/** StartProbeBW_UP() */
function startProbeBwUp(model: BbrModel, sample: AckSample): void {
  model.ackPhase = 'probe-starting';
  startRound(model, sample.delivered);
  resetFullBw(model, sample.deliveryRate);
  enterState(model, 'probe-bw-up', UP_PACING_GAIN, UP_CWND_GAIN);
  raiseInflightLongtermSlope(model);
}

/** UpdateProbeBWCyclePhase() */
export function updateProbeBwCyclePhase(model: BbrModel, sample: AckSample): void {
  if (!model.fullBwReached) return;
  if (adaptLongTermModel(model, sample)) return;
  switch (model.state) {
    case 'probe-bw-down':
      if (isTimeToProbeBw(model, sample.now)) startProbeBwRefill(model, sample.delivered);
      else if (isTimeToCruise(model, sample)) startProbeBwCruise(model);
      return;
    case 'probe-bw-cruise':
      if (isTimeToProbeBw(model, sample.now)) startProbeBwRefill(model, sample.delivered);
      return;
    case 'probe-bw-refill':
      if (!model.isRoundStart) return;
      model.isBwProbeSample = true;
      startProbeBwUp(model, sample);
      return;
    case 'probe-bw-up':
      if (!isTimeToGoDown(model, sample)) return;
      model.prevProbeTooHigh = false;
      startProbeBwDown(model, sample);
      return;
    default:
  }
}

/**
 * AdaptLongTermModel(): which ACKs tell of the probe, and what they say of the in-flight data that is safe. Returns
 * whether it has changed the state.
 */
function adaptLongTermModel(model: BbrModel, sample: AckSample): boolean {
  if (model.isRoundStart && model.ackPhase === 'probe-starting') model.ackPhase = 'probe-feedback';
  if (model.isRoundStart && model.ackPhase === 'probe-stopping' && endProbe(model, sample)) return true;
  if (isInflightTooHigh(model, sample)) return false;
  if (model.inflightLongtermBytes === Number.POSITIVE_INFINITY) return false;
  if (sample.txInFlightBytes > model.inflightLongtermBytes)
    model.inflightLongtermBytes = sample.txInFlightBytes;
  if (model.state === 'probe-bw-up') probeInflightLongtermUpward(model, sample);
  return false;
}

/** All ACKs of the probe have come. */
function endProbe(model: BbrModel, sample: AckSample): boolean {
  model.isBwProbeSample = false;
  model.ackPhase = 'init';
  if (!isInProbeBw(model)) return false;
  if (!sample.isAppLimited) advanceMaxBwFilter(model);
  // §5.3.3.6: a probe that broke off early as a precaution did no harm, so another goes further.
  if (!model.prevProbePrecautionary || model.prevProbeTooHigh) return false;
  startProbeBwRefill(model, sample.delivered);
  return true;
}

/** ProbeInflightLongtermUpward() */
function probeInflightLongtermUpward(model: BbrModel, sample: AckSample): void {
  if (!isCwndLimited(model) || model.cwndBytes < model.inflightLongtermBytes) return;
  model.bwProbeUpAckedBytes += sample.deliveredBytes;
  const steps = Math.floor(model.bwProbeUpAckedBytes / model.probeUpAckedPerInc);
  if (steps > 0) {
    model.bwProbeUpAckedBytes -= steps * model.probeUpAckedPerInc;
    model.inflightLongtermBytes += steps * model.mssBytes;
  }
  if (model.isRoundStart) raiseInflightLongtermSlope(model);
}

/** RaiseInflightLongtermSlope(): twice as many segments in each round trip. */
function raiseInflightLongtermSlope(model: BbrModel): void {
  const growthThisRound = 2 ** model.bwProbeUpRounds;
  model.bwProbeUpRounds = Math.min(model.bwProbeUpRounds + 1, 30);
  model.probeUpAckedPerInc = Math.max(model.cwndBytes / growthThisRound, model.mssBytes);
}

/** IsTimeToCruise() */
function isTimeToCruise(model: BbrModel, sample: AckSample): boolean {
  if (sample.inFlightBytes > inflightWithHeadroom(model)) return false;
  return sample.inFlightBytes <= inflight(model, 1, maxBw(model));
}

/** IsTimeToGoDown() */
function isTimeToGoDown(model: BbrModel, sample: AckSample): boolean {
  // In-flight data is at its most just before an ACK takes from it: that is where it reaches the bound.
  const isAtBound = sample.priorInFlightBytes + model.mssBytes > model.inflightLongtermBytes;
  if (model.prevProbeTooHigh && isAtBound) {
    model.prevProbePrecautionary = true;
    return true;
  }
  if (isCwndLimited(model) && model.cwndBytes >= model.inflightLongtermBytes) {
    resetFullBw(model, sample.deliveryRate);
    return false;
  }
  return model.fullBwNow;
}

/** IsTimeToProbeBW(), §5.3.3.8.3. */
function isTimeToProbeBw(model: BbrModel, now: Instant): boolean {
  if (now > model.cycleStamp + model.bwProbeWaitMs) return true;
  const renoRounds = targetInflight(model) / model.mssBytes;
  return model.roundsSinceProbeUp >= Math.min(renoRounds, PROBE_ROUNDS);
}

/** PickProbeWait(), §5.3.3.8.3. */
function pickProbeWait(model: BbrModel): void {
  model.roundsSinceProbeUp = randomFraction(model.random) < 1 / 2 ? 0 : 1;
  model.bwProbeWaitMs = PROBE_WAIT_MS + PROBE_WAIT_RANDOM_MS * randomFraction(model.random);
}

/** From 0 up to, not including, 1. */
function randomFraction(random: Entropy): number {
  random.fill(drawn);
  return (drawn[0]! + 256 * drawn[1]! + 65_536 * drawn[2]!) / 2 ** 24;
}

const drawn = new Uint8Array(3);
