/** What a statement takes and a column holds. */
export type SqlValue = string | number | null | Uint8Array;

/** A row of an answer, by the names of its columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * A database that speaks SQL. Statements are prepared once for each text, and values never become part of it.
 *
 * Failures are DatabaseErrors. Text with a NUL or half a surrogate pair is refused with a UsageError: no database takes
 * it as it is, and what comes to be stored or compared instead may be the name of somebody else.
 * Whole numbers that JavaScript cannot hold exactly come as text, truth values as 1 and 0.
 */
export interface SqlDatabase {
  /** How the n-th parameter, from 1, is written in a statement: `?1` or `$1`. */
  parameter(index: number): string;
  query(statement: string, values: readonly SqlValue[]): PromiseLike<readonly SqlRow[]>;
  /** How many rows were changed. */
  run(statement: string, values: readonly SqlValue[]): PromiseLike<number>;
  /** Waits for what is under way; whatever is asked later fails. */
  close(): PromiseLike<void>;
}
