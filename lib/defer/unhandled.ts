/** Is told of a failure that nobody heard. */
export type UnhandledFailureHook = (error: Error) => void;

// A microtask would be too early: `await` asks for a result only in a microtask of its own, queued after ours.
const afterTurn: (check: () => void) => unknown = globalThis.setImmediate ?? globalThis.setTimeout;

let hook: UnhandledFailureHook = rejectUnheard;
let watched: (() => Error | undefined)[] = [];

/**
 * Sends the failures of Deferreds that nobody hears to `hook` and returns the hook that was there before.
 *
 * There is one hook in a process. The first one makes each failure an unhandled rejection.
 */
export function setUnhandledFailureHook(next: UnhandledFailureHook): UnhandledFailureHook {
  const previous = hook;
  hook = next;
  return previous;
}

/**
 * Asks `unheard` once the current turn and its microtasks are over and reports what it returns.
 *
 * @internal
 */
export function watchFailure(unheard: () => Error | undefined): void {
  if (watched.push(unheard) === 1) afterTurn(reportUnheard);
}

function reportUnheard(): void {
  const unheards = watched;
  watched = [];
  for (const unheard of unheards) {
    const error = unheard();
    if (error === undefined) continue;
    try {
      hook(error);
    } catch (thrown) {
      // The failures behind this one are reported whatever the hook does.
      rejectUnheard(thrown);
    }
  }
}

function rejectUnheard(error: unknown): void {
  void Promise.reject(error);
}
