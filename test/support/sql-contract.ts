import { expect } from 'chai';
import fc from 'fast-check';
import { UsernamePassword } from '../../lib/cred/credentials.ts';
import { isWeaker, makeUserRecord, type PasswordCost } from '../../lib/cred/password-record.ts';
import { ScramClient } from '../../lib/cred/scram-client.ts';
import { ScramServer } from '../../lib/cred/scram-server.ts';
import { SqlUsers } from '../../lib/cred/sql-users.ts';
import { StoredUsers } from '../../lib/cred/stored-users.ts';
import type { UserRecord } from '../../lib/cred/user-store.ts';
import { DatabaseError, UnauthorizedLogin, UsageError, UserStoreFailure } from '../../lib/errors.ts';
import type { SqlDatabase } from '../../lib/interfaces/sql.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { CHEAP, failureOf, settled } from './logins.ts';

/** Names that a careless store would take for SQL, for another name, or for nothing. */
export const HOSTILE_NAMES = [
  "alice'; DROP TABLE users; --",
  "' OR '1'='1",
  '" OR ""="',
  '\\',
  "alice\\' --",
  '$1',
  '?1',
  ':name',
  '%',
  'alice%',
  'ALICE',
  'alice ',
  ' alice',
  'alice\n',
  'null',
  '0',
  '1e3',
  'жена',
  'e\u0301',
  'é',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
  '\u{10ffff}',
  '\ufeffalice',
] as const;

