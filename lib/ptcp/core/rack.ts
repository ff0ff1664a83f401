// Read first: RFC 8985 §6.2. What left before something that has arrived, and long enough ago, is lost.
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Rack } from './recovery-state.ts';
import { DUP_THRESH } from './scoreboard.ts';
import type { SentSegment } from './sent-segments.ts';
import { type Seq, seqAdd, seqLess } from './seq.ts';
import type { Tcb } from './tcb.ts';
import { tsVal } from './timestamps.ts';

/** Recoveries for which a reordering window lasts that D-SACKs have made wider, RFC 8985 §6.2, step 4. */
const REO_WND_PERSIST = 16;
/** Times are fractions: what is due now by one sum need not be by another. */
const ROUNDING_MS = 0.001;

/** Whether losses are found by RACK: it needs SACK (RFC 8985 §4). */
export function isRackOn(tcb: Tcb): boolean {
  return tcb.isSackOn && tcb.profile.rack;
}

/** RACK from here on. Nothing has arrived out of order so far, so SND.UNA says all that RACK would know. */
export function startRack(tcb: Tcb): Rack {
  tcb.rack ??= {
    xmitAt: -NEVER,
    endSeq: tcb.sndUna,
    rttMs: tcb.path.rtt.srttMs,
    fack: tcb.sndUna,
    isReorderingSeen: false,
    dsackRound: undefined,
    reoWndMult: 1,
    reoWndPersist: 0,
    dsackCount: 0,
  };
  return tcb.rack;
}

/** RFC 8985 §6.2, RACK_sent_after(): of what left at once, the later in the stream left later. */
function isSentAfter(rack: Rack, segment: SentSegment): boolean {
  if (rack.xmitAt !== segment.sentAt) return rack.xmitAt > segment.sentAt;
  return seqLess(seqAdd(segment.seq, segment.length), rack.endSeq);
}

/** What one ACK shows to have arrived: steps 2 and 3 of RFC 8985 §6.2. One for all connections, begun anew for each ACK. */
export class RackSample {
  /** RTT of the segment that left last of those that this ACK covers; Infinity while there is none. */
  #rttMs = Number.POSITIVE_INFINITY;
  #fack: Seq = 0;

  begin(rack: Rack): void {
    this.#rttMs = Number.POSITIVE_INFINITY;
    this.#fack = rack.fack;
  }

  /** `segment` arrived, as we learn now. `echo` is the timestamp that tells which copy of it did; NaN where none does. */
  cover(tcb: Tcb, segment: SentSegment, now: Instant, echo: number): void {
    const { rack } = tcb;
    if (rack === undefined || segment.isSacked) return;
    const end = seqAdd(segment.seq, segment.length);
    if (seqLess(this.#fack, end)) this.#fack = end;
    // Against RACK.fack of before the ACK: its blocks come in any order.
    if (seqLess(end, rack.fack) && segment.transmissions === 1) rack.isReorderingSeen = true;
    const rttMs = now - segment.sentAt;
    if (segment.transmissions > 1 && isOfEarlierCopy(tcb, segment, rttMs, echo)) return;
    this.#rttMs = Math.min(this.#rttMs, rttMs);
    const isNewest =
      segment.sentAt > rack.xmitAt || (segment.sentAt === rack.xmitAt && seqLess(rack.endSeq, end));
    if (!isNewest) return;
    rack.xmitAt = segment.sentAt;
    rack.endSeq = end;
  }

  /** The ACK is taken in. */
  finish(tcb: Tcb, rack: Rack): void {
    if (this.#rttMs !== Number.POSITIVE_INFINITY) rack.rttMs = this.#rttMs;
    rack.fack = seqLess(this.#fack, tcb.sndUna) ? tcb.sndUna : this.#fack;
  }
}

/** RFC 8985 §6.2, step 2: whether what arrived of a segment sent twice left before its last copy. */
function isOfEarlierCopy(tcb: Tcb, segment: SentSegment, rttMs: number, echo: number): boolean {
  if (rttMs < tcb.path.rtt.minRttMs) return true;
  return !Number.isNaN(echo) && seqLess(echo, tsVal(tcb, segment.sentAt));
}

/** RFC 8985 §6.2, step 4, for each ACK: the reordering window widens for each round trip that saw a D-SACK. */
export function adaptReorderingWindow(tcb: Tcb, rack: Rack, isDsack: boolean): void {
  // A round ends when what was out as it began is acknowledged.
  if (rack.dsackRound !== undefined && !seqLess(tcb.sndUna, rack.dsackRound)) rack.dsackRound = undefined;
  if (!isDsack) return;
  rack.dsackCount += 1;
  // Not RFC 8985 §6.2, step 4: duplicates that the network made tell nothing about reordering; others show that there is.
  if (rack.dsackCount > tcb.retransmittedSegments) return;
  rack.isReorderingSeen = true;
  if (rack.dsackRound !== undefined) return;
  rack.dsackRound = tcb.sndNxt;
  rack.reoWndMult += 1;
  rack.reoWndPersist = REO_WND_PERSIST;
}

/** A recovery is over: after so many without a D-SACK the window is narrow again. */
export function recoveryEnded(rack: Rack): void {
  rack.reoWndPersist -= 1;
  if (rack.reoWndPersist <= 0) rack.reoWndMult = 1;
}

/** RACK.reo_wnd, RFC 8985 §6.2, step 4. */
function reorderingWindow(tcb: Tcb, rack: Rack): number {
  const isLossCertain = tcb.phase !== 'open' || tcb.sent.sackedCount >= DUP_THRESH;
  if (!rack.isReorderingSeen && isLossCertain) return 0;
  const { minRttMs, srttMs } = tcb.path.rtt;
  return Math.min((rack.reoWndMult * minRttMs) / 4, srttMs);
}

/**
 * RFC 8985 §6.2, step 5: marks lost what is, and sets the timer for what will be. Returns how many bytes.
 *
 * Not RFC 8985 §6.2: the timer is for the next to be lost; for the last it would keep the others waiting.
 */
export function markLostByTime(tcb: Tcb, now: Instant): number {
  const { rack, sent } = tcb;
  tcb.reorderAt = NEVER;
  if (rack === undefined) return 0;
  const waitMs = rack.rttMs + reorderingWindow(tcb, rack);
  let lostBytes = 0;
  for (;;) {
    const segment = sent.longestInFlight;
    if (segment === undefined || !isSentAfter(rack, segment)) return lostBytes;
    const lostAt = segment.sentAt + waitMs;
    if (lostAt > now + ROUNDING_MS) {
      tcb.reorderAt = lostAt;
      return lostBytes;
    }
    lostBytes += sent.markLost(segment);
  }
}

/** RFC 8985 §6.3: the RTO ran out. The first is lost, and what left at least a round trip and the window ago. */
export function markLostOnTimeout(tcb: Tcb, now: Instant): void {
  const { sent } = tcb;
  const rack = startRack(tcb);
  const lostBefore = now + ROUNDING_MS - rack.rttMs - reorderingWindow(tcb, rack);
  if (sent.first !== undefined) sent.markLost(sent.first);
  for (;;) {
    const segment = sent.longestInFlight;
    if (segment === undefined || segment.sentAt > lostBefore) return;
    sent.markLost(segment);
  }
}
