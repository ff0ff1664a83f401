/** A few hundred inputs that belong together: they are drawn from one seed, and replayed by it. */
export interface Session {
  /** Tries one more input. Throws FuzzFailure, or whatever the code under test throws. */
  next(): void;
  /** The input that was tried last. */
  readonly last: Uint8Array;
}

/** A promise that was not kept for some input. */
export class FuzzFailure extends Error {}

/** Throws FuzzFailure unless `holds`. */
export function require(holds: boolean, what: string): void {
  if (!holds) throw new FuzzFailure(what);
}
