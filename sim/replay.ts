// One seed, looked at closely: what it comes to, whether it comes to it again, and with how few faults.
import { execFileSync } from 'node:child_process';
import { describeItem, OnlyFaults } from './faults.ts';
import type { WorldName } from './plan.ts';
import { runSeed, type SeedResult } from './run-seed.ts';
import { ruleOf, shrink } from './shrink.ts';
import { drawPlan } from './swarm.ts';
import { hashText } from './trace-hash.ts';
import type { Tap } from './world.ts';

const FAULTS_SHOWN = 40;

/** Plays a seed twice, which must come to the same. Returns the result, and whether it did. */
export function playTwice(world: WorldName, seed: number): { result: SeedResult; isSame: boolean } {
  const result = runSeed(world, seed);
  const again = runSeed(world, seed);
  return { result, isSame: again.hash === result.hash && again.segments === result.segments };
}

/** All that there is to say of a seed that fails, for whoever has to find out why. */
export function failureReport(world: WorldName, seed: number): string {
  const shrunk = shrink(world, seed);
  if (shrunk === undefined) return `seed ${seed} of ${world} did not fail again`;
  const { error, hash } = runSeed(world, seed, { faults: new OnlyFaults(shrunk.items) });
  const { episodes } = drawPlan(world, seed);
  const shown = shrunk.items.slice(0, FAULTS_SHOWN).map((item) => `  ${describeItem(item, episodes)}`);
  const rest = shrunk.items.length - shown.length;
  return [
    `seed ${seed} of ${world} at ${commit()}: ${error instanceof Error ? error.message : ruleOf(error)}`,
    `${shrunk.items.length} of ${shrunk.recordedCount} faults are enough (trace ${hashText(hash)}):`,
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    `again: npm run simulate -- --world ${world} --seed ${seed}`,
  ].join('\n');
}

/** Plays a seed with `tap` on the wire; a failing one with no more faults than it needs. */
export function playTapped(world: WorldName, seed: number, tap: Tap): void {
  const shrunk = shrink(world, seed);
  runSeed(world, seed, shrunk === undefined ? { tap } : { tap, faults: new OnlyFaults(shrunk.items) });
}

/** The commit that is checked out, as far as there is one. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'no commit';
  }
}
