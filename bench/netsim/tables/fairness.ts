import type { Cell, CellFlow, CellResult } from '../measure.ts';
import { CONTROLLERS, MARKS, type Mark, markCell, pathName, SETTLED_AFTER_SECONDS } from '../settings.ts';
import { cellKey, columns, ms, percent, type Results, share, type Table } from './table.ts';

const FLOW_COUNTS = [2, 4, 8, 16] as const;
/** Flows do not start in the same instant: that would tie them together as no network does. */
const START_SPACING_MS = 200;
/** The second flow's RTT is so many times the first one's. */
const RTT_RATIOS = [2, 4] as const;
const MIXED_QUEUES_BDP = [0.25, 1, 4] as const;
/** How many flows of the first and of the second controller meet at which queue. */
const MEETINGS = [
  ...MIXED_QUEUES_BDP.map((queueBdp) => ({ counts: [1, 1], queueBdp }) as const),
  { counts: [2, 2], queueBdp: 1 },
  { counts: [1, 4], queueBdp: 1 },
  { counts: [4, 1], queueBdp: 1 },
] as const;
const PLAINEST_MEETING = { counts: [1, 1], queueBdp: 1 } as const;
/** A flow that comes when the others have the link. */
const LATE_START_SECONDS = 10;
/** The fast path takes as long to compute as all others together: it is left to equal flows and the plainest meeting. */
const SLOWER_MARKS = MARKS.filter(({ rateMbit }) => rateMbit <= 100);

/** Equal flows, flows with different RTTs, and controllers against each other. */
export const fairnessTable: Table = {
  name: 'fairness',
  cells: [...allEqualCells(), ...rttCells(), ...lateCells(), ...allMixCells()],
  render: (results) =>
    [equalText(results), lateText(results), rttText(results), mixText(results)].join('\n\n'),
};

function settled(mark: Mark, flows: readonly CellFlow[], queueBdp = 1): Cell {
  const cell = { ...markCell(mark, flows), queueBdp };
  return { ...cell, settledAfterSeconds: SETTLED_AFTER_SECONDS };
}

function spaced(controllers: readonly string[]): CellFlow[] {
  return controllers.map((controller, index) => ({ controller, startAt: index * START_SPACING_MS }));
}

function equalCell(mark: Mark, controller: string, count: number): Cell {
  return settled(mark, spaced(Array.from({ length: count }, () => controller)));
}

/** Flows alike on the path of a mark: what one row of the table of equal flows needs. */
export function equalCells(mark: Mark, controller: string): Cell[] {
  return FLOW_COUNTS.map((count) => equalCell(mark, controller, count));
}

function allEqualCells(): Cell[] {
  return MARKS.flatMap((mark) => CONTROLLERS.flatMap((controller) => equalCells(mark, controller)));
}

function equalText(results: Results): string {
  const rows = MARKS.flatMap((mark) => CONTROLLERS.map((controller) => [mark, controller] as const));
  const table = (title: string, cellText: (result: CellResult) => string): string => {
    const texts = rows.map(([mark, controller]) => [
      pathName(mark),
      controller,
      ...equalCells(mark, controller).map((cell) => cellText(results.of(cell))),
    ]);
    return `Equal flows: ${title}\n${columns([EQUAL_HEAD, ...texts], 2)}`;
  };
  const jain = rows.map(([mark, controller]) => equalRow(results, mark, controller));
  return [
    `Equal flows: Jain's index\n${columns([EQUAL_HEAD, ...jain], 2)}`,
    table('goodput share of all together (60 s), least and greatest fair share of one', shareAndRange),
    table('per cent of packets dropped at the queue (60 s), mean wait in ms', (result) => {
      return `${percent(result.queueDropShare)} ${ms(result.waitMeanMs)}`;
    }),
  ].join('\n\n');
}

const EQUAL_HEAD = ['path', 'controller', ...FLOW_COUNTS.map((count) => `${count} flows`)];

function shareAndRange({ share: all, flows }: CellResult): string {
  const shares = flows.map((flow) => flow.fairShare);
  return `${share(all)} ${Math.min(...shares).toFixed(2)}-${Math.max(...shares).toFixed(2)}`;
}

/** One row of the table of equal flows. */
export function equalRow(results: Results, mark: Mark, controller: string): string[] {
  const indices = FLOW_COUNTS.map((count) => share(results.of(equalCell(mark, controller, count)).jain));
  return [pathName(mark), controller, ...indices];
}

function lateCell(mark: Mark, first: string, second: string): Cell {
  const flows = [{ controller: first }, { controller: second, startAt: LATE_START_SECONDS * 1000 }];
  return settled(mark, flows);
}

function lateCells(): Cell[] {
  return SLOWER_MARKS.flatMap((mark) =>
    CONTROLLERS.map((controller) => lateCell(mark, controller, controller)),
  );
}

function lateText(results: Results): string {
  const head = ['path', 'controller', 'first', 'late', 'Jain'];
  const rows = SLOWER_MARKS.flatMap((mark) =>
    CONTROLLERS.map((controller) => {
      const { flows, jain } = results.of(lateCell(mark, controller, controller));
      return [pathName(mark), controller, ...flows.map((flow) => flow.fairShare.toFixed(2)), share(jain)];
    }),
  );
  return `A second flow that starts ${LATE_START_SECONDS} s late: fair share of each\n${columns([head, ...rows], 2)}`;
}

function rttCell(mark: Mark, controller: string, rttRatio: number): Cell {
  const flows = [
    { controller },
    { controller, startAt: START_SPACING_MS, extraRttMs: (rttRatio - 1) * mark.rttMs },
  ];
  return settled(mark, flows);
}

