import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AnyChecker, CheckerWorld } from '../../lib/cred/checker.ts';
import { UsernamePassword } from '../../lib/cred/credentials.ts';
import { makeUserRecord } from '../../lib/cred/password-record.ts';
import { SqlUsers } from '../../lib/cred/sql-users.ts';
import {
  makePostgresChecker,
  makeSqliteChecker,
  postgresUsers,
  sqliteUsers,
} from '../../lib/databases/sql-store.ts';
import { SqliteDatabase } from '../../lib/databases/sqlite.ts';
import { quoteEndpointArgument } from '../../lib/endpoints/parse.ts';
import { UnauthorizedLogin, UsageError, UserStoreFailure } from '../../lib/errors.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { NodeFiles } from '../../lib/reactor/node/files.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { CHEAP, failureOf } from '../support/logins.ts';

describe('the checkers over SQL', () => {
  const cryptography = new NodeCryptography();
  let directory: string;
  let path: string;
  let reports: string[];
  let world: CheckerWorld;
  const checkers: AnyChecker[] = [];

  const make = async (argument: string): Promise<AnyChecker> => {
    const checker = await makeSqliteChecker(argument, world);
    checkers.push(checker);
    return checker;
  };

  /** A file with a table in which alice is. */
  const fill = async (options: { table?: string } = {}): Promise<void> => {
    const users = new SqlUsers(new SqliteDatabase(path, world), options);
    await users.createTables(cryptography);
    await users.add(await makeUserRecord('alice', new TextEncoder().encode('sesame'), cryptography, CHEAP));
    await users.close();
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-store-'));
    path = join(directory, 'users.db');
    reports = [];
    world = {
      files: new NodeFiles(),
      cryptography,
      clock: new VirtualClock(),
      report: (problem) => reports.push(problem),
    };
  });

  afterEach(async () => {
    await Promise.all(checkers.splice(0).map((each) => each.close?.()));
    expect((world.clock as VirtualClock).pending).to.equal(0);
    rmSync(directory, { recursive: true });
  });

  it('lets in who is in the table', async () => {
    await fill();
    const checker = await make(path);

    expect(checker.kinds).to.deep.equal(['password', 'scram-sha-256']);
    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
    const failure = await failureOf(checker.requestAvatarId(new UsernamePassword('alice', 'open')) as never);
    expect(failure).to.be.instanceOf(UnauthorizedLogin);
    expect(reports).to.deep.equal([]);
  });

  it('takes another table, and a file with a colon in its name', async () => {
    path = join(directory, 'C:users=1.db');
    await fill({ table: 'accounts' });

    const checker = await make(`${quoteEndpointArgument(path)}:table=accounts`);

    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
  });

  it('makes no file where none is', async () => {
    const failure = await failureOf(make(path));

    expect(failure).to.be.instanceOf(UsageError);
    expect(failure.message).to.include(`there is no file ${path}`);
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('says at once that the table is missing, and lets go of the file', async () => {
    await fill();

    const failure = await failureOf(make(`${path}:table=nowhere`));

    expect(failure).to.be.instanceOf(UserStoreFailure);
    expect(failure.message).to.include('there is no table nowhere');
    expect(readdirSync(directory)).to.deep.equal(['users.db']);
  });

  it('reports that there is no key of decoys', async () => {
    await fill();
    const database = new SqliteDatabase(path, world);
    await database.run('DROP TABLE users_secrets', []);
    await database.close();

    await make(path);

    expect(reports.join()).to.include('users_secrets');
  });

  it('refuses what it cannot make sense of', async () => {
    for (const argument of ['', ':table=users', 'a:b', 'a:tabel=users', 'a:table=no table', 'a\\']) {
      expect(await failureOf(make(argument)), argument).to.be.instanceOf(UsageError);
    }
    for (const argument of ['mysql://localhost', 'localhost', '//localhost?table=no%20table']) {
      expect(() => postgresUsers(argument, world), argument).to.throw(UsageError);
    }
  });

  it('warns of a password in an address, which others can see, and does not repeat it', () => {
    const secret = 'hunter2';
    for (const address of [`//app:${secret}@localhost/app`, `postgres:///app?password=${secret}&table=a`]) {
      reports = [];
      postgresUsers(address, world);
      expect(reports.join(), address).to.include('PGPASSWORD').and.not.include(secret);
    }
    reports = [];
    for (const address of ['//app@localhost:5432/app', 'postgresql://[::1]:5432/app?table=users', '']) {
      postgresUsers(address, world);
    }
    expect(reports).to.deep.equal([]);
  });

  it('waits for a server that is away, and says so', async () => {
    const checker = await makePostgresChecker('//app@127.0.0.1:1/app', world);
    checkers.push(checker);

    expect(reports.join()).to.include('127.0.0.1:1/app does not answer: connect ECONNREFUSED');
    const failure = await failureOf(checker.requestAvatarId(new UsernamePassword('a', 'b')) as never);
    expect(failure).to.be.instanceOf(UserStoreFailure);
  });

  it('opens a store without a checker, to fill it', async () => {
    const users = sqliteUsers(path, world);

    await users.createTables(cryptography);
    expect(await users.list()).to.deep.equal([]);
    await users.close();
  });
});
