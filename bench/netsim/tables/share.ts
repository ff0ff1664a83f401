import type { Cell } from '../measure.ts';
import { CONTROLLERS, RUN_SECONDS } from '../settings.ts';
import { columns, type Results, share, type Table } from './table.ts';

/** The grid of one flow alone. What 500 Mbit/s carry is among the marks: they take longer than all the rest. */
export const GRID = {
  ratesMbit: [5, 20, 100],
  rttsMs: [10, 40, 100],
  lossesPercent: [0, 0.1, 1, 2, 5],
  queuesBdp: [0.25, 1, 4],
} as const;

/** One flow alone at one point of the grid. */
export function gridCell(
  controller: string,
  point: Pick<Cell, 'rateMbit' | 'rttMs' | 'lossPercent' | 'queueBdp'>,
): Cell {
  const { rateMbit, rttMs, lossPercent, queueBdp } = point;
  return { rateMbit, rttMs, lossPercent, queueBdp, seconds: RUN_SECONDS, seed: 1, flows: [{ controller }] };
}

/** Goodput share over rate × RTT × loss × queue for each controller. */
export const shareTable: Table = {
  name: 'share',
  cells: CONTROLLERS.flatMap((controller) =>
    GRID.queuesBdp.flatMap((queueBdp) =>
      pathsOfGrid().flatMap(([rateMbit, rttMs]) =>
        GRID.lossesPercent.map((lossPercent) =>
          gridCell(controller, { rateMbit, rttMs, lossPercent, queueBdp }),
        ),
      ),
    ),
  ),
  render: (results) =>
    CONTROLLERS.flatMap((controller) =>
      GRID.queuesBdp.map((queueBdp) => section(results, controller, queueBdp)),
    ).join('\n\n'),
};

/** Rate and RTT of each row of the grid. */
export function pathsOfGrid(): (readonly [rateMbit: number, rttMs: number])[] {
  return GRID.ratesMbit.flatMap((rateMbit) => GRID.rttsMs.map((rttMs) => [rateMbit, rttMs] as const));
}

function section(results: Results, controller: string, queueBdp: number): string {
  const head = ['Mbit/s', 'RTT ms', ...GRID.lossesPercent.map((lossPercent) => `${lossPercent} %`)];
  const rows = pathsOfGrid().map(([rateMbit, rttMs]) => [
    String(rateMbit),
    String(rttMs),
    ...GRID.lossesPercent.map((lossPercent) =>
      share(results.of(gridCell(controller, { rateMbit, rttMs, lossPercent, queueBdp })).share),
    ),
  ]);
  return `${controller}, queue ${queueBdp} BDP\n${columns([head, ...rows], 0)}`;
}
