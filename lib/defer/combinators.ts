import { AllFailed, FirstError, toError, UsageError } from '../errors.ts';
import { Deferred, type Eventual } from './deferred.ts';

/** What became of one of the sources of a `deferredList`. */
export type Outcome<T> =
  | { readonly success: true; readonly value: T }
  | { readonly success: false; readonly error: Error };

/** Which source won a `race`, by its place, and its value. */
export interface Winner<T> {
  readonly index: number;
  readonly value: T;
}

type Values<S extends readonly unknown[]> = { -readonly [K in keyof S]: Awaited<S[K]> };
type Outcomes<S extends readonly unknown[]> = { -readonly [K in keyof S]: Outcome<Awaited<S[K]>> };

/**
 * Calls `call` and makes a Deferred of whatever comes of it: a value, a Deferred, a promise, or an exception.
 */
export function maybeDeferred<A extends readonly unknown[], T>(
  call: (...args: A) => Eventual<T>,
  ...args: A
): Deferred<T> {
  try {
    return Deferred.from<T>(call(...args));
  } catch (thrown) {
    return Deferred.fail(toError(thrown));
  }
}

/**
 * All values in the order of the sources; FirstError as soon as one fails, and then the others are cancelled.
 *
 * The sources keep their results, but their failures count as heard. Cancelling cancels every one of them.
 */
export function gatherResults<S extends readonly unknown[] | []>(sources: S): Deferred<Values<S>> {
  const inputs = toDeferreds(sources);
  let isOver = false;
  const stop = () => {
    isOver = true;
    cancelAll(inputs);
  };
  const gathered = new Deferred<Values<S>>(stop);

  const values = new Array<unknown>(inputs.length);
  let missing = inputs.length;
  if (missing === 0) gathered.callback(values as Values<S>);
  for (const [index, input] of inputs.entries()) {
    input.observe(
      (value) => {
        values[index] = value;
        missing -= 1;
        if (missing === 0 && !isOver) gathered.callback(values as Values<S>);
      },
      (error) => {
        if (isOver) return;
        stop();
        gathered.errback(new FirstError(index, error));
      },
    );
  }
  return gathered;
}

/**
 * What became of every source, in their order, once all of them are through. Never fails of itself.
 *
 * The sources keep their results, but their failures count as heard. Cancelling cancels every one of them, and
 * the list then says so.
 */
export function deferredList<S extends readonly unknown[] | []>(sources: S): Deferred<Outcomes<S>> {
  const inputs = toDeferreds(sources);
  const list = new Deferred<Outcomes<S>>(() => cancelAll(inputs));

  const outcomes = new Array<Outcome<unknown>>(inputs.length);
  let missing = inputs.length;
  const arrived = (index: number, outcome: Outcome<unknown>) => {
    outcomes[index] = outcome;
    missing -= 1;
    if (missing === 0 && !list.called) list.callback(outcomes as Outcomes<S>);
  };
  if (missing === 0) list.callback(outcomes as Outcomes<S>);
  for (const [index, input] of inputs.entries()) {
    input.observe(
      (value) => arrived(index, { success: true, value }),
      (error) => arrived(index, { success: false, error }),
    );
  }
  return list;
}

/**
 * The first value that comes; the other sources are cancelled then. AllFailed when there is none.
 *
 * The sources keep their results, but their failures count as heard. Cancelling cancels every one of them.
 * Fails with UsageError when there are no sources: nobody would ever win.
 */
export function race<S extends readonly unknown[] | []>(sources: S): Deferred<Winner<Awaited<S[number]>>> {
  if (sources.length === 0) return Deferred.fail(new UsageError('a race needs at least one Deferred'));
  const inputs = toDeferreds(sources);
  let isOver = false;
  const stop = () => {
    isOver = true;
    cancelAll(inputs);
  };
  const won = new Deferred<Winner<Awaited<S[number]>>>(stop);

  const errors = new Array<Error>(inputs.length);
  let missing = inputs.length;
  for (const [index, input] of inputs.entries()) {
    input.observe(
      (value) => {
        if (isOver) return;
        stop();
        won.callback({ index, value: value as Awaited<S[number]> });
      },
      (error) => {
        errors[index] = error;
        missing -= 1;
        if (missing === 0 && !isOver) won.errback(new AllFailed(errors));
      },
    );
  }
  return won;
}

function toDeferreds(sources: readonly unknown[]): Deferred<unknown>[] {
  return sources.map((source) => Deferred.from(source));
}

/** Also those that have fired: they may be waiting for another. */
function cancelAll(inputs: readonly Deferred<unknown>[]): void {
  for (const input of inputs) input.cancel();
}
