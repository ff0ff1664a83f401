// npm run simulate: see docs/simulator.md.
import { randomInt } from 'node:crypto';
import { UsageError } from '../lib/errors.ts';
import { type Arguments, readArguments, USAGE } from './arguments.ts';
import { captureWorld } from './capture.ts';
import { failureReport, playTwice } from './replay.ts';
import { playAll, type Run, serveChunks } from './runner.ts';
import { ruleOf } from './shrink.ts';
import { drawPlan } from './swarm.ts';
import { count, emptyTally, summary, type Tally } from './tally.ts';
import { hashText } from './trace-hash.ts';

const PROGRESS_EVERY_MS = 5000;
/** Fresh seeds begin anywhere below this. */
const FRESH_SEEDS = 2 ** 40;
const INTERRUPTED = 130;

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2), () => randomInt(FRESH_SEEDS));
  if (args.isHelp) process.stdout.write(USAGE);
  else if (args.isWorker) serveChunks();
  else if (args.isReplay) replay(args);
  else await swarm(args);
}

function replay({ world, firstSeed: seed, pcap }: Arguments): void {
  const startedAt = performance.now();
  const { result, isSame } = playTwice(world, seed);
  const { error, hash, segments } = result;
  const fate = error === undefined ? 'passes' : `fails: ${ruleOf(error)}`;
  console.log(`seed ${seed} of ${world} ${fate}; ${segments} segments, trace ${hashText(hash)}`);
  if (!isSame) console.log('played again it goes another way: something is not drawn from the seed');
  const plan = drawPlan(world, seed);
  if (error !== undefined) console.log(failureReport(plan, pcap));
  else if (pcap !== undefined) captureWorld(plan, undefined, pcap);
  if (error !== undefined || !isSame) process.exitCode = 1;
  const tally = emptyTally();
  count(tally, result);
  console.log(summary(tally, performance.now() - startedAt));
}

async function swarm(args: Arguments): Promise<void> {
  let isInterrupted = false;
  const interrupt = (): void => {
    if (isInterrupted) process.exit(INTERRUPTED);
    isInterrupted = true;
  };
  process.on('SIGINT', interrupt);
  const run = await playAll(args, () => isInterrupted, progress());
  process.off('SIGINT', interrupt);
  report(args, run);
  if (run.tally.failures > 0) process.exitCode = 1;
  else if (isInterrupted) process.exitCode = INTERRUPTED;
}

/** Tells on stderr how far it is, now and then. */
function progress(): (tally: Tally) => void {
  let toldAt = performance.now();
  return ({ seeds, segments, failures }) => {
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    process.stderr.write(`${seeds} seeds, ${segments} segments, ${failures} failures\n`);
  };
}

function report({ world, firstSeed, jobs, pcap }: Arguments, { tally, wallMs, cpuMs }: Run): void {
  for (const { seed, message } of tally.failed.slice(0, 10)) console.log(`seed ${seed} fails: ${message}`);
  const first = tally.failed[0];
  if (first !== undefined) console.log(failureReport(drawPlan(world, first.seed), pcap));
  console.log(`${world} seeds ${firstSeed} to ${firstSeed + tally.seeds - 1}, ${jobs} processes`);
  const perCore = Math.round(tally.segments / Math.max(cpuMs / 1000, 0.001));
  const worldsPerCore = Math.round(tally.seeds / Math.max(cpuMs / 1000, 0.001));
  console.log(`for each second of processor time: ${perCore} segments, ${worldsPerCore} worlds`);
  console.log(summary(tally, wallMs));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
