import { expect } from 'chai';
import { runPasswd } from '../../../lib/cli/commands/passwd.ts';
import type { CommandFailure } from '../../../lib/cli/exit-status.ts';
import type { SecretAnswer, SecretSource } from '../../../lib/cli/terminal.ts';
import { UsernamePassword } from '../../../lib/cred/credentials.ts';
import { PasswordFile } from '../../../lib/cred/password-file.ts';
import { StoredUsers } from '../../../lib/cred/stored-users.ts';
import { NodeCryptography } from '../../../lib/reactor/node/cryptography.ts';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';
import { commandContext, type KeptContext } from '../../support/command-context.ts';
import { CHEAP, failureOf, settled } from '../../support/logins.ts';
import { MemoryDisk, MemoryFiles } from '../../support/memory-files.ts';

const cryptography = new NodeCryptography();

/** Somebody who types the lines, or a pipe with the bytes. */
class TypedSecrets implements SecretSource {
  readonly prompts: string[] = [];
  readonly #lines: (string | SecretAnswer)[];
  readonly #piped: Uint8Array | undefined;

  constructor(lines: (string | SecretAnswer)[], piped?: Uint8Array) {
    this.#lines = lines;
    this.#piped = piped;
  }

  get isTerminal(): boolean {
    return this.#piped === undefined;
  }

  async ask(prompt: string): Promise<SecretAnswer> {
    this.prompts.push(prompt);
    const line = this.#lines.shift() ?? '';
    return typeof line === 'string' ? { end: 'whole', text: line } : line;
  }

  async readAll(maxBytes: number): Promise<Uint8Array | undefined> {
    const piped = this.#piped ?? new Uint8Array();
    return piped.length > maxBytes ? undefined : piped;
  }
}

