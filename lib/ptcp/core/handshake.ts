// The opening of a connection: RFC 9293 §3.5 and §3.10.7.2–3, and what the options of the two SYNs agree on.
import type { Instant } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import { oweAck, oweReset } from './debts.ts';
import { endConnection } from './ending.ts';
import { establish, textArrives } from './input.ts';
import { LEAST_PEER_MSS, sendMss } from './segment-size.ts';
import { seqAdd, seqLess, seqLessOrEqual } from './seq.ts';
import { nextState } from './state.ts';
import { isVertex, maxSynAck, type Tcb } from './tcb.ts';
import { Flag, PtcpFlag, type Segment } from './wire/segment.ts';

/** RFC 7323 §2.3: a larger shift counts as this. */
const MAX_WINDOW_SHIFT = 14;

/** OPEN, active: the SYN leaves with the next poll. */
export function openActively(tcb: Tcb): void {
  tcb.owesSyn = true;
  tcb.sndNxt = seqAdd(tcb.iss, 1);
}

/** SEGMENT ARRIVES in SYN-SENT, RFC 9293 §3.10.7.3, in its order. */
export function synSentArrives(tcb: Tcb, segment: Segment, now: Instant): void {
  const hasAck = (segment.flags & Flag.ACK) !== 0;
  const isReset = (segment.flags & Flag.RST) !== 0;
  // First, check the ACK bit.
  if (hasAck && (seqLessOrEqual(segment.ack, tcb.iss) || seqLess(maxSynAck(tcb), segment.ack))) {
    // Vertex would fall silent, and tell nobody.
    if (!isReset && !isVertex(tcb)) oweReset(tcb, segment.ack);
    return;
  }
  // Second, check the RST bit. Without an acceptable ACK it may be anyone's.
  if (isReset) {
    // Not RFC 9293 §3.10.7.3 where holes are punched: both sides begin at once, and the other may not be ready yet.
    if (hasAck && !tcb.isHolePunching) endConnection(tcb, 'refused');
    return;
  }
  // Fourth, check the SYN bit.
  if ((segment.flags & Flag.SYN) === 0) return;
  // Vertex knows no simultaneous open.
  if (!hasAck && isVertex(tcb)) return;
  takeSyn(tcb, segment, now);
  if (hasAck) {
    tcb.state = nextState(tcb.state, 'rcv-syn-ack');
    establish(tcb, segment, now);
    oweAck(tcb);
  } else {
    // Simultaneous open, MUST-10: the SYN goes out again as a SYN-ACK.
    tcb.state = nextState(tcb.state, 'rcv-syn');
    tcb.owesSyn = true;
  }
  holdTextOfSyn(tcb, segment, now);
}

/** What the peer's SYN says: its sequence number, its window and its options. */
function takeSyn(tcb: Tcb, syn: Segment, now: Instant): void {
  const { profile } = tcb;
  tcb.irs = syn.seq;
  tcb.rcvNxt = seqAdd(syn.seq, 1);
  // What our own SYN announced, or will: never scaled.
  tcb.rcvAdv = seqAdd(tcb.rcvNxt, Math.min(tcb.rcvLimitBytes, 0xffff));
  tcb.lastAckSent = tcb.rcvNxt;
  tcb.lastReceivedAt = now;
  tcb.sndWnd = syn.window;
  tcb.maxSndWnd = syn.window;
  tcb.sndWl1 = syn.seq;
  tcb.sndWl2 = (syn.flags & Flag.ACK) !== 0 ? syn.ack : tcb.sndUna;
  takeAgreement(tcb, agreeOn(profile, syn));
  if (tcb.isTimestampsOn) {
    tcb.tsRecent = syn.tsVal;
    tcb.tsRecentAt = now;
  }
  tcb.path.congestion.setMss(sendMss(tcb));
}

/** What the options of the two SYNs agree on. Names are those of the Tcb. */
export interface Agreement {
  /** The peer's MSS option, or its default. */
  readonly peerMss: number;
  readonly isScalingOn: boolean;
  readonly sndWindShift: number;
  readonly rcvWindShift: number;
  readonly isSackOn: boolean;
  readonly isTimestampsOn: boolean;
  readonly isCrcOn: boolean;
  readonly isPtcpPeer: boolean;
}

/** What we agree on with a peer whose SYN is `syn`. */
export function agreeOn(profile: Profile, syn: Segment): Agreement {
  const shift = profile.windowScale;
  const isScalingOn = shift !== 'off' && syn.windowScale >= 0;
  return {
    peerMss: Math.max(syn.mss === 0 ? profile.defaultPeerMssBytes : syn.mss, LEAST_PEER_MSS),
    isScalingOn,
    sndWindShift: isScalingOn ? Math.min(syn.windowScale, MAX_WINDOW_SHIFT) : 0,
    rcvWindShift: isScalingOn ? shift : 0,
    isSackOn: profile.sack && syn.sackPermitted,
    isTimestampsOn: profile.timestamps && syn.hasTimestamps,
    isCrcOn: offersCrc(profile) && (Math.max(syn.ptcpFlags, 0) & PtcpFlag.Crc32) !== 0,
    isPtcpPeer: profile.ptcpOption && syn.ptcpFlags >= 0,
  };
}

/** Written out: Object.assign takes as long as all the rest of a SYN. */
export function takeAgreement(tcb: Tcb, agreed: Agreement): void {
  tcb.peerMss = agreed.peerMss;
  tcb.isScalingOn = agreed.isScalingOn;
  tcb.sndWindShift = agreed.sndWindShift;
  tcb.rcvWindShift = agreed.rcvWindShift;
  tcb.isSackOn = agreed.isSackOn;
  tcb.isTimestampsOn = agreed.isTimestampsOn;
  tcb.isCrcOn = agreed.isCrcOn;
  tcb.isPtcpPeer = agreed.isPtcpPeer;
}

/** Whether our SYN offers the CRC-32. */
function offersCrc(profile: Profile): boolean {
  return profile.ptcpOption && profile.crc32;
}

/** The flags of PTCP's option in our SYN. */
export function ptcpFlagsOffered(profile: Profile): number {
  return PtcpFlag.CheckedSyn | (offersCrc(profile) ? PtcpFlag.Crc32 : 0);
}

/** Text on a SYN is kept until the handshake is over, RFC 9293 §3.10.7.3. */
function holdTextOfSyn(tcb: Tcb, syn: Segment, now: Instant): void {
  if (syn.payloadEnd === syn.payloadStart) return;
  syn.seq = seqAdd(syn.seq, 1);
  textArrives(tcb, syn, now);
}
