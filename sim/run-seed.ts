import type { WorldName, WorldPlan } from './plan.ts';
import { drawPlan } from './swarm.ts';
import { World, type WorldOptions } from './world.ts';

/** What playing one seed came to. */
export interface SeedResult {
  readonly seed: number;
  readonly segments: number;
  readonly virtualMs: number;
  readonly hash: number;
  /** What was thrown, if anything was: a Violation, or whatever a bug throws. */
  readonly error: unknown;
}

/** Plays the world of this kind and seed to its end, or to the first thing that is wrong. */
export function runSeed(world: WorldName, seed: number, options?: WorldOptions): SeedResult {
  return runPlan(drawPlan(world, seed), options);
}

export function runPlan(plan: WorldPlan, options?: WorldOptions): SeedResult {
  const world = new World(plan, options);
  let error: unknown;
  try {
    world.play();
  } catch (thrown) {
    error = thrown;
  }
  return {
    seed: plan.seed,
    segments: world.segmentCount,
    virtualMs: world.now,
    hash: world.hash.value,
    error,
  };
}