function rttCells(): Cell[] {
  return SLOWER_MARKS.flatMap((mark) =>
    CONTROLLERS.flatMap((controller) => RTT_RATIOS.map((rttRatio) => rttCell(mark, controller, rttRatio))),
  );
}

function rttText(results: Results): string {
  const head = ['path', 'controller', ...RTT_RATIOS.map((rttRatio) => `RTT 1 : ${rttRatio}`)];
  const rows = SLOWER_MARKS.flatMap((mark) =>
    CONTROLLERS.map((controller) => [
      pathName(mark),
      controller,
      ...RTT_RATIOS.map((rttRatio) =>
        results
          .of(rttCell(mark, controller, rttRatio))
          .flows.map((flow) => flow.fairShare.toFixed(2))
          .join(' : '),
      ),
    ]),
  );
  return `Two flows with different RTTs: fair share of each\n${columns([head, ...rows], 2)}`;
}

/** Each pair of different controllers. */
function pairs(): (readonly [string, string])[] {
  return CONTROLLERS.flatMap((second, index) =>
    CONTROLLERS.slice(index + 1).map((first) => [first, second] as const),
  );
}

/** Flows of two controllers on the path of a mark, taking turns to start. */
function mixCell(mark: Mark, mix: Mix): Cell {
  const { controllers, counts, queueBdp } = mix;
  const order: string[] = [];
  for (let turn = 0; turn < Math.max(...counts); turn += 1)
    for (const [side, controller] of controllers.entries()) if (turn < counts[side]!) order.push(controller);
  return settled(mark, spaced(order), queueBdp);
}

/** Who is against whom. */
export interface Mix {
  readonly controllers: readonly [string, string];
  readonly counts: readonly [number, number];
  readonly queueBdp: number;
}

function mixes(mark: Mark): Mix[] {
  const meetings = SLOWER_MARKS.includes(mark) ? MEETINGS : [PLAINEST_MEETING];
  return pairs().flatMap((controllers) => meetings.map((meeting) => ({ controllers, ...meeting })));
}

function aloneCell(mark: Mark, controller: string, queueBdp: number): Cell {
  return settled(mark, [{ controller }], queueBdp);
}

/** What a row of the table of mixes needs: the flows together, and one of each controller alone. */
export function mixCells(mark: Mark, mix: Mix): Cell[] {
  const { controllers, queueBdp } = mix;
  return [mixCell(mark, mix), ...controllers.map((controller) => aloneCell(mark, controller, queueBdp))];
}

function allMixCells(): Cell[] {
  const cells = MARKS.flatMap((mark) => mixes(mark).flatMap((mix) => mixCells(mark, mix)));
  return [...new Map(cells.map((cell) => [cellKey(cell), cell])).values()];
}

function mixText(results: Results): string {
  const head = ['path', 'controllers', 'flows', 'queue', 'fair share', 'of max-min', 'dropped %'];
  const rows = MARKS.flatMap((mark) => mixes(mark).map((mix) => mixRow(results, mark, mix)));
  return `Controllers against each other: fair share of the mean flow of each\n${columns([head, ...rows], 2)}`;
}

/** One row of the table of mixes. */
export function mixRow(results: Results, mark: Mark, mix: Mix): string[] {
  const { controllers, counts, queueBdp } = mix;
  const result = results.of(mixCell(mark, mix));
  const equal = mixShares(results, mark, mix);
  return [
    pathName(mark),
    controllers.join(' : '),
    counts.join(' : '),
    `${queueBdp} BDP`,
    equal.map(({ fairShare }) => fairShare.toFixed(2)).join(' : '),
    equal.map(({ ofMaxMin }) => ofMaxMin.toFixed(2)).join(' : '),
    percent(result.queueDropShare),
  ];
}

/** What the mean flow of a controller got. */
interface MixShare {
  /** Of an equal share of the link. */
  readonly fairShare: number;
  /** Of what max-min fairness would give it, were what it gets alone all that it asks for. */
  readonly ofMaxMin: number;
}

/** What each side of a mix got. */
export function mixShares(results: Results, mark: Mark, mix: Mix): MixShare[] {
  const { controllers, counts, queueBdp } = mix;
  const { flows } = results.of(mixCell(mark, mix));
  const flowCount = counts[0] + counts[1];
  // In parts of an equal share, as the results are.
  const asked = controllers.map(
    (controller) => results.of(aloneCell(mark, controller, queueBdp)).flows[0]!.fairShare * flowCount,
  );
  const given = maxMinShares(asked, counts);
  return controllers.map((controller, side) => {
    const own = flows.filter((flow) => flow.controller === controller);
    const fairShare = own.reduce((sum, flow) => sum + flow.fairShare, 0) / own.length;
    return { fairShare, ofMaxMin: fairShare / given[side]! };
  });
}

/**
 * Max-min fair shares, in equal shares of the link, of flows of two kinds that ask for so much each: who asks for less
 * gets it, and leaves the rest to the others.
 */
export function maxMinShares(asked: readonly number[], counts: readonly [number, number]): number[] {
  const modest = asked[0]! <= asked[1]! ? 0 : 1;
  const other = 1 - modest;
  const modestShare = Math.min(1, asked[modest]!);
  const left = (counts[0] + counts[1] - modestShare * counts[modest]!) / counts[other]!;
  const shares = [0, 0];
  shares[modest] = modestShare;
  shares[other] = Math.min(left, asked[other]!);
  return shares;
}
