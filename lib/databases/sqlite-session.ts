import { DatabaseError, type DatabaseFault, toError } from '../errors.ts';
import type { SqlRow, SqlValue } from '../interfaces/sql.ts';

/** What is used of the package node-sqlite3-wasm. */
export interface SqlitePackage {
  readonly Database: new (path: string) => SqliteConnection;
}

/** A connection of the package. */
export interface SqliteConnection {
  prepare(statement: string): SqliteStatement;
  close(): void;
}

/** A prepared statement of the package. */
export interface SqliteStatement {
  /** The rows, as objects. */
  all(values: SqlValue[]): unknown[];
  finalize(): void;
}

/**
 * The settings of every connection. Why this mode of locking and of the journal: docs/decisions/0042. Freed pages are
 * wiped, so that an old verifier does not stay in the file; a schema that somebody else wrote calls no functions.
 */
const SETTINGS = [
  'PRAGMA locking_mode = EXCLUSIVE',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  'PRAGMA secure_delete = ON',
  'PRAGMA trusted_schema = OFF',
] as const;

/** An open SQLite file, or one in memory, with its prepared statements. All calls are synchronous. */
export class SqliteSession {
  readonly #connection: SqliteConnection;
  readonly #statements = new Map<string, SqliteStatement>();

  private constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** Undefined while somebody else has the file. */
  static open(sqlite: SqlitePackage, path: string): SqliteSession | undefined {
    const session = new SqliteSession(connect(sqlite, path));
    try {
      for (const setting of SETTINGS) session.#all(setting, []);
      return session;
    } catch (error) {
      session.close();
      if (error instanceof DatabaseError && error.fault === 'busy') return undefined;
      throw error;
    }
  }

  query(statement: string, values: readonly SqlValue[]): readonly SqlRow[] {
    return this.#all(statement, values).map(toRow);
  }

  run(statement: string, values: readonly SqlValue[]): number {
    // After a statement that changes no rows, such as CREATE TABLE, changes() still tells of the one before.
    const before = this.#count('total_changes()');
    this.#all(statement, values);
    return this.#count('total_changes()') === before ? 0 : this.#count('changes()');
  }

  /** Lets go of the file. What fails here is no concern of those who wait for nothing any more. */
  close(): void {
    for (const statement of this.#statements.values()) quietly(() => statement.finalize());
    this.#statements.clear();
    quietly(() => this.#connection.close());
  }

  #count(expression: string): number {
    const [row] = this.query(`SELECT ${expression} AS count`, []);
    return Number(row?.['count']);
  }

  #all(text: string, values: readonly SqlValue[]): unknown[] {
    const known = this.#statements.get(text);
    try {
      const statement = known ?? this.#connection.prepare(text);
      this.#statements.set(text, statement);
      return statement.all([...values]);
    } catch (error) {
      this.#discard(text);
      throw databaseError(error);
    }
  }

  /** A statement of the package that has failed once fails the next time too, whatever it is given. */
  #discard(text: string): void {
    const statement = this.#statements.get(text);
    this.#statements.delete(text);
    if (statement !== undefined) quietly(() => statement.finalize());
  }
}

function connect(sqlite: SqlitePackage, path: string): SqliteConnection {
  try {
    return new sqlite.Database(path);
  } catch (error) {
    throw databaseError(error);
  }
}

/** The package's errors have no code, only SQLite's text: that names tables and columns, and shows no values. */
function databaseError(error: unknown): DatabaseError {
  const { message } = toError(error);
  return new DatabaseError(faultOf(message), `SQLite: ${message}`, { cause: error });
}

function faultOf(message: string): DatabaseFault {
  if (message === 'database is locked') return 'busy';
  return message.startsWith('no such table') ? 'missing-table' : 'refused';
}

function toRow(row: unknown): SqlRow {
  const entries = Object.entries(row as Readonly<Record<string, SqlValue | bigint>>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'bigint' ? `${value}` : value]),
  );
}

function quietly(call: () => void): void {
  try {
    call();
  } catch {
    // It reports again what has failed before.
  }
}