describe('hawser passwd', () => {
  let disk: MemoryDisk;
  let clock: VirtualClock;
  let context: KeptContext;
  let secrets: TypedSecrets;

  beforeEach(async () => {
    disk = new MemoryDisk();
    clock = new VirtualClock();
    context = await commandContext();
    secrets = new TypedSecrets([]);
  });

  it('adds a user whose password was typed twice, and makes the file for its owner only', async () => {
    expect(await typing('sesame', 'sesame').run('users', 'alice')).to.equal(0);

    expect(context.output.text).to.equal('added alice to users\n');
    expect(secrets.prompts).to.deep.equal(['New password of alice: ', 'The same again: ']);
    expect(disk.nodes.get('users')?.access.permissions).to.equal(0o600);
    expect(await isPassword('alice', 'sesame')).to.equal(true);
    expect(shown()).not.to.contain('sesame');
  });

  it('gives a user another password, and leaves the others alone', async () => {
    await typing('open', 'open').run('users', 'bob');
    await typing('sesame', 'sesame').run('users', 'alice');
    await typing('simsim', 'simsim').run('users', 'alice');

    expect(context.output.lines.at(-1)).to.equal('changed the password of alice in users');
    expect(await isPassword('alice', 'sesame')).to.equal(false);
    expect(await isPassword('alice', 'simsim')).to.equal(true);
    expect(await isPassword('bob', 'open')).to.equal(true);
  });

  it('changes nothing when the two differ, when one is empty, not allowed, or not typed', async () => {
    const complaints = [
      await typing('sesame', 'sesam').run('users', 'alice'),
      await typing('').run('users', 'alice'),
      await typing('se\u0007same').run('users', 'alice'),
      await typing('\u{1f511}').run('users', 'alice'),
      await typing('x'.repeat(2000)).run('users', 'alice'),
      await typing({ end: 'ended', text: '' }).run('users', 'alice'),
    ];

    expect(complaints[0]).to.contain('differ');
    expect(complaints[1]).to.contain('empty');
    expect(complaints[2]).to.contain('RFC 4013');
    for (const complaint of complaints) expect(complaint).to.match(/^1 [^\n]+$/);
    expect(disk.get('users')).to.equal(undefined);
  });

  it('ends with status 130 and changes nothing when Ctrl-C is typed', async () => {
    expect(await typing({ end: 'interrupted', text: '' }).run('users', 'alice')).to.equal(130);
    expect(await typing('sesame', { end: 'interrupted', text: '' }).run('users', 'alice')).to.equal(130);

    expect(disk.get('users')).to.equal(undefined);
    expect(context.messages.text).to.equal('');
  });

  it('removes a user', async () => {
    await typing('sesame', 'sesame').run('users', 'alice');

    expect(await typing().run('--delete', 'users', 'alice')).to.equal(0);
    expect(await typing().run('--delete', 'users', 'alice')).to.equal('1 there is no user alice in users');
    expect(context.output.lines.at(-1)).to.equal('removed alice from users');
    expect(await isPassword('alice', 'sesame')).to.equal(false);
  });

  it('says whether a password is right, and changes nothing', async () => {
    await typing('sesame', 'sesame').run('users', 'alice');
    const before = disk.get('users');

    expect(await typing('sesame').run('--verify', 'users', 'alice')).to.equal(0);
    expect(await typing('simsim').run('--verify', 'users', 'alice')).to.match(/^1 .*not the password/);
    expect(await typing('sesame').run('--verify', 'users', 'bob')).to.match(/^1 .*no user bob/);
    await settled();
    expect(disk.get('users')).to.deep.equal(before);
    expect(secrets.prompts, 'nobody is asked for the password of nobody').to.deep.equal([]);
  });

  it('lists the users, and every line that is none', async () => {
    await typing('x', 'x').run('users', 'carol');
    await typing('x', 'x').run('users', 'bob\u00fc');
    context.output.text = '';

    expect(await typing().run('--list', 'users')).to.equal(0);
    expect(context.output.lines).to.deep.equal(['bobü', 'carol']);

    disk.put('users', Buffer.concat([disk.get('users') ?? Buffer.of(), Buffer.from('hunter2\n')]));
    expect(await typing().run('--list', 'users')).to.equal(1);
    expect(context.messages.text).to.match(/^users: line 4 lets nobody in: .*\n$/);
    expect(shown()).not.to.contain('hunter2');
  });

  it('takes the password from a pipe with --stdin, once, without the last newline', async () => {
    expect(await piping('pass word \n').run('--stdin', 'users', 'alice')).to.equal(0);
    expect(await isPassword('alice', 'pass word ')).to.equal(true);
    expect(await piping('pass word \r\n').run('--stdin', '--verify', 'users', 'alice')).to.equal(0);
  });

  it('takes no password from a pipe that is empty, too long, of two lines or not UTF-8', async () => {
    for (const piped of ['', '\n', 'x'.repeat(9000), 'one\ntwo\n', Uint8Array.of(0xff, 0x0a)]) {
      expect(await piping(piped).run('--stdin', 'users', 'alice')).to.match(/^1 /);
    }
    expect(disk.get('users')).to.equal(undefined);
  });

  it('does not read a password from a pipe unless told, nor from a terminal as if it were a pipe', async () => {
    expect(await piping('sesame\n').run('users', 'alice')).to.match(/^2 .*--stdin/);
    expect(await typing('sesame').run('--stdin', 'users', 'alice')).to.match(/^2 .*leave it out/);
    expect(disk.get('users')).to.equal(undefined);
  });

  it('says in one line what is missing or too much', async () => {
    const complaints = [
      await typing().run(),
      await typing().run('users'),
      await typing().run('--list', 'users', 'alice'),
      await typing().run('--list', '--delete', 'users', 'alice'),
      await typing().run('users', 'al\u0000ice'),
      await typing().run('users', ''),
    ];

    for (const complaint of complaints) expect(complaint).to.match(/^2 [^\n]+$/);
  });

  it('takes no password as an argument', async () => {
    const failure = await failureOf(
      runPasswd(['users', 'alice', 'sesame'], context, {
        files: new MemoryFiles(disk),
        cryptography,
        clock,
        secrets,
      }),
    );

    expect(failure).to.have.property('exitCode');
    expect(disk.get('users')).to.equal(undefined);
  });

  it('waits for another process that changes the file, and not for ever', async () => {
    const other = new MemoryFiles(disk);
    const lock = await other.lock('users.lock');
    expect(await inTime(piping('sesame').run('--stdin', 'users', 'alice'))).to.match(/^1 another process/);
    expect(clock.now()).to.be.at.least(1000);

    const releasing = () => {
      if (clock.pending > 0) void lock?.release();
    };
    expect(await inTime(piping('sesame').run('--stdin', 'users', 'alice'), releasing)).to.equal(0);
    expect(clock.pending).to.equal(0);
  });

  it('complains of a file that cannot be read or written', async () => {
    disk.directories.add('dir');
    expect(await typing('x', 'x').run('dir', 'alice')).to.match(/^1 [^\n]+$/);
    expect(await typing().run('--list', 'nowhere')).to.match(/^1 there is no password file nowhere$/);
    disk.capacityBytes = 10;
    expect(await typing('x', 'x').run('users', 'alice')).to.match(/^1 .*ENOSPC/);
  });

  function typing(...lines: (string | SecretAnswer)[]) {
    secrets = new TypedSecrets(lines);
    return { run };
  }

  function piping(piped: string | Uint8Array) {
    secrets = new TypedSecrets([], typeof piped === 'string' ? new TextEncoder().encode(piped) : piped);
    return { run };
  }

  /** The exit status, or that of the failure and its message. */
  async function run(...args: string[]): Promise<number | string> {
    const system = { files: new MemoryFiles(disk), cryptography, clock, secrets, cost: CHEAP };
    try {
      return await runPasswd(args, context, system);
    } catch (error) {
      const { status, message } = error as CommandFailure;
      return `${status} ${message}`;
    }
  }

  /** The result, with as much virtual time as it takes. */
  async function inTime<T>(running: Promise<T>, eachTurn = () => {}): Promise<T> {
    let isOver = false;
    const over = running.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await settled();
      eachTurn();
      clock.advance(10);
    }
    return over;
  }

  async function isPassword(name: string, password: string): Promise<boolean> {
    const file = new PasswordFile('users', { files: new MemoryFiles(disk), cryptography });
    const checker = new StoredUsers(file, { cryptography, cost: CHEAP });
    const login = checker.requestAvatarId(new UsernamePassword(name, password));
    return login.then(
      () => true,
      () => false,
    );
  }

  function shown(): string {
    return context.output.text + context.messages.text;
  }
});
