import { DatabaseError, UsageError, UserStoreFailure } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { SqlDatabase, SqlRow, SqlValue } from '../interfaces/sql.ts';
import type { UserRecord, UserStore } from './user-store.ts';

/** Letters of a name: what an index of PostgreSQL takes (2704 bytes) with room to spare. */
const NAME_LETTERS_LIMIT = 512;
const DECOY_KEY_BYTES = 32;

/** Where SqlUsers finds users: a table or a view of any name, with columns of any names, which may have others too. */
export interface SqlUsersOptions {
  /** `users` when left out. With a dot in it, the schema comes first. */
  readonly table?: string;
  /** The columns of UserRecord's fields, named like them when left out. */
  readonly columns?: Partial<Readonly<Record<keyof UserRecord, string>>>;
  /** The table with the key of decoys; `users_secrets` when left out, whatever `table` is. */
  readonly secrets?: string;
}

interface Statements {
  readonly createUsers: string;
  readonly createSecrets: string;
  readonly addKey: string;
  readonly key: string;
  readonly find: string;
  readonly replace: string;
  readonly add: string;
  readonly put: string;
  readonly remove: string;
  readonly list: string;
}

/**
 * The users in a table of a database. Statements are fixed when it is made; names and verifiers are only ever values.
 *
 * Names are given prepared. A name that no database can hold belongs to nobody. What the database fails with comes as
 * the `cause` of a UserStoreFailure.
 */
export class SqlUsers implements UserStore {
  readonly #database: SqlDatabase;
  readonly #table: string;
  readonly #statements: Statements;

  /** Throws UsageError when a name of a table or a column is none. */
  constructor(database: SqlDatabase, options: SqlUsersOptions = {}) {
    this.#database = database;
    this.#table = options.table ?? 'users';
    this.#statements = statementsOf(database, options);
  }

  /** Makes the tables where they are missing, and a key of decoys where there is none. */
  async createTables(random: Pick<Cryptography, 'randomBytes'>): Promise<void> {
    await this.#run(this.#statements.createUsers, []);
    await this.#run(this.#statements.createSecrets, []);
    await this.#run(this.#statements.addKey, [toHex(random.randomBytes(DECOY_KEY_BYTES))]);
  }

  async find(name: string): Promise<UserRecord | undefined> {
    if (!canBeName(name)) return undefined;
    const rows = await this.#query(this.#statements.find, [name]);
    if (rows.length > 1) throw new UserStoreFailure(`${this.#table} has a name twice: make it unique`);
    return rows[0] === undefined ? undefined : this.#toRecord(rows[0]);
  }

  async replace(old: UserRecord, record: UserRecord): Promise<void> {
    if (old.name !== record.name) throw new UsageError('a record cannot take the place of another user');
    const { name, scrypt, scram } = record;
    await this.#run(this.#statements.replace, [scrypt, scram, name, old.scrypt, old.scram]);
  }

  /** Resolves to false, and changes nothing, when there is a user of that name. */
  async add(record: UserRecord): Promise<boolean> {
    return (await this.#insert(this.#statements.add, record)) > 0;
  }

  /** Adds a user, or puts the record in the place of theirs. */
  async put(record: UserRecord): Promise<void> {
    await this.#insert(this.#statements.put, record);
  }

  /** Resolves to false when there is nobody of that name. */
  async remove(name: string): Promise<boolean> {
    if (!canBeName(name)) return false;
    return (await this.#run(this.#statements.remove, [name])) > 0;
  }

  /** The names of all users, sorted by their code units. */
  async list(): Promise<string[]> {
    const rows = await this.#query(this.#statements.list, []);
    return rows.map((row) => this.#textIn(row, 'name')).sort();
  }

  /** Undefined where `createTables` was never called. */
  async decoyKey(): Promise<Uint8Array | undefined> {
    try {
      const [row] = await this.#query(this.#statements.key, []);
      return row === undefined ? undefined : fromHex(this.#textIn(row, 'value'));
    } catch (error) {
      if (isMissingTable(error)) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #insert(statement: string, { name, scrypt, scram }: UserRecord): Promise<number> {
    if (canBeName(name)) return this.#run(statement, [name, scrypt, scram]);
    throw new UsageError(`a name has 1 to ${NAME_LETTERS_LIMIT} letters, none of them a NUL`);
  }

  #query(statement: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#failing(() => this.#database.query(statement, values));
  }

  #run(statement: string, values: readonly SqlValue[]): Promise<number> {
    return this.#failing(() => this.#database.run(statement, values));
  }

  async #failing<T>(ask: () => PromiseLike<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      const isMissing = error.fault === 'missing-table';
      const advice = `there is no table ${this.#table}: SqlUsers.createTables() makes it`;
      throw new UserStoreFailure(isMissing ? advice : error.message, { cause: error });
    }
  }

  #toRecord(row: SqlRow): UserRecord {
    return {
      name: this.#textIn(row, 'name'),
      scrypt: this.#textIn(row, 'scrypt'),
      scram: this.#textIn(row, 'scram'),
    };
  }

