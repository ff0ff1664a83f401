import type { Entropy } from '../../../interfaces/entropy.ts';
import type { Instant } from '../../../time/clock.ts';

/**
 * What one acknowledgement says about the path. Reused from ACK to ACK: copy what must outlive the call.
 *
 * The fields of rate are those of draft-ietf-ccwg-bbr §4.1; controllers that do not need them ignore them.
 */
export interface AckSample {
  now: Instant;
  /** Bytes cumulatively acknowledged by this ACK. */
  ackedBytes: number;
  /** Bytes it says were delivered, whether acknowledged or SACKed, for the first time. */
  deliveredBytes: number;
  /** Bytes it made us think lost. */
  lostBytes: number;
  /** Bytes in flight before and after it. */
  priorInFlightBytes: number;
  inFlightBytes: number;
  /** The RTT of the newest segment it covered, or NaN: echoed timestamps are too coarse to be told here. */
  rttMs: number;
  srttMs: number;
  minRttMs: number;
  /** Bytes a millisecond, over the flight of the segment it acknowledged; 0 when there is no sample. */
  deliveryRate: number;
  isAppLimited: boolean;
  /** Bytes delivered on this connection when that segment left: where a round trip ends. */
  priorDelivered: number;
  delivered: number;
  /** Bytes in flight as that segment had left, itself included, and bytes found lost since. */
  txInFlightBytes: number;
  lostSinceSentBytes: number;
  /** Whether the peer does SACK: without it no more than one loss is found in a round trip. */
  hasSack: boolean;
  /** Whether lost data is being repaired. */
  isInRecovery: boolean;
  /** Whether what was out when the RTO ran out is still being repaired. */
  isAfterTimeout: boolean;
  /** Whether the congestion window was what held the sender back (RFC 7661, RFC 9293 §3.8.2). */
  isCwndLimited: boolean;
  /** Explicit congestion marks: always 0 where the socket cannot show them. */
  ecnCeBytes: number;
}

/** One segment found lost, as draft-ietf-ccwg-bbr §5.5.10.2 wants it told. Reused: copy what must outlive the call. */
export interface LossSample {
  now: Instant;
  lengthBytes: number;
  /** Bytes in flight as it had left, itself included, and bytes found lost since, its own included. */
  txInFlightBytes: number;
  lostSinceSentBytes: number;
  isAppLimited: boolean;
  /** Bytes delivered on this connection until now. */
  delivered: number;
  /** Whether it does not continue the one found lost before it. */
  beginsRange: boolean;
  hasSack: boolean;
}

/** What it decides. */
export interface CongestionWindow {
  readonly cwndBytes: number;
  readonly ssthreshBytes: number;
  /** Bytes a millisecond at most; Infinity does not pace. */
  readonly pacingRate: number;
}

/** What a controller needs to go back to before it reacted to a loss that was none (RFC 4015). */
export interface CongestionState {
  readonly cwndBytes: number;
  readonly ssthreshBytes: number;
}

/**
 * Congestion control of one path. It sees samples and events, and answers with a window and a rate; what is sent
 * again, and when, is not its business.
 */
export interface CongestionController extends CongestionWindow {
  readonly name: string;
  /** Whether what is sent in a recovery is to follow RFC 9937 (PRR) on the way from one window to the next. */
  readonly usesPrr: boolean;
  /** Whether it keeps less in flight than the path takes: rate samples then say nothing about the path. */
  readonly isHoldingBack?: boolean;
  /** Every ACK that delivers something. */
  onAck(sample: AckSample): void;
  /** Each segment found lost, before `onAck` for the ACK that showed it. */
  onLost?(loss: LossSample): void;
  /** Loss was found: once for each window of data (RFC 5681 §3.2). `inFlightBytes` is FlightSize. */
  onCongestion(now: Instant, inFlightBytes: number): void;
  /** The lost window is repaired. */
  onRecovered(now: Instant, inFlightBytes: number): void;
  /** The RTO ran out; `isFirst` for the first time of this segment (RFC 5681 §3.1, equation 4). */
  onTimeout(now: Instant, inFlightBytes: number, isFirst: boolean): void;
  /** Its state now, and back to it: the loss it reacted to since was only reordering or delay (RFC 4015 §3.2). */
  save(): CongestionState;
  undo(state: CongestionState): void;
  /** Nothing was sent for longer than an RTO (RFC 5681 §4.1), and something is about to leave. */
  onIdle(now: Instant): void;
  /** The user had nothing to send, nothing is in flight, and a segment is about to leave. */
  onRestart?(now: Instant): void;
  /** The SYN or SYN-ACK was lost (RFC 5681 §3.1). */
  onSynLost(): void;
  /** An earlier connection on this path ended with this ssthresh (RFC 9040 §6): where to stop slow start. */
  recall?(ssthreshBytes: number): void;
  /** The segment size became known, or the path's datagram size changed. */
  setMss(mssBytes: number): void;
}

/** What a controller begins with. */
export interface ControllerOptions {
  readonly mssBytes: number;
  /** RFC 6928 */
  readonly initialWindowSegments: number;
  /** Whether segments leave at its pace; else bursts are for it to keep small. */
  readonly isPaced: boolean;
  /** For those that spread their probes in time. */
  readonly random: Entropy;
}

/** Makes the controller of a new path. */
export type ControllerFactory = (options: ControllerOptions) => CongestionController;
