import { UsageError } from '../errors.ts';

/**
 * Throws UsageError when `options` is no object or has a name that is not in `known`, for callers without types: a
 * misspelt `interface` would open a port to the world. `what` takes the options.
 */
export function requireKnownNames(options: object, known: readonly string[], what: string): void {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw new UsageError(`the options of ${what} are an object, not ${String(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new UsageError(`${what} has no option ${unknown}; it has: ${known.join(', ') || 'none'}`);
}
