// npm run netsim: makes the tables in docs/netsim. --only marks,fairness: only these. --jobs N: processes.
// npm run netsim -- --only share --controller bbr --rate 100 --rtt 50 --loss 1 [--queue 1] [--json]: one cell, printed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Cell, measure } from './measure.ts';
import { measureAll } from './pool.ts';
import { RUN_SECONDS } from './settings.ts';
import { TABLES, tableFile, tableText } from './tables/all.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    /** Prints the tables instead of writing them. */
    print: { type: 'boolean', default: false },
    // One cell: more than one controller, with commas, are so many flows.
    controller: { type: 'string' },
    rate: { type: 'string', default: '100' },
    rtt: { type: 'string', default: '50' },
    loss: { type: 'string', default: '0' },
    queue: { type: 'string', default: '1' },
    seconds: { type: 'string', default: String(RUN_SECONDS) },
    settled: { type: 'string', default: '0' },
    spacing: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    tick: { type: 'string', default: '0' },
    profile: { type: 'string', default: '{}' },
    json: { type: 'boolean', default: false },
  },
});

if (flags.controller === undefined) await makeTables();
else measureOne(flags.controller);

async function makeTables(): Promise<void> {
  const names = flags.only?.split(',') ?? TABLES.map(({ name }) => name);
  const tables = TABLES.filter(({ name }) => names.includes(name));
  if (tables.length < names.length)
    throw new Error(`the tables are ${TABLES.map(({ name }) => name).join(', ')}`);
  const startedAt = performance.now();
  const cells = tables.flatMap((table) => table.cells);
  const results = await measureAll(cells, Number(flags.jobs), (done, all) => {
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

function writeTable(file: URL, text: string): void {
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
}

function measureOne(controllers: string): void {
  const cell: Cell = {
    rateMbit: Number(flags.rate),
    rttMs: Number(flags.rtt),
    lossPercent: Number(flags.loss),
    queueBdp: Number(flags.queue),
    seconds: Number(flags.seconds),
    settledAfterSeconds: Number(flags.settled),
    seed: flags.seed,
    timerTickMs: Number(flags.tick),
    profile: JSON.parse(flags.profile),
    flows: controllers
      .split(',')
      .map((controller, index) => ({ controller, startAt: index * Number(flags.spacing) })),
  };
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
