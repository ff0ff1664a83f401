import { inspect } from 'node:util';
import { expect } from 'chai';
import {
  PostgresDatabase,
  type PostgresOptions,
  type PostgresPackage,
} from '../../lib/databases/postgres.ts';
import { toDatabaseError } from '../../lib/databases/postgres-errors.ts';
import { DatabaseError, MissingPackage, UsageError } from '../../lib/errors.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { failureOf } from '../support/logins.ts';

// What a server is needed for: test/interop/sql.
describe('PostgresDatabase', () => {
  const SECRET = 'hunter2';
  const open = (url: string, more: Partial<PostgresOptions> = {}): PostgresDatabase =>
    new PostgresDatabase(url, { clock: new VirtualClock(), ...more });
  const ask = (database: PostgresDatabase) => failureOf(database.query('SELECT 1 AS one', []));

  /** pg, but with a pool that never answers. */
  const neverAnswering = async (): Promise<PostgresPackage> => ({
    Client: (await import('pg')).Client as unknown as PostgresPackage['Client'],
    Pool: class {
      waitingCount = 0;
      query(): Promise<never> {
        this.waitingCount += 1;
        return new Promise(() => {});
      }
      on(): void {}
      async end(): Promise<void> {}
    },
  });

  it('refuses what is no address, and shows no password', async () => {
    expect(() => open(`mysql://root:${SECRET}@localhost/users`))
      .to.throw(UsageError)
      .that.satisfies(isDiscreet);
    const failure = await ask(open(`postgres://root:${SECRET}@local host:port/users`));

    expect(failure).to.be.instanceOf(UsageError).that.satisfies(isDiscreet);
  });

  it('wants to be told whether to use TLS when the database is on another machine', async () => {
    const failure = await ask(open(`postgres://root:${SECRET}@db.example/users`));
    const local = ['localhost', '127.0.0.1', '[::1]', '%2Fvar%2Frun%2Fpostgresql'];

    expect(failure).to.be.instanceOf(UsageError).that.satisfies(isDiscreet);
    expect(failure.message).to.include('sslmode=verify-full');
    for (const host of [
      ...local,
      'db.example/users?sslmode=verify-full#',
      'db.example/users?sslmode=disable#',
    ]) {
      const database = open(`postgres://root@${host}/users`, { importPackage: neverAnswering });
      void database.query('SELECT 1 AS one', []);
      await database.close();
    }
  });

  it('refuses what would wait behind a thousand statements', async () => {
    const database = open('postgres://localhost/users', { importPackage: neverAnswering });
    for (let index = 0; index < 1_000; index += 1) void database.query('SELECT 1 AS one', []);

    const failure = await ask(database);

    expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'busy');
  });

  it('says what to install where the package is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'pg' imported from x"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });

    const failure = await ask(open('', { importPackage: () => Promise.reject(missing) }));

    expect(failure).to.be.instanceOf(MissingPackage);
    expect(failure.message).to.equal('PostgreSQL takes the package pg: run npm install pg');
  });

  it('closes without ever having been asked', async () => {
    const database = open('');

    await database.close();

    expect(await ask(database)).to.have.property('fault', 'closed');
  });

  it('puts what pg fails with into words of its own, without values and details', () => {
    const errors: [object, string, string][] = [
      [{ code: '42P01', message: 'relation "users" does not exist' }, 'missing-table', 'relation "users"'],
      [{ code: '22P02', message: `invalid input: "${SECRET}"` }, 'refused', 'SQLSTATE 22P02'],
      [{ code: '23514', message: 'check failed', detail: `Failing row: ${SECRET}` }, 'refused', '23514'],
      [{ code: '57014', message: 'canceling statement' }, 'too-slow', 'time limit'],
      [{ code: '53300', message: 'too many connections' }, 'unreachable', 'too many connections'],
      [{ code: '42501', message: 'permission denied' }, 'refused', 'permission denied'],
      [{ code: 'ECONNREFUSED', message: '' }, 'unreachable', 'ECONNREFUSED'],
      [{ code: 'EPIPE', message: 'write EPIPE' }, 'unreachable', 'EPIPE'],
      [{ message: 'Connection terminated unexpectedly' }, 'unreachable', 'terminated'],
      [{ message: 'timeout exceeded when trying to connect' }, 'busy', 'busy'],
      [{ message: 'Query read timeout' }, 'too-slow', 'no answer'],
    ];

    for (const [fields, fault, words] of errors) {
      const error = toDatabaseError(Object.assign(new Error(), fields), 'here');
      expect(error.fault, words).to.equal(fault);
      expect(error.message).to.include('here').and.include(words);
      expect(error).to.satisfy(isDiscreet);
    }
  });

  function isDiscreet(error: Error): boolean {
    return !inspect(error, { depth: 9, showHidden: true }).includes(SECRET);
  }
});
