import { UsageError } from '../errors.ts';

/** Throws UsageError unless `producer` has what is called on it, for callers without types. */
export function requireProducer(producer: unknown, streaming: boolean): void {
  const given = (producer ?? {}) as Record<string, unknown>;
  const needed = ['resumeProducing', 'stopProducing', ...(streaming ? ['pauseProducing'] : [])];
  const missing = needed.filter((method) => typeof given[method] !== 'function');
  if (missing.length > 0) throw new UsageError(`a producer has the method ${missing.join(' and ')}`);
}
