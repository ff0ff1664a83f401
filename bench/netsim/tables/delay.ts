import { CONTROLLERS } from '../settings.ts';
import { GRID, gridCell, pathsOfGrid } from './share.ts';
import { columns, ms, percent, type Results, type Table } from './table.ts';

/** What packets of one flow wait where nothing but the queue loses any. */
export const delayTable: Table = {
  name: 'delay',
  cells: CONTROLLERS.flatMap((controller) =>
    GRID.queuesBdp.flatMap((queueBdp) =>
      pathsOfGrid().map(([rateMbit, rttMs]) =>
        gridCell(controller, { rateMbit, rttMs, lossPercent: 0, queueBdp }),
      ),
    ),
  ),
  render: (results) =>
    CONTROLLERS.flatMap((controller) =>
      GRID.queuesBdp.map((queueBdp) => section(results, controller, queueBdp)),
    ).join('\n\n'),
};

function section(results: Results, controller: string, queueBdp: number): string {
  const head = ['Mbit/s', 'RTT ms', 'mean ms', '95 % ms', 'max ms', 'RTT x', 'dropped %', 'resent %'];
  const rows = pathsOfGrid().map(([rateMbit, rttMs]) => {
    const result = results.of(gridCell(controller, { rateMbit, rttMs, lossPercent: 0, queueBdp }));
    return [
      String(rateMbit),
      String(rttMs),
      ms(result.waitMeanMs),
      ms(result.wait95Ms),
      ms(result.waitMaxMs),
      result.rttInflation.toFixed(2),
      percent(result.queueDropShare),
      percent(result.retransmittedShare),
    ];
  });
  return `${controller}, queue ${queueBdp} BDP\n${columns([head, ...rows], 0)}`;
}
