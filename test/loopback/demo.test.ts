import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Result } from '../../examples/demo/result.ts';
import { blocksOf } from '../support/pcapng-blocks.ts';

/** Quick on any machine: a slow link and a short way. */
const QUICK = ['--rate', '50', '--rtt', '4'];
/** Long enough to be caught in the middle. */
const LONG = ['--rate', '5', '--rtt', '4', '--size', '50MB'];
const POLL_MS = 20;

describe('npm run demo', () => {
  const started: ChildProcessByStdio<null, Readable, Readable>[] = [];

  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  it('carries bytes through a spoiled link and says so in one JSON object', async () => {
    const { status, output } = await run(...QUICK, '--size', '500KB', '--reorder', '2', '--json');
    const result = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Result;

    expect(status).to.equal(0);
    expect(result).to.include({ bytes: 500_000, sha256Equal: true, controller: 'bbr' });
    expect(result.sha256.received)
      .to.equal(result.sha256.sent)
      .and.match(/^[0-9a-f]{64}$/);
    expect(result.seconds).to.be.greaterThan(0.08);
    expect(result.linkShare).to.be.closeTo(result.goodputMbps / 50, 0.001);
    expect(result.linkShare).to.be.within(0.05, 0.97);
    expect(result.segmentsSent).to.be.greaterThan(500_000 / 1472);
    expect(result.relay.toReceiver.reordered).to.be.greaterThan(0);
  });

  it('catches corrupted datagrams and sends them again', async () => {
    const { status, output } = await run(...QUICK, '--size', '150KB', '--corrupt', '3', '--json');
    const result = JSON.parse(output) as Result;

    expect(status).to.equal(0);
    expect(result.sha256Equal).to.equal(true);
    expect(result.crcFailures).to.be.greaterThan(0);
    expect(result.retransmittedSegments).to.be.greaterThan(0);
  });

  it('prints a table without control characters in a pipe', async () => {
    const { status, output, messages } = await run(...QUICK, '--size', '100KB');

    expect(status).to.equal(0);
    expect(output).to.match(/goodput +[\d.]+ Mbit\/s, [\d.]+ % of the link/);
    expect(output).to.match(/segments +\d+ sent/);
    expect(output + messages).not.to.include('\u001b');
  });

  for (const name of ['receiver', 'relay', 'sender']) {
    it(`ends with one line when the ${name} is killed`, async () => {
      const demo = start(...LONG);
      const parts = await partsOf(demo.child.pid);

      process.kill(parts.get(name) ?? 0, 'SIGKILL');
      const { status, messages } = await demo.ended;

      expect(status).to.equal(1);
      expect(messages).to.match(new RegExp(`^demo: the ${name}'s process ended by SIGKILL [^\n]*\n$`));
      expect(await allGone(parts.values())).to.equal(true);
    });
  }

  it('leaves no process behind when it is killed itself', async () => {
    const demo = start(...LONG);
    const parts = await partsOf(demo.child.pid);

    demo.child.kill('SIGKILL');
    await demo.ended;

    expect(await allGone(parts.values())).to.equal(true);
  });

  it('ends everything at Ctrl-C', async () => {
    const demo = start(...LONG);
    const parts = await partsOf(demo.child.pid);

    demo.child.kill('SIGINT');
    const { status, messages } = await demo.ended;

    expect(status).to.equal(130);
    expect(messages).to.equal('');
    expect(await allGone(parts.values())).to.equal(true);
  });

  it('leaves a capture of whole packets when it is ended at Ctrl-C', async () => {
    const file = join(tmpdir(), `hawser-demo-${process.pid}.pcapng`);
    const demo = start(...LONG, '--json', '--pcap', file);
    try {
      await partsOf(demo.child.pid);
      while ((await sizeOf(file)) < 30_000) await sleep(POLL_MS);

      demo.child.kill('SIGINT');
      const { status, messages } = await demo.ended;

      expect(status).to.equal(130);
      expect(messages).to.equal('');
      expect(blocksOf(await readFile(file))).to.have.lengthOf.above(10);
    } finally {
      await rm(file, { force: true });
    }
  });

  it('says in one line that a capture cannot be written', async () => {
    const { status, messages } = await run(...QUICK, '--pcap', '/no/such/folder/x.pcapng');

    expect(status).to.equal(1);
    expect(messages).to.equal('demo: /no/such/folder/x.pcapng cannot be written: ENOENT\n');
  });

  it('refuses a bad value with the status 2', async () => {
    const { status, output, messages } = await run('--loss', 'much');

    expect(status).to.equal(2);
    expect(output).to.equal('');
    expect(messages).to.match(/^demo: [^\n]*--loss[^\n]*\n$/);
  });

  async function sizeOf(file: string): Promise<number> {
    return (await stat(file).catch(() => undefined))?.size ?? 0;
  }

  interface Ended {
    readonly status: number | null;
    readonly output: string;
    readonly messages: string;
  }

  function start(...flags: string[]): {
    readonly child: ChildProcessByStdio<null, Readable, Readable>;
    readonly ended: Promise<Ended>;
  } {
    const args = [
      '--conditions=@hawser/source',
      '--import',
      'tsx',
      'examples/demo/main.ts',
      '--seed',
      '3',
      ...flags,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    let output = '';
    let messages = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (messages += text));
    const ended = once(child, 'close').then(([status]) => ({ status, output, messages }) as Ended);
    return { child, ended };
  }

  function run(...flags: string[]): Promise<Ended> {
    return start(...flags).ended;
  }

  /** The process ids of the three parts, as soon as all of them are there. */
  async function partsOf(parent: number | undefined): Promise<ReadonlyMap<string, number>> {
    for (;;) {
      const parts = new Map<string, number>();
      for (const { pid, ppid, args } of processes()) {
        const name = /examples\/demo\/(receiver|relay|sender)\.ts /.exec(args)?.[1];
        if (ppid === parent && name !== undefined) parts.set(name, pid);
      }
      if (parts.size === 3) return parts;
      await sleep(POLL_MS);
    }
  }

  /** Whether they all are, within the test's time limit. */
  async function allGone(pids: Iterable<number>): Promise<boolean> {
    const awaited = new Set(pids);
    while (processes().some(({ pid, state }) => awaited.has(pid) && !state.startsWith('Z'))) {
      await sleep(POLL_MS);
    }
    return true;
  }

  function processes(): { pid: number; ppid: number; state: string; args: string }[] {
    const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,state=,args='], { encoding: 'utf8' });
    return [...list.matchAll(/^ *(\d+) +(\d+) +(\S+) +(.*)$/gm)].map(([, pid, ppid, state, args]) => ({
      pid: Number(pid),
      ppid: Number(ppid),
      state: state ?? '',
      args: args ?? '',
    }));
  }
});
