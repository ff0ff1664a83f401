import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Path } from './path.ts';

/** The bucket holds what the rate gives in this time: timers below us cannot do better. */
const BUCKET_MS = 2;
/** And never less than the initial window, so that it leaves at once (RFC 6928). */
const BUCKET_SEGMENTS = 10;

/**
 * A segment may go after this in any case; the window still holds it back. A rate comes from a round-trip time, and one
 * that a clock's jump has made may be a hundred times too long: waiting for it would keep the next samples away too.
 */
const SLOWEST_SEGMENT_MS = 1000;

/** Bytes a millisecond, Infinity where nothing is paced. */
export function pacingRate(path: Path): number {
  return path.isPaced ? path.congestion.pacingRate : Number.POSITIVE_INFINITY;
}

function rateFor(path: Path, mssBytes: number): number {
  return Math.max(pacingRate(path), mssBytes / SLOWEST_SEGMENT_MS);
}

/** Bytes that may leave now. Fills the bucket up to now. */
export function pacingAllowance(path: Path, mssBytes: number, now: Instant): number {
  const rate = rateFor(path, mssBytes);
  if (rate === Number.POSITIVE_INFINITY) return rate;
  const bucketBytes = bucketSize(rate, mssBytes);
  const gained = path.pacedAt === -NEVER ? bucketBytes : (now - path.pacedAt) * rate;
  path.pacingCredit = Math.min(path.pacingCredit + gained, bucketBytes);
  path.pacedAt = now;
  return path.pacingCredit;
}

/** `bytes` have left. The last segment of a burst may overdraw the bucket. */
export function paceSent(path: Path, bytes: number): void {
  if (pacingRate(path) !== Number.POSITIVE_INFINITY) path.pacingCredit -= bytes;
}

/**
 * When there is enough for the next burst: a few segments where the rate is high, so that timers do not run for each.
 */
export function nextPacedAt(path: Path, mssBytes: number): Instant {
  const rate = rateFor(path, mssBytes);
  if (rate === Number.POSITIVE_INFINITY) return -NEVER;
  const wantedBytes = Math.min(Math.max(mssBytes, rate), bucketSize(rate, mssBytes));
  return path.pacedAt + Math.max(0, wantedBytes - path.pacingCredit) / rate;
}

function bucketSize(rate: number, mssBytes: number): number {
  return Math.max(BUCKET_SEGMENTS * mssBytes, rate * BUCKET_MS);
}
