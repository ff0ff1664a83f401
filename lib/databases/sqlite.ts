import { deferLater } from '../defer/tasks.ts';
import { DatabaseError, HawserError, toError } from '../errors.ts';
import type { Files } from '../interfaces/files.ts';
import type { SqlDatabase, SqlRow, SqlValue } from '../interfaces/sql.ts';
import type { Clock, DelayedCall, Instant } from '../time/clock.ts';
import { importPackage } from './import-package.ts';
import { ABANDONED_MS, SqliteLock } from './sqlite-lock.ts';
import { type SqlitePackage, SqliteSession } from './sqlite-session.ts';
import { StatementTexts } from './statement-rules.ts';

/** How long a statement waits for a file that others have, unless the options say something else. */
const TIME_LIMIT_MS = 10_000;
/** The file is let go when nothing was asked for this long … */
const IDLE_MS = 100;
/** … and after this long in any case, for at least YIELD_MS: longer than others wait between two attempts. */
const HOLD_MS = 1_000;
const YIELD_MS = 60;
/** Between two attempts to get the file. */
const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 50;

/** The name that stands for a database in memory, for tests and trials: it ends with `close`. */
export const IN_MEMORY = ':memory:';

/** The world of a SqliteDatabase, and its limits. */
export interface SqliteOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** How long a statement waits while other processes have the file; 10 s when left out. */
  readonly timeLimitMs?: number;
  /** Loads node-sqlite3-wasm from elsewhere. */
  readonly importPackage?: () => PromiseLike<SqlitePackage>;
}

/**
 * A SQLite file, made when it is not there, or a database in memory, by the package node-sqlite3-wasm.
 *
 * Processes share the file by taking turns: each holds it for a burst of statements. Only hawser may do so: other
 * programs do not see its lock. A statement runs on the event loop's thread, and cannot be stopped once it does.
 */
export class SqliteDatabase implements SqlDatabase {
  readonly #path: string;
  readonly #options: SqliteOptions;
  readonly #lock: SqliteLock;
  readonly #texts = new StatementTexts('?');
  #session: SqliteSession | undefined;
  #opening: Promise<void> | undefined;
  #letGo: DelayedCall | undefined;
  #openedAt: Instant = 0;
  #mayOpenAt: Instant;
  #isClosed = false;

  constructor(path: string, options: SqliteOptions) {
    this.#path = path;
    this.#options = options;
    this.#lock = new SqliteLock(`${path}.lock`, options.files, options.clock);
    this.#mayOpenAt = options.clock.now();
  }

  parameter(index: number): string {
    return `?${index}`;
  }

  query(statement: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#perform(statement, values, (session) => session.query(statement, values));
  }

  run(statement: string, values: readonly SqlValue[]): Promise<number> {
    return this.#perform(statement, values, (session) => session.run(statement, values));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(ignore);
    await this.#release();
  }

  async #perform<T>(
    statement: string,
    values: readonly SqlValue[],
    ask: (session: SqliteSession) => T,
  ): Promise<T> {
    this.#texts.admit(statement, values);
    if (this.#isLate()) await this.#forgetIfLost();
    for (;;) {
      if (this.#isClosed) throw closed(this.#path);
      if (this.#session !== undefined) break;
      this.#opening ??= this.#open().finally(() => {
        this.#opening = undefined;
      });
      await this.#opening;
    }
    this.#setLetGo();
    return ask(this.#session);
  }

  async #open(): Promise<void> {
    const { clock, timeLimitMs = TIME_LIMIT_MS } = this.#options;
    const sqlite = await importPackage(
      'node-sqlite3-wasm',
      'SQLite',
      this.#options.importPackage ?? importSqlite,
    );
    const giveUpAt = clock.now() + timeLimitMs;
    if (clock.now() < this.#mayOpenAt) await deferLater(clock, this.#mayOpenAt - clock.now());
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      if (this.#isClosed) throw closed(this.#path);
      const obstacle = await this.#tryToOpen(sqlite).catch((error: unknown) => {
        throw error instanceof HawserError ? error : unusable(this.#path, toError(error));
      });
      if (obstacle === undefined) return;
      if (clock.now() >= giveUpAt) throw new DatabaseError('busy', obstacle);
      await deferLater(clock, waitMs);
    }
  }

  /** What to tell when this goes on; undefined once the file is open. */
  async #tryToOpen(sqlite: SqlitePackage): Promise<string | undefined> {
    if (this.#path === IN_MEMORY) {
      this.#session = SqliteSession.open(sqlite, this.#path);
      return undefined;
    }
    const journal = await findJournal(this.#path, this.#options.files);
    if (journal !== undefined) return journal;
    const session = SqliteSession.open(sqlite, this.#path);
    if (session === undefined) {
      await this.#lock.watch();
      return `${this.#path} is in use: ${this.#lock.path} belongs to another process, or was left by one that was killed`;
    }
    if (!(await this.#lock.noteOwn())) {
      session.close();
      return `${this.#lock.path} goes away: something else removes it`;
    }
    this.#session = session;
    this.#openedAt = this.#options.clock.now();
    return undefined;
  }

  #setLetGo(): void {
    if (this.#path === IN_MEMORY) return;
    const { clock } = this.#options;
    const heldMs = clock.now() - this.#openedAt;
    const inMs = Math.max(0, Math.min(IDLE_MS, HOLD_MS - heldMs));
    if (this.#letGo?.active === true) this.#letGo.reset(inMs);
    else this.#letGo = clock.callLater(inMs, () => void this.#release());
  }

  async #release(): Promise<void> {
    // In what was taken for abandoned, closing would write a second time what has long been written.
    if (this.#isLate()) await this.#forgetIfLost();
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    if (this.#letGo?.active === true) this.#letGo.cancel();
    const now = this.#options.clock.now();
    if (now - this.#openedAt >= HOLD_MS) this.#mayOpenAt = now + YIELD_MS;
    session.close();
  }

  /** Whether others may have taken our lock for abandoned: the event loop stood still for long. */
  #isLate(): boolean {
    if (this.#session === undefined || this.#path === IN_MEMORY) return false;
    return this.#options.clock.now() - this.#openedAt > ABANDONED_MS / 2;
  }

  async #forgetIfLost(): Promise<void> {
    const session = this.#session;
    const isOwn = await this.#lock.isOwn().catch(() => false);
    if (!isOwn && this.#session === session) this.#session = undefined;
  }
}

/**
 * A journal that waits to be rolled back, which node-sqlite3-wasm never does: it takes its own lock for somebody else's
 * (docs/decisions/0042). It would go on with half a transaction.
 */
async function findJournal(path: string, files: Files): Promise<string | undefined> {
  const file = await files.facts(path);
  if (file !== undefined && file.kind !== 'file') {
    throw new DatabaseError('refused', `${path} is no regular file: name the file itself, not a link to it`);
  }
  const journal = `${path}-journal`;
  if (((await files.facts(journal))?.sizeBytes ?? 0) === 0) return undefined;
  return `another program writes to ${path}, or crashed while it did: run sqlite3 ${path} .tables, which mends it`;
}

function unusable(path: string, cause: Error): DatabaseError {
  return new DatabaseError('refused', `${path} cannot be used: ${cause.message}`, { cause });
}

function closed(path: string): DatabaseError {
  return new DatabaseError('closed', `the database ${path} was closed`);
}

async function importSqlite(): Promise<SqlitePackage> {
  const { default: sqlite } = await import('node-sqlite3-wasm');
  return sqlite as unknown as SqlitePackage;
}

function ignore(): void {}
