// What leaves: pacing rate, send quantum and congestion window. draft-ietf-ccwg-bbr §5.6.2, §5.6.3, §5.6.4.6.

import type { AckSample } from '../controller.ts';
import { initialWindowBytes } from '../initial-window.ts';
import { extraAcked } from './aggregation.ts';
import { type BbrModel, isInProbeBw } from './model.ts';
import {
  HEADROOM,
  MAX_SEND_QUANTUM_BYTES,
  MIN_PIPE_CWND_SEGMENTS,
  OFFLOAD_QUANTA,
  PACING_MARGIN,
  PROBE_RTT_CWND_GAIN,
  SEND_QUANTUM_MS,
  STARTUP_PACING_GAIN,
} from './parameters.ts';

/** The segment size is known, or has changed: what was not measured follows it. */
export function resizeSegments(model: BbrModel, mssBytes: number): void {
  const isUntouched = model.cwndBytes === model.initialCwndBytes;
  model.mssBytes = mssBytes;
  model.initialCwndBytes = initialWindowBytes(mssBytes, model.initialWindowSegments);
  if (isUntouched) model.cwndBytes = model.initialCwndBytes;
  else model.cwndBytes = Math.max(model.cwndBytes, mssBytes);
  setSendQuantum(model);
}

/** InitPacingRate(), §5.6.2, as soon as there is an RTT. */
export function initPacingRate(model: BbrModel, srttMs: number): void {
  const rttMs = srttMs > 0 ? srttMs : 1;
  model.pacingRate = (STARTUP_PACING_GAIN * model.initialCwndBytes) / rttMs;
}

/** SetPacingRateWithGain(), §5.6.2: until the pipe was full it only rises. */
export function setPacingRate(model: BbrModel, pacingGain: number): void {
  const rate = pacingGain * model.bw * (1 - PACING_MARGIN);
  if (model.fullBwReached || rate > model.pacingRate) model.pacingRate = rate;
}

/** SetSendQuantum(), §5.6.3. Pacing sends about as much at a time. */
export function setSendQuantum(model: BbrModel): void {
  const quantum = Math.min(model.pacingRate * SEND_QUANTUM_MS, MAX_SEND_QUANTUM_BYTES);
  model.sendQuantumBytes = Math.max(quantum, 2 * model.mssBytes);
}

/** BBR.bdp of `bw`, bytes, or the initial window while no RTT is known. */
export function bdpBytes(model: BbrModel, bw = model.bw): number {
  return model.minRttMs === Number.POSITIVE_INFINITY ? model.initialCwndBytes : bw * model.minRttMs;
}

/** Inflight(): what `gain` bandwidth-delay products take to be kept in flight. */
export function inflight(model: BbrModel, gain: number, bw = model.bw): number {
  return withQuantization(model, gain * bdpBytes(model, bw));
}

/** TargetInflight(): the estimated BDP unless congestion has cut cwnd. */
export function targetInflight(model: BbrModel): number {
  return Math.min(bdpBytes(model), model.cwndBytes);
}

/** InflightWithHeadroom(), §5.3.3.9. */
export function inflightWithHeadroom(model: BbrModel): number {
  const { inflightLongtermBytes } = model;
  if (inflightLongtermBytes === Number.POSITIVE_INFINITY) return inflightLongtermBytes;
  const headroom = Math.max(model.mssBytes, HEADROOM * inflightLongtermBytes);
  return Math.max(inflightLongtermBytes - headroom, minPipeCwnd(model));
}

/** ProbeRTTCwnd(), §5.6.4.5. */
export function probeRttCwnd(model: BbrModel): number {
  return Math.max(PROBE_RTT_CWND_GAIN * bdpBytes(model), minPipeCwnd(model));
}

/** QuantizationBudget(), §5.6.4.2. */
function withQuantization(model: BbrModel, inflightCap: number): number {
  const cap = Math.max(inflightCap, OFFLOAD_QUANTA * model.sendQuantumBytes, minPipeCwnd(model));
  return model.state === 'probe-bw-up' ? cap + 2 * model.mssBytes : cap;
}

/** BBR.MinPipeCwnd, §5.6.4.3. */
function minPipeCwnd(model: BbrModel): number {
  return MIN_PIPE_CWND_SEGMENTS * model.mssBytes;
}

/** SetCwnd(), §5.6.4.6. */
export function setCwnd(model: BbrModel, sample: AckSample): void {
  const maxInflight = withQuantization(model, model.cwndGain * bdpBytes(model) + extraAcked(model));
  const grown = model.cwndBytes + sample.deliveredBytes;
  if (model.fullBwReached) model.cwndBytes = Math.min(grown, maxInflight);
  else if (model.cwndBytes < maxInflight || sample.delivered < model.initialCwndBytes)
    model.cwndBytes = grown;
  model.cwndBytes = Math.max(model.cwndBytes, minPipeCwnd(model));
  if (model.state === 'probe-rtt') model.cwndBytes = Math.min(model.cwndBytes, probeRttCwnd(model));
  boundCwndForModel(model);
}

/** BoundCwndForModel(), §5.6.4.7. */
function boundCwndForModel(model: BbrModel): void {
  let cap = Number.POSITIVE_INFINITY;
  if (model.state === 'probe-rtt' || model.state === 'probe-bw-cruise') cap = inflightWithHeadroom(model);
  else if (isInProbeBw(model)) cap = model.inflightLongtermBytes;
  cap = Math.max(Math.min(cap, model.inflightShorttermBytes), minPipeCwnd(model));
  model.cwndBytes = Math.min(model.cwndBytes, cap);
}

/** SaveCwnd(), §5.6.4.4: the last that neither a recovery nor ProbeRTT had cut. */
export function saveCwnd(model: BbrModel): void {
  const isCut = model.isInRecovery || model.state === 'probe-rtt';
  model.priorCwndBytes = isCut ? Math.max(model.priorCwndBytes, model.cwndBytes) : model.cwndBytes;
}

export function restoreCwnd(model: BbrModel): void {
  model.cwndBytes = Math.max(model.cwndBytes, model.priorCwndBytes);
}
