import { type Cell, type CellResult, capacityBytes } from '../measure.ts';
import { CONTROLLERS, MARKS, type Mark, markCell, pathName } from '../settings.ts';
import { columns, ms, percent, type Results, share, type Table } from './table.ts';

const SHORT_BYTES = [100_000, 1_000_000] as const;
const MANY_SEEDS = Array.from({ length: 20 }, (_seed, index) => index + 1);
const FEW_SEEDS = [1, 2, 3] as const;
/** A short flow that does not come to its end in this time is shown as one that never does. */
const SHORT_SECONDS = 30;
/** The long flow has had the link for so long when the short one comes. */
const LONG_BEFORE_SECONDS = 10;
const MET_BYTES = 1_000_000;
const RATE_CHANGE = { fromSeconds: 20, untilSeconds: 40, factor: 0.25 } as const;
/** Where a short flow meets a long one, and where the rate changes: a path without loss by chance, and one with. */
const TWO_MARKS = [MARKS[0]!, MARKS[2]!] as const;

/** Short flows alone and beside a long one, and a rate that changes. */
export const scenariosTable: Table = {
  name: 'scenarios',
  cells: [
    ...MARKS.flatMap((mark) =>
      CONTROLLERS.flatMap((controller) =>
        SHORT_BYTES.flatMap((bytes) => shortCells(mark, controller, bytes)),
      ),
    ),
    ...TWO_MARKS.flatMap((mark) =>
      CONTROLLERS.flatMap((long) => CONTROLLERS.flatMap((short) => meetingCells(mark, long, short))),
    ),
    ...TWO_MARKS.flatMap((mark) => CONTROLLERS.map((controller) => changeCell(mark, controller))),
  ],
  render: (results) => [shortText(results), meetingText(results), changeText(results)].join('\n\n'),
};

function shortCells(mark: Mark, controller: string, bytes: number): Cell[] {
  const cell = { ...markCell(mark, [{ controller, bytes }]), seconds: SHORT_SECONDS };
  return MANY_SEEDS.map((seed) => ({ ...cell, seed }));
}

function shortText(results: Results): string {
  const head = [
    'path',
    'controller',
    ...SHORT_BYTES.flatMap((bytes) => [`${bytes / 1000} kB: least`, 'mean', 'longest']),
  ];
  const rows = MARKS.flatMap((mark) =>
    CONTROLLERS.map((controller) => [
      pathName(mark),
      controller,
      ...SHORT_BYTES.flatMap((bytes) => {
        const times = timesOf(results, shortCells(mark, controller, bytes), 0);
        return [ms(leastMs(mark, bytes)), ms(mean(times)), ms(Math.max(...times))];
      }),
    ]),
  );
  return `Short flows alone: ms from the SYN to the last byte read, ${MANY_SEEDS.length} seeds\n${columns([head, ...rows], 2)}`;
}

/** The handshake, the way of the last byte, and the link's time for all of them: nobody can be faster. */
function leastMs(mark: Mark, bytes: number): number {
  return 1.5 * mark.rttMs + bytes / capacityBytes(mark.rateMbit, 1);
}

function meetingCells(mark: Mark, long: string, short: string): Cell[] {
  const flows = [
    { controller: long },
    { controller: short, startAt: LONG_BEFORE_SECONDS * 1000, bytes: MET_BYTES },
  ];
  const cell = { ...markCell(mark, flows), seconds: LONG_BEFORE_SECONDS + SHORT_SECONDS };
  return FEW_SEEDS.map((seed) => ({ ...cell, seed }));
}

function meetingText(results: Results): string {
  const head = ['path', 'long flow', ...CONTROLLERS.map((short) => `short ${short}`)];
  const rows = TWO_MARKS.flatMap((mark) =>
    CONTROLLERS.map((long) => [
      pathName(mark),
      long,
      ...CONTROLLERS.map((short) => ms(mean(timesOf(results, meetingCells(mark, long, short), 1)))),
    ]),
  );
  const title = `A short flow of ${MET_BYTES / 1000} kB that comes ${LONG_BEFORE_SECONDS} s after a long one`;
  return `${title}: ms from the SYN to the last byte read, mean of ${FEW_SEEDS.length} seeds\n${columns([head, ...rows], 2)}`;
}

function changeCell(mark: Mark, controller: string): Cell {
  return { ...markCell(mark, [{ controller }]), rateChange: RATE_CHANGE };
}

function changeText(results: Results): string {
  const head = ['path', 'controller', 'share', 'dropped %', 'resent %', 'mean ms', '95 % ms', 'max ms'];
  const rows = TWO_MARKS.flatMap((mark) =>
    CONTROLLERS.map((controller) => {
      const result: CellResult = results.of(changeCell(mark, controller));
      return [
        pathName(mark),
        controller,
        share(result.share),
        percent(result.queueDropShare),
        percent(result.retransmittedShare),
        ms(result.waitMeanMs),
        ms(result.wait95Ms),
        ms(result.waitMaxMs),
      ];
    }),
  );
  const { fromSeconds, untilSeconds, factor } = RATE_CHANGE;
  const title = `A rate that is ${factor} of what it was from ${fromSeconds} s to ${untilSeconds} s; the queue has as many bytes as before`;
  return `${title}\n${columns([head, ...rows], 2)}`;
}

/** How long a flow took in each run; infinite where it did not come to its end. */
function timesOf(results: Results, cells: readonly Cell[], flow: number): number[] {
  const times = cells.map((cell) => results.of(cell).flows[flow]!.completedMs);
  return times.map((time) => (time < 0 ? Number.POSITIVE_INFINITY : time));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
