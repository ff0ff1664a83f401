// npm run netsim -- --only share --controller newreno --rate 100 --rtt 50 --loss 1 [--queue 1] [--json]: one cell.
import { parseArgs } from 'node:util';
import { type Cell, measure } from './measure.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: 'share' },
    controller: { type: 'string', default: 'newreno' },
    rate: { type: 'string', default: '100' },
    rtt: { type: 'string', default: '50' },
    loss: { type: 'string', default: '0' },
    queue: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    settled: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    tick: { type: 'string', default: '0' },
    profile: { type: 'string', default: '{}' },
    json: { type: 'boolean', default: false },
  },
});

function share(): void {
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
    flows: flags.controller.split(',').map((controller) => ({ controller })),
  };
  const startedAt = process.hrtime.bigint();
  const result = measure(cell);
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { flows, ...totals } = result;
  for (const [name, value] of Object.entries(totals))
    process.stdout.write(`${name.padEnd(20)} ${rounded(value)}\n`);
  for (const flow of flows) process.stdout.write(`${JSON.stringify(flow)}\n`);
  process.stderr.write(
    `${seconds.toFixed(1)} s, ${Math.round(result.segmentCount / seconds)} segments a second\n`,
  );
}

function rounded(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}

share();
