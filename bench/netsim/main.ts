// npm run netsim: makes the tables in docs/netsim. --only marks,fairness: only these. --jobs N: processes.
// npm run netsim -- --controller bbr --rate 100 --rtt 50 --loss 1 [--queue 1] [--json]: one cell, printed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { UsageError } from '../../lib/errors.ts';
import { type ProfileOptions, resolveProfile } from '../../lib/ptcp/core/config.ts';
import { type Cell, measure } from './measure.ts';
import { measureAll } from './pool.ts';
import { RUN_SECONDS } from './settings.ts';
import { TABLES, tableFile, tableText } from './tables/all.ts';
import type { Table } from './tables/table.ts';

const USAGE = `npm run netsim -- [options]

  --only NAMES        these tables alone: ${TABLES.map(({ name }) => name).join(',')}
  --print             print them instead of writing docs/netsim
  --jobs N            processes; all cores when left out

  --controller NAMES  one experiment instead: a flow for each of the names, with commas
  --rate MBIT         100 when left out
  --rtt MS            50
  --loss PERCENT      0, each way
  --queue BDP         1
  --seconds S         ${RUN_SECONDS}
  --settled S         0; from when on fairness counts
  --spacing MS        0; between the starts of several flows
  --seed TEXT         1
  --tick MS           0; what timers are rounded up to
  --profile JSON      options of PTCP over the default ones
  --json              print one JSON object
`;

const text = { type: 'string' } as const;
const OPTIONS = {
  help: { type: 'boolean', default: false },
  only: text,
  jobs: { ...text, default: String(availableParallelism()) },
  print: { type: 'boolean', default: false },
  controller: text,
  rate: { ...text, default: '100' },
  rtt: { ...text, default: '50' },
  loss: { ...text, default: '0' },
  queue: { ...text, default: '1' },
  seconds: { ...text, default: String(RUN_SECONDS) },
  settled: { ...text, default: '0' },
  spacing: { ...text, default: '0' },
  seed: { ...text, default: '1' },
  tick: { ...text, default: '0' },
  profile: { ...text, default: '{}' },
  json: { type: 'boolean', default: false },
} as const;

const flags = orRefuse(() => parseArgs({ options: OPTIONS }).values);
if (flags.help) process.stdout.write(USAGE);
else if (flags.controller === undefined) await makeTables();
else measureOne(flags.controller);

/** What `read` gives; what cannot be meant ends the process with a line. */
function orRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`netsim: ${error instanceof Error ? error.message.split('\n')[0] : error} (see --help)`);
    process.exit(2);
  }
}

/** The number that `--name` says. Throws UsageError where that is none, or less than `least`. */
function numberOf(
  name: 'rate' | 'rtt' | 'loss' | 'queue' | 'seconds' | 'settled' | 'spacing' | 'tick' | 'jobs',
  least: number,
): number {
  const value = Number(flags[name]);
  if (!Number.isFinite(value) || value < least)
    throw new UsageError(`--${name} ${flags[name]}: a number from ${least} on, please`);
  return value;
}

async function makeTables(): Promise<void> {
  const tables = orRefuse(askedTables);
  const jobs = orRefuse(() => numberOf('jobs', 1));
  const startedAt = performance.now();
  const cells = tables.flatMap((table) => table.cells);
  const results = await measureAll(cells, jobs, (done, all) => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    process.stderr.write(`\r${done} of ${all} cells, ${seconds} s `);
  });
  process.stderr.write('\n');
  for (const table of tables) {
    const text = tableText(table, results);
    if (flags.print) process.stdout.write(text);
    else writeTable(tableFile(table), text);
  }
}

function askedTables(): readonly Table[] {
  const names = flags.only?.split(',') ?? TABLES.map(({ name }) => name);
  const unknown = names.find((name) => !TABLES.some((table) => table.name === name));
  if (unknown !== undefined)
    throw new UsageError(`--only ${unknown}: the tables are ${TABLES.map(({ name }) => name).join(', ')}`);
  return TABLES.filter(({ name }) => names.includes(name));
}

function writeTable(file: URL, text: string): void {
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
}

function cellOf(controllers: string): Cell {
  const profile = JSON.parse(flags.profile) as ProfileOptions;
  const flows = controllers.split(',').map((controller, index) => ({
    controller,
    startAt: index * numberOf('spacing', 0),
  }));
  for (const { controller } of flows) resolveProfile({ ...profile, congestion: controller as never });
  return {
    rateMbit: numberOf('rate', 0.01),
    rttMs: numberOf('rtt', 0),
    lossPercent: numberOf('loss', 0),
    queueBdp: numberOf('queue', 0),
    seconds: numberOf('seconds', 1),
    settledAfterSeconds: numberOf('settled', 0),
    seed: flags.seed,
    timerTickMs: numberOf('tick', 0),
    profile,
    flows,
  };
}

function measureOne(controllers: string): void {
  const cell = orRefuse(() => cellOf(controllers));
  const startedAt = performance.now();
  const result = measure(cell);
  const seconds = (performance.now() - startedAt) / 1000;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { flows, ...totals } = result;
  for (const [name, value] of Object.entries(totals))
    process.stdout.write(`${name.padEnd(20)} ${rounded(value)}\n`);
  for (const flow of flows) process.stdout.write(`${JSON.stringify(flow)}\n`);
  const rate = Math.round(result.segmentCount / seconds);
  process.stderr.write(`${seconds.toFixed(1)} s, ${rate} segments a second\n`);
}

function rounded(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}
