// One seed, looked at closely: what it comes to, whether it comes to it again, and with how few faults.
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../lib/errors.ts';
import { captureWorld } from './capture.ts';
import { describeItem, OnlyFaults } from './faults.ts';
import type { WorldName, WorldPlan } from './plan.ts';
import { runPlan, type SeedResult } from './run-seed.ts';
import { ruleOf, shrink } from './shrink.ts';
import { drawPlan } from './swarm.ts';
import { hashText } from './trace-hash.ts';

const FAULTS_SHOWN = 40;

/** Plays a seed twice, which must come to the same. Returns the result, and whether it did. */
export function playTwice(world: WorldName, seed: number): { result: SeedResult; isSame: boolean } {
  const result = runPlan(drawPlan(world, seed));
  const again = runPlan(drawPlan(world, seed));
  return { result, isSame: again.hash === result.hash && again.segments === result.segments };
}

/** All that there is to say of a world that fails, for whoever has to find out why. Writes a capture of it. */
export function failureReport(plan: WorldPlan, pcap: string | undefined): string {
  const { world, seed } = plan;
  const shrunk = shrink(plan);
  if (shrunk === undefined) return `seed ${seed} of ${world} did not fail again`;
  const { error, hash } = runPlan(plan, { faults: new OnlyFaults(shrunk.items) });
  const file = pcap ?? join(tmpdir(), `simulate-${world}-${seed}.pcapng`);
  const shownFile = capturedIn(file, () => captureWorld(plan, shrunk.items, file));
  const shown = shrunk.items.slice(0, FAULTS_SHOWN).map((item) => `  ${describeItem(item, plan.episodes)}`);
  const rest = shrunk.items.length - shown.length;
  return [
    `seed ${seed} of ${world} at ${commit()}: ${error instanceof Error ? error.message : ruleOf(error)}`,
    `${shrunk.items.length} of ${shrunk.recordedCount} faults are enough (trace ${hashText(hash)}):`,
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    `its datagrams: ${shownFile}`,
    `again: npm run simulate -- --world ${world} --seed ${seed}`,
  ].join('\n');
}

/** The file, or why it is not there: a report must not fail for want of its capture. */
function capturedIn(file: string, write: () => void): string {
  try {
    write();
    return file;
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

/** The commit that is checked out, as far as there is one. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'no commit';
  }
}
