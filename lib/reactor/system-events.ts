import { UsageError } from '../errors.ts';

/** When a trigger runs. Every 'before' is over, Deferreds included, when the first 'during' begins. */
export type EventPhase = 'before' | 'during' | 'after';

/** What a trigger is removed by. */
export interface TriggerId {
  readonly phase: EventPhase;
  readonly event: string;
}

interface Trigger extends TriggerId {
  readonly call: () => unknown;
}

type Phases = Record<EventPhase, Set<Trigger>>;

/**
 * What is to be done before, during and after an event such as 'startup' or 'shutdown'. Modelled on Twisted's system
 * event triggers: each runs once, and what one throws is reported and does not keep the others from running.
 */
export class SystemEvents {
  readonly #events = new Map<string, Phases>();
  readonly #reportError: (error: unknown, where: string) => void;

  constructor(reportError: (error: unknown, where: string) => void) {
    this.#reportError = reportError;
  }

  add(phase: EventPhase, event: string, call: () => unknown): TriggerId {
    let phases = this.#events.get(event);
    if (phases === undefined) {
      phases = { before: new Set(), during: new Set(), after: new Set() };
      this.#events.set(event, phases);
    }
    if (!Object.hasOwn(phases, phase))
      throw new UsageError(`a phase is before, during or after, not ${phase}`);
    const trigger: Trigger = { phase, event, call };
    phases[phase].add(trigger);
    return trigger;
  }

  /** Throws UsageError when the trigger has run or was removed before. */
  remove(id: TriggerId): void {
    const wasThere = this.#events.get(id.event)?.[id.phase].delete(id as Trigger) ?? false;
    if (!wasThere) throw new UsageError(`there is no such trigger ${id.phase} ${id.event}`);
  }

  /** Runs 'before' and what it returns, then 'during'; `between`, which calls back; then 'after', and `done`. */
  fire(event: string, between: (next: () => void) => void, done: () => void): void {
    this.#runBefore(event, () => {
      this.#run(event, 'during');
      between(() => {
        this.#run(event, 'after');
        done();
      });
    });
  }

  #runBefore(event: string, next: () => void): void {
    let outstanding = 1;
    const settled = (): void => {
      outstanding -= 1;
      if (outstanding === 0) next();
    };
    for (const result of this.#run(event, 'before')) {
      if (!isThenable(result)) continue;
      outstanding += 1;
      // Observed, not chained: the result of the user's Deferred stays the user's.
      result.then(settled, (error: unknown) => {
        this.#reportError(error, `before ${event}`);
        settled();
      });
    }
    settled();
  }

  /** Runs each trigger once. Triggers added or removed meanwhile count. */
  #run(event: string, phase: EventPhase): unknown[] {
    const results: unknown[] = [];
    const triggers = this.#events.get(event)?.[phase] ?? [];
    for (const trigger of triggers) {
      this.#events.get(event)?.[phase].delete(trigger);
      try {
        results.push(trigger.call());
      } catch (error) {
        this.#reportError(error, `${phase} ${event}`);
      }
    }
    return results;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
