// Read first: include/uapi/linux/tcp.h of Linux 6.x, struct tcp_info. What is left out, and why: docs/observing.md.
import type { Instant } from '../../time/clock.ts';
import { sendBufferLimit } from './ack.ts';
import { pacingRate } from './pacing.ts';
import { pipe } from './recovery.ts';
import { sendMss } from './segment-size.ts';
import type { State } from './state.ts';
import { closeLimit, Tally, Trouble } from './tally.ts';
import { flightSize, isSynchronized, rcvWnd, type Tcb } from './tcb.ts';

/** Linux's tcp_ca_state: 'disorder' is loss suspected, 'loss' the repair after a time-out. */
export type CaState = 'open' | 'disorder' | 'recovery' | 'loss';

/**
 * A connection as Linux's tcp_info shows it, names camel-cased, the unit in the name. Counts are of segments.
 *
 * What Linux counts in segments and has no unit here is in bytes where the name says so.
 */
export interface TcpInfo {
  readonly state: State;
  readonly caState: CaState;
  /** Time-outs of the oldest segment in a row. */
  readonly retransmits: number;
  /** Unanswered probes of a closed window, and keep-alives. */
  readonly probes: number;
  /** How often the RTO has been doubled. */
  readonly backoff: number;
  /** Whether the delivery rate says less than the path can do. */
  readonly deliveryRateAppLimited: boolean;
  readonly rtoUs: number;
  /** The longest delay of an ACK. */
  readonly atoUs: number;
  readonly sndMssBytes: number;
  readonly rcvMssBytes: number;
  readonly unackedBytes: number;
  readonly sackedBytes: number;
  readonly lostBytes: number;
  /** Sent again, and in flight. */
  readonly retransBytes: number;
  /** RFC 6675's pipe; Linux leaves the sum to the reader. */
  readonly inFlightBytes: number;
  /** Time since; Infinity where there was none. */
  readonly lastDataSentMs: number;
  readonly lastDataRecvMs: number;
  readonly lastAckRecvMs: number;
  /** Of the datagram, UDP and IP headers not counted. */
  readonly pmtuBytes: number;
  readonly rttUs: number;
  readonly rttvarUs: number;
  /** 0 while there is no sample. */
  readonly minRttUs: number;
  readonly sndCwndSegments: number;
  /** Infinity at first. */
  readonly sndSsthreshSegments: number;
  /** The MSS offered to the peer. */
  readonly advmssBytes: number;
  readonly totalRetransSegments: number;
  /** Infinity where nothing is paced. */
  readonly pacingRateBytesPerSecond: number;
  /** 0 while there is no sample. */
  readonly deliveryRateBytesPerSecond: number;
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  /** Text, retransmissions included. */
  readonly bytesSent: number;
  readonly bytesRetrans: number;
  readonly notsentBytes: number;
  /** Delivered, whether acknowledged or SACKed. */
  readonly deliveredBytes: number;
  readonly segsOut: number;
  readonly segsIn: number;
  readonly dataSegsIn: number;
  readonly dataSegsOut: number;
  /** D-SACKs that came (RFC 2883). */
  readonly dsackDups: number;
  /** Segments that came before their turn. */
  readonly rcvOoopack: number;
  /** Time with data to send; in it, limited by the peer's window, and by our buffer with the user waiting. */
  readonly busyTimeUs: number;
  readonly rwndLimitedUs: number;
  readonly sndbufLimitedUs: number;
  readonly sndWndBytes: number;
  readonly rcvWndBytes: number;
  /** Time-outs in all, rows of them that an ACK ended, and how long these took. */
  readonly totalRto: number;
  readonly totalRtoRecoveries: number;
  readonly totalRtoTimeMs: number;

  // Not in tcp_info
  readonly sndbufLimitBytes: number;
  readonly rcvbufLimitBytes: number;
  /** The name of the congestion controller. */
  readonly congestion: string;
  readonly options: {
    readonly timestamps: boolean;
    readonly sack: boolean;
    readonly crc32: boolean;
    readonly sndWscale: number;
    readonly rcvWscale: number;
  };
}

/** What the control block shows of itself at `now`. */
export function tcpInfo(tcb: Tcb, now: Instant): TcpInfo {
  return {
    state: tcb.state,
    caState: caState(tcb),
    ...sending(tcb),
    ...path(tcb),
    ...receiving(tcb),
    ...counted(tcb, now),
    lastAckRecvMs: Math.max(0, now - tcb.lastReceivedAt),
    options: {
      timestamps: tcb.isTimestampsOn,
      sack: tcb.isSackOn,
      crc32: tcb.isCrcOn,
      sndWscale: tcb.sndWindShift,
      rcvWscale: tcb.rcvWindShift,
    },
  };
}

