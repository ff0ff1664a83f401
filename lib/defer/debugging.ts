/** Where a Deferred came from and who fired it. The stacks are the point. */
interface Origin {
  readonly created: Error;
  fired: Error | undefined;
}

let isOn = false;
const origins = new WeakMap<object, Origin>();

/**
 * Has Deferreds made from here on remember where they were made and fired. Returns what was set before.
 *
 * AlreadyCalledError then has as `cause` an error with the stack of the first fire, and that one the stack of
 * the making. Costs two stacks for each Deferred.
 */
export function setDeferredDebugging(next: boolean): boolean {
  const previous = isOn;
  isOn = next;
  return previous;
}

/** @internal */
export function noteCreated(deferred: object): void {
  if (isOn) origins.set(deferred, { created: new Error('the Deferred was made here'), fired: undefined });
}

/** @internal */
export function noteFired(deferred: object): void {
  if (!isOn) return;
  const origin = origins.get(deferred);
  if (origin !== undefined)
    origin.fired = new Error('the Deferred was fired here', { cause: origin.created });
}

/** @internal */
export function firstFire(deferred: object): Error | undefined {
  return origins.get(deferred)?.fired;
}
