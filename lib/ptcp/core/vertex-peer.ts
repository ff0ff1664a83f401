// What the program at the other end of a Vertex wire does and does not bear. Read first: docs/ptcp.md, "Vertex on the
// wire", which has the facts that the rules here rest on.
import { NEVER } from '../../time/clock.ts';
import type { Profile, Wire } from './config.ts';
import { sendMss } from './segment-size.ts';
import { seqDiff } from './seq.ts';
import { isVertex, type Tcb, type VertexPeer } from './tcb.ts';
import { Flag, type Segment } from './wire/segment.ts';

/** Text of its segments: what 512 bytes leave. It refuses what ends later than this after RCV.NXT. */
const MSS_BYTES = 489;
/** What it has in flight at most, and is sent at most, whatever the window fields say. */
const FLIGHT_BYTES = 2 * MSS_BYTES;
/** An STB may be forged: no smaller datagram is believed, or asked for. */
const LEAST_MSS_BYTES = 100;
/** It delays an ACK by 100 ms, and anew with each segment. */
const RTO_MIN_MS = 300;
/** It may drop everything for as long as its user is not reading, and says nothing when it goes on. */
const RTO_MAX_MS = 1000;
/** It sends its FIN every 500 ms until that is acknowledged. */
const TIME_WAIT_MS = 5000;

/** It cannot count beyond 2^32, so here the text of one direction ends. */
const STREAM_BYTES = 2 ** 32 - 2 ** 16;

/** The pseudo-port of Vertex's listeners. */
export const VERTEX_PSEUDO_PORT = 1;

/** `profile` as it holds on one wire of those it names. */
export function profileOn(wire: Wire, profile: Profile): Profile {
  if (wire === 'tcp') return profile.wire === 'tcp' ? profile : { ...profile, wire };
  return {
    ...profile,
    wire,
    // It takes any other for text that is far ahead.
    iss: 0,
    windowScale: 'off',
    sack: false,
    rack: false,
    timestamps: false,
    ptcpOption: false,
    crc32: false,
    urgentData: false,
    synCookies: 'off',
    maxPlpmtuBytes: 'off',
    // Its delayed ACKs say little of the path.
    sharePathState: false,
    // An ACK below its FIN is worse than a late one.
    quickAckCount: 0,
    // As little as two segments need no pace.
    pacing: false,
    rtoMinMs: Math.max(profile.rtoMinMs, RTO_MIN_MS),
    // Not RFC 6298 §2.5 (60 s at least): its user may start reading again at any time, and two segments are no load.
    rtoMaxMs: Math.max(RTO_MIN_MS, Math.min(profile.rtoMaxMs, RTO_MAX_MS)),
    timeWaitMs: Math.min(profile.timeWaitMs, TIME_WAIT_MS),
  };
}

/** The wires that `profile` names, the first of them first. */
export function wiresOf({ wire }: Profile): readonly Wire[] {
  return typeof wire === 'string' ? [wire] : wire;
}

/** Gives a segment of Vertex what TCP would have had in it: the ACK of a FIN, an MSS, and a window that means something. */
export function readAsTcp(segment: Segment): void {
  // The number of a FIN's acknowledgment is right, only the flag is not set.
  if ((segment.flags & (Flag.FIN | Flag.SYN | Flag.RST)) === Flag.FIN) segment.flags |= Flag.ACK;
  if ((segment.flags & Flag.SYN) !== 0) segment.mss = MSS_BYTES;
  segment.window = FLIGHT_BYTES;
}

/** An STB: the way cuts off what is longer. What is in flight goes again, in smaller pieces of the same cuts. */
export function shrinkSegments(tcb: Tcb, stbBytes: number): void {
  const mss = Math.max(stbBytes, LEAST_MSS_BYTES);
  if (mss >= sendMss(tcb)) return;
  tcb.peerMss = mss;
  tcb.path.congestion.setMss(mss);
  tcb.sent.markAllLost(false);
  // That is no congestion: nobody is told.
  tcb.sent.newlyLost.length = 0;
}

/** Whether `textBytes`, all that came of a datagram, are worth telling: fewer are nobody's path, and 0 would hang it. */
export function isStbDue(textBytes: number): boolean {
  return textBytes >= LEAST_MSS_BYTES;
}

/** Its SYN counts as room once it is acknowledged: its flights have a byte more than it would have. */
const FULL_FLIGHT_BYTES = FLIGHT_BYTES + 1;
const LAST_BYTE_MS = 1;

