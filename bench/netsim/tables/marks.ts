import type { Cell, CellFlow, CellResult } from '../measure.ts';
import { CONTROLLERS, MARKS, type Mark, MOST_QUEUE_DROPS, markCell, pathName } from '../settings.ts';
import { columns, ms, percent, type Results, share, type Table } from './table.ts';

/** Chance plays a part where packets are lost by it: each mark is measured with all of these. */
export const MARK_SEEDS = [1, 2, 3] as const;

/** A controller, or a variant of one that is measured beside it. */
interface Contender {
  readonly name: string;
  readonly flow: CellFlow;
}

const CONTENDERS: readonly Contender[] = [
  ...CONTROLLERS.map((controller) => ({ name: controller, flow: { controller } })),
  // Every loss counts, as in the draft.
  { name: 'bbr, draft', flow: { controller: 'bbr', profile: { bbrLossTolerance: 0 } } },
];

/** The four marks for each controller. */
export const marksTable: Table = {
  name: 'marks',
  cells: MARKS.flatMap((mark) => CONTENDERS.flatMap(({ flow }) => seedCells(mark, flow))),
  render: (results) =>
    MARKS.map((mark) => {
      const title = `${pathName(mark)}, mark ${mark.share.toFixed(2)}`;
      const rows = CONTENDERS.map((contender) => row(results, mark, contender));
      return `${title}\n${columns([HEAD, ...rows], 1)}`;
    }).join('\n\n'),
};

const HEAD = [
  'controller',
  ...MARK_SEEDS.map((seed) => `seed ${seed}`),
  'mean',
  'dropped %',
  'resent %',
  'mean ms',
  '95 % ms',
  'max ms',
  'RTT x',
  'mark',
];

/** The runs of one flow on the path of a mark. */
export function seedCells(mark: Mark, flow: CellFlow): Cell[] {
  return MARK_SEEDS.map((seed) => ({ ...markCell(mark, [flow]), seed }));
}

function row(results: Results, mark: Mark, { name, flow }: Contender): string[] {
  const cells = seedCells(mark, flow);
  const means = meanOf(results, cells);
  return [
    name,
    ...cells.map((cell) => share(results.of(cell).share)),
    share(means.share),
    percent(means.queueDropShare),
    percent(means.retransmittedShare),
    ms(means.waitMeanMs),
    ms(means.wait95Ms),
    ms(Math.max(...cells.map((cell) => results.of(cell).waitMaxMs))),
    means.rttInflation.toFixed(2),
    means.share >= mark.share && means.queueDropShare < MOST_QUEUE_DROPS ? 'yes' : 'no',
  ];
}

/** What is averaged over the seeds of a mark. */
const AVERAGED = [
  'share',
  'queueDropShare',
  'retransmittedShare',
  'waitMeanMs',
  'wait95Ms',
  'rttInflation',
] as const satisfies readonly (keyof CellResult)[];

/** The means over some runs. */
export type Means = Record<(typeof AVERAGED)[number], number>;

/** The means over `cells`. */
export function meanOf(results: Results, cells: readonly Cell[]): Means {
  const means = AVERAGED.map((name) => {
    const sum = cells.reduce((total, cell) => total + results.of(cell)[name], 0);
    return [name, sum / cells.length];
  });
  return Object.fromEntries(means);
}
