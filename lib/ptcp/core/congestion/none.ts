import type { CongestionController, CongestionState } from './controller.ts';

/** No congestion control at all: the peer's window alone limits. For tests and for links that nobody shares. */
export class Uncontrolled implements CongestionController {
  readonly name = 'none';
  readonly usesPrr = false;
  readonly cwndBytes = Number.POSITIVE_INFINITY;
  readonly ssthreshBytes = Number.POSITIVE_INFINITY;
  readonly pacingRate = Number.POSITIVE_INFINITY;
  onAck(): void {}
  onCongestion(): void {}
  onRecovered(): void {}
  onTimeout(): void {}
  save(): CongestionState {
    return this;
  }
  undo(): void {}
  onIdle(): void {}
  onSynLost(): void {}
  setMss(): void {}
}
