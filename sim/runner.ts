// Plays many seeds, in this process or in several, and tells how it goes.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Arguments } from './arguments.ts';
import type { WorldName } from './plan.ts';
import { runSeed } from './run-seed.ts';
import { count, emptyTally, merge, type Tally } from './tally.ts';

/** How long at most before somebody who waits hears something. */
const SLICE_MS = 200;
/** Seeds that a process is given at once. */
const CHUNKS: Readonly<Record<WorldName, number>> = {
  small: 500,
  standard: 20,
  attacker: 200,
  liveness: 200,
};

/** A piece of work for one process. */
export interface Chunk {
  readonly world: WorldName;
  readonly firstSeed: number;
  readonly seedCount: number;
}

/** Plays every seed of `chunk`. */
export function playChunk({ world, firstSeed, seedCount }: Chunk): Tally {
  const tally = emptyTally();
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed += 1) count(tally, runSeed(world, seed));
  return tally;
}

export interface Run {
  readonly tally: Tally;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Plays what `args` ask for. `isStopped` ends it early; `tell` hears how it goes. */
export async function playAll(
  args: Arguments,
  isStopped: () => boolean,
  tell: (tally: Tally) => void,
): Promise<Run> {
  const startedAt = performance.now();
  const endAt = args.seconds === undefined ? Number.POSITIVE_INFINITY : startedAt + 1000 * args.seconds;
  const tally = emptyTally();
  const source = new ChunkSource(args, () => isStopped() || performance.now() >= endAt);
  const added = (part: Tally): void => {
    merge(tally, part);
    tell(tally);
  };
  const cpuMs =
    args.jobs === 1 ? await playHere(source, added) : await playElsewhere(args.jobs, source, added);
  return { tally, wallMs: performance.now() - startedAt, cpuMs };
}

/** Hands out the seeds in order. */
class ChunkSource {
  readonly #world: WorldName;
  readonly #end: number;
  readonly #isOver: () => boolean;
  #next: number;

  constructor({ world, firstSeed, seedCount }: Arguments, isOver: () => boolean) {
    this.#world = world;
    this.#next = firstSeed;
    this.#end = firstSeed + seedCount;
    this.#isOver = isOver;
  }

  take(most: number = CHUNKS[this.#world]): Chunk | undefined {
    const seedCount = Math.min(most, this.#end - this.#next);
    if (seedCount <= 0 || this.#isOver()) return undefined;
    const firstSeed = this.#next;
    this.#next += seedCount;
    return { world: this.#world, firstSeed, seedCount };
  }
}

async function playHere(source: ChunkSource, added: (part: Tally) => void): Promise<number> {
  const before = process.cpuUsage().user;
  let size = 1;
  for (let chunk = source.take(size); chunk !== undefined; chunk = source.take(size)) {
    const startedAt = performance.now();
    added(playChunk(chunk));
    // Signals are heard between chunks, so these are short; and not so short that hearing them is the work.
    if (performance.now() - startedAt < SLICE_MS / 2) size *= 2;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return (process.cpuUsage().user - before) / 1000;
}

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** What a worker answers with: what it played, and the processor time that took. */
export interface WorkerAnswer {
  readonly tally: Tally;
  readonly cpuMs: number;
}

async function playElsewhere(
  jobs: number,
  source: ChunkSource,
  added: (part: Tally) => void,
): Promise<number> {
  let cpuMs = 0;
  const workers = Array.from({ length: jobs }, () => fork(MAIN, ['--worker']));
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let chunk = source.take(); chunk !== undefined; chunk = source.take()) {
          const answer = await ask(worker, chunk);
          cpuMs += answer.cpuMs;
          added(answer.tally);
        }
      }),
    );
  } finally {
    for (const worker of workers) worker.kill();
  }
  return cpuMs;
}

function ask(worker: ChildProcess, chunk: Chunk): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    worker.once('exit', died);
    worker.once('message', (answer) => {
      worker.off('exit', died);
      resolve(answer as WorkerAnswer);
    });
    worker.send(chunk);
  });
}

/** The other end of `ask`: plays what it is sent until it is killed. */
export function serveChunks(): void {
  // The terminal sends SIGINT to the whole group; whoever asked for the work decides when it ends.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit());
  process.on('message', (chunk: Chunk) => {
    const before = process.cpuUsage().user;
    const tally = playChunk(chunk);
    const answer: WorkerAnswer = { tally, cpuMs: (process.cpuUsage().user - before) / 1000 };
    // Whoever asked may be gone by now; then 'disconnect' comes next.
    process.send!(answer, () => {});
  });
}
