// Read first: draft-ietf-ccwg-bbr-06 §5. Names and order of the steps are those of its pseudocode.
import type { Instant } from '../../../../time/clock.ts';
import type {
  AckSample,
  CongestionController,
  CongestionState,
  ControllerOptions,
  LossSample,
} from '../controller.ts';
import { initialWindowBytes } from '../initial-window.ts';
import { updateAckAggregation } from './aggregation.ts';
import { boundBwForModel, checkFullBwReached } from './bandwidth.ts';
import {
  initPacingRate,
  resizeSegments,
  restoreCwnd,
  setCwnd,
  setPacingRate,
  setSendQuantum,
} from './control.ts';
import { saveStateUponLoss, segmentLost, undoLoss } from './loss.ts';
import { type BbrModel, createModel, isInProbeBw } from './model.ts';
import { PROBE_RTT_LONGEST_MS } from './parameters.ts';
import { updateProbeBwCyclePhase } from './probe-bw.ts';
import { checkProbeRtt, checkProbeRttDone, updateMinRtt } from './probe-rtt.ts';
import {
  advanceLatestDeliverySignals,
  updateCongestionSignals,
  updateLatestDeliverySignals,
} from './short-term.ts';
import { checkDrainDone, checkStartupDone } from './startup.ts';

/** What BBR begins with, besides what every controller does. */
export interface BbrOptions extends ControllerOptions {
  /** What share of a round trip's data may be lost by chance, without a queue. 0 when left out: all as in the draft. */
  readonly lossTolerance?: number;
  /** How long samples as low as the least may put ProbeRTT off. When left out, not at all where no loss is by chance. */
  readonly probeRttLongestMs?: number;
}

/** BBRv3: keeps a model of the path's bandwidth and round trip, and as much in flight as that takes. */
export class Bbr implements CongestionController {
  readonly name = 'bbr';
  readonly usesPrr = false;
  readonly ssthreshBytes = Number.POSITIVE_INFINITY;
  cwndBytes = 0;
  pacingRate = Number.POSITIVE_INFINITY;
  isHoldingBack = false;
  #isAfterTimeout = false;
  readonly #options: BbrOptions;
  #mssBytes: number;
  /** Undefined until there is something to put into it: it takes a kilobyte, and a process may hold very many idle ones. */
  #model: BbrModel | undefined = undefined;

  constructor(options: BbrOptions) {
    this.#options = options;
    this.#mssBytes = options.mssBytes;
    this.setMss(options.mssBytes);
  }

  /** For showing and for tests: the state it is in and what it believes of the path. */
  get model(): BbrModel {
    this.#model ??= this.#begin();
    return this.#model;
  }

  #begin(): BbrModel {
    const { initialWindowSegments, random, lossTolerance = 0 } = this.#options;
    const { probeRttLongestMs = lossTolerance === 0 ? 0 : PROBE_RTT_LONGEST_MS } = this.#options;
    const mssBytes = this.#mssBytes;
    const model = createModel({ mssBytes, initialWindowSegments, random, lossTolerance, probeRttLongestMs });
    resizeSegments(model, mssBytes);
    return model;
  }

  /** UpdateOnACK(), §5.2.3. */
  onAck(sample: AckSample): void {
    const { model } = this;
    if (!model.hasBegun) begin(model, sample);
    this.#leaveTimeout(sample);
    updateLatestDeliverySignals(model, sample);
    updateCongestionSignals(model, sample);
    updateAckAggregation(model, sample);
    checkFullBwReached(model, sample);
    checkStartupDone(model, sample);
    checkDrainDone(model, sample);
    updateProbeBwCyclePhase(model, sample);
    updateMinRtt(model, sample);
    checkProbeRtt(model, sample);
    advanceLatestDeliverySignals(model, sample);
    boundBwForModel(model);
    setPacingRate(model, model.pacingGain);
    setSendQuantum(model);
    setCwnd(model, sample);
    this.#decide();
  }

  onLost(loss: LossSample): void {
    segmentLost(this.model, loss);
  }

  /** OnEnterFastRecovery(), §5.6.4.4: how much less to send is for each round to say, not for the event. */
  onCongestion(_now: Instant, _inFlightBytes: number): void {
    this.#enterRecovery();
  }

  onRecovered(_now: Instant, _inFlightBytes: number): void {
    this.model.isInRecovery = false;
    restoreCwnd(this.model);
    this.#decide();
  }

  /** OnEnterRTO(), §5.6.4.4: all is out of the pipe, so a window of one segment lets one go. */
  onTimeout(_now: Instant, _inFlightBytes: number, _isFirst: boolean): void {
    this.#enterRecovery();
    this.#isAfterTimeout = true;
    this.model.cwndBytes = this.model.mssBytes;
    this.#decide();
  }

  save(): CongestionState {
    return { cwndBytes: this.cwndBytes, ssthreshBytes: this.ssthreshBytes };
  }

  undo(_state: CongestionState): void {
    this.model.isInRecovery = false;
    this.#isAfterTimeout = false;
    undoLoss(this.model);
    this.#decide();
  }

  /** §5.4.2: the model stays, and pacing keeps bursts away. */
  onIdle(): void {}

  /** HandleRestartFromIdle(), §5.4.1. */
  onRestart(now: Instant): void {
    const model = this.#model;
    if (model?.hasBegun !== true) return;
    model.idleRestart = true;
    model.extraAckedIntervalStart = now;
    if (isInProbeBw(model)) setPacingRate(model, 1);
    else if (model.state === 'probe-rtt')
      checkProbeRttDone(model, { now, delivered: model.nextRoundDelivered });
    this.#decide();
  }

  onSynLost(): void {
    // RFC 5681 §3.1: then the initial window is one segment.
    this.model.cwndBytes = this.model.mssBytes;
    this.#decide();
  }

  setMss(mssBytes: number): void {
    this.#mssBytes = mssBytes;
    if (this.#model === undefined) {
      this.cwndBytes = initialWindowBytes(mssBytes, this.#options.initialWindowSegments);
      return;
    }
    resizeSegments(this.#model, mssBytes);
    this.#decide();
  }

  #enterRecovery(): void {
    saveStateUponLoss(this.model);
    this.model.isInRecovery = true;
  }

  /** What was out at the time-out is repaired: the window is again what it was. */
  #leaveTimeout(sample: AckSample): void {
    if (!this.#isAfterTimeout || sample.isAfterTimeout) return;
    this.#isAfterTimeout = false;
    this.model.isInRecovery = sample.isInRecovery;
    restoreCwnd(this.model);
  }

  #decide(): void {
    const { model } = this;
    this.cwndBytes = model.cwndBytes;
    this.pacingRate = model.pacingRate;
    this.isHoldingBack = model.state === 'probe-rtt';
  }
}

/** The first ACK: now there are a time and an RTT to start from. */
function begin(model: BbrModel, sample: AckSample): void {
  model.hasBegun = true;
  model.minRttStamp = sample.now;
  model.probeRttMinStamp = sample.now;
  model.extraAckedIntervalStart = sample.now;
  initPacingRate(model, sample.srttMs);
}
