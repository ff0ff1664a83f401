// npm run bench:amp: AMP over hawser's transports beside Twisted and gRPC, two processes each, loopback.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { CASES, type CaseName } from './cases.ts';
import { buildHalves, OwnContestant, TwistedContestant } from './contestants.ts';
import { type ContestantName, HAWSER_NAMES, type OwnName } from './messages.ts';
import { Results } from './results.ts';

const USAGE = `npm run bench:amp -- [options]

  --json            progress on standard error, and one JSON object as the last line
  --rounds N        5 when left out; contestants take turns within a round
  --seconds S       for each case in each round; 1 when left out
  --only NAMES      these contestants, with commas: ${[...HAWSER_NAMES, 'grpc', 'twisted'].join(',')}
  --cases NAMES     these cases, with commas: ${Object.keys(CASES).join(',')}
  --cpu-prof DIR    a CPU profile of every process of ours
`;

const OWN_NAMES: readonly OwnName[] = [...HAWSER_NAMES, 'grpc'];

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const flags = orRefuse(() => {
  const { values } = parseArgs({
    options: {
      json: flag,
      help: flag,
      rounds: { ...text, default: '5' },
      seconds: { ...text, default: '1' },
      only: { ...text, default: [...OWN_NAMES, 'twisted'].join(',') },
      cases: { ...text, default: Object.keys(CASES).join(',') },
      'cpu-prof': text,
    },
  });
  return {
    ...values,
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    only: namesOf('only', values.only, [...OWN_NAMES, 'twisted']),
    cases: namesOf('cases', values.cases, Object.keys(CASES) as CaseName[]),
  };
});

/** What `read` gives; what cannot be meant ends the process with a line. */
function orRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`bench:amp: ${error instanceof Error ? error.message.split('\n')[0] : error} (see --help)`);
    process.exit(2);
  }
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0 && Number.isFinite(number)))
    throw new Error(`--${name} ${value}: a number above 0, please`);
  return number;
}

function namesOf<N extends string>(flagName: string, value: string, known: readonly N[]): readonly N[] {
  const names = value.split(',');
  const strange = names.find((name) => !(known as readonly string[]).includes(name));
  if (strange !== undefined) throw new Error(`--${flagName} ${strange}: one of ${known.join(', ')}, please`);
  return known.filter((name) => names.includes(name));
}

const results = new Results();

function note(contestant: ContestantName, name: CaseName, callsPerSecond: number): void {
  results.add(contestant, name, callsPerSecond);
  process.stderr.write(
    `${contestant.padEnd(10)}${CASES[name].padEnd(26)}${callsPerSecond.toFixed(0).padStart(9)} calls/s\n`,
  );
}

/** One after the other for each case, so that a machine that slows down slows down everybody. */
async function round(own: readonly OwnContestant[], twisted: TwistedContestant | undefined): Promise<void> {
  const figures = await twisted?.measureAll(flags.seconds);
  for (const name of flags.cases) {
    if (figures !== undefined) note('twisted', name, figures[name]);
    for (const contestant of own) {
      const callsPerSecond = await contestant.measure(name, flags.seconds);
      if (callsPerSecond !== undefined) note(contestant.name, name, callsPerSecond);
    }
  }
}

async function main(): Promise<void> {
  const load = loadavg()[0] ?? 0;
  await buildHalves();
  const twisted = flags.only.includes('twisted') ? await TwistedContestant.start() : undefined;
  if (twisted === undefined && flags.only.includes('twisted')) {
    process.stderr.write(
      'bench:amp: Twisted takes no part: no Python has it (apt-get install python3-twisted)\n',
    );
  }
  const profile = flags['cpu-prof'];
  const execArgv = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const own: OwnContestant[] = [];
  try {
    for (const name of OWN_NAMES) {
      if (flags.only.includes(name)) own.push(await OwnContestant.start(name, execArgv));
    }
    // The compilers of V8 get to know each case first; Python has none.
    for (const name of flags.cases) for (const each of own) await each.measure(name, flags.seconds);
    for (let index = 0; index < flags.rounds; index += 1) await round(own, twisted);
  } finally {
    twisted?.stop();
    await Promise.all(own.map((each) => each.stop()));
  }
  report(twisted, load);
}

function report(twisted: TwistedContestant | undefined, load: number): void {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpuCount: cpus().length,
    system: `${process.platform} ${release()}`,
    node: process.version,
    grpc: grpcVersion(),
    twisted: twisted?.python.version ?? null,
    loadAtStart: load,
  };
  if (!flags.json) {
    process.stdout.write(`\n${results.table()}\n`);
    for (const [name, value] of Object.entries(machine))
      process.stdout.write(`${name.padEnd(12)} ${value}\n`);
    return;
  }
  const { rounds, seconds } = flags;
  const summary = { callsPerSecond: results.figures(), ratios: results.ratios(), rounds, seconds, machine };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}

function grpcVersion(): string {
  const file = new URL('../../node_modules/@grpc/grpc-js/package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

if (flags.help) process.stdout.write(USAGE);
else await main();
