// SYN-RECEIVED of a connection that a listener made, RFC 9293 §3.10.7.2 and §3.10.7.4: a record of a few hundred bytes
// (RFC 4987 §3.5, the SYN cache), not a control block. That is made when the peer has shown that it gets our answers.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Profile } from './config.ts';
import { type Challenged, oweChallengeAck } from './debts.ts';
import { type Agreement, ptcpFlagsOffered, takeAgreement } from './handshake.ts';
import { isAcceptable } from './input.ts';
import type { MemoryBudget } from './memory.ts';
import type { PathId } from './path.ts';
import { RecvBuffer } from './recv-buffer.ts';
import { type Seq, seqAdd, seqDiff } from './seq.ts';
import { isOnVertex, type Tcb } from './tcb.ts';
import { isPawsReject, tsVal } from './timestamps.ts';
import { MAX_WINDOW_FIELD } from './window.ts';
import type { OptionName } from './wire/options.ts';
import { Flag, type Segment } from './wire/segment.ts';

/** How long SYN-RECEIVED lasts at most: as in 4.4BSD, TCPTV_KEEP_INIT. */
const HALF_OPEN_LIFE_MS = 75_000;

/** What is known of a peer that has sent a SYN and nothing else. Names are those of the Tcb. */
export interface HalfOpen extends Challenged {
  readonly kind: 'half-open';
  readonly key: number;
  readonly pathId: PathId;
  readonly localPort: number;
  readonly remotePort: number;
  readonly profile: Profile;
  readonly agreed: Agreement;
  readonly iss: Seq;
  readonly irs: Seq;
  /** The window of the SYN; a cookie does not know it. */
  readonly sndWnd: number;
  /** After the peer's SYN, and what text came with it. */
  rcvNxt: Seq;
  rcvAdv: Seq;
  readonly tsOffset: number;
  /** Of a connection that nothing but its SYN-ACK remembers (RFC 4987 §3.6). */
  readonly cookie: CookieAnswer | undefined;
  readonly isTimestampsOn: boolean;
  readonly tsRecent: number;
  readonly tsRecentAt: Instant;
  readonly token: number;
  /** What came with the SYN, RFC 9293 §3.10.7.2; the user gets it with the connection. */
  text: RecvBuffer | undefined;
  owesSyn: boolean;
  /** Whether it is in the queue of those that owe something. */
  isWaiting: boolean;
  synTransmissions: number;
  /** Time-outs of the SYN-ACK. */
  timeoutCount: number;
  lastSentAt: Instant;
  /** How long our SYN-ACK is, and how many bytes of SYN-ACKs the peer's SYN is good for yet. */
  synBytes: number;
  synCreditBytes: number;
  readonly beganAt: Instant;
  dueAt: Instant;
  dueIndex: number;
}

/** What a SYN-ACK with a cookie has of its own. */
export interface CookieAnswer {
  readonly tsVal: number;
  readonly options: readonly OptionName[];
}

/** What a half-open connection is given by its endpoint. */
export interface HalfOpenOptions
  extends Pick<
    HalfOpen,
    | 'key'
    | 'pathId'
    | 'localPort'
    | 'remotePort'
    | 'profile'
    | 'agreed'
    | 'iss'
    | 'irs'
    | 'sndWnd'
    | 'tsOffset'
    | 'tsRecent'
    | 'token'
  > {
  readonly cookie?: CookieAnswer;
  readonly now: Instant;
}

export function createHalfOpen(options: HalfOpenOptions): HalfOpen {
  const { profile, agreed, irs, now } = options;
  const rcvNxt = seqAdd(irs, 1);
  return {
    kind: 'half-open',
    key: options.key,
    pathId: options.pathId,
    localPort: options.localPort,
    remotePort: options.remotePort,
    profile,
    agreed,
    iss: options.iss,
    irs,
    sndWnd: options.sndWnd,
    rcvNxt,
    rcvAdv: seqAdd(rcvNxt, Math.min(profile.receiveBufferBytes, MAX_WINDOW_FIELD)),
    tsOffset: options.tsOffset,
    cookie: options.cookie,
    isTimestampsOn: agreed.isTimestampsOn,
    tsRecent: options.tsRecent,
    tsRecentAt: now,
    token: options.token,
    text: undefined,
    owesSyn: true,
    owesAck: false,
    isWaiting: false,
    challengeAcksLeft: 0,
    challengeRoundAt: -NEVER,
    synTransmissions: 0,
    timeoutCount: 0,
    lastSentAt: now,
    synBytes: 0,
    synCreditBytes: 0,
    beganAt: now,
    dueAt: now + profile.rtoInitialMs,
    dueIndex: -1,
  };
}

