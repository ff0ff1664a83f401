// What must hold of a connection after every event, whatever the network and the peer have done.
import type { Connection } from '../lib/ptcp/core/connection.ts';
import { sendingWindow } from '../lib/ptcp/core/prr.ts';
import { pipe } from '../lib/ptcp/core/recovery.ts';
import { sendMss } from '../lib/ptcp/core/segment-size.ts';
import { type Seq, seqAdd, seqDiff } from '../lib/ptcp/core/seq.ts';
import { type State, TRANSITIONS } from '../lib/ptcp/core/state.ts';
import { isSynchronized, type Tcb } from '../lib/ptcp/core/tcb.ts';
import { nextDueAt } from '../lib/ptcp/core/timers.ts';
import { type Instant, NEVER } from '../lib/time/clock.ts';
import type { User } from './user.ts';
import { Violation } from './violation.ts';
import { WireRules } from './wire-rules.ts';

/** What TRANSITIONS leads to in any number of steps: one segment may bring an ACK and a FIN. Every state can end. */
const REACHABLE: ReadonlyMap<State, ReadonlySet<State>> = new Map(
  (Object.keys(TRANSITIONS) as State[]).map((state) => [state, reachableFrom(state)]),
);

function reachableFrom(state: State): ReadonlySet<State> {
  const found = new Set<State>(['CLOSED']);
  const left: State[] = [state];
  for (let from = left.pop(); from !== undefined; from = left.pop()) {
    for (const to of Object.values(TRANSITIONS[from])) {
      if (found.has(to)) continue;
      found.add(to);
      left.push(to);
    }
  }
  return found;
}

/** How long a half-open connection waits in silence at most, ms: its timer is not one of RFC 6298. */
const HALF_OPEN_LIFE_MS = 75_000;
/** A probe or a rescue may go where the congestion window is full already. */
const FREE_SEGMENTS = 2;
const LONGEST_ACK_DELAY_MS = 500;
/** Bounds on instants allow for what a sum of fractions loses. */
const ROUNDING_MS = 0.001;

/** One end of a connection, watched from its beginning to its end. */
export class ConnectionWatch {
  readonly connection: Connection;
  readonly wire: WireRules;
  readonly #tcb: Tcb;
  #state: State;
  #una: Seq;
  #nxt: Seq;
  #rcvNxt: Seq;
  #edge: Seq;

  /** `peer` is the one whose promises count; undefined where he says what is not. */
  constructor(connection: Connection, peer?: User) {
    const { tcb } = connection;
    this.connection = connection;
    this.#tcb = tcb;
    this.wire = new WireRules(tcb, peer);
    this.#state = tcb.state;
    this.#una = tcb.sndUna;
    this.#nxt = tcb.sndNxt;
    this.#rcvNxt = tcb.rcvNxt;
    this.#edge = tcb.rcvAdv;
  }

  get isOver(): boolean {
    return this.#state === 'CLOSED' || this.#state === 'TIME-WAIT';
  }

