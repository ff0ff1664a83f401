// BBR.min_rtt, and ProbeRTT which looks for it: draft-ietf-ccwg-bbr §5.3.4.
import type { AckSample } from '../controller.ts';
import { probeRttCwnd, restoreCwnd, saveCwnd } from './control.ts';
import { type BbrModel, enterState, startRound } from './model.ts';
import {
  CONFIRMING_FACTOR,
  MIN_RTT_FILTER_MS,
  PROBE_RTT_CWND_GAIN,
  PROBE_RTT_DURATION_MS,
  PROBE_RTT_INTERVAL_MS,
} from './parameters.ts';
import { type Progress, startProbeBwCruise, startProbeBwDown } from './probe-bw.ts';
import { resetShortTermModel } from './short-term.ts';
import { enterStartup } from './startup.ts';

/** UpdateMinRTT(), §5.3.4.3. */
export function updateMinRtt(model: BbrModel, sample: AckSample): void {
  const { now, rttMs } = sample;
  model.isProbeRttExpired = now > model.probeRttMinStamp + PROBE_RTT_INTERVAL_MS;
  if (!Number.isNaN(rttMs)) model.rttMs = rttMs;
  // NaN is less than nothing: no sample.
  if (rttMs < model.probeRttMinDelayMs || (rttMs >= 0 && model.isProbeRttExpired)) {
    model.probeRttMinDelayMs = rttMs;
    model.probeRttMinStamp = now;
    model.confirmableUntil = now + model.probeRttLongestMs;
    // Not draft-ietf-ccwg-bbr §5.3.4.3 (only a lower one counts): it has come down to the least by itself, so there is no
    // queue to be drained, and ProbeRTT would cost 2 % for nothing.
  } else if (rttMs <= model.probeRttMinDelayMs * CONFIRMING_FACTOR && now < model.confirmableUntil) {
    model.probeRttMinStamp = now;
  }
  const isMinRttExpired = now > model.minRttStamp + MIN_RTT_FILTER_MS;
  if (model.probeRttMinDelayMs >= model.minRttMs && !isMinRttExpired) return;
  model.minRttMs = model.probeRttMinDelayMs;
  model.minRttStamp = model.probeRttMinStamp;
}

/** CheckProbeRTT(), §5.3.4.3. */
export function checkProbeRtt(model: BbrModel, sample: AckSample): void {
  if (model.state !== 'probe-rtt' && model.isProbeRttExpired && !model.idleRestart) {
    saveCwnd(model);
    enterState(model, 'probe-rtt', 1, PROBE_RTT_CWND_GAIN);
    model.probeRttDoneStamp = 0;
    model.ackPhase = 'probe-stopping';
    startRound(model, sample.delivered);
  }
  if (model.state === 'probe-rtt') stayInProbeRtt(model, sample);
  if (sample.deliveredBytes > 0) model.idleRestart = false;
}

/** HandleProbeRTT(); that samples of now say little of the path is told by `isHoldingBack`. */
function stayInProbeRtt(model: BbrModel, sample: AckSample): void {
  if (model.probeRttDoneStamp === 0) {
    if (sample.inFlightBytes > probeRttCwnd(model)) return;
    model.probeRttDoneStamp = sample.now + PROBE_RTT_DURATION_MS;
    model.isProbeRttRoundDone = false;
    startRound(model, sample.delivered);
    return;
  }
  if (model.isRoundStart) model.isProbeRttRoundDone = true;
  if (model.isProbeRttRoundDone) checkProbeRttDone(model, sample);
}

/** CheckProbeRTTDone() */
export function checkProbeRttDone(model: BbrModel, progress: Progress): void {
  if (model.probeRttDoneStamp === 0 || progress.now <= model.probeRttDoneStamp) return;
  model.probeRttMinStamp = progress.now;
  model.confirmableUntil = progress.now + model.probeRttLongestMs;
  restoreCwnd(model);
  exitProbeRtt(model, progress);
}

/** ExitProbeRTT(), §5.3.4.4: in-flight data is low already, so DOWN is passed through. */
function exitProbeRtt(model: BbrModel, progress: Progress): void {
  resetShortTermModel(model);
  if (!model.fullBwReached) {
    enterStartup(model);
    return;
  }
  startProbeBwDown(model, progress);
  startProbeBwCruise(model);
}
