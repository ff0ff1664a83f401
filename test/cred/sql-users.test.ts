import { expect } from 'chai';
import sinon from 'sinon';
import { SqlUsers } from '../../lib/cred/sql-users.ts';
import { DatabaseError, UsageError, UserStoreFailure } from '../../lib/errors.ts';
import type { SqlDatabase } from '../../lib/interfaces/sql.ts';
import { HOSTILE_NAMES, recordOf } from '../support/sql-contract.ts';

describe('SqlUsers', () => {
  const query = sinon.stub();
  const run = sinon.stub();
  const database: SqlDatabase = {
    parameter: (index) => `<${index}>`,
    query,
    run,
    close: async () => {},
  };

  beforeEach(() => {
    query.reset();
    run.reset();
    query.resolves([]);
    run.resolves(1);
  });

  it('asks with one text for each question, whatever the names are', async () => {
    const users = new SqlUsers(database);

    for (const name of HOSTILE_NAMES) {
      await users.find(name);
      await users.add(recordOf(name));
      await users.remove(name);
      await users.replace(recordOf(name), recordOf(name));
    }

    const texts = new Set([...query.args, ...run.args].map(([text]) => text));
    expect(texts.size).to.equal(4);
    expect([...texts].join()).to.not.include('alice');
    expect(query.args.map(([, [name]]) => name)).to.deep.equal(HOSTILE_NAMES);
  });

  it('quotes the names of tables and columns', async () => {
    const users = new SqlUsers(database, { table: 'app.users', columns: { name: 'login' } });

    await users.find('alice');

    expect(query.args).to.deep.equal([
      [
        'SELECT "login" AS "name", "scrypt" AS "scrypt", "scram" AS "scram" FROM "app"."users" WHERE "login" = <1>',
        ['alice'],
      ],
    ]);
  });

  it('refuses names of tables and columns that are none', () => {
    const bad = [
      { table: 'users"; DROP TABLE users; --' },
      { table: '' },
      { table: 'a.b.c' },
      { table: '.users' },
      { table: '1users' },
      { table: 'u'.repeat(64) },
      { table: 'naïve' },
      { table: 'users\n' },
      { secrets: 'x y' },
      { columns: { scram: 'a, b' } },
      { columns: { scram: 'scrypt' } },
    ];

    for (const options of bad) {
      expect(() => new SqlUsers(database, options), JSON.stringify(options)).to.throw(UsageError);
    }
  });

  it('does not even ask for a name that nobody can have', async () => {
    const users = new SqlUsers(database);

    expect(await users.find('')).to.equal(undefined);
    expect(await users.find('alice\0')).to.equal(undefined);
    expect(await users.find('\ud800')).to.equal(undefined);

    expect(query.callCount).to.equal(0);
  });

  it('passes on what the database says, and takes it for no answer', async () => {
    const users = new SqlUsers(database);
    const failure = new DatabaseError('unreachable', 'the database is away');
    query.rejects(failure);
    run.rejects(failure);

    const outcomes = await Promise.allSettled([users.find('a'), users.add(recordOf('a')), users.decoyKey()]);

    for (const each of outcomes) {
      const reason: unknown = each.status === 'rejected' ? each.reason : undefined;
      expect(reason).to.be.instanceOf(UserStoreFailure).with.property('cause', failure);
      expect(reason).to.have.property('message', 'the database is away');
    }
  });
});
