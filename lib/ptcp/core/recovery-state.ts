// What loss recovery remembers of a connection once it has anything to remember.
import type { Instant } from '../../time/clock.ts';
import type { Seq } from './seq.ts';

/** The variables of RFC 8985 for a connection. A connection has none before its first SACK or retransmission. */
export interface Rack {
  /** RACK.xmit_ts and RACK.end_seq: of the segment that left last of those that have arrived. */
  xmitAt: Instant;
  endSeq: Seq;
  /** RACK.rtt. */
  rttMs: number;
  /** RACK.fack: where the highest segment ends that has arrived. */
  fack: Seq;
  isReorderingSeen: boolean;
  /** RACK.dsack_round; undefined outside of one. */
  dsackRound: Seq | undefined;
  reoWndMult: number;
  reoWndPersist: number;
  /** D-SACKs that have come: no more than retransmissions of ours can explain count. */
  dsackCount: number;
}

/** The tail loss probe that is not accounted for yet, RFC 8985 §7.1; without one TLP.end_seq is None. */
export interface TailProbe {
  /** TLP.end_seq. */
  readonly endSeq: Seq;
  /** TLP.is_retrans: where the segment begins that was sent again; undefined for new data. */
  readonly resentFrom: Seq | undefined;
  /** Our timestamp as it left. */
  readonly tsVal: number;
}

/** The variables of RFC 9937, for the length of one recovery. */
export interface Prr {
  /** RecoverFS: bytes that may be delivered in this recovery. */
  recoverFs: number;
  prrDelivered: number;
  prrOut: number;
  /** What may be in flight. */
  cwndBytes: number;
}
