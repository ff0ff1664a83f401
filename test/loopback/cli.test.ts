import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventOf, eventsOf, portOf, type Running, startHawser } from '../support/hawser-process.ts';
import { blocksOf } from '../support/pcapng-blocks.ts';

const MIB = 1 << 20;

describe('hawser as processes on loopback', function () {
  this.timeout(10_000);
  let directory: string;
  let running: Running[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hawser-cli-'));
    running = [];
  });

  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    await rm(directory, { recursive: true });
  });

  for (const word of ['tcp', 'ptcp']) {
    it(`brings a file over ${word}, and both processes end with status 0`, async () => {
      const bytes = Buffer.alloc(4 * MIB + 3, 'hawser');
      await writeFile(join(directory, 'a.bin'), bytes);
      const receiver = hawser(
        'receive',
        '--once',
        '--json',
        '--listen',
        `${word}:0`,
        '--dir',
        await folder(),
      );
      const port = await portOf(receiver);

      const sender = hawser('send', join(directory, 'a.bin'), `${word}:127.0.0.1:${port}`);

      expect([await sender.ended, await receiver.ended]).to.deep.equal([0, 0]);
      expect(sender.output).to.match(/^sent a\.bin: 4\.0 MiB in .*, sha256 [0-9a-f]{64}\n$/);
      expect(sender.messages + receiver.messages).to.equal('');
      expect(Buffer.compare(await readFile(join(directory, 'in', 'a.bin')), bytes)).to.equal(0);
      expect(await readdir(join(directory, 'in'))).to.deep.equal(['a.bin']);
    });
  }

  it('receives on when nobody reads its messages any more', async () => {
    await writeFile(join(directory, 'a.bin'), 'a');
    const receiver = hawser('receive', '--json', '--listen', 'tcp:0', '--dir', await folder());
    const port = await portOf(receiver);
    receiver.child.stderr?.destroy();

    const statuses: unknown[] = [];
    for (let count = 0; count < 3; count += 1) {
      statuses.push(await hawser('send', join(directory, 'a.bin'), `tcp:127.0.0.1:${port}`).ended);
    }

    expect(statuses, 'the second and third are refused, the file being there').to.deep.equal([0, 1, 1]);
    expect(receiver.child.exitCode).to.equal(null);
  });

  it('goes on after kill -9 of the receiver, and sends at most a tenth of what was verified again', async () => {
    const source = await open(join(directory, 'a.bin'), 'w');
    await source.truncate(64 * MIB);
    await source.write('the end', 64 * MIB);
    await source.close();
    const inbox = await folder();
    const killed = hawser('receive', '--json', '--listen', 'tcp:0', '--dir', inbox);
    const first = hawser('send', join(directory, 'a.bin'), `tcp:127.0.0.1:${await portOf(killed)}`);
    await eventOf(killed, 'progress');
    killed.child.kill('SIGKILL');
    await first.ended;
    await killed.ended;
    const verifiedBytes = Math.max(...numbersOf(killed, 'bytes'));

    const receiver = hawser('receive', '--once', '--json', '--listen', 'tcp:0', '--dir', inbox);
    const second = hawser(
      'send',
      '--json',
      join(directory, 'a.bin'),
      `tcp:127.0.0.1:${await portOf(receiver)}`,
    );

    expect([await second.ended, await receiver.ended]).to.deep.equal([0, 0]);
    expect(await first.ended).to.equal(1);
    expect(first.messages).to.match(/^hawser: a\.bin was not sent: .*it goes on where it stopped\n$/);
    const skippedBytes = numbersOf(second, 'resumedBytes')[0];
    expect(skippedBytes).to.be.at.least(0.9 * verifiedBytes);
    expect(await readdir(inbox)).to.deep.equal(['a.bin']);
  });

  it('ends well at the first SIGINT: status 130, and the receiver keeps what was verified', async () => {
    const source = await open(join(directory, 'a.bin'), 'w');
    await source.truncate(256 * MIB);
    await source.close();
    const inbox = await folder();
    const receiver = hawser('receive', '--once', '--json', '--listen', 'tcp:0', '--dir', inbox);
    const sender = hawser('send', join(directory, 'a.bin'), `tcp:127.0.0.1:${await portOf(receiver)}`);
    await eventOf(receiver, 'progress');

    sender.child.kill('SIGINT');

    expect([await sender.ended, await receiver.ended]).to.deep.equal([130, 1]);
    expect(receiver.output).to.contain('"reason":"cancelled"');
    expect((await readdir(inbox)).sort()).to.deep.equal(['.a.bin.hawser-journal', '.a.bin.hawser-part']);
  });

  it('leaves a capture of whole packets and a trace of whole records when it is interrupted', async () => {
    const file = join(directory, 'x.pcapng');
    const trace = join(directory, 'x.qlog');
    const receiver = hawser(
      'receive',
      '--json',
      '--listen',
      'ptcp:0',
      '--dir',
      await folder(),
      '--pcap',
      file,
      '--trace',
      trace,
    );
    const port = await portOf(receiver);
    await writeFile(join(directory, 'a.bin'), 'a');
    await hawser('send', join(directory, 'a.bin'), `ptcp:127.0.0.1:${port}`).ended;

    receiver.child.kill('SIGINT');

    expect(await receiver.ended).to.equal(0);
    expect(blocksOf(await readFile(file))).to.have.lengthOf.above(6);
    const records = (await readFile(trace, 'utf8')).split('\u001e').slice(1);
    const names = records.map((record) => (JSON.parse(record) as { name?: string }).name);
    expect(names).to.include.members(['connectivity:connection_started', 'connectivity:connection_closed']);
  });

  it('says in one line that a capture cannot be written, and replaces no other file by it', async () => {
    const source = join(directory, 'a.bin');
    await writeFile(source, 'a');
    const sender = hawser('send', '--pcap', source, source, 'ptcp:127.0.0.1:9');

    expect(await sender.ended).to.equal(2);
    expect(sender.messages).to.equal(
      `hawser: ${source} cannot be written: there is another file of this name\n`,
    );
    expect(await readFile(source, 'utf8')).to.equal('a');
  });

  for (const word of ['tcp', 'ptcp']) {
    it(`says in one line that nobody listens on ${word}, with status 3`, async () => {
      await writeFile(join(directory, 'a.bin'), 'a');

      const sender = hawser('send', join(directory, 'a.bin'), `${word}:127.0.0.1:9`);

      expect(await sender.ended).to.equal(3);
      expect(sender.messages).to.match(/^hawser: nobody listens on \w+:127\.0\.0\.1:9; start .*\n$/);
      expect(sender.output).to.equal('');
    });
  }

  async function folder(): Promise<string> {
    const path = join(directory, 'in');
    await mkdir(path, { recursive: true });
    return path;
  }

  function hawser(...args: string[]): Running {
    const one = startHawser(args);
    running.push(one);
    return one;
  }
});

function numbersOf(one: Running, key: string): number[] {
  return eventsOf(one)
    .map((event) => event[key])
    .filter((value) => typeof value === 'number');
}
