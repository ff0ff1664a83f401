import { type ChildProcess, fork } from 'node:child_process';
import { type Cell, type CellResult, measure } from './measure.ts';
import { cellKey, Results } from './tables/table.ts';

/** What a worker is asked for, and what it answers. */
export interface Errand {
  readonly index: number;
  readonly cell: Cell;
}
export interface Answer {
  readonly index: number;
  readonly result: CellResult;
}

/** Told how many of all cells are done. */
export type Progress = (done: number, all: number) => void;

/** Measures every cell once, in `jobs` processes. How many there are changes nothing in the results. */
export async function measureAll(
  cells: readonly Cell[],
  jobs: number,
  progress: Progress = () => {},
): Promise<Results> {
  // The long ones first, so that at the end no process waits for another.
  const unique = [...new Map(cells.map((cell) => [cellKey(cell), cell])).values()];
  unique.sort((a, b) => cost(b) - cost(a));
  const results = new Results();
  let done = 0;
  const take = (cell: Cell, result: CellResult): void => {
    results.add(cell, result);
    progress((done += 1), unique.length);
  };
  if (jobs <= 1) for (const cell of unique) take(cell, measure(cell));
  else await inWorkers(unique, jobs, take);
  return results;
}

function cost({ rateMbit, seconds, lossPercent }: Cell): number {
  return (rateMbit * seconds) / (1 + lossPercent);
}

async function inWorkers(
  cells: readonly Cell[],
  jobs: number,
  take: (cell: Cell, result: CellResult) => void,
): Promise<void> {
  const errands = cells.map((cell, index): Errand => ({ index, cell })).values();
  const workers = Array.from({ length: Math.min(jobs, cells.length) }, async () => {
    const worker = fork(new URL('./worker.ts', import.meta.url), {
      execArgv: ['--import', 'tsx', '--conditions=@hawser/source'],
    });
    try {
      for (const errand of errands) take(errand.cell, await ask(worker, errand));
    } finally {
      worker.disconnect();
    }
  });
  await Promise.all(workers);
}

function ask(worker: ChildProcess, errand: Errand): Promise<CellResult> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`the worker ended over ${cellKey(errand.cell)}`));
    worker.once('exit', ended);
    worker.once('message', (answer) => {
      worker.off('exit', ended);
      resolve((answer as Answer).result);
    });
    worker.send(errand);
  });
}
