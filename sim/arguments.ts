import { parseArgs } from 'node:util';
import { UsageError } from '../lib/errors.ts';
import { WORLD_NAMES, type WorldName } from './plan.ts';

/** What was asked for on the command line. */
export interface Arguments {
  readonly world: WorldName;
  /** Which seeds: so many from the first on. */
  readonly firstSeed: number;
  readonly seedCount: number;
  /** For so long instead of so many, s. */
  readonly seconds: number | undefined;
  readonly jobs: number;
  /** One seed is played again: twice, and its fate told. */
  readonly isReplay: boolean;
  readonly pcap: string | undefined;
  readonly isWorker: boolean;
  readonly isHelp: boolean;
}

export const USAGE = `npm run simulate -- [options]

  --world NAME    ${WORLD_NAMES.join(', ')}; small when left out
  --seeds N       play N seeds; 1000 when left out
  --seed S        alone: play seed S again, and say what it comes to; with --seeds: the first of them, 1 when left out
  --seconds T     play fresh seeds for T seconds
  --jobs N        processes; 1 when left out
  --pcap FILE     where the datagrams of --seed, or of the first failure, go
`;

const LARGEST = 2 ** 40;

/** Throws UsageError where something cannot be meant. */
export function readArguments(argv: readonly string[], freshSeed: () => number): Arguments {
  const values = parsed(argv);
  const world = values.world ?? 'small';
  if (!WORLD_NAMES.includes(world as WorldName))
    throw new UsageError(`--world ${world}: there are ${WORLD_NAMES.join(', ')}`);
  const seed = wholeNumber('seed', values.seed, 0);
  const seconds = wholeNumber('seconds', values.seconds, 1);
  const seeds = wholeNumber('seeds', values.seeds, 1);
  if (seconds !== undefined && seeds !== undefined)
    throw new UsageError('--seconds and --seeds: say how long, or how many');
  const isReplay = seed !== undefined && seeds === undefined && seconds === undefined;
  return {
    world: world as WorldName,
    firstSeed: seed ?? (seconds === undefined ? 1 : freshSeed()),
    seedCount: seeds ?? (isReplay ? 1 : seconds === undefined ? 1000 : LARGEST),
    seconds,
    jobs: wholeNumber('jobs', values.jobs, 1) ?? 1,
    isReplay,
    pcap: values.pcap,
    isWorker: values.worker === true,
    isHelp: values.help === true,
  };
}

function parsed(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    seeds: text,
    seed: text,
    world: text,
    seconds: text,
    jobs: text,
    pcap: text,
  };
  try {
    return parseArgs({
      args: [...argv],
      options: { ...options, worker: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('\n')[0]! : String(error));
  }
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > LARGEST)
    throw new UsageError(`--${name} ${text}: a whole number from ${least} on, please`);
  return value;
}
