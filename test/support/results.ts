import type { Deferred } from '../../lib/defer/deferred.ts';

/** The value or the error that `deferred` has now, or 'nothing yet'. Leaves it there; a failure counts as heard. */
export function resultOf(deferred: Deferred<unknown>): unknown {
  let seen: unknown = 'nothing yet';
  const look = (result: unknown) => {
    seen = result;
  };
  deferred.observe(look, look);
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
