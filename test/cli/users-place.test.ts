import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runPasswd } from '../../lib/cli/commands/passwd.ts';
import type { CommandFailure } from '../../lib/cli/exit-status.ts';
import { usersPlace } from '../../lib/cli/users-place.ts';
import { UsernamePassword } from '../../lib/cred/credentials.ts';
import { makeSqliteChecker } from '../../lib/databases/sql-store.ts';
import { UsageError } from '../../lib/errors.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { NodeFiles } from '../../lib/reactor/node/files.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { commandContext, type KeptContext } from '../support/command-context.ts';
import { CHEAP } from '../support/logins.ts';

describe('hawser passwd and SQLite', () => {
  const files = new NodeFiles();
  const cryptography = new NodeCryptography();
  let directory: string;
  let path: string;
  let clock: VirtualClock;
  let context: KeptContext;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-passwd-'));
    path = join(directory, 'users.db');
    clock = new VirtualClock();
    context = await commandContext();
  });

  afterEach(() => {
    expect(clock.pending).to.equal(0);
    rmSync(directory, { recursive: true });
  });

  it('makes the file and the table, adds a user whom a checker lets in, and leaves nothing beside it', async () => {
    expect(await run('sesame', '--stdin', `sqlite:${path}`, 'alice')).to.equal(0);

    expect(context.output.text).to.equal(`added alice to sqlite:${path}\n`);
    expect(readdirSync(directory)).to.deep.equal(['users.db']);
    const reports: string[] = [];
    const report = (problem: string) => reports.push(problem);
    const checker = await makeSqliteChecker(path, { files, cryptography, clock, report, cost: CHEAP });
    expect(await checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
    await checker.close?.();
    expect(reports).to.deep.equal([]);
  });

  it('changes, checks, lists and removes users of another table', async () => {
    const place = `sqlite:${path}:table=accounts`;
    await run('open', '--stdin', place, 'alice');
    await run('open', '--stdin', place, 'bob');

    expect(await run('sesame', '--stdin', place, 'alice')).to.equal(0);
    expect(await run('sesame', '--stdin', '--verify', place, 'alice')).to.equal(0);
    expect(await run('open', '--stdin', '--verify', place, 'alice')).to.match(/^1 .*not the password/);
    expect(await run('', '--delete', place, 'bob')).to.equal(0);
    expect(await run('', '--delete', place, 'bob')).to.equal(`1 there is no user bob in ${place}`);
    context.output.text = '';
    expect(await run('', '--list', place)).to.equal(0);
    expect(context.output.lines).to.deep.equal(['alice']);
  });

  it('makes no file to look into, nor for a password that was not given', async () => {
    for (const args of [['--list'], ['--delete', 'alice'], ['--stdin', '--verify', 'alice']]) {
      const [options, user] = [
        args.filter((each) => each.startsWith('-')),
        args.filter((each) => !each.startsWith('-')),
      ];
      expect(await run('x', ...options, `sqlite:${path}`, ...user)).to.equal(
        `1 there is no table of users in sqlite:${path}`,
      );
    }
    expect(await run('', '--stdin', `sqlite:${path}`, 'alice')).to.match(/^1 .*empty/);

    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('says in one line what makes no sense, or is no database', async () => {
    expect(await run('x', '--stdin', 'sqlite:', 'alice')).to.match(/^2 [^\n]+$/);
    expect(await run('x', '--stdin', `sqlite:${path}:tabel=x`, 'alice')).to.match(/^2 [^\n]+$/);
    expect(await run('x', '--stdin', `sqlite:${directory}`, 'alice')).to.match(
      /^1 [^\n]+ no regular file[^\n]+$/,
    );
    expect(await run('x', '--stdin', 'postgres://app@db.example/app', 'alice')).to.match(/^2 [^\n]+sslmode/);
  });

  it('shows no password of a database', async () => {
    const reports: string[] = [];
    const world = { files, cryptography, clock, report: (problem: string) => reports.push(problem) };

    const { label, absence } = usersPlace(
      'postgres://app:hunter2@localhost/app?password=hunter2&table=a',
      world,
    );

    expect(label).to.equal('postgres://app@localhost/app?table=a');
    expect(reports).to.have.lengthOf(1);
    expect([absence, ...reports].join()).to.not.include('hunter2');
    expect(() => usersPlace('postgres:mysql://app:hunter2@localhost', world)).to.throw(UsageError);
  });

  /** The exit status, or that of the failure and its message. */
  async function run(piped: string, ...args: string[]): Promise<number | string> {
    const secrets = {
      isTerminal: false,
      ask: () => Promise.reject(new Error('there is no terminal')),
      readAll: async () => new TextEncoder().encode(piped),
    };
    try {
      return await runPasswd(args, context, { files, cryptography, clock, secrets, cost: CHEAP });
    } catch (error) {
      const { status, message } = error as CommandFailure;
      return `${status} ${message}`;
    }
  }
});
