import { sendBufferLimit } from './ack.ts';
import { pacingRate } from './pacing.ts';
import { pipe } from './recovery.ts';
import { sendMss } from './segment-size.ts';
import type { State } from './state.ts';
import { flightSize, rcvWnd, type Tcb } from './tcb.ts';

/** A connection as Linux's tcp_info shows it (include/uapi/linux/tcp.h, 6.x), names camel-cased, the unit in the name. */
export interface TcpInfo {
  readonly state: State;
  readonly rtoUs: number;
  readonly rttUs: number;
  readonly rttvarUs: number;
  /** 0 while there is no sample. */
  readonly minRttUs: number;
  readonly sndMssBytes: number;
  readonly rcvMssBytes: number;
  readonly pmtuBytes: number;
  readonly sndCwndSegments: number;
  readonly sndSsthreshSegments: number;
  readonly unackedBytes: number;
  readonly sackedBytes: number;
  readonly lostBytes: number;
  readonly inFlightBytes: number;
  /** Time-outs of the oldest segment in a row. */
  readonly retransmits: number;
  readonly totalRetransSegments: number;
  readonly segsOut: number;
  readonly segsIn: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly notsentBytes: number;
  readonly sndWndBytes: number;
  readonly rcvWndBytes: number;
  readonly sndbufLimitBytes: number;
  readonly rcvbufLimitBytes: number;
  readonly pacingRateBytesPerSecond: number;
  readonly congestion: string;
  readonly options: {
    readonly timestamps: boolean;
    readonly sack: boolean;
    readonly crc32: boolean;
    readonly sndWscale: number;
    readonly rcvWscale: number;
  };
}

/** What the control block shows of itself now. */
export function tcpInfo(tcb: Tcb): TcpInfo {
  const { rtt, congestion, datagramBytes } = tcb.path;
  const mss = sendMss(tcb);
  return {
    state: tcb.state,
    rtoUs: microseconds(rtt.rtoMs),
    rttUs: microseconds(rtt.srttMs),
    rttvarUs: microseconds(rtt.rttvarMs),
    minRttUs: rtt.hasSample ? microseconds(rtt.minRttMs) : 0,
    sndMssBytes: mss,
    rcvMssBytes: tcb.rcvMss,
    pmtuBytes: datagramBytes,
    sndCwndSegments: Math.floor(congestion.cwndBytes / mss),
    sndSsthreshSegments: Math.floor(congestion.ssthreshBytes / mss),
    unackedBytes: flightSize(tcb),
    sackedBytes: tcb.sent.sackedBytes,
    lostBytes: tcb.sent.lostBytes,
    inFlightBytes: pipe(tcb),
    retransmits: tcb.retransmissions,
    totalRetransSegments: tcb.retransmittedSegments,
    segsOut: tcb.segmentsSent,
    segsIn: tcb.segmentsReceived,
    bytesSent: tcb.bytesSent,
    bytesReceived: tcb.bytesReceived,
    notsentBytes: Math.max(0, (tcb.sendBuffer.tail - tcb.sndNxt) | 0),
    sndWndBytes: tcb.sndWnd,
    rcvWndBytes: Math.max(0, rcvWnd(tcb)),
    sndbufLimitBytes: sendBufferLimit(tcb),
    rcvbufLimitBytes: tcb.rcvLimitBytes,
    pacingRateBytesPerSecond: pacingRate(tcb.path) * 1000,
    congestion: congestion.name,
    options: {
      timestamps: tcb.isTimestampsOn,
      sack: tcb.isSackOn,
      crc32: tcb.isCrcOn,
      sndWscale: tcb.sndWindShift,
      rcvWscale: tcb.rcvWindShift,
    },
  };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}
