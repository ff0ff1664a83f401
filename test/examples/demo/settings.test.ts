import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect } from 'chai';
import sinon from 'sinon';
import { parseSettings, type Settings } from '../../../examples/demo/settings.ts';

describe('the flags of the demo', () => {
  let said: string;

  beforeEach(() => {
    said = '';
  });

  /** Parses with both outputs of the process kept back. */
  function parse(...args: string[]): Settings | number {
    const keep = (text: string): boolean => {
      said += text;
      return true;
    };
    const stubs = [sinon.stub(process.stdout, 'write'), sinon.stub(process.stderr, 'write')];
    for (const stub of stubs) stub.callsFake(keep as never);
    try {
      return parseSettings(args);
    } finally {
      for (const stub of stubs) stub.restore();
    }
  }

  function refused(...args: string[]): string {
    expect(parse(...args), args.join(' ')).to.equal(2);
    expect(said.match(/\n/g), 'one line').to.have.length(1);
    const line = said;
    said = '';
    return line;
  }

  it('asks for 64 MiB through 100 Mbit/s and 50 ms when there are none', () => {
    expect(parse()).to.deep.equal({
      rateMbit: 100,
      rttMs: 50,
      jitterMs: 0,
      queueBytes: 625_000,
      loss: 0.01,
      congestion: 'bbr',
      reorder: 0.001,
      duplicate: 0.001,
      corrupt: 0,
      file: undefined,
      sizeBytes: 67_108_864,
      seed: '1',
      json: false,
      pcapFile: undefined,
      traceFile: undefined,
    });
  });

  it('reads faults in per cent and sizes as people write them', () => {
    const settings = parse('--loss', '1', '--corrupt', '0.5%', '--size', '700MB', '--queue', '256KiB');

    expect(settings).to.include({ loss: 0.01, corrupt: 0.005, sizeBytes: 700_000_000, queueBytes: 262_144 });
  });

  it('makes the queue of bandwidth-delay products follow rate and round trip', () => {
    expect(parse('--rate', '8', '--rtt', '100', '--queue', '0.5bdp')).to.include({ queueBytes: 50_000 });
  });

  it('leaves room for a burst where a link without delay has no bandwidth-delay product', () => {
    expect(parse('--rtt', '0')).to.include({ queueBytes: 96_000 });
  });

  it('takes the size of the file that is to be sent', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hawser-demo-'));
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'twelve bytes');

    const settings = parse('--file', file);

    rmSync(folder, { recursive: true });
    expect(settings).to.include({ file, sizeBytes: 12 });
  });

  it('refuses what it cannot do with one line and the status 2', () => {
    expect(refused('--rate', 'fast')).to.match(/--rate.*a number from/);
    expect(refused('--loss', '101')).to.match(/--loss.*from 0 to 100/);
    expect(refused('--size', '0')).to.match(/--size.*at least 1/);
    expect(refused('--queue', '100')).to.match(/--queue is 100 bytes; a full datagram needs 1500/);
    expect(refused('--queue', 'long')).to.match(/--queue.*1bdp/);
    expect(refused('--file', '/does/not/exist')).to.match(/--file.*ENOENT/);
    expect(refused('--file', tmpdir())).to.match(/not a file/);
    expect(refused('--file', tmpdir(), '--size', '4')).to.match(/exclude each other/);
    expect(refused('--frobnicate')).to.match(/--frobnicate/);
    expect(refused('more')).to.match(/too many arguments/);
  });

  it('shows its flags when asked, which is no failure', () => {
    const status = parse('--help');

    expect(status).to.equal(0);
    for (const flag of ['rate', 'rtt', 'loss', 'reorder', 'duplicate', 'corrupt', 'queue', 'size', 'file']) {
      expect(said).to.include(`--${flag}`);
    }
    expect(said).to.include('--congestion');
  });
});
