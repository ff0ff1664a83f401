import { deferLater } from '../defer/tasks.ts';
import { DatabaseError, UsageError } from '../errors.ts';
import type { SqlDatabase, SqlRow, SqlValue } from '../interfaces/sql.ts';
import type { Clock } from '../time/clock.ts';
import { importPackage } from './import-package.ts';
import { toDatabaseError } from './postgres-errors.ts';
import { StatementTexts } from './statement-rules.ts';

const POOL_SIZE = 4;
const TIME_LIMIT_MS = 10_000;
/** Statements that may wait for a connection: more are refused at once. */
const WAITING_LIMIT = 1_000;
/** How much longer the client waits for an answer than the server works on it. */
const ANSWER_GRACE_MS = 1_000;
const IDLE_MS = 30_000;
/** How long `close` waits for the server to say goodbye. */
const GOODBYE_MS = 2_000;

/** The world of a PostgresDatabase, and its limits. */
export interface PostgresOptions {
  readonly clock: Clock;
  /** Connections at most; 4 when left out. */
  readonly poolSize?: number;
  /** How long a statement waits for a connection, and then for its answer; 10 s each when left out. */
  readonly timeLimitMs?: number;
  /** Loads pg from elsewhere. */
  readonly importPackage?: () => PromiseLike<PostgresPackage>;
}

/** What is used of the package pg. */
export interface PostgresPackage {
  readonly Pool: new (settings: object) => PostgresPool;
  readonly Client: new (settings: object) => PostgresClient;
}

/** A pool of the package. */
export interface PostgresPool {
  readonly waitingCount: number;
  query(statement: object): Promise<{ readonly rows: SqlRow[]; readonly rowCount: number | null }>;
  on(event: 'connect' | 'error', listener: (subject: PostgresClient) => void): unknown;
  end(): Promise<void>;
}

/** A connection of the package. */
export interface PostgresClient {
  readonly host: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly ssl: unknown;
  readonly connection: { readonly stream: { destroy(): unknown } };
  once(event: 'end', listener: () => void): unknown;
}

interface OpenPool {
  readonly pool: PostgresPool;
  /** Whom it is connected to, for messages: no user, no password. */
  readonly place: string;
}

/**
 * A PostgreSQL server, by the package pg: a pool of connections, each made when it is needed, and again when it breaks.
 *
 * The address is a URL, postgres://USER@HOST:PORT/DATABASE; what it leaves out comes from the variables PGHOST, PGUSER
 * and so on, and the password from PGPASSWORD or ~/.pgpass. To another machine it has to say `?sslmode=`.
 */
export class PostgresDatabase implements SqlDatabase {
  readonly #url: string;
  readonly #options: PostgresOptions;
  readonly #texts = new StatementTexts('$');
  readonly #clients = new Set<PostgresClient>();
  #open: Promise<OpenPool> | undefined;
  #isClosed = false;

