// The control block, RFC 9293 §3.3.1: state, no behaviour. The RFC's variables keep their names.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import type { CongestionState } from './congestion/controller.ts';
import type { MemoryBudget } from './memory.ts';
import type { Path } from './path.ts';
import type { Prr, Rack, TailProbe } from './recovery-state.ts';
import { RecvBuffer } from './recv-buffer.ts';
import type { SackScoreboard } from './scoreboard.ts';
import { SendBuffer } from './send-buffer.ts';
import { SentSegments } from './sent-segments.ts';
import { type Seq, seqAdd } from './seq.ts';
import type { State } from './state.ts';
import type { Tally } from './tally.ts';

/** Why a connection ended. 'done' is the good one. */
export type CloseReason =
  | 'done'
  /** The peer reset it. */
  | 'reset'
  /** The peer answered our SYN with a reset, or the network says that nobody is there. */
  | 'refused'
  /** Nobody acknowledged for too long (R2, user timeout, SYN retries, keep-alive). */
  | 'timeout'
  /** This side aborted. */
  | 'aborted'
  /** This side closed, and the peer went on sending for longer than lingerMs. */
  | 'linger-expired'
  /** One direction has carried all the bytes that Vertex can count. */
  | 'stream-full';

/** What waits to be told to the user: bits of `Tcb.news`. */
export const News = {
  Accepted: 1,
  Established: 2,
  Urgent: 4,
  Readable: 8,
  Writable: 16,
  PeerClosed: 32,
  PathSuspect: 64,
  Closed: 128,
} as const;

/**
 * One connection.
 *
 * Invariants: SND.UNA <= SND.NXT; SND.WL1, SND.WL2 are those of the segment that last set SND.WND; RCV.NXT never goes
 * back; `rcvAdv`, the right edge told to the peer, never goes back.
 */
export interface Tcb {
  state: State;
  path: Path;
  readonly localPort: number;
  readonly remotePort: number;
  readonly profile: Profile;
  /** Passive: a listener took it. Before ESTABLISHED such a connection is a HalfOpen. */
  readonly isPassive: boolean;
  /** Both sides try at once through NATs: a refusal on the way means nothing yet. */
  readonly isHolePunching: boolean;

  // Send sequence space, RFC 9293 §3.3.1
  iss: Seq;
  sndUna: Seq;
  sndNxt: Seq;
  sndWnd: number;
  sndWl1: Seq;
  sndWl2: Seq;
  /** Max.SND.WND of RFC 9293 §3.8.6.2.1 and RFC 5961 §5. */
  maxSndWnd: number;
  /** Since when the peer's window has not been worth a segment; NEVER while it is. */
  windowShutAt: Instant;
  /** Snd.Wind.Shift and Rcv.Wind.Shift, RFC 7323 §2.3. */
  sndWindShift: number;
  rcvWindShift: number;

  // Receive sequence space
  irs: Seq;
  rcvNxt: Seq;
  /** Right edge of the window we last told the peer: RCV.NXT + RCV.WND of then. */
  rcvAdv: Seq;
  /** Last.ACK.sent, RFC 7323 §4.3. */
  lastAckSent: Seq;

  sendBuffer: SendBuffer;
  recvBuffer: RecvBuffer;
  /** How much the receive buffer may hold now. */
  rcvLimitBytes: number;
  /** Automatic sizing of it: bytes read since `rcvRoundAt`. */
  rcvRoundBytes: number;
  rcvRoundAt: Instant;
  /** Largest segment the peer has sent: our guess at its segment size, for delayed ACKs. */
  rcvMss: number;

  // What was negotiated
  /** The peer's MSS option, or its default. */
  peerMss: number;
  isSackOn: boolean;
  isTimestampsOn: boolean;
  isCrcOn: boolean;
  isPtcpPeer: boolean;
  isScalingOn: boolean;
  /** Random half of the token in our SYN. */
  readonly token: number;

  // Timestamps, RFC 7323 §4.3
  tsOffset: number;
  tsRecent: number;
  tsRecentAt: Instant;

  // In flight and loss recovery
  sent: SentSegments;
  scoreboard: SackScoreboard | undefined;
  rack: Rack | undefined;
  prr: Prr | undefined;
  tailProbe: TailProbe | undefined;
  /** A tail probe has left and no RTT was measured since (RFC 8985 §7.3). */
  isTailProbeSpent: boolean;
  /** The step of RFC 5682 §3.1 that the next ACK is for, 2 or 3; 0 outside. */
  frtoStep: 0 | 2 | 3;
  /** 'recovery': RFC 8985, 6675 or 6582. 'loss': after an RTO. */
  phase: 'open' | 'recovery' | 'loss';
  recoveryPoint: Seq;
  dupAcks: number;
  /** HighRxt, RFC 6675 §2, and whether the rescue retransmission of §4 was used. */
  highRxt: Seq;
  isRescued: boolean;
  /** Bytes that duplicate ACKs without SACK say have left the network (RFC 6582, counted as RFC 6675 counts). */
  dupAckedBytes: number;
  /** FlightSize when the recovery began: as much as they can truly say (RFC 5681 §3.2, step 4). */
  recoveryFlightBytes: number;
  /** What to go back to if the repair proves needless, RFC 4015; undefined once it is past proving. */
  undo: Undo | undefined;
  /** Whether the window was full when data was last sent. */
  isCwndLimited: boolean;
  lastSentAt: Instant;
  /** Consecutive time-outs of the oldest segment, or probes of a closed window without an answer. */
  retransmissions: number;
  /** When the oldest unacknowledged data was first in want of an ACK: R2 and the user timeout count from here. */
  unansweredSince: Instant;
  isPathSuspect: boolean;
  /** For tcpInfo. */
  retransmittedSegments: number;

