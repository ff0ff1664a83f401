import type { SeedResult } from './run-seed.ts';
import { ruleOf } from './shrink.ts';
import { hashText, sumHashes } from './trace-hash.ts';

/** What many seeds came to, as plain data that a process can hand to another. */
export interface Tally {
  seeds: number;
  failures: number;
  segments: number;
  virtualMs: number;
  hashSum: number;
  /** The seeds that failed, with the rule they broke; the first of them only. */
  failed: { readonly seed: number; readonly rule: string; readonly message: string }[];
}

const MOST_FAILED = 100;

export function emptyTally(): Tally {
  return { seeds: 0, failures: 0, segments: 0, virtualMs: 0, hashSum: 0, failed: [] };
}

export function count(tally: Tally, result: SeedResult): void {
  tally.seeds += 1;
  tally.segments += result.segments;
  tally.virtualMs += result.virtualMs;
  tally.hashSum = sumHashes(tally.hashSum, result.hash);
  if (result.error === undefined) return;
  tally.failures += 1;
  const { seed, error } = result;
  const message = error instanceof Error ? error.message : String(error);
  if (tally.failed.length < MOST_FAILED) tally.failed.push({ seed, rule: ruleOf(error), message });
}

export function merge(tally: Tally, part: Tally): void {
  tally.seeds += part.seeds;
  tally.failures += part.failures;
  tally.segments += part.segments;
  tally.virtualMs += part.virtualMs;
  tally.hashSum = sumHashes(tally.hashSum, part.hashSum);
  tally.failed.push(...part.failed.slice(0, MOST_FAILED - tally.failed.length));
}

/** The last line of the output. */
export function summary(tally: Tally, wallMs: number): string {
  const seconds = Math.max(wallMs, 1) / 1000;
  return JSON.stringify({
    seeds: tally.seeds,
    failures: tally.failures,
    segmentsPerSecond: Math.round(tally.segments / seconds),
    worldsPerSecond: Number((tally.seeds / seconds).toPrecision(4)),
    virtualHours: Number((tally.virtualMs / 3_600_000).toFixed(3)),
    traceHash: hashText(tally.hashSum),
  });
}