  /** Throws UsageError when the address is none. It does not connect. */
  constructor(url: string, options: PostgresOptions) {
    if (url !== '' && !/^postgres(?:ql)?:\/\//.test(url)) throw badAddress();
    this.#url = url;
    this.#options = options;
  }

  parameter(index: number): string {
    return `$${index}`;
  }

  async query(statement: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return (await this.#ask(statement, values)).rows;
  }

  async run(statement: string, values: readonly SqlValue[]): Promise<number> {
    return (await this.#ask(statement, values)).rowCount ?? 0;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const open = await this.#open?.catch(() => undefined);
    await open?.pool.end();
    // A server that hangs never ends its half of a connection, which would keep the process alive.
    const goodbye = deferLater(this.#options.clock, GOODBYE_MS);
    goodbye.addErrback(() => {});
    await Promise.race([goodbye, this.#ended()]);
    goodbye.cancel();
    for (const { connection } of this.#clients) connection.stream.destroy();
  }

  async #ask(
    text: string,
    values: readonly SqlValue[],
  ): Promise<{ readonly rows: SqlRow[]; readonly rowCount: number | null }> {
    const name = `hawser_${this.#texts.admit(text, values)}`;
    if (this.#isClosed) throw new DatabaseError('closed', 'the database was closed');
    this.#open ??= this.#makePool();
    const { pool, place } = await this.#open;
    if (pool.waitingCount >= WAITING_LIMIT) {
      throw new DatabaseError('busy', `${place}: ${WAITING_LIMIT} statements are waiting for it`);
    }
    try {
      return await pool.query({ name, text, values: [...values] });
    } catch (error) {
      throw toDatabaseError(error, place);
    }
  }

  async #makePool(): Promise<OpenPool> {
    const { timeLimitMs = TIME_LIMIT_MS, poolSize = POOL_SIZE } = this.#options;
    const pg = await importPackage('pg', 'PostgreSQL', this.#options.importPackage ?? importPg);
    const settings = {
      ...(this.#url === '' ? {} : { connectionString: this.#url }),
      max: poolSize,
      connectionTimeoutMillis: timeLimitMs,
      statement_timeout: timeLimitMs,
      query_timeout: timeLimitMs + ANSWER_GRACE_MS,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
      keepAlive: true,
      application_name: 'hawser',
      types: { getTypeParser: parserOf },
    };
    const place = placeOf(pg, settings, this.#url);
    const pool = new pg.Pool(settings);
    // A connection that breaks while it is idle: the pool has forgotten it, and makes another.
    pool.on('error', () => {});
    pool.on('connect', (client) => {
      this.#clients.add(client);
      client.once('end', () => this.#clients.delete(client));
    });
    return { pool, place };
  }

  async #ended(): Promise<void> {
    const open = [...this.#clients];
    await Promise.all(open.map((client) => new Promise<void>((resolve) => client.once('end', resolve))));
  }
}

/** Throws UsageError when the address makes no sense, or would send verifiers through a network in the clear. */
function placeOf(pg: PostgresPackage, settings: object, url: string): string {
  const client = clientOf(pg, settings);
  const isLocal = client.host.startsWith('/') || /^(?:localhost|127\..*|::1)$/.test(client.host);
  if (!isLocal && !client.ssl && !/[?&](?:ssl|sslmode)=/.test(url)) {
    throw new UsageError(
      `PostgreSQL on another machine (${client.host}): add ?sslmode=verify-full to its address, or disable`,
    );
  }
  return `PostgreSQL at ${client.host}:${client.port}/${client.database ?? ''}`;
}

/** A connection that is never made: it tells how pg reads the address. */
function clientOf(pg: PostgresPackage, settings: object): PostgresClient {
  try {
    return new pg.Client(settings);
  } catch (error) {
    const file = unreadableFile(error);
    // Anything else may show the address, and with it a password.
    throw file === undefined ? badAddress() : file;
  }
}

/** Certificates named in the address are read as it is. */
function unreadableFile(error: unknown): UsageError | undefined {
  if (typeof error !== 'object' || error === null || !('path' in error) || !('code' in error))
    return undefined;
  return new UsageError(
    `a file in the address of the database cannot be read: ${String(error.path)} (${String(error.code)})`,
  );
}

function badAddress(): UsageError {
  return new UsageError('the address of the database is not of the form postgres://USER@HOST:PORT/DATABASE');
}

const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
/** int2, int4, oid, float4 and float8. */
const NUMBERS: ReadonlySet<number> = new Set([21, 23, 26, 700, 701]);

/** How a column's text becomes a SqlValue, by the oid of its type (PostgreSQL's catalog/pg_type.dat). */
function parserOf(oid: number): (text: string) => SqlValue {
  if (oid === BOOL) return (text) => (text === 't' ? 1 : 0);
  if (oid === BYTEA) return bytesOf;
  if (oid === INT8) return (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text);
  return NUMBERS.has(oid) ? Number : (text) => text;
}

/** PostgreSQL's hex format: `\x00ff`. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

async function importPg(): Promise<PostgresPackage> {
  return (await import('pg')) as unknown as PostgresPackage;
}
