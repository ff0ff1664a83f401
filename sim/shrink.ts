// The fewest faults with which a seed still fails: delta debugging over the items that struck.
import { FaultRecorder, OnlyFaults } from './faults.ts';
import type { WorldPlan } from './plan.ts';
import { runPlan } from './run-seed.ts';
import { Violation } from './violation.ts';

/** More attempts than this are not worth waiting for. */
const ATTEMPTS_LIMIT = 600;

export interface ShrunkFailure {
  readonly rule: string;
  /** The items that are left. */
  readonly items: readonly number[];
  /** How many there were. */
  readonly recordedCount: number;
}

/** What a failure is told by: its rule, or the first line of what was thrown. */
export function ruleOf(error: unknown): string {
  if (error instanceof Violation) return error.rule;
  return error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
}

/**
 * Plays a world that fails again and again, with fewer and fewer of its faults, as long as it breaks the same rule.
 *
 * Returns undefined if it does not fail.
 */
export function shrink(plan: WorldPlan): ShrunkFailure | undefined {
  const recorder = new FaultRecorder();
  const { error } = runPlan(plan, { faults: recorder });
  if (error === undefined) return undefined;
  const rule = ruleOf(error);
  let attempts = 0;
  const stillFails = (items: readonly number[]): boolean => {
    attempts += 1;
    const again = runPlan(plan, { faults: new OnlyFaults(items) });
    return again.error !== undefined && ruleOf(again.error) === rule;
  };
  let items: readonly number[] = recorder.items;
  if (stillFails([])) return { rule, items: [], recordedCount: items.length };
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < items.length && attempts < ATTEMPTS_LIMIT; ) {
      const fewer = [...items.slice(0, at), ...items.slice(at + size)];
      if (stillFails(fewer)) items = fewer;
      else at += size;
    }
  }
  return { rule, items, recordedCount: recorder.items.length };
}
