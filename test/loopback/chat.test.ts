import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Running, shownBy, startHawser, startSource } from '../support/hawser-process.ts';

const CHAT = fileURLToPath(new URL('../../examples/chat/main.ts', import.meta.url));

describe('the chat as processes on loopback', function () {
  this.timeout(40_000);
  let directory: string;
  let running: Running[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-chat-'));
    running = [];
  });

  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    await rm(directory, { recursive: true });
  });

  it('says what is missing, and how to make it', async () => {
    const first = chat('serve');
    const second = chat('serve', '--users', 'users');
    await account('alice', 'sesame');
    const third = chat('serve', '--users', 'users');

    expect([await first.ended, await second.ended, await third.ended]).to.deep.equal([2, 1, 1]);
    expect(first.messages).to.contain('npm run hawser -- passwd FILE alice');
    expect(second.messages).to.equal(
      'chat: there is no password file users; to make it: npm run hawser -- passwd users alice\n',
    );
    expect(third.messages).to.equal(
      'chat: certificate.pem cannot be read: there is no such file; to make one: npm run hawser -- certificate localhost\n',
    );
  });

  it('lets two talk who have accounts, nobody who has not, and ends well when it is interrupted', async () => {
    const certificate = track(startHawser(['certificate', 'localhost'], directory));
    await Promise.all([account('alice', 'sesame'), account('bob', 'swordfish'), certificate.ended]);
    const server = chat('serve', 'ptcp+tls:0:interface=127.0.0.1', '--users', 'users');
    const [, place = ''] = await shownBy(server, /NAME@(\S+)\n/);

    const alice = guest('alice', place, 'sesame');
    await shownBy(alice, /\* here: alice\n/);
    const guesser = guest('alice', place, 'a guess');
    const bob = guest('bob', place, 'swordfish');
    await shownBy(alice, /\* bob is here\n/);
    await shownBy(bob, /\* here: alice, bob\n/);
    alice.child.stdin?.write('hello bob\n');
    await shownBy(bob, /alice: hello bob\n/);
    bob.child.stdin?.write('hello alice\n/quit\n');
    await shownBy(alice, /bob: hello alice\n\* bob has left\n/);
    const statuses = [await bob.ended, await guesser.ended];
    server.child.kill('SIGINT');

    expect(statuses).to.deep.equal([0, 1]);
    expect(guesser.messages).to.equal('chat: the login was refused: the name or the secret is wrong\n');
    expect([await server.ended, await alice.ended]).to.deep.equal([0, 1]);
    expect(alice.messages).to.equal('chat: the server has closed the connection\n');
    expect(server.messages).to.equal('');
    expect(server.output).to.match(/alice came\nbob came\nbob left\nalice left\nthe server has stopped\n$/);
  });

  function track(one: Running): Running {
    running.push(one);
    return one;
  }

  function chat(...args: string[]): Running {
    return track(startSource(CHAT, args, directory));
  }

  /** One who gives the password, and then waits for lines to say. */
  function guest(name: string, place: string, password: string): Running {
    const one = chat('join', `${name}@${place}`, '--stdin');
    one.child.stdin?.write(`${password}\n`);
    return one;
  }

  async function account(name: string, password: string): Promise<void> {
    const made = track(startHawser(['passwd', '--stdin', 'users', name], directory));
    made.child.stdin?.end(password);
    expect(await made.ended, made.messages).to.equal(0);
  }
});
