import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventOf, type Running, startHawser } from '../support/hawser-process.ts';

describe('hawser as processes on loopback, over TLS', function () {
  this.timeout(20_000);
  let directory: string;
  let running: Running[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-cli-tls-'));
    await mkdir(join(directory, 'in'));
    await writeFile(join(directory, 'a.bin'), Buffer.alloc(1 << 20, 'hawser'));
    running = [];
  });

  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    await rm(directory, { recursive: true });
  });

  function hawser(...args: string[]): Running {
    const one = startHawser(args, directory);
    running.push(one);
    return one;
  }

  for (const word of ['tls', 'ptcp+tls']) {
    it(`sends over ${word} with the right pin; with a wrong one, or none, it sends nothing`, async () => {
      const receiver = hawser('receive', `${word}:0`, '--json', '--once', '--dir', 'in');
      const { pin, sendTo, endpoint } = await eventOf(receiver, 'listening');

      const unpinned = hawser('send', 'a.bin', String(endpoint));
      const wrong = hawser('send', 'a.bin', `${endpoint}:pin=${'0'.repeat(64)}`);
      const statuses = [await unpinned.ended, await wrong.ended];
      const before = await readdir(join(directory, 'in'));
      const right = hawser('send', 'a.bin', String(sendTo));

      expect(statuses).to.deep.equal([3, 3]);
      expect(unpinned.messages).to.match(/^hawser: \S+: nobody trusted here vouches .*\n$/);
      expect(unpinned.messages).to.contain(`send to ${sendTo}`);
      expect(wrong.messages).to.match(/^hawser: WARNING: .* somebody may be in the middle; .*\n$/);
      expect(wrong.messages).to.contain(`its pin is ${pin}`);
      expect(before).to.deep.equal([]);
      expect([await right.ended, await receiver.ended]).to.deep.equal([0, 0]);
      const arrived = await readFile(join(directory, 'in', 'a.bin'));
      expect(arrived.equals(await readFile(join(directory, 'a.bin')))).to.equal(true);
    });
  }

  it('receives with what hawser certificate makes, whose key is for its owner only', async () => {
    const maker = hawser('certificate', 'localhost', '127.0.0.1', '--json');
    const { pin } = await eventOf(maker, 'certificate');
    const mode = (await stat(join(directory, 'key.pem'))).mode & 0o777;
    const place = 'ptcp+tls:0:certificate=certificate.pem:key=key.pem';

    const receiver = hawser('receive', place, '--json', '--once', '--dir', 'in');
    const listening = await eventOf(receiver, 'listening');
    const sender = hawser('send', 'a.bin', `${listening['endpoint']}:ca=certificate.pem`);

    expect(await maker.ended).to.equal(0);
    if (process.platform !== 'win32') expect(mode).to.equal(0o600);
    expect(listening['pin']).to.equal(pin);
    expect([await sender.ended, await receiver.ended]).to.deep.equal([0, 0]);
  });
});