  // Delivery rate, draft-ietf-ccwg-bbr §4.1
  delivered: number;
  deliveredAt: Instant;
  firstSentAt: Instant;
  /** What leaves before more than this is delivered is app-limited; -1 while nothing is. */
  appLimitedUntil: number;
  /** Where the segment ends that was last found lost. */
  lostUntil: Seq;

  // Debts: what the next poll must pay
  owesAck: boolean;
  owesKeepAlive: boolean;
  owesProbe: boolean;
  owesTailProbe: boolean;
  owesSyn: boolean;
  /** A reset, and the sequence number it carries. */
  owesReset: boolean;
  resetSeq: Seq;
  /** In-order bytes not yet acknowledged. */
  ackPendingBytes: number;
  quickAcksLeft: number;
  /** D-SACK to report, RFC 2883: empty when start equals end. */
  dsackStart: Seq;
  dsackEnd: Seq;
  /** A place in each isle of out-of-order data, the one that grew last first (RFC 2018 §4). */
  recentIsles: readonly number[] | undefined;
  challengeAcksLeft: number;
  challengeRoundAt: Instant;

  // Closing
  /** The user has closed his direction: a FIN follows the last byte. */
  isFinQueued: boolean;
  isFinSent: boolean;
  isFinReceived: boolean;
  /** Sequence number of the peer's FIN if it came before the data in front of it. */
  pendingFin: Seq | undefined;
  /** The user has closed for reading too: what comes is discarded. */
  isClosedByUser: boolean;
  /** Only where the peer is to be treated like Vertex. */
  readonly vertex: VertexPeer | undefined;
  closeReason: CloseReason | undefined;

  // Due times
  retransmitAt: Instant;
  /** RFC 8985 §6.2: the next segment is lost then. */
  reorderAt: Instant;
  /** RFC 8985 §7.2: the PTO. */
  tailProbeAt: Instant;
  persistAt: Instant;
  persistBackoff: number;
  delayedAckAt: Instant;
  keepAliveAt: Instant;
  keepAliveProbesSent: number;
  lastReceivedAt: Instant;
  lingerAt: Instant;
  pacedAt: Instant;
  releaseAt: Instant;

  // Urgent data, RFC 9293 §3.8.5: where it ends, that of the peer and ours (SND.UP)
  urgentUntil: Seq | undefined;
  sndUp: Seq | undefined;

  synTransmissions: number;
  /** Text that went with our SYN. SND.NXT leaves it out: what the SYN-ACK does not acknowledge is sent as if for the first time. */
  synTextBytes: number;
  nagle: boolean;
  /** Segments that are not full wait for more to be written. */
  isCorked: boolean;
  keepAlive: boolean;
  /** The user wrote less than he wanted to and waits for room. */
  wantsToWrite: boolean;
  news: number;
  bytesSent: number;
  bytesReceived: number;
  segmentsSent: number;
  segmentsReceived: number;
  /** Undefined until there is something to count. */
  tally: Tally | undefined;
}

/** What is kept of a peer that speaks Vertex's wire, besides. */
export interface VertexPeer {
  /** The `lastSentAt` of the text whose ACK was asked for. */
  pokedAt: Instant;
  /** Where what it has in flight began, as far as can be told. */
  flightStart: Seq;
  /** Its FIN has ended our direction as well, and whether that has cost text of ours. */
  isPeerGone: boolean;
  isTextLost: boolean;
}

/** What a repair of losses began with. */
export interface Undo {
  readonly congestion: CongestionState;
  /** Our timestamp when the first retransmission left; undefined while nothing was sent again. */
  firstResend: number | undefined;
}

export interface TcbOptions {
  readonly state: State;
  readonly path: Path;
  readonly localPort: number;
  readonly remotePort: number;
  readonly profile: Profile;
  readonly isPassive: boolean;
  readonly isHolePunching: boolean;
  readonly iss: Seq;
  readonly tsOffset: number;
  readonly token: number;
  readonly memory: MemoryBudget;
  readonly now: Instant;
}