/** Text on a SYN is kept until the handshake is over, RFC 9293 §3.10.7.2, as far as window and memory allow. */
export function holdTextOfSyn(record: HalfOpen, syn: Segment, memory: MemoryBudget): void {
  const room = seqDiff(record.rcvAdv, record.rcvNxt);
  const end = Math.min(syn.payloadEnd, syn.payloadStart + room);
  if (end <= syn.payloadStart) return;
  const text = new RecvBuffer(memory);
  const count = text.insert(0, syn.bytes, syn.payloadStart, end);
  if (count <= 0) return;
  record.text = text;
  record.rcvNxt = seqAdd(record.rcvNxt, count);
}

/** `syn` is to be answered. An address not yet proven gets three times the bytes it sent at most (RFC 9000 §8.1). */
export function oweSynAck(record: HalfOpen, syn: Segment): void {
  record.owesSyn = true;
  record.synCreditBytes = (1 + record.profile.synAckRetries) * (syn.payloadEnd - syn.start);
  record.synTransmissions = Math.min(record.synTransmissions, 1);
}

/**
 * What a segment does to a half-open connection: it opens it, or ends it in silence, or its ACK is wrong and wants a
 * reset. 'stay' leaves it as it is, with what it owes noted.
 */
export type HalfOpenOutcome = 'open' | 'forget' | 'reset' | 'stay';

/** SEGMENT ARRIVES for SYN-RECEIVED from LISTEN, RFC 9293 §3.10.7.4, up to the ACK: the rest is the Tcb's. */
export function halfOpenArrives(record: HalfOpen, segment: Segment, now: Instant): HalfOpenOutcome {
  const { flags } = segment;
  const isReset = (flags & Flag.RST) !== 0;
  // Not RFC 9293 §3.10.7.4, whose first step drops it as old: the peer has not seen our SYN-ACK.
  if (segment.seq === record.irs && (flags & (Flag.SYN | Flag.RST | Flag.ACK)) === Flag.SYN) {
    oweSynAck(record, segment);
    return 'stay';
  }
  // RFC 7323 §3.2 and §5.3, R1; RFC 9293 §3.10.7.4, first step.
  if (record.isTimestampsOn && !segment.hasTimestamps && !isReset) return 'stay';
  if (isPawsReject(record, segment, now) || !isAcceptable(record, segment)) {
    if (!isReset) oweChallengeAck(record, now);
    return 'stay';
  }
  // Second, the RST bit: back to LISTEN (MUST-11), if it hits exactly (RFC 5961 §3).
  if (isReset) {
    if (segment.seq === record.rcvNxt) return 'forget';
    oweChallengeAck(record, now);
    return 'stay';
  }
  // Fourth, the SYN bit: not worth asking back.
  if ((flags & Flag.SYN) !== 0) return 'forget';
  // Fifth, the ACK field.
  if ((flags & Flag.ACK) === 0) return 'stay';
  if (segment.ack === seqAdd(record.iss, 1)) return 'open';
  return isOnVertex(record) ? 'stay' : 'reset';
}

/**
 * The SYN-ACK was not answered in time. Returns false when its time is over.
 *
 * With no more SYN-ACKs to send it waits on in silence: the peer may believe the connection open already, and its first
 * segment, a slow retransmission perhaps (RFC 6298 §5.7), completes it.
 */