export function caState(tcb: Tcb): CaState {
  if (tcb.phase !== 'open') return tcb.phase;
  return tcb.sent.sackedBytes > 0 || tcb.dupAcks > 0 ? 'disorder' : 'open';
}

function sending(tcb: Tcb) {
  const flight = flightSize(tcb);
  return {
    retransmits: tcb.retransmissions,
    probes: tcb.persistBackoff + tcb.keepAliveProbesSent,
    unackedBytes: flight,
    sackedBytes: tcb.sent.sackedBytes,
    lostBytes: tcb.sent.lostBytes,
    retransBytes: tcb.sent.resentBytes,
    inFlightBytes: pipe(tcb),
    totalRetransSegments: tcb.retransmittedSegments,
    bytesAcked: tcb.bytesSent - textIn(tcb, flight),
    notsentBytes: Math.max(0, (tcb.sendBuffer.tail - tcb.sndNxt) | 0),
    deliveredBytes: tcb.delivered,
    segsOut: tcb.segmentsSent,
    sndWndBytes: tcb.sndWnd,
    sndbufLimitBytes: sendBufferLimit(tcb),
  };
}

/** Of `flight`, which SYN and FIN are part of. */
function textIn(tcb: Tcb, flight: number): number {
  if (!isSynchronized(tcb.state) && tcb.bytesSent === 0) return 0;
  return Math.max(0, flight - (tcb.isFinSent ? 1 : 0));
}

function path(tcb: Tcb) {
  const { rtt, congestion, datagramBytes } = tcb.path;
  const mss = sendMss(tcb);
  return {
    backoff: rtt.backoff,
    rtoUs: microseconds(rtt.rtoMs),
    rttUs: microseconds(rtt.srttMs),
    rttvarUs: microseconds(rtt.rttvarMs),
    minRttUs: rtt.minRttMs === Number.POSITIVE_INFINITY ? 0 : microseconds(rtt.minRttMs),
    sndMssBytes: mss,
    pmtuBytes: datagramBytes,
    sndCwndSegments: Math.floor(congestion.cwndBytes / mss),
    sndSsthreshSegments: Math.floor(congestion.ssthreshBytes / mss),
    pacingRateBytesPerSecond: pacingRate(tcb.path) * 1000,
    congestion: congestion.name,
  };
}

function receiving(tcb: Tcb) {
  return {
    atoUs: microseconds(tcb.profile.ackDelayMs),
    rcvMssBytes: tcb.rcvMss,
    advmssBytes: tcb.profile.mssBytes,
    bytesReceived: tcb.bytesReceived,
    segsIn: tcb.segmentsReceived,
    rcvWndBytes: Math.max(0, rcvWnd(tcb)),
    rcvbufLimitBytes: tcb.rcvLimitBytes,
  };
}

/** What only connections that have carried data count. */
function counted(tcb: Tcb, now: Instant) {
  // After the end nothing is sent any more, and nobody says so.
  const isOver = tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT';
  closeLimit(tcb, isOver ? Math.max(tcb.lastReceivedAt, tcb.lastSentAt) : now);
  const tally = tcb.tally ?? NO_TALLY;
  const trouble = tally.trouble ?? NO_TROUBLE;
  return {
    bytesSent: tcb.bytesSent + trouble.retransmittedBytes,
    bytesRetrans: trouble.retransmittedBytes,
    dataSegsOut: tally.dataSegmentsSent,
    dataSegsIn: tally.dataSegmentsReceived,
    lastDataSentMs: since(tally.lastDataSentAt, now),
    lastDataRecvMs: since(tally.lastDataReceivedAt, now),
    rcvOoopack: trouble.outOfOrderSegments,
    dsackDups: trouble.dsackCount,
    deliveryRateBytesPerSecond: tally.deliveryRate,
    deliveryRateAppLimited: tally.isRateAppLimited,
    busyTimeUs: microseconds(tally.busyMs),
    rwndLimitedUs: microseconds(trouble.receiveWindowLimitedMs),
    sndbufLimitedUs: microseconds(trouble.sendBufferLimitedMs),
    totalRto: trouble.timeoutCount,
    totalRtoRecoveries: trouble.timeoutRecoveryCount,
    totalRtoTimeMs: trouble.timedOutMs + (trouble.timedOutAt < 0 ? 0 : since(trouble.timedOutAt, now)),
  };
}

const NO_TALLY = new Tally();
const NO_TROUBLE = new Trouble();

function since(at: Instant, now: Instant): number {
  return at < 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.round(now) - at);
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}
