import type { TcpMeasures } from 'hawser';
import type { LinkStats } from 'hawser/testing';

/** What a process has used up so far. */
export interface Usage {
  readonly peakRssBytes: number;
  readonly cpuSeconds: number;
}

export interface SenderReport {
  readonly bytes: number;
  /** From the call that connects to the receiver's hash. */
  readonly seconds: number;
  readonly sha256: string;
  /** Whether the receiver answered with the same hash. */
  readonly isConfirmed: boolean;
  readonly measures: TcpMeasures;
  readonly usage: Usage;
}

export interface ReceiverReport {
  readonly bytes: number;
  readonly sha256: string;
  /** Datagrams that reached its socket, and those it refused: by PTCP's CRC-32, and for their form. */
  readonly datagrams: number;
  readonly crcFailures: number;
  readonly malformed: number;
  readonly usage: Usage;
}

export interface RelayReport {
  readonly toReceiver: LinkStats;
  readonly toSender: LinkStats;
  readonly usage: Usage;
}

/** What the parts of the demo say while they work. */
export interface ReceiverProgress {
  readonly bytes: number;
}

export type SenderProgress = Pick<TcpMeasures, 'rttUs' | 'segsOut' | 'totalRetransSegments'>;

/** What a child says to its parent. `progress` comes over and over; then `finished` or `failed`, once. */
export type ChildMessage<Progress = unknown, Report = unknown> =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'finished'; readonly report: Report }
  | { readonly type: 'failed'; readonly why: string };

/** What each child is told on its command line. */
export interface Order<S> {
  readonly settings: S;
  /** The port on loopback that it sends to; the receiver sends to nobody first. */
  readonly toPort: number;
}