/**
 * How long what came may wait for its ACK. It sends nothing more before all that is in flight is acknowledged: a full
 * flight at once, whatever of it was acknowledged by the way. Less than that is all it has, and a FIN may follow.
 */
export function ackDelayMs(tcb: Tcb, vertex: VertexPeer): number {
  const flightBytes = seqDiff(tcb.rcvNxt, vertex.flightStart);
  if (flightBytes >= FULL_FLIGHT_BYTES) {
    vertex.flightStart = tcb.rcvNxt;
    return 0;
  }
  const { ackDelayMs } = tcb.profile;
  return flightBytes >= FLIGHT_BYTES ? Math.min(LAST_BYTE_MS, ackDelayMs) : ackDelayMs;
}

/**
 * Whether an ACK may leave now. One below its FIN makes it forget that it waits for the ACK of that FIN, and it would wait
 * for ever: while a FIN is here and text before it is not, there is none.
 */
export function isAckSafe(tcb: Tcb): boolean {
  return !isVertex(tcb) || tcb.pendingFin === undefined || tcb.isFinReceived;
}

/**
 * Its FIN has come: it has told its user that the connection is over, and acknowledges what still reaches it without
 * anybody to read it. So it ends here too, and what was not sent never is. What is in flight may have been read: a FIN
 * that its user asks for as he reads acknowledges only what was before.
 */
export function peerIsGone(tcb: Tcb): void {
  const { vertex } = tcb;
  if (vertex === undefined) return;
  vertex.isPeerGone = true;
  vertex.isTextLost = hasUnsent(tcb) || tcb.wantsToWrite;
  tcb.sendBuffer.cutAt(tcb.sndNxt);
  tcb.isFinQueued = true;
}

/** It retransmits for 25 s, and a user that does not read keeps our FIN away for as long. */
const FIN_WAIT_1_MS = 30_000;
/** It answers a FIN within 10 ms, but may have text to send first. */
const FIN_WAIT_2_MS = 60_000;
/** Its TIME-WAIT is 10 ms: if its last ACK is lost there is never another. */
const LAST_ACK_MS = 5000;

/** How long it may be silent in this state of a connection that is being closed; undefined where it may for ever. */
export function closingPatienceMs(tcb: Tcb): number | undefined {
  switch (tcb.state) {
    case 'FIN-WAIT-1':
      return FIN_WAIT_1_MS;
    case 'FIN-WAIT-2':
      return tcb.isClosedByUser && tcb.profile.lingerMs > 0 ? tcb.profile.lingerMs : FIN_WAIT_2_MS;
    case 'CLOSE-WAIT':
    case 'CLOSING':
    case 'LAST-ACK':
      return LAST_ACK_MS;
    default:
      return undefined;
  }
}

/** It has shown life: its time to close begins anew, unless it is to be over at some point whatever comes. */
export function restartPatience(tcb: Tcb): void {
  if (tcb.state !== 'FIN-WAIT-2' || !tcb.isClosedByUser) tcb.lingerAt = NEVER;
}

/**
 * Whether an octet that it has already would bring an ACK that it delays. Something waits for that ACK: it answers what
 * is old at once, unless text of its own is under way.
 */
export function wantsPoke(tcb: Tcb): boolean {
  return tcb.sent.count > 0 && hasUnsent(tcb) && tcb.vertex?.pokedAt !== tcb.lastSentAt;
}

function hasUnsent(tcb: Tcb): boolean {
  return seqDiff(tcb.sendBuffer.tail, tcb.sndNxt) > 0;
}

/**
 * Why a connection ends whose patience is over. After its FIN silence is its way to be done: that what was in flight then
 * is acknowledged or not says nothing of whether it was read.
 */
export function silentEnd(tcb: Tcb): 'reset' | 'linger-expired' | 'timeout' {
  if (tcb.isFinReceived) {
    tcb.sendBuffer.clear();
    return 'reset';
  }
  return tcb.isClosedByUser && tcb.sendBuffer.length === 0 ? 'linger-expired' : 'timeout';
}

/** Whether it was aborted here: it has been sent a FIN, and what it says to that is still to be acknowledged. */
export function hasFarewell(tcb: Tcb): boolean {
  return isVertex(tcb) && tcb.closeReason === 'aborted' && hasOpened(tcb);
}

/** Whether the handshake was over. Vertex's sequence numbers never come back to their first. */
export function hasOpened(tcb: Tcb): boolean {
  return tcb.sndUna !== tcb.iss;
}

/** Whether one direction of a connection cannot have `textBytes`. */
export function isStreamFull(textBytes: number): boolean {
  return textBytes > STREAM_BYTES;
}