export function createTcb(options: TcbOptions): Tcb {
  const { profile, iss, memory, now } = options;
  return {
    state: options.state,
    path: options.path,
    localPort: options.localPort,
    remotePort: options.remotePort,
    profile,
    isPassive: options.isPassive,
    isHolePunching: options.isHolePunching,
    iss,
    sndUna: iss,
    sndNxt: iss,
    sndWnd: 0,
    sndWl1: 0,
    sndWl2: 0,
    maxSndWnd: 0,
    windowShutAt: NEVER,
    sndWindShift: 0,
    rcvWindShift: 0,
    irs: 0,
    rcvNxt: 0,
    rcvAdv: 0,
    lastAckSent: 0,
    sendBuffer: new SendBuffer(seqAdd(iss, 1), memory),
    recvBuffer: new RecvBuffer(memory),
    rcvLimitBytes: profile.receiveBufferBytes,
    rcvRoundBytes: 0,
    rcvRoundAt: now,
    rcvMss: 0,
    peerMss: profile.defaultPeerMssBytes,
    isSackOn: false,
    isTimestampsOn: false,
    isCrcOn: false,
    isPtcpPeer: false,
    isScalingOn: false,
    token: options.token,
    tsOffset: options.tsOffset,
    tsRecent: 0,
    tsRecentAt: -NEVER,
    sent: new SentSegments(),
    scoreboard: undefined,
    rack: undefined,
    prr: undefined,
    tailProbe: undefined,
    isTailProbeSpent: false,
    frtoStep: 0,
    phase: 'open',
    recoveryPoint: iss,
    dupAcks: 0,
    highRxt: iss,
    isRescued: false,
    dupAckedBytes: 0,
    recoveryFlightBytes: 0,
    undo: undefined,
    isCwndLimited: false,
    lastSentAt: -NEVER,
    retransmissions: 0,
    unansweredSince: NEVER,
    isPathSuspect: false,
    retransmittedSegments: 0,
    delivered: 0,
    deliveredAt: now,
    firstSentAt: now,
    appLimitedUntil: -1,
    lostUntil: iss,
    owesAck: false,
    owesKeepAlive: false,
    owesProbe: false,
    owesTailProbe: false,
    owesSyn: false,
    owesReset: false,
    resetSeq: iss,
    ackPendingBytes: 0,
    quickAcksLeft: profile.quickAckCount,
    dsackStart: 0,
    dsackEnd: 0,
    recentIsles: undefined,
    challengeAcksLeft: 0,
    challengeRoundAt: -NEVER,
    isFinQueued: false,
    isFinSent: false,
    isFinReceived: false,
    pendingFin: undefined,
    isClosedByUser: false,
    vertex:
      profile.wire === 'vertex'
        ? { pokedAt: -NEVER, flightStart: 1, isPeerGone: false, isTextLost: false }
        : undefined,
    closeReason: undefined,
    retransmitAt: NEVER,
    reorderAt: NEVER,
    tailProbeAt: NEVER,
    persistAt: NEVER,
    persistBackoff: 0,
    delayedAckAt: NEVER,
    keepAliveAt: NEVER,
    keepAliveProbesSent: 0,
    lastReceivedAt: now,
    lingerAt: NEVER,
    pacedAt: NEVER,
    releaseAt: NEVER,
    urgentUntil: undefined,
    sndUp: undefined,
    synTransmissions: 0,
    synTextBytes: 0,
    nagle: profile.nagle,
    isCorked: false,
    keepAlive: profile.keepAlive,
    wantsToWrite: false,
    news: 0,
    bytesSent: 0,
    bytesReceived: 0,
    segmentsSent: 0,
    segmentsReceived: 0,
    tally: undefined,
  };
}

/** The highest acknowledgment before the handshake is over: our SYN, and the text that went with it. */
export function maxSynAck(tcb: Tcb): Seq {
  return seqAdd(tcb.sndNxt, tcb.synTextBytes);
}

/** Bytes of sequence space sent and not acknowledged: FlightSize of RFC 5681 §2. */
export function flightSize(tcb: Tcb): number {
  return (tcb.sndNxt - tcb.sndUna) | 0;
}

/** RCV.WND: what the peer may still send, by what we told it. */
export function rcvWnd(tcb: Pick<Tcb, 'rcvNxt' | 'rcvAdv'>): number {
  return (tcb.rcvAdv - tcb.rcvNxt) | 0;
}

/** Whether the peer speaks with Vertex's header, and is to be treated like Vertex. */
export function isVertex(tcb: Tcb): boolean {
  return tcb.vertex !== undefined;
}

/** The same for what is no Tcb, apart: `isVertex` is asked ten times for each segment, and faster with one kind of object. */
export function isOnVertex({ profile }: { readonly profile: Profile }): boolean {
  return profile.wire === 'vertex';
}

/** Whether the three-way handshake is over and the state is one of the synchronized ones. */
export function isSynchronized(state: State): boolean {
  return state !== 'LISTEN' && state !== 'SYN-SENT' && state !== 'SYN-RECEIVED' && state !== 'CLOSED';
}

/** Whether the user can still put bytes into the stream in this state. */
export function canSendText(tcb: Tcb): boolean {
  return !tcb.isFinQueued && tcb.state !== 'CLOSED';
}

/** Whether the peer can still put bytes into the stream in this state. */
export function canReceiveText(tcb: Tcb): boolean {
  return tcb.state === 'ESTABLISHED' || tcb.state === 'FIN-WAIT-1' || tcb.state === 'FIN-WAIT-2';
}
