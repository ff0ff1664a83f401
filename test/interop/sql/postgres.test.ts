import { inspect } from 'node:util';
import { expect } from 'chai';
import { usersPlace } from '../../../lib/cli/users-place.ts';
import { SqlUsers } from '../../../lib/cred/sql-users.ts';
import { PostgresDatabase, type PostgresOptions } from '../../../lib/databases/postgres.ts';
import { DatabaseError } from '../../../lib/errors.ts';
import { NodeClock } from '../../../lib/reactor/node/clock.ts';
import { NodeCryptography } from '../../../lib/reactor/node/cryptography.ts';
import { NodeFiles } from '../../../lib/reactor/node/files.ts';
import { testCertificates } from '../../support/certificates.ts';
import { failureOf } from '../../support/logins.ts';
import { describeSqlDatabase, describeSqlUsers, recordOf } from '../../support/sql-contract.ts';
import { findPostgres, PASSWORD, PostgresServer } from './postgres-server.ts';

// Before mocha takes stock of globals: what makes certificates has some.
const certificates = await testCertificates();

describe('PostgresDatabase', () => {
  const clock = new NodeClock((error) => {
    throw error;
  });
  const opened: PostgresDatabase[] = [];
  let server: PostgresServer;
  let admin: PostgresDatabase;
  let schemaCount = 0;

  const open = (url = server.url(), more: Partial<PostgresOptions> = {}): PostgresDatabase => {
    const database = new PostgresDatabase(url, { clock, ...more });
    opened.push(database);
    return database;
  };

  /** In a schema of its own, without tables. */
  const openEmpty = async (more: Partial<PostgresOptions> = {}): Promise<PostgresDatabase> => {
    schemaCount += 1;
    await admin.run(`CREATE SCHEMA test_${schemaCount}`, []);
    return open(server.url({ options: `-c search_path=test_${schemaCount}` }), more);
  };

  before(async function () {
    const binaries = findPostgres();
    if (binaries === undefined) {
      if (process.env['CI'] === 'true') throw new Error('PostgreSQL is missing: apt-get install postgresql');
      console.log('PostgreSQL is not tried: it is not installed (apt-get install postgresql)');
      this.skip();
    }
    server = await PostgresServer.create(binaries, certificates.server);
    admin = new PostgresDatabase(server.url(), { clock, poolSize: 1 });
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  after(async () => {
    await admin?.close();
    await server?.remove();
  });

  describeSqlDatabase(openEmpty);
  describeSqlUsers(openEmpty);

  it('takes column types as SQLite knows them', async () => {
    const [row] = await open().query(
      "SELECT true AS yes, false AS no, '\\x00ff'::bytea AS bytes, 1.5::float8 AS float, 7::smallint AS small, 1.50::numeric AS exact",
      [],
    );

    expect(row).to.deep.equal({
      yes: 1,
      no: 0,
      bytes: Uint8Array.of(0, 255),
      float: 1.5,
      small: 7,
      exact: '1.50',
    });
  });

  it('prepares each statement once on each connection', async () => {
    const database = open(server.url(), { poolSize: 1 });

    for (let index = 0; index < 10; index += 1) await database.query('SELECT $1::text AS name', [`${index}`]);

    const prepared = await database.query(
      "SELECT statement, generic_plans + custom_plans AS count FROM pg_prepared_statements WHERE statement LIKE '%AS name'",
      [],
    );
    expect(prepared).to.deep.equal([{ statement: 'SELECT $1::text AS name', count: 10 }]);
  });

  it('opens as many connections as its pool is large, and no more', async () => {
    const database = open(server.url({ application_name: 'pool' }), { poolSize: 2 });

    await Promise.all(Array.from({ length: 10 }, () => database.query('SELECT pg_sleep(0.02)::text', [])));

    const connections = await admin.query(
      "SELECT count(*) AS count FROM pg_stat_activity WHERE application_name = 'pool'",
      [],
    );
    expect(connections).to.deep.equal([{ count: 2 }]);
  });

  it('stops a statement at the time limit, and goes on with the next', async () => {
    const database = open(server.url(), { poolSize: 1, timeLimitMs: 100 });

    const failure = await failureOf(database.query('SELECT pg_sleep(10)::text', []));

    expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'too-slow');
    expect(await database.query('SELECT 1 AS one', [])).to.deep.equal([{ one: 1 }]);
  });

  it('fails what waits for a connection longer than the time limit', async () => {
    const database = open(server.url(), { poolSize: 1, timeLimitMs: 300 });
    await database.query('SELECT 1 AS one', []);

    const [slow, waiting] = await Promise.all([
      failureOf(database.query('SELECT pg_sleep(10)::text', [])),
      failureOf(database.query('SELECT pg_sleep(10)::text', [])),
    ]);

    expect(slow).to.have.property('fault', 'too-slow');
    expect(waiting).to.have.property('fault').that.is.oneOf(['busy', 'too-slow']);
  });

  it('makes a connection again that was broken while it was idle', async () => {
    const database = open(server.url({ application_name: 'broken' }));
    await database.query('SELECT 1 AS one', []);

    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'broken'",
      [],
    );
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(await database.query('SELECT 1 AS one', [])).to.deep.equal([{ one: 1 }]);
  });

  it('says that the server is away, and connects again when it is back', async () => {
    const database = open();
    await database.query('SELECT 1 AS one', []);

    await server.stop();
    const failure = await failureOf(database.query('SELECT 1 AS one', []));
    await server.start();

    expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'unreachable');
    expect(failure.message)
      .to.include(`PostgreSQL at 127.0.0.1:${server.port}/postgres`)
      .and.include('ECONNREFUSED');
    expect(await database.query('SELECT 1 AS one', [])).to.deep.equal([{ one: 1 }]);
  });

  it('gives up on a server that hangs, and closes all the same', async () => {
    const database = open(server.url(), { timeLimitMs: 100, poolSize: 2 });
    const [backend] = await database.query('SELECT pg_backend_pid() AS pid', []);
    const pid = Number(backend?.['pid']);

    process.kill(pid, 'SIGSTOP');
    try {
      const failure = await failureOf(database.query('SELECT 1 AS one', []));
      expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'too-slow');
      await database.close();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('closes while a connection that hangs is idle', async () => {
    const database = open();
    const [backend] = await database.query('SELECT pg_backend_pid() AS pid', []);
    const pid = Number(backend?.['pid']);

    process.kill(pid, 'SIGSTOP');
    try {
      const startedAt = clock.now();
      await database.close();
      expect(clock.now() - startedAt).to.be.within(1_900, 4_000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('speaks TLS when its address says so, to the server that the CA vouches for and to no other', async () => {
    const ca = server.writeSecret('ca.crt', certificates.ca.certificate);
    const otherCa = server.writeSecret('other-ca.crt', certificates.otherCa.certificate);
    const verified = (sslrootcert: string) => open(server.url({ sslmode: 'verify-full', sslrootcert }));

    const rows = await verified(ca).query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', []);
    const failure = await failureOf(verified(otherCa).query('SELECT 1 AS one', []));

    expect(rows).to.deep.equal([{ ssl: 1 }]);
    expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'unreachable');
    expect(failure.message).to.include('certificate');
  });

  it('says that a file of the address cannot be read', async () => {
    const failure = await failureOf(
      open(server.url({ sslmode: 'verify-full', sslrootcert: '/nowhere/ca.crt' })).query(
        'SELECT 1 AS one',
        [],
      ),
    );

    expect(failure.message).to.equal(
      'a file in the address of the database cannot be read: /nowhere/ca.crt (ENOENT)',
    );
  });

  it('says what is wrong with the login, and shows no password', async () => {
    const wrong = server.url().replace('correct', 'wrong');
    const none = server.url().replace(/:[^:@]*@/, '@');
    const nowhere = server.url().replace(/postgres$/, 'nowhere');

    const failures = await Promise.all(
      [wrong, none, nowhere].map((url) => failureOf(open(url).query('SELECT 1 AS one', []))),
    );

    expect(failures.map((each) => each.message.replace(/:\d+\//, ':0/'))).to.deep.equal([
      'PostgreSQL at 127.0.0.1:0/postgres: password authentication failed for user "postgres" (SQLSTATE 28P01)',
      'PostgreSQL at 127.0.0.1:0/postgres: it wants a password: put one into ~/.pgpass or PGPASSWORD',
      'PostgreSQL at 127.0.0.1:0/nowhere: database "nowhere" does not exist (SQLSTATE 3D000)',
    ]);
    for (const each of failures) expect(inspect(each, { depth: 9 })).to.not.match(/horse/);
    expect(PASSWORD).to.match(/horse/);
  });

  it('is a place for the users of hawser passwd', async () => {
    const world = { files: new NodeFiles(), cryptography: new NodeCryptography(), clock, report: () => {} };
    const place = usersPlace(server.url({ table: 'accounts' }), world);

    expect(await place.isThere()).to.equal(false);
    await place.make();
    await place.users.put(recordOf('alice'));

    expect(await place.isThere()).to.equal(true);
    expect(await place.users.list()).to.deep.equal(['alice']);
    expect(place.label).to.not.include('horse');
    await place.users.close?.();
  });

  it('shows no verifier in an error, though PostgreSQL shows the whole row', async () => {
    const database = await openEmpty();
    await database.run('CREATE TABLE users (name TEXT, scrypt TEXT, scram TEXT CHECK (false))', []);

    const failure = await failureOf(new SqlUsers(database).add(recordOf('alice')));

    expect(failure.message).to.include('SQLSTATE 23514');
    expect(inspect(failure, { depth: 9 })).to.not.match(/alice|scrypt\$|SCRAM-SHA-256\$/);
  });

  it('lets one of many connections replace a record', async () => {
    const first = await openEmpty({ poolSize: 4 });
    const users = new SqlUsers(first);
    await users.createTables({ randomBytes: (count) => new Uint8Array(count) });
    await users.add(recordOf('alice', 'old'));
    const statement = 'UPDATE users SET scram = $1 WHERE name = $2 AND scram = $3';
    const { scram } = recordOf('alice', 'old');

    const changed = await Promise.all(
      Array.from({ length: 40 }, (_, index) => first.run(statement, [`new${index}`, 'alice', scram])),
    );

    expect(changed.reduce((sum, each) => sum + each)).to.equal(1);
  });
});
