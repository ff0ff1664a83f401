// RFC 7323: timestamps in milliseconds, and protection against wrapped sequence numbers.
import type { Instant } from '../../time/clock.ts';
import { seqDiff, seqLess, seqLessOrEqual } from './seq.ts';
import type { Tcb } from './tcb.ts';
import { Flag, type Segment } from './wire/segment.ts';

/** Our timestamp clock, RFC 7323 §5.4: milliseconds with an offset of the connection's own. */
export function tsVal(tcb: { readonly tsOffset: number }, now: Instant): number {
  return (Math.floor(now) + tcb.tsOffset) >>> 0;
}

/** TS.Recent is worth nothing after this, RFC 7323 §5.5. */
const TS_RECENT_LIFE_MS = 24 * 24 * 3600 * 1000;

/** R1 of RFC 7323 §5.3: the segment is older than one we have seen. */
export function isPawsReject(
  tcb: Pick<Tcb, 'isTimestampsOn' | 'tsRecent' | 'tsRecentAt'>,
  segment: Segment,
  now: Instant,
): boolean {
  return (
    tcb.isTimestampsOn &&
    segment.hasTimestamps &&
    (segment.flags & Flag.RST) === 0 &&
    seqLess(segment.tsVal, tcb.tsRecent) &&
    now - tcb.tsRecentAt <= TS_RECENT_LIFE_MS
  );
}

/** R3 of RFC 7323 §5.3, for a segment that has passed the window check. */
export function updateTsRecent(tcb: Tcb, segment: Segment, now: Instant): void {
  if (!tcb.isTimestampsOn || !segment.hasTimestamps) return;
  const isNewer = !seqLess(segment.tsVal, tcb.tsRecent) || now - tcb.tsRecentAt > TS_RECENT_LIFE_MS;
  if (isNewer && seqLessOrEqual(segment.seq, tcb.lastAckSent)) {
    tcb.tsRecent = segment.tsVal;
    tcb.tsRecentAt = now;
  }
}

/** The RTT that an echoed timestamp shows, RFC 7323 §4.1, or NaN where the echo makes no sense. */
export function echoedRtt(tcb: Tcb, segment: Segment, now: Instant): number {
  if (!tcb.isTimestampsOn || !segment.hasTimestamps || segment.tsEcr === 0) return Number.NaN;
  const rttMs = seqDiff(tsVal(tcb, now), segment.tsEcr);
  return rttMs < 0 || rttMs > MAX_RTT_MS ? Number.NaN : rttMs;
}

/** Older echoes are a peer's nonsense. */
const MAX_RTT_MS = 600_000;
