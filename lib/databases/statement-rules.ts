import { UsageError } from '../errors.ts';
import type { SqlValue } from '../interfaces/sql.ts';

/** Texts of statements that one database keeps prepared: more means that values were written into them. */
const STATEMENTS_LIMIT = 256;

// A lone surrogate matches: with the flag u, a pair is one character.
const UNSTORABLE = /[\0\p{Surrogate}]/u;

interface KnownText {
  readonly number: number;
  readonly parameterCount: number;
}

/** The texts that a database was asked with. `mark` is what stands before the number of a parameter. */
export class StatementTexts {
  readonly #known = new Map<string, KnownText>();
  readonly #parameter: RegExp;

  constructor(mark: '?' | '$') {
    this.#parameter = new RegExp(`\\${mark}([0-9]+)`, 'g');
  }

  /** The number of the text, from 1. Throws UsageError when the values do not fit it, or texts are too many. */
  admit(text: string, values: readonly SqlValue[]): number {
    requireValues(values);
    const { number, parameterCount } = this.#known.get(text) ?? this.#add(text);
    if (values.length !== parameterCount) {
      throw new UsageError(`the statement takes ${parameterCount} values, not ${values.length}: ${text}`);
    }
    return number;
  }

  #add(text: string): KnownText {
    if (this.#known.size === STATEMENTS_LIMIT) {
      throw new UsageError(
        `more than ${STATEMENTS_LIMIT} different statements: write values as parameters, not into the text`,
      );
    }
    let parameterCount = 0;
    for (const [, index] of text.matchAll(this.#parameter)) {
      parameterCount = Math.max(parameterCount, Number(index));
    }
    const added = { number: this.#known.size + 1, parameterCount };
    this.#known.set(text, added);
    return added;
  }
}

/** Throws UsageError for values that a database would change on the way in. The message does not show them. */
function requireValues(values: readonly SqlValue[]): void {
  values.forEach((value, index) => {
    const fault = faultOf(value);
    if (fault !== undefined) throw new UsageError(`value ${index + 1} of a statement ${fault}`);
  });
}

function faultOf(value: unknown): string | undefined {
  if (value === null || value instanceof Uint8Array) return undefined;
  if (typeof value === 'string') {
    return !UNSTORABLE.test(value) ? undefined : 'has a NUL or half a surrogate pair';
  }
  if (typeof value !== 'number') return `is a ${typeof value}: only text, numbers, bytes and null can be`;
  return Number.isFinite(value) ? undefined : 'is no finite number';
}
