import { UsageError } from '../../lib/errors.ts';
import { MAX_VALUE_BYTES } from './box.ts';

/** The class of an error that a command may end with: made again, on the other side, from the message alone. */
export type ErrorClass<E extends Error = Error> = new (message: string) => E;

/** Error classes by their codes on the wire. */
export type ErrorTable = Readonly<Record<string, ErrorClass>>;

/** The code of a failure that its command does not declare. */
export const UNKNOWN_CODE = 'UNKNOWN';
/** The code of a call that nobody answers. */
export const UNHANDLED_CODE = 'UNHANDLED';

/** An error class of a command, and how it goes over the wire. */
export interface DeclaredError {
  readonly code: string;
  readonly isFatal: boolean;
  readonly errorClass: ErrorClass;
}

/** What a command declares, found by error and by code. */
export interface DeclaredErrors {
  /** That of the error's class, or of the nearest class that it derives from. */
  find(error: unknown): DeclaredError | undefined;
  findCode(code: string): DeclaredError | undefined;
}

/** A command's own errors before those that it inherits; a code of its own replaces the inherited one. */
export function mergeErrors(own: ErrorTable = {}, inherited: ErrorTable = {}): ErrorTable {
  // Named twice so that its own come first: one class may have a code in each.
  return { ...own, ...inherited, ...own };
}

/** UsageError for a code that is none, that AMP uses itself, or that stands in both tables. */
export function declaredErrors(errors: ErrorTable, fatalErrors: ErrorTable): DeclaredErrors {
  const byCode = new Map<string, DeclaredError>();
  const byClass = new Map<unknown, DeclaredError>();
  for (const [table, isFatal] of [
    [errors, false],
    [fatalErrors, true],
  ] as const) {
    for (const [code, errorClass] of Object.entries(table)) {
      refuseCode(code, errorClass);
      if (byCode.has(code)) throw new UsageError(`the code '${code}' is both fatal and not`);
      const declared = { code, isFatal, errorClass };
      byCode.set(code, declared);
      if (!byClass.has(errorClass)) byClass.set(errorClass, declared);
    }
  }
  return {
    find: (error) => (byClass.size === 0 ? undefined : findClass(byClass, error)),
    findCode: (code) => byCode.get(code),
  };
}

/** UsageError unless each character of the name stands for a byte, and there is one. */
export function refuseName(name: unknown, what: string): asserts name is string {
  if (typeof name !== 'string' || name === '') throw new UsageError(`${what} is a text that is not empty`);
  for (const character of name) {
    if (character.charCodeAt(0) > 0xff) {
      throw new UsageError(
        `${what} '${name}': each character stands for a byte, and '${character}' does not`,
      );
    }
  }
  if (name.length > MAX_VALUE_BYTES) throw new UsageError(`${what} has more than ${MAX_VALUE_BYTES} bytes`);
}

function refuseCode(code: string, errorClass: unknown): void {
  refuseName(code, 'the code of an error');
  if (code === UNKNOWN_CODE || code === UNHANDLED_CODE) {
    throw new UsageError(`the code '${code}' has a meaning of its own in AMP`);
  }
  if (typeof errorClass !== 'function') throw new UsageError(`the code '${code}' has no class`);
}

function findClass(byClass: ReadonlyMap<unknown, DeclaredError>, error: unknown): DeclaredError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  let prototype: unknown = Object.getPrototypeOf(error);
  while (prototype !== null && prototype !== undefined) {
    const found = byClass.get((prototype as { constructor?: unknown }).constructor);
    if (found !== undefined) return found;
    prototype = Object.getPrototypeOf(prototype);
  }
  return undefined;
}
