import { HawserError } from '../lib/errors.ts';

/** A world broke a rule. `rule` is short and stable, so that a smaller world can be seen to break the same one. */
export class Violation extends HawserError {
  readonly code = 'ERR_VIOLATION';
  readonly rule: string;

  constructor(rule: string, detail: string, options?: ErrorOptions) {
    super(`${rule}: ${detail}`, options);
    this.rule = rule;
  }
}