/** Any but NUL and surrogates. */
const CHARACTER = fc
  .oneof(fc.integer({ min: 1, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

/** A record whose verifiers are as long as real ones. */
export function recordOf(name: string, password = 'a'): UserRecord {
  const salt = password.padEnd(22, 'A');
  return {
    name,
    scrypt: `$scrypt$ln=15,r=8,p=1$${salt}$${'h'.repeat(43)}`,
    scram: `SCRAM-SHA-256$4096:${salt}==$${'s'.repeat(43)}=:${'k'.repeat(43)}=`,
  };
}

type Promised<Given extends unknown[]> = Readonly<Record<string, (...given: Given) => Promise<void>>>;

const OF_DATABASES: Promised<[database: SqlDatabase, p: (index: number) => string]> = {
  'counts the rows that a statement changes, and none where nothing can change': async (database, p) => {
    const insert = `INSERT INTO things VALUES (${p(1)}, ${p(2)})`;

    expect(await database.run(insert, ['a', 1])).to.equal(1);
    expect(await database.run(insert, ['b', null])).to.equal(1);
    expect(await database.run(`UPDATE things SET size = ${p(1)}`, [7])).to.equal(2);
    expect(await database.run('CREATE TABLE others (name TEXT)', [])).to.equal(0);
    expect(await database.run(`DELETE FROM things WHERE name = ${p(1)}`, ['c'])).to.equal(0);
  },

  'gives rows by the names of their columns': async (database, p) => {
    await database.run(`INSERT INTO things VALUES (${p(1)}, ${p(2)})`, ['a', 1]);

    const rows = await database.query('SELECT name, size AS "Size", NULL AS none FROM things', []);

    expect(rows).to.deep.equal([{ name: 'a', Size: 1, none: null }]);
  },

  'gives whole numbers as numbers while those are exact, and as text beyond': async (database) => {
    const [row] = await database.query(
      'SELECT count(*) AS few, 9007199254740991 AS most, 9007199254740993 AS more, -9007199254740993 AS less FROM things',
      [],
    );

    expect(row).to.deep.equal({
      few: 0,
      most: 9007199254740991,
      more: '9007199254740993',
      less: '-9007199254740993',
    });
  },

  'takes a parameter as often as it is named': async (database, p) => {
    const statement = `SELECT CAST(${p(2)} AS TEXT) AS a, CAST(${p(1)} AS TEXT) AS b, CAST(${p(2)} AS TEXT) AS c`;

    expect(await database.query(statement, ['x', 'y'])).to.deep.equal([{ a: 'y', b: 'x', c: 'y' }]);
  },

  'keeps any text as it is, and runs none of it': async (database, p) => {
    const text = fc.oneof(fc.constantFrom(...HOSTILE_NAMES), fc.string({ unit: CHARACTER, maxLength: 20 }));
    const statement = `SELECT CAST(${p(1)} AS TEXT) AS text, (SELECT count(*) FROM things) AS count`;
    await fc.assert(
      fc.asyncProperty(text, async (each) => {
        expect(await database.query(statement, [each])).to.deep.equal([{ text: each, count: 0 }]);
      }),
      { numRuns: 50 },
    );
  },

  'refuses values that would be changed on the way in, and shows none of them': async (database, p) => {
    const statement = `SELECT CAST(${p(1)} AS TEXT) AS text`;

    for (const value of ['secret\0', 'secret\ud800', '\udc00secret', Number.NaN, undefined as never]) {
      const failure = await failureOf(database.query(statement, [value]));
      expect(failure).to.be.instanceOf(UsageError);
      expect(failure.message).to.not.include('secret');
    }
    expect(await database.query(statement, ['public'])).to.deep.equal([{ text: 'public' }]);
  },

  'refuses too few values and too many': async (database, p) => {
    const statement = `INSERT INTO things VALUES (${p(1)}, ${p(2)})`;

    expect(await failureOf(database.run(statement, ['a']))).to.be.instanceOf(UsageError);
    expect(await failureOf(database.run(statement, ['a', 1, 2]))).to.be.instanceOf(UsageError);
    expect(await database.query('SELECT name FROM things', [])).to.deep.equal([]);
  },

  'goes on after a statement that failed, with the same statement too': async (database, p) => {
    const insert = `INSERT INTO things VALUES (${p(1)}, ${p(2)})`;
    await database.run(insert, ['a', 1]);

    const failures = [
      await failureOf(database.run(insert, ['a', 2])),
      await failureOf(database.query('SELECT nonsense FROM things', [])),
      await failureOf(database.query('SELECT FROM WHERE', [])),
    ];

    for (const each of failures) {
      expect(each).to.be.instanceOf(DatabaseError).with.property('fault', 'refused');
    }
    expect(await database.run(insert, ['b', 2])).to.equal(1);
  },

  'tells a missing table from other failures': async (database) => {
    const failure = await failureOf(database.query('SELECT 1 AS one FROM nowhere', []));

    expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'missing-table');
  },

  'does not take statements without end: values belong into parameters': async (database) => {
    const failure = await failureOf(
      (async () => {
        for (let index = 0; index < 1_000; index += 1) {
          await database.query(`SELECT ${index} AS number`, []);
        }
      })(),
    );

    expect(failure).to.be.instanceOf(UsageError);
    expect(failure.message).to.include('as parameters');
  },

  'answers whatever is asked at once': async (database, p) => {
    const statement = `SELECT CAST(${p(1)} AS TEXT) AS text`;
    const asked = Array.from({ length: 50 }, (_, index) => `${index}`);

    const answers = await Promise.all(asked.map((each) => database.query(statement, [each])));

    expect(answers.map(([row]) => row?.['text'])).to.deep.equal(asked);
  },

  'fails what is asked after it was closed, and closes twice': async (database) => {
    await database.close();

    const failure = await failureOf(database.query('SELECT 1 AS one', []));
    await database.close();

    expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'closed');
  },
};

const OF_USERS: Promised<[users: SqlUsers, database: SqlDatabase]> = {
  'finds the user of exactly that name': async (users) => {
    for (const name of ['alice', ...HOSTILE_NAMES]) {
      expect(await users.find(name), name).to.equal(undefined);
      expect(await users.add(recordOf(name))).to.equal(true);
      expect(await users.find(name)).to.deep.equal(recordOf(name));
    }
    expect(await users.list()).to.deep.equal(['alice', ...HOSTILE_NAMES].sort());
  },

  'has nobody by a name that no database holds as it is': async (users) => {
    await users.add(recordOf('alice'));

    for (const name of ['', 'alice\0', 'alice\0bob', 'alice\ud800', '\udfff', 'a'.repeat(10_000)]) {
      expect(await users.find(name)).to.equal(undefined);
      expect(await users.remove(name)).to.equal(false);
      expect(await failureOf(users.add(recordOf(name)))).to.be.instanceOf(UsageError);
    }
  },

  'holds names of up to 512 letters': async (users) => {
    const name = '\u{fffd}'.repeat(512);

    expect(await users.add(recordOf(name))).to.equal(true);
    expect((await users.find(name))?.name).to.equal(name);
  },

  'adds a name once: the first record stays, also of ten that come at once': async (users) => {
    const added = await Promise.all(
      Array.from({ length: 10 }, (_, index) => users.add(recordOf('alice', `${index}`))),
    );

    expect(added.filter((isNew) => isNew)).to.have.lengthOf(1);
    expect(await users.find('alice')).to.deep.equal(recordOf('alice', `${added.indexOf(true)}`));
  },

  'puts a record in any case: adds it, or takes the old one away': async (users) => {
    await users.add(recordOf('bob'));

    await users.put(recordOf('alice', 'first'));
    await users.put(recordOf('alice', 'second'));

    expect(await users.find('alice')).to.deep.equal(recordOf('alice', 'second'));
    expect(await users.find('bob')).to.deep.equal(recordOf('bob'));
    expect(await failureOf(users.put(recordOf('alice\0')))).to.be.instanceOf(UsageError);
  },

  'replaces the record that was found, and no other': async (users) => {
    await users.add(recordOf('alice', 'first'));
    await users.add(recordOf('bob', 'first'));

    await users.replace(recordOf('alice', 'first'), recordOf('alice', 'second'));

    expect(await users.find('alice')).to.deep.equal(recordOf('alice', 'second'));
    expect(await users.find('bob')).to.deep.equal(recordOf('bob', 'first'));
    expect(
      await failureOf(users.replace(recordOf('bob', 'first'), recordOf('alice', 'first'))),
    ).to.be.instanceOf(UsageError);
  },

  'leaves a record alone that has changed since, or has gone': async (users) => {
    const old = recordOf('alice', 'old');
    await users.add(recordOf('alice', 'changed'));

    await users.replace(old, recordOf('alice', 'new'));
    await users.replace({ ...recordOf('alice', 'changed'), scram: old.scram }, recordOf('alice', 'new'));
    await users.replace(recordOf('bob'), recordOf('bob', 'new'));

    expect(await users.find('alice')).to.deep.equal(recordOf('alice', 'changed'));
    expect(await users.find('bob')).to.equal(undefined);
  },

  'lets one of ten win that replace the same record at once': async (users) => {
    const old = recordOf('alice', 'old');
    await users.add(old);
    const news = Array.from({ length: 10 }, (_, index) => recordOf('alice', `new${index}`));

    await Promise.all(news.map((each) => users.replace(old, each)));

    expect(news).to.deep.include(await users.find('alice'));
  },

  'removes a user, and tells whether there was one': async (users) => {
    await users.add(recordOf('alice'));

    expect(await users.remove('alice')).to.equal(true);
    expect(await users.remove('alice')).to.equal(false);
    expect(await users.list()).to.deep.equal([]);
  },

  'keeps its key of decoys and its users when the tables are made again': async (users) => {
    await users.add(recordOf('alice'));
    const key = await users.decoyKey();

    await users.createTables({ randomBytes: (count) => new Uint8Array(count) });

    expect(key).to.deep.equal(new Uint8Array(32).fill(0xa5));
    expect(await users.decoyKey()).to.deep.equal(key);
    expect(await users.list()).to.deep.equal(['alice']);
  },

  'uses a table and columns of any names, with other columns beside': async (users, database) => {
    const table = { table: 'select', columns: { name: 'Login', scrypt: 'order', scram: 'from' } };
    await database.run(
      'CREATE TABLE "select" ("Login" TEXT UNIQUE NOT NULL, "order" TEXT, "from" TEXT, age INTEGER DEFAULT 7)',
      [],
    );
    const others = new SqlUsers(database, table);

    expect(await others.add(recordOf('alice', 'old'))).to.equal(true);
    expect(await others.add(recordOf('alice', 'new'))).to.equal(false);
    await others.replace(recordOf('alice', 'old'), recordOf('alice', 'new'));

    expect(await others.find('alice')).to.deep.equal(recordOf('alice', 'new'));
    expect(await users.list()).to.deep.equal([]);
  },

  'says what to do where its table is missing, and does without a key of decoys': async (
    _users,
    database,
  ) => {
    const others = new SqlUsers(database, { table: 'nowhere', secrets: 'nowhere_either' });

    const failure = await failureOf(others.find('alice'));

    expect(failure).to.be.instanceOf(UserStoreFailure);
    expect(failure.message).to.equal('there is no table nowhere: SqlUsers.createTables() makes it');
    expect(await others.decoyKey()).to.equal(undefined);
  },

  'refuses a table that holds a name twice, or a record without text': async (_users, database) => {
    await database.run('CREATE TABLE loose (name TEXT, scrypt TEXT, scram TEXT)', []);
    const loose = new SqlUsers(database, { table: 'loose' });
    await database.run(
      "INSERT INTO loose VALUES ('alice', 'x', 'y'), ('alice', 'x', 'y'), ('bob', NULL, 'y')",
      [],
    );

    expect((await failureOf(loose.find('alice'))).message).to.include('has a name twice');
    expect((await failureOf(loose.find('bob'))).message).to.include('scrypt');
  },

  'lets users in through a checker, by password and by SCRAM, and nobody else': async (users) => {
    await users.add(await realRecord('alice', CHEAP));
    const checker = new StoredUsers(users, { cryptography, cost: CHEAP });

    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
    expect(await scram(checker, 'alice', 'sesame')).to.equal('alice');
    for (const [name, password] of [
      ['alice', 'open'],
      ['bob', 'sesame'],
      ["' OR '1'='1", 'sesame'],
    ] as const) {
      expect(await failureOf(checker.requestAvatarId(new UsernamePassword(name, password)))).to.be.instanceOf(
        UnauthorizedLogin,
      );
      expect(await failureOf(scram(checker, name, password))).to.be.instanceOf(UnauthorizedLogin);
    }
  },

  'brings a record up to date, once, when many log in at once': async (users) => {
    const stronger = { scrypt: { logN: 5, r: 1, p: 1 }, iterations: 5000 };
    await users.add(await realRecord('alice', CHEAP));
    const problems: string[] = [];
    const report = (problem: string) => problems.push(problem);
    const checker = new StoredUsers(users, { cryptography, cost: stronger, report });

    const logins = Array.from({ length: 8 }, () =>
      checker.requestAvatarId(new UsernamePassword('alice', 'sesame')),
    );
    await Promise.all(logins);
    let record = await users.find('alice');
    while (record === undefined || isWeaker(record, stronger)) {
      await settled();
      record = await users.find('alice');
    }

    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
    expect(await scram(checker, 'alice', 'sesame')).to.equal('alice');
    expect(problems).to.deep.equal([]);
  },
};

const cryptography = new NodeCryptography();

function realRecord(name: string, cost: PasswordCost): Promise<UserRecord> {
  return makeUserRecord(name, new TextEncoder().encode('sesame'), cryptography, cost);
}

/** A whole exchange: whom the checker lets in. */
async function scram(checker: StoredUsers, username: string, password: string): Promise<string> {
  const client = new ScramClient({ username, password, cryptography });
  const server = new ScramServer(client.first, { cryptography });
  const login = checker.requestAvatarId(server);
  login.observe(
    () => {},
    () => {},
  );
  const final = await client.answer(await server.challenge(login));
  expect(client.verify(await server.answer(final, login))).to.equal(true);
  return login;
}

/** What every SqlDatabase keeps to. `open` gives one without tables. */
export function describeSqlDatabase(open: () => PromiseLike<SqlDatabase>): void {
  describe('as a SqlDatabase', () => {
    let database: SqlDatabase;

    beforeEach(async () => {
      database = await open();
      await database.run('CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER)', []);
    });

    afterEach(() => database.close());

    for (const [title, check] of Object.entries(OF_DATABASES)) {
      it(title, () => check(database, (index) => database.parameter(index)));
    }
  });
}

/** What SqlUsers keeps to over every database. `open` gives one without tables. */
export function describeSqlUsers(open: () => PromiseLike<SqlDatabase>): void {
  describe('under SqlUsers', () => {
    let database: SqlDatabase;
    let users: SqlUsers;

    beforeEach(async () => {
      database = await open();
      users = new SqlUsers(database);
      await users.createTables({ randomBytes: (count) => new Uint8Array(count).fill(0xa5) });
    });

    afterEach(() => users.close());

    for (const [title, check] of Object.entries(OF_USERS)) it(title, () => check(users, database));
  });
}
