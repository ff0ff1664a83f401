// What BBR knows of the path and where it is in its states: the variables of the draft. No behaviour but round trips.
import type { Entropy } from '../../../../interfaces/entropy.ts';
import type { Instant } from '../../../../time/clock.ts';
import type { AckSample } from '../controller.ts';
import { DEFAULT_CWND_GAIN, STARTUP_PACING_GAIN } from './parameters.ts';

/** The states of draft-ietf-ccwg-bbr §5.1.1. */
export type BbrState =
  | 'startup'
  | 'drain'
  | 'probe-bw-down'
  | 'probe-bw-cruise'
  | 'probe-bw-refill'
  | 'probe-bw-up'
  | 'probe-rtt';

/** What the ACKs that arrive now say about the last probe for bandwidth, §2.14. */
export type AckPhase = 'init' | 'refilling' | 'probe-starting' | 'probe-feedback' | 'probe-stopping';

/** Names are those of the draft, with their units; rates are bytes a millisecond. Infinity: not set. */
export interface BbrModel {
  readonly random: Entropy;
  /** What share of a round trip's data may be lost by chance. */
  readonly lossTolerance: number;
  /** How long samples as low as the least may put ProbeRTT off. */
  readonly probeRttLongestMs: number;
  readonly initialWindowSegments: number;
  mssBytes: number;
  /** The initial congestion window, which follows the segment size. */
  initialCwndBytes: number;

  // What it decides
  cwndBytes: number;
  pacingRate: number;
  sendQuantumBytes: number;

  state: BbrState;
  pacingGain: number;
  cwndGain: number;
  /** Whether an ACK has been seen: before that no time is known. */
  hasBegun: boolean;
  idleRestart: boolean;
  /** cwnd before a recovery or ProbeRTT. */
  priorCwndBytes: number;
  isInRecovery: boolean;

  // Round trips, §5.5.1
  roundCount: number;
  isRoundStart: boolean;
  nextRoundDelivered: number;
  roundsSinceProbeUp: number;
  /** The last round in which the window was full. */
  cwndLimitedRound: number;

  // Bandwidth, §5.5.2: the maximum of the last cycle and that of this one
  maxBwBefore: number;
  maxBwNow: number;
  bw: number;
  bwShortterm: number;
  bwLatest: number;

  // The full-pipe estimator, §5.3.1.2
  fullBw: number;
  fullBwCount: number;
  fullBwNow: boolean;
  fullBwReached: boolean;
  drainStartRound: number;

  // In-flight data, §5.5.10
  inflightLongtermBytes: number;
  inflightShorttermBytes: number;
  inflightLatestBytes: number;
  isLossInRound: boolean;
  isLossRoundStart: boolean;
  lostInRoundBytes: number;
  deliveredInRoundBytes: number;
  lossRoundDelivered: number;
  /** Ranges found lost in this round. */
  lossRangeCount: number;

  // ProbeBW, §2.14
  ackPhase: AckPhase;
  cycleStamp: Instant;
  bwProbeWaitMs: number;
  isBwProbeSample: boolean;
  prevProbeTooHigh: boolean;
  prevProbePrecautionary: boolean;
  probeUpAckedPerInc: number;
  bwProbeUpAckedBytes: number;
  bwProbeUpRounds: number;

  // RTT, §2.16
  minRttMs: number;
  /** The last sample. */
  rttMs: number;
  minRttStamp: Instant;
  probeRttMinDelayMs: number;
  probeRttMinStamp: Instant;
  isProbeRttExpired: boolean;
  /** Until when samples as low as the least may put ProbeRTT off. */
  confirmableUntil: Instant;
  /** 0 while in-flight data is still too much. */
  probeRttDoneStamp: Instant;
  isProbeRttRoundDone: boolean;

  // Aggregation, §2.12: the maximum of the last rounds, and that of those since `extraAckedRound`
  extraAckedBefore: number;
  extraAckedNow: number;
  extraAckedRound: number;
  extraAckedIntervalStart: Instant;
  extraAckedDelivered: number;

  // Undo, §2.15
  undoState: 'startup' | 'probe-bw-up' | 'none';
  undoBwShortterm: number;
  undoInflightShorttermBytes: number;
  undoInflightLongtermBytes: number;
}

/** What `createModel` starts from. */
export interface ModelOptions {
  readonly mssBytes: number;
  readonly initialWindowSegments: number;
  readonly random: Entropy;
  readonly lossTolerance: number;
  readonly probeRttLongestMs: number;
}

