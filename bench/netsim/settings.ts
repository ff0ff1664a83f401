import type { Cell, CellFlow } from './measure.ts';

/** A path, and what the best controller must reach on it. */
export interface Mark {
  readonly rateMbit: number;
  readonly rttMs: number;
  readonly lossPercent: number;
  /** The least goodput share. */
  readonly share: number;
}

/** The four paths that the project is measured by. */
export const MARKS: readonly Mark[] = [
  { rateMbit: 100, rttMs: 20, lossPercent: 0, share: 0.98 },
  { rateMbit: 100, rttMs: 50, lossPercent: 1, share: 0.95 },
  { rateMbit: 20, rttMs: 100, lossPercent: 2, share: 0.92 },
  { rateMbit: 500, rttMs: 40, lossPercent: 0.1, share: 0.95 },
];

/** More packets than this part must not be dropped at the queue. */
export const MOST_QUEUE_DROPS = 0.03;
/** Jain's index of equal flows. */
export const LEAST_JAIN = 0.95;
/** What bbr and cubic leave each other: this part of a fair share. */
export const LEAST_FAIR_SHARE = 0.3;

/** How long each run takes, in virtual time. */
export const RUN_SECONDS = 60;
/** Fairness is judged from here on: the start is another matter. */
export const SETTLED_AFTER_SECONDS = 20;

/** The controllers there are. */
export const CONTROLLERS = ['newreno', 'cubic', 'bbr'] as const;

/** The setting of a mark with a queue of one BDP, for `flows`. */
export function markCell(
  mark: Pick<Cell, 'rateMbit' | 'rttMs' | 'lossPercent'>,
  flows: readonly CellFlow[],
): Cell {
  const { rateMbit, rttMs, lossPercent } = mark;
  return { rateMbit, rttMs, lossPercent, queueBdp: 1, seconds: RUN_SECONDS, seed: 1, flows };
}

/** How tables call a path. */
export function pathName({
  rateMbit,
  rttMs,
  lossPercent,
}: Pick<Cell, 'rateMbit' | 'rttMs' | 'lossPercent'>): string {
  return `${rateMbit} Mbit/s ${rttMs} ms ${lossPercent} %`;
}