  #textIn(row: SqlRow, column: string): string {
    const value = row[column];
    if (typeof value === 'string') return value;
    throw new UserStoreFailure(`the column for ${column} in ${this.#table} has a row without text`);
  }
}

function statementsOf(database: SqlDatabase, options: SqlUsersOptions): Statements {
  const [p1, p2, p3, p4, p5] = [1, 2, 3, 4, 5].map((index) => database.parameter(index));
  const users = quotedTable(options.table ?? 'users');
  const secrets = quotedTable(options.secrets ?? 'users_secrets');
  const name = quoted(options.columns?.name ?? 'name');
  const scrypt = quoted(options.columns?.scrypt ?? 'scrypt');
  const scram = quoted(options.columns?.scram ?? 'scram');
  if (new Set([name, scrypt, scram]).size < 3) throw new UsageError('two columns of users have one name');
  return {
    createUsers: `CREATE TABLE IF NOT EXISTS ${users} (${name} TEXT NOT NULL PRIMARY KEY, ${scrypt} TEXT NOT NULL, ${scram} TEXT NOT NULL)`,
    createSecrets: `CREATE TABLE IF NOT EXISTS ${secrets} ("name" TEXT NOT NULL PRIMARY KEY, "value" TEXT NOT NULL)`,
    addKey: `INSERT INTO ${secrets} ("name", "value") VALUES ('decoy-key', ${p1}) ON CONFLICT DO NOTHING`,
    key: `SELECT "value" FROM ${secrets} WHERE "name" = 'decoy-key'`,
    find: `SELECT ${name} AS "name", ${scrypt} AS "scrypt", ${scram} AS "scram" FROM ${users} WHERE ${name} = ${p1}`,
    // The old record is part of the condition: two logins may bring the same user up to date at once, and the
    // password may change while one of them is under way.
    replace: `UPDATE ${users} SET ${scrypt} = ${p1}, ${scram} = ${p2} WHERE ${name} = ${p3} AND ${scrypt} = ${p4} AND ${scram} = ${p5}`,
    add: `INSERT INTO ${users} (${name}, ${scrypt}, ${scram}) VALUES (${p1}, ${p2}, ${p3}) ON CONFLICT DO NOTHING`,
    put: `INSERT INTO ${users} (${name}, ${scrypt}, ${scram}) VALUES (${p1}, ${p2}, ${p3}) ON CONFLICT (${name}) DO UPDATE SET ${scrypt} = excluded.${scrypt}, ${scram} = excluded.${scram}`,
    remove: `DELETE FROM ${users} WHERE ${name} = ${p1}`,
    list: `SELECT ${name} AS "name" FROM ${users}`,
  };
}

function quotedTable(name: string): string {
  const parts = name.split('.');
  if (parts.length > 2) throw new UsageError(`'${name}' is no name of a table: TABLE or SCHEMA.TABLE`);
  return parts.map(quoted).join('.');
}

/** Such a name needs no escape within its quotes, and PostgreSQL does not cut it off (63 bytes). */
function quoted(identifier: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(identifier)) {
    throw new UsageError(`'${identifier}' is no name: up to 63 of A-Z, a-z, 0-9 and _, no digit first`);
  }
  return `"${identifier}"`;
}

/** With the flag u, only half a surrogate pair matches as a surrogate. */
function canBeName(name: string): boolean {
  return name !== '' && name.length <= NAME_LETTERS_LIMIT && !/[\0\p{Surrogate}]/u.test(name);
}

/** Whether what a SqlUsers failed with means that its table is still to be made. */
export function isMissingTable(error: unknown): boolean {
  if (!(error instanceof UserStoreFailure)) return false;
  return error.cause instanceof DatabaseError && error.cause.fault === 'missing-table';
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
