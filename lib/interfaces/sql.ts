/** What a statement takes and a column holds. */
export type SqlValue = string | number | null | Uint8Array;

/** A database that speaks SQL. Statements are prepared once for each text, and values never become part of it. */
export interface SqlDatabase {
  /** How the n-th parameter, from 1, is written in a statement: `?1` or `$1`. */
  parameter(index: number): string;
  /** The rows of the answer, each by the names of its columns. */
  query(
    statement: string,
    values: readonly SqlValue[],
  ): PromiseLike<readonly Readonly<Record<string, SqlValue>>[]>;
  /** How many rows were changed. */
  run(statement: string, values: readonly SqlValue[]): PromiseLike<number>;
  close(): PromiseLike<void>;
}