  /** Throws a Violation if something is wrong at `now`. With `isAudit` sums are made anew from their parts. */
  check(now: Instant, isAudit: boolean): void {
    const tcb = this.#tcb;
    if (tcb.state !== this.#state) this.#enter(tcb.state);
    if (this.connection.dueAt !== nextDueAt(tcb)) {
      // Taken into account with the next look at it, unless nobody is told to look.
      throw new Violation('due-time', `queued for ${this.connection.dueAt}, due at ${nextDueAt(tcb)}`);
    }
    if (this.isOver) {
      checkOver(tcb);
      return;
    }
    checkTimers(tcb, now);
    checkDebts(tcb);
    if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') return;
    this.#checkSequence();
    checkCaps(tcb);
    this.#checkFlight();
    if (isAudit) audit(tcb);
  }

  #enter(state: State): void {
    if (!REACHABLE.get(this.#state)!.has(state))
      throw new Violation('transition', `from ${this.#state} to ${state}`);
    // Where the peer's numbers become known they begin; before, there is nothing to compare with.
    if (this.#state === 'SYN-SENT') {
      this.#rcvNxt = this.#tcb.rcvNxt;
      this.#edge = this.#tcb.rcvAdv;
    }
    this.#state = state;
  }

  #checkSequence(): void {
    const tcb = this.#tcb;
    if (seqDiff(tcb.sndNxt, tcb.sndUna) < 0) throw new Violation('snd-una', 'beyond SND.NXT');
    if (seqDiff(tcb.sndUna, this.#una) < 0) throw new Violation('snd-una', 'goes back');
    if (seqDiff(tcb.sndNxt, this.#nxt) < 0) throw new Violation('snd-nxt', 'goes back');
    if (seqDiff(tcb.rcvNxt, this.#rcvNxt) < 0) throw new Violation('rcv-nxt', 'goes back');
    if (seqDiff(tcb.rcvAdv, this.#edge) < 0) throw new Violation('right-edge', 'goes back');
    if (seqDiff(tcb.rcvAdv, tcb.rcvNxt) < 0) throw new Violation('right-edge', 'below RCV.NXT');
    this.#una = tcb.sndUna;
    this.#nxt = tcb.sndNxt;
    this.#rcvNxt = tcb.rcvNxt;
    this.#edge = tcb.rcvAdv;
  }

  /** In flight at most what the congestion window allows, but for what repairs and probes. */
  #checkFlight(): void {
    const tcb = this.#tcb;
    const cwndBytes = sendingWindow(tcb);
    const { sentBytes, sentCount } = this.wire;
    // With smaller segments the window shrinks while a burst is under way.
    const isSameSize = this.wire.settled();
    if (sentCount > 0 && isSameSize) {
      const mss = sendMss(tcb);
      const inFlight = pipe(tcb);
      if (sentBytes > FREE_SEGMENTS * mss && inFlight > cwndBytes + FREE_SEGMENTS * mss)
        throw new Violation('cwnd', `${sentBytes} sent, ${inFlight} in flight with ${cwndBytes}`);
    }
    const window = tcb.path.congestion.cwndBytes;
    if (window < sendMss(tcb) - 1) throw new Violation('cwnd', `${window} is less than a segment`);
  }
}

function checkOver(tcb: Tcb): void {
  if (tcb.sent.count > 0 || tcb.sendBuffer.length > 0)
    throw new Violation('over', 'something is still to send');
  // Buffers that are read empty only now may give their memory back a little later.
  const isQuiet = Math.min(workTimer(tcb), tcb.delayedAckAt, tcb.keepAliveAt, tcb.lingerAt) === NEVER;
  if (!isQuiet) throw new Violation('over', 'a timer is still set');
}

/** Whoever waits for something has a timer that ends the waiting; and no timer is absurd. */
function checkTimers(tcb: Tcb, now: Instant): void {
  const { rtt } = tcb.path;
  const { rtoMinMs, rtoInitialMs, rtoMaxMs } = tcb.profile;
  // The bounds are for what is computed: RTO is what it began with until there is a sample (RFC 6298 §2.1, §2.4).
  if (!(rtt.rtoMs >= Math.min(rtoMinMs, rtoInitialMs) && rtt.rtoMs <= rtoMaxMs))
    throw new Violation('rto', `${rtt.rtoMs} ms`);
  checkAckTimer(tcb, now);
  const waitAt = workTimer(tcb);
  if (waitAt === NEVER) {
    if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED')
      throw new Violation('no-timer', `nothing waits in ${tcb.state}`);
    if (tcb.sent.count > 0)
      throw new Violation('no-timer', 'something is out, and nothing waits for its ACK');
    if (hasUnsent(tcb)) throw new Violation('no-timer', 'something is to send, and nothing waits to send it');
  } else if (waitAt > now + Math.max(rtoMaxMs, HALF_OPEN_LIFE_MS) + ROUNDING_MS) {
    throw new Violation('far-timer', `waits for ${waitAt - now} ms`);
  }
}

/** What came is acknowledged at once or half a second later (RFC 9293 §3.8.6.3, MUST-40); a silent peer is asked. */
function checkAckTimer(tcb: Tcb, now: Instant): void {
  if (tcb.ackPendingBytes > 0 && !tcb.owesAck && tcb.delayedAckAt === NEVER)
    throw new Violation('no-timer', 'something came, and nothing waits to acknowledge it');
  if (tcb.delayedAckAt !== NEVER && tcb.delayedAckAt > now + LONGEST_ACK_DELAY_MS)
    throw new Violation('far-timer', `an ACK waits for ${tcb.delayedAckAt - now} ms`);
  if (tcb.keepAlive && tcb.keepAliveAt === NEVER && isSynchronized(tcb.state))
    throw new Violation('no-timer', 'keep-alive is on, and nothing waits to ask');
}

const DEBTS = ['owesAck', 'owesProbe', 'owesKeepAlive', 'owesTailProbe', 'owesSyn', 'owesReset'] as const;

/** Whatever is owed was said before the end of the event. */
function checkDebts(tcb: Tcb): void {
  const owed = DEBTS.find((debt) => tcb[debt]);
  if (owed !== undefined) throw new Violation('debts', `${owed}, and nothing leaves`);
}

/** When the connection goes on by itself with what it has to send. */
function workTimer(tcb: Tcb): Instant {
  return Math.min(tcb.retransmitAt, tcb.persistAt, tcb.pacedAt);
}

export function hasUnsent(tcb: Tcb): boolean {
  if (tcb.isFinQueued && !tcb.isFinSent) return true;
  return seqDiff(tcb.sendBuffer.tail, tcb.sndNxt) > 0;
}

function checkCaps(tcb: Tcb): void {
  const { profile, recvBuffer, sendBuffer } = tcb;
  if (sendBuffer.length > profile.sendBufferMaxBytes)
    throw new Violation('send-buffer', `${sendBuffer.length}`);
  // Rounded up at each step, the right edge creeps while small pieces come: to twice the buffer at most.
  const rcvLimit = 2 * (tcb.rcvLimitBytes + (1 << tcb.rcvWindShift));
  if (recvBuffer.readableBytes > rcvLimit)
    throw new Violation('receive-buffer', `${recvBuffer.readableBytes}`);
  if (tcb.rcvLimitBytes > profile.receiveBufferMaxBytes)
    throw new Violation('receive-buffer', 'grew too far');
  if (seqDiff(tcb.rcvAdv, tcb.rcvNxt) > Math.max(rcvLimit, 0xffff))
    throw new Violation('window', 'too large');
}

/** The segments in flight lie end to end from SND.UNA to SND.NXT, and every sum is that of its parts. */
function audit(tcb: Tcb): void {
  const { sent } = tcb;
  let next = tcb.sndUna;
  let inPipe = 0;
  let inFlightCount = 0;
  let lostCount = 0;
  let sackedBytes = 0;
  for (const segment of sent.all) {
    if (segment.seq !== next)
      throw new Violation('sent-segments', `a gap of ${seqDiff(segment.seq, next)} bytes`);
    if (segment.length <= 0) throw new Violation('sent-segments', 'an empty segment');
    next = seqAdd(next, segment.length);
    if (segment.isSacked) sackedBytes += segment.length;
    else if (!segment.isLost || segment.isResent) {
      inPipe += segment.length;
      inFlightCount += 1;
    } else lostCount += 1;
  }
  if (next !== tcb.sndNxt)
    throw new Violation('sent-segments', `end ${seqDiff(tcb.sndNxt, next)} before SND.NXT`);
  if (sackedBytes !== sent.sackedBytes)
    throw new Violation('sacked', `${sent.sackedBytes}, not ${sackedBytes}`);
  const expected = Math.max(0, inPipe - tcb.dupAckedBytes);
  if (pipe(tcb) !== expected) throw new Violation('pipe', `${pipe(tcb)}, not ${expected}`);
  if (sent.sackedCount !== sent.count - inFlightCount - lostCount)
    throw new Violation('sacked', `${sent.sackedCount} segments, which is not so`);
  auditOrder(tcb, inFlightCount);
  if (tcb.scoreboard !== undefined) auditScoreboard(tcb);
}

/** Those in flight, and no others, are chained in the order in which they last left: RACK looks at nothing else. */
function auditOrder({ sent }: Tcb, inFlightCount: number): void {
  let count = 0;
  let sentAt = -NEVER;
  for (let segment = sent.longestInFlight; segment !== undefined; segment = segment.leftAfter) {
    count += 1;
    if (segment.isSacked || (segment.isLost && !segment.isResent) || segment.sentAt < sentAt)
      throw new Violation('sent-order', 'chained, and not in flight, or not where it belongs');
    if (count > inFlightCount) break;
    sentAt = segment.sentAt;
  }
  if (count !== inFlightCount)
    throw new Violation('sent-order', `${count} chained, ${inFlightCount} in flight`);
}

/** Whatever is SACKed is on the scoreboard, and the other way round; nothing on it lies outside the flight. */
function auditScoreboard(tcb: Tcb): void {
  const { ranges, unaOffset } = tcb.scoreboard!;
  const first = ranges.first;
  const last = ranges.last;
  if (first === undefined || last === undefined) return;
  if (first.start < unaOffset) throw new Violation('scoreboard', 'begins before SND.UNA');
  if (last.end > unaOffset + seqDiff(tcb.sndNxt, tcb.sndUna))
    throw new Violation('scoreboard', 'beyond SND.NXT');
  for (const segment of tcb.sent.all) {
    const start = unaOffset + seqDiff(segment.seq, tcb.sndUna);
    if (ranges.covers(start, start + segment.length) !== segment.isSacked)
      throw new Violation(
        'scoreboard',
        `at ${start}: the segment is ${segment.isSacked ? '' : 'not '}SACKed`,
      );
  }
}
