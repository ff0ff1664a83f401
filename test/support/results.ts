import type { Deferred } from '../../lib/defer/deferred.ts';

/** The value or the error that `deferred` has now, or 'nothing yet'. Leaves a value there; a failure counts as heard. */
export function resultOf(deferred: Deferred<unknown>): unknown {
  let seen: unknown = 'nothing yet';
  deferred.addCallbacks(
    (value) => {
      seen = value;
      return value;
    },
    (error) => {
      seen = error;
      // Looked at by the test: nobody else needs to hear of it.
      void deferred.toPromise().catch(() => {});
      throw error;
    },
  );
  return seen;
}

/** What `act` throws. Fails when it throws nothing. */
export function thrown(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
