import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import sqlite from 'node-sqlite3-wasm';
import sinon from 'sinon';
import { IN_MEMORY, SqliteDatabase, type SqliteOptions } from '../../lib/databases/sqlite.ts';
import { DatabaseError, MissingPackage } from '../../lib/errors.ts';
import { NodeFiles } from '../../lib/reactor/node/files.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { failureOf } from '../support/logins.ts';
import { describeSqlDatabase, describeSqlUsers } from '../support/sql-contract.ts';

describe('SqliteDatabase', () => {
  let directory: string;
  let path: string;
  let clock: VirtualClock;
  const opened: SqliteDatabase[] = [];

  const open = (where = path, more: Partial<SqliteOptions> = {}): SqliteDatabase => {
    const database = new SqliteDatabase(where, { files: new NodeFiles(), clock, ...more });
    opened.push(database);
    return database;
  };
  const ask = (database: SqliteDatabase) => database.query('SELECT count(*) AS count FROM things', []);

  /** What comes of it while time passes: the files are real, the waiting is not. */
  const outcome = async <T>(promise: PromiseLike<T>): Promise<T> => {
    let isSettled = false;
    const settled = Promise.resolve(promise).finally(() => {
      isSettled = true;
    });
    settled.catch(() => {});
    while (!isSettled) {
      await new Promise((resolve) => setImmediate(resolve));
      if (clock.pending > 0 && !isSettled) clock.advance(10);
    }
    return settled;
  };

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-sqlite-'));
  });

  beforeEach(() => {
    clock = new VirtualClock();
    path = join(directory, `${Math.random()}.db`);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    sinon.restore();
    expect(clock.pending).to.equal(0);
  });

  after(() => rmSync(directory, { recursive: true }));

  describe('in memory', () => {
    describeSqlDatabase(async () => open(IN_MEMORY));
    describeSqlUsers(async () => open(IN_MEMORY));

    it('stays as it is however much time passes', async () => {
      const database = open(IN_MEMORY);
      await database.run('CREATE TABLE things (name TEXT)', []);

      clock.advance(1_000_000);

      expect(await ask(database)).to.deep.equal([{ count: 0 }]);
    });

    it('keeps bytes as they are', async () => {
      const bytes = Uint8Array.of(0, 255, 0, 39);

      const [row] = await open(IN_MEMORY).query('SELECT ?1 AS bytes', [bytes]);

      expect(row?.['bytes']).to.deep.equal(bytes);
    });

    it('prepares each statement once, and finalises all of them when it closes', async () => {
      const prepare = sinon.spy(sqlite.Database.prototype, 'prepare');
      const database = open(IN_MEMORY);
      const statement = 'SELECT ?1 AS name';

      for (let index = 0; index < 20; index += 1) await database.query(statement, [`user ${index}`]);
      await database.close();

      expect(prepare.args.filter(([text]) => text === statement)).to.have.lengthOf(1);
      expect(prepare.returnValues.every((each) => each.isFinalized)).to.equal(true);
    });
  });

  describe('in a file', () => {
    describeSqlDatabase(async () => open());

    it('keeps what was written for the next one, in a file that only its owner reads', async () => {
      const first = open();
      await first.run('CREATE TABLE things (name TEXT)', []);
      await first.run('INSERT INTO things VALUES (?1)', ['a']);
      await first.close();

      expect(await ask(open())).to.deep.equal([{ count: 1 }]);
      if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).to.equal(0);
    });

    it('leaves nothing beside the file when it is closed', async () => {
      const database = open();
      await database.run('CREATE TABLE things (name TEXT)', []);
      expect(existsSync(`${path}.lock`)).to.equal(true);

      await database.close();

      const name = path.slice(directory.length + 1);
      expect(readdirSync(directory).filter((each) => each.startsWith(name))).to.deep.equal([name]);
    });

    it('lets go of the file when it is idle, and takes it again', async () => {
      const database = open();
      await database.run('CREATE TABLE things (name TEXT)', []);

      clock.advance(99);
      expect(existsSync(`${path}.lock`)).to.equal(true);
      clock.advance(1);
      expect(existsSync(`${path}.lock`)).to.equal(false);

      expect(await ask(database)).to.deep.equal([{ count: 0 }]);
    });

    it('gives others their turn while it is asked all the time', async () => {
      const [busy, other] = [open(), open()];
      await busy.run('CREATE TABLE things (name TEXT)', []);
      let answered = 0;
      const answer = ask(other).then(() => {
        answered = clock.now();
      });

      while (answered === 0 && clock.now() < 3_000) await outcome(ask(busy).then(() => clock.advance(10)));
      await answer;

      expect(answered).to.be.within(1_000, 1_100);
    });

    it('fails when others keep the file beyond the time limit, and says what it waited for', async () => {
      const database = open(path, { timeLimitMs: 2_000 });
      mkdirSync(`${path}.lock`);

      const failure = await outcome(failureOf(ask(database)));

      expect(clock.now()).to.be.within(2_000, 2_100);
      expect(failure).to.be.instanceOf(DatabaseError).with.property('fault', 'busy');
      expect(failure.message).to.include(`${path}.lock`);
      expect(existsSync(`${path}.lock`)).to.equal(true);
    });

    it('takes away a lock that was left by a process that was killed', async () => {
      const database = open();
      mkdirSync(`${path}.lock`);

      await outcome(database.run('CREATE TABLE things (name TEXT)', []));

      expect(clock.now()).to.be.within(5_000, 5_200);
    });

    it('leaves a lock alone that changes hands', async () => {
      const database = open(path, { timeLimitMs: 9_000 });
      mkdirSync(`${path}.lock`);
      const failure = failureOf(ask(database));

      // Never the same lock for 5 s.
      for (let turn = 0; turn < 4; turn += 1) {
        const until = clock.now() + 2_000;
        await outcome(
          (async () => {
            while (clock.now() < until) await new Promise((resolve) => setImmediate(resolve));
          })(),
        );
        rmSync(`${path}.lock`, { recursive: true });
        mkdirSync(`${path}.lock`);
      }

      expect((await outcome(failure)).message).to.include('in use');
    });

    it('does not go on with a file that others took for abandoned while it stood still', async () => {
      const slept = open();
      await slept.run('CREATE TABLE things (name TEXT)', []);
      // The clock goes on while no timer fires: nothing but a blocked event loop does that.
      sinon.stub(clock, 'now').returns(60_000);
      rmSync(`${path}.lock`, { recursive: true });
      mkdirSync(`${path}.lock`);

      let isAnswered = false;
      const asked = ask(slept).finally(() => {
        isAnswered = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(isAnswered).to.equal(false);
      rmSync(`${path}.lock`, { recursive: true });
      sinon.restore();

      expect(await outcome(asked)).to.deep.equal([{ count: 0 }]);
    });

    it('refuses to go on where another program was interrupted while it wrote', async () => {
      const database = open(path, { timeLimitMs: 100 });
      writeFileSync(path, '');
      writeFileSync(`${path}-journal`, 'half a transaction');

      const failure = await outcome(failureOf(ask(database)));

      expect(failure.message).to.include('crashed').and.to.include(`sqlite3 ${path}`);
      expect(existsSync(`${path}-journal`)).to.equal(true);
    });

    it('refuses links, directories, other files and paths that lead nowhere', async () => {
      const other = join(directory, 'other');
      writeFileSync(other, 'this is no database, but long enough to be taken for one'.repeat(20));
      symlinkSync(other, join(directory, 'link'));

      for (const where of [
        join(directory, 'link'),
        directory,
        other,
        join(other, 'x'),
        join(directory, 'no', 'x'),
      ]) {
        const failure = await failureOf(ask(open(where)));
        expect(failure, where).to.be.instanceOf(DatabaseError).with.property('fault', 'refused');
      }
    });

    it('prepares each statement once for each time it holds the file', async () => {
      const prepare = sinon.spy(sqlite.Database.prototype, 'prepare');
      const database = open();
      await database.run('CREATE TABLE things (name TEXT)', []);

      for (let round = 0; round < 2; round += 1) {
        for (let index = 0; index < 10; index += 1) await ask(database);
        clock.advance(100);
      }

      expect(
        prepare.args.filter(([text]) => text.includes('things') && text.includes('count')),
      ).to.have.lengthOf(2);
    });
  });

  it('says what to install where the package is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'node-sqlite3-wasm' imported from x"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });

    const failure = await failureOf(ask(open(path, { importPackage: () => Promise.reject(missing) })));

    expect(failure).to.be.instanceOf(MissingPackage);
    expect(failure.message).to.equal(
      'SQLite takes the package node-sqlite3-wasm: run npm install node-sqlite3-wasm',
    );
  });
});