export function halfOpenTimedOut(record: HalfOpen, now: Instant): boolean {
  const { profile, beganAt } = record;
  if (record.synTransmissions > profile.synAckRetries || record.synCreditBytes < record.synBytes) {
    record.dueAt = beganAt + HALF_OPEN_LIFE_MS;
    return record.dueAt > now;
  }
  record.timeoutCount += 1;
  record.owesSyn = true;
  record.dueAt = now + Math.min(profile.rtoInitialMs * 2 ** record.timeoutCount, profile.rtoMaxMs);
  return true;
}

/** Fills in the SYN-ACK: only options that the SYN had (RFC 7323 §1.3, RFC 2018 §2), and the MSS. */
export function fillSynAck(record: HalfOpen, segment: Segment, now: Instant): void {
  const { profile, agreed } = record;
  segment.clearOptions();
  segment.srcPort = record.localPort;
  segment.dstPort = record.remotePort;
  segment.seq = record.iss;
  segment.ack = record.rcvNxt;
  segment.flags = Flag.SYN | Flag.ACK;
  // Never scaled, RFC 7323 §2.2; and one that goes again pulls no edge back that an ACK has rounded up (SHLD-14).
  const keptBytes = seqDiff(record.rcvAdv, record.rcvNxt);
  segment.window = Math.min(Math.max(profile.receiveBufferBytes, keptBytes), MAX_WINDOW_FIELD);
  segment.mss = profile.mssBytes;
  segment.windowScale = agreed.isScalingOn ? agreed.rcvWindShift : -1;
  segment.sackPermitted = agreed.isSackOn;
  segment.hasTimestamps = record.isTimestampsOn;
  segment.tsVal = record.cookie?.tsVal ?? tsVal(record, now);
  segment.tsEcr = record.tsRecent;
  segment.ptcpFlags = agreed.isPtcpPeer ? ptcpFlagsOffered(profile) : -1;
  segment.ptcpTokenHigh = record.token;
  segment.isVertex = isOnVertex(record);
  record.owesSyn = false;
  record.owesAck = false;
  if (segment.window > keptBytes) record.rcvAdv = seqAdd(record.rcvNxt, segment.window);
  record.synTransmissions += 1;
  record.lastSentAt = now;
}

/** Fills in an ACK: the answer to what does not fit. */
export function fillHalfOpenAck(record: HalfOpen, segment: Segment, now: Instant): void {
  const { rcvWindShift } = record.agreed;
  segment.clearOptions();
  segment.srcPort = record.localPort;
  segment.dstPort = record.remotePort;
  segment.seq = seqAdd(record.iss, 1);
  segment.ack = record.rcvNxt;
  segment.flags = Flag.ACK;
  segment.window = Math.ceil(seqDiff(record.rcvAdv, record.rcvNxt) / 2 ** rcvWindShift);
  segment.hasTimestamps = record.isTimestampsOn;
  segment.tsVal = tsVal(record, now);
  segment.tsEcr = record.tsRecent;
  record.owesAck = false;
  record.rcvAdv = seqAdd(record.rcvNxt, segment.window * 2 ** rcvWindShift);
}

/** `tcb` is new and in SYN-RECEIVED: what the record knows is now its. */
export function becomeTcb(record: HalfOpen, tcb: Tcb): void {
  const { agreed, text } = record;
  tcb.irs = record.irs;
  tcb.sndWnd = record.sndWnd;
  tcb.maxSndWnd = record.sndWnd;
  tcb.rcvNxt = record.rcvNxt;
  tcb.rcvAdv = record.rcvAdv;
  tcb.lastAckSent = record.rcvNxt;
  tcb.sndNxt = seqAdd(record.iss, 1);
  takeAgreement(tcb, agreed);
  tcb.tsRecent = record.tsRecent;
  tcb.tsRecentAt = record.tsRecentAt;
  tcb.synTransmissions = record.synTransmissions;
  tcb.lastSentAt = record.lastSentAt;
  tcb.segmentsSent = record.synTransmissions;
  // The SYN; where it came again, that is not known.
  tcb.segmentsReceived = 1;
  if (text !== undefined) {
    tcb.recvBuffer = text;
    tcb.bytesReceived = text.readableBytes;
  }
  if (record.timeoutCount > 0) tcb.path.congestion.onSynLost();
  for (let count = record.timeoutCount; count > 0; count -= 1) tcb.path.rtt.backOff();
}