/** OnInit() of draft-ietf-ccwg-bbr §5.2.1. */
export function createModel(options: ModelOptions): BbrModel {
  // Written out: an object made by spreading another is a slow one, and there is one of these for each connection.
  return {
    mssBytes: options.mssBytes,
    initialWindowSegments: options.initialWindowSegments,
    random: options.random,
    lossTolerance: options.lossTolerance,
    probeRttLongestMs: options.probeRttLongestMs,
    initialCwndBytes: 0,
    cwndBytes: 0,
    pacingRate: Number.POSITIVE_INFINITY,
    sendQuantumBytes: 0,
    state: 'startup',
    pacingGain: STARTUP_PACING_GAIN,
    cwndGain: DEFAULT_CWND_GAIN,
    hasBegun: false,
    idleRestart: false,
    priorCwndBytes: 0,
    isInRecovery: false,
    roundCount: 0,
    isRoundStart: false,
    nextRoundDelivered: 0,
    roundsSinceProbeUp: 0,
    cwndLimitedRound: -2,
    maxBwBefore: 0,
    maxBwNow: 0,
    bw: 0,
    bwShortterm: Number.POSITIVE_INFINITY,
    bwLatest: 0,
    fullBw: 0,
    fullBwCount: 0,
    fullBwNow: false,
    fullBwReached: false,
    drainStartRound: 0,
    inflightLongtermBytes: Number.POSITIVE_INFINITY,
    inflightShorttermBytes: Number.POSITIVE_INFINITY,
    inflightLatestBytes: 0,
    isLossInRound: false,
    isLossRoundStart: false,
    lostInRoundBytes: 0,
    deliveredInRoundBytes: 0,
    lossRoundDelivered: 0,
    lossRangeCount: 0,
    ackPhase: 'init',
    cycleStamp: 0,
    bwProbeWaitMs: 0,
    isBwProbeSample: false,
    prevProbeTooHigh: false,
    prevProbePrecautionary: false,
    probeUpAckedPerInc: Number.POSITIVE_INFINITY,
    bwProbeUpAckedBytes: 0,
    bwProbeUpRounds: 0,
    minRttMs: Number.POSITIVE_INFINITY,
    rttMs: 0,
    minRttStamp: 0,
    probeRttMinDelayMs: Number.POSITIVE_INFINITY,
    probeRttMinStamp: 0,
    isProbeRttExpired: false,
    confirmableUntil: 0,
    probeRttDoneStamp: 0,
    isProbeRttRoundDone: false,
    extraAckedBefore: 0,
    extraAckedNow: 0,
    extraAckedRound: 0,
    extraAckedIntervalStart: 0,
    extraAckedDelivered: 0,
    undoState: 'none',
    undoBwShortterm: 0,
    undoInflightShorttermBytes: 0,
    undoInflightLongtermBytes: 0,
  };
}

/** Enters a state; its gains are those of the table in §5.6.1. */
export function enterState(model: BbrModel, state: BbrState, pacingGain: number, cwndGain: number): void {
  model.state = state;
  model.pacingGain = pacingGain;
  model.cwndGain = cwndGain;
}

/** Whether the ACK covers a segment whose record is of use: only then it counts rounds and measures rates. */
export function isRateSample(sample: AckSample): boolean {
  return sample.txInFlightBytes > 0;
}

/** UpdateRound(), §5.5.1: a round trip ends with the first ACK of what left after it had begun. */
export function updateRound(model: BbrModel, sample: AckSample): void {
  model.isRoundStart = isRateSample(sample) && sample.priorDelivered >= model.nextRoundDelivered;
  // Judged by what was in flight when the ACK came, which is when it was most (§2.2, C.is_cwnd_limited).
  if (sample.priorInFlightBytes + model.mssBytes > model.cwndBytes) model.cwndLimitedRound = model.roundCount;
  if (!model.isRoundStart) return;
  startRound(model, sample.delivered);
  model.roundCount += 1;
  model.roundsSinceProbeUp += 1;
}

/** StartRound(): the round ends with the ACK of something that leaves from now on. */
export function startRound(model: BbrModel, delivered: number): void {
  model.nextRoundDelivered = delivered;
}

/** C.is_cwnd_limited, §2.2. */
export function isCwndLimited(model: BbrModel): boolean {
  return model.roundCount - model.cwndLimitedRound <= 1;
}

export function isInProbeBw(model: BbrModel): boolean {
  const { state } = model;
  // Spelled out: it is asked three times for each ACK, and looking into a string takes longer than all the rest.
  return (
    state === 'probe-bw-cruise' ||
    state === 'probe-bw-down' ||
    state === 'probe-bw-refill' ||
    state === 'probe-bw-up'
  );
}

/** IsProbingBW(): whether losses are the price of looking for bandwidth. */
export function isProbingBw(model: BbrModel): boolean {
  const { state } = model;
  return state === 'startup' || state === 'probe-bw-refill' || state === 'probe-bw-up';
}
