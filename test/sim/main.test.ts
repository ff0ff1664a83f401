import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { playChunk } from '../../sim/runner.ts';
import { hashText } from '../../sim/trace-hash.ts';

/** What `npm run simulate` does, with its arguments. */
function simulate(...args: readonly string[]): { status: number | null; lines: string[]; errors: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@hawser/source', '--import', 'tsx', 'sim/main.ts', ...args],
    { encoding: 'utf8' },
  );
  return { status, lines: stdout.trimEnd().split('\n'), errors: stderr };
}

describe('npm run simulate', function () {
  this.timeout(30_000);

  it('ends with a line of JSON that tells how it went', () => {
    const { status, lines } = simulate('--seeds', '20');

    expect(status).to.equal(0);
    const summary = JSON.parse(lines.at(-1)!);
    expect(Object.keys(summary)).to.deep.equal([
      'seeds',
      'failures',
      'segmentsPerSecond',
      'worldsPerSecond',
      'virtualHours',
      'traceHash',
    ]);
    expect(summary).to.include({ seeds: 20, failures: 0 });
    expect(summary.traceHash).to.match(/^[0-9a-f]{13}$/);
  });

  it('comes to the same with two processes as with one', () => {
    const { lines } = simulate('--seeds', '30', '--seed', '100', '--jobs', '2');

    const { hashSum } = playChunk({ world: 'small', firstSeed: 100, seedCount: 30 });
    expect(JSON.parse(lines.at(-1)!).traceHash).to.equal(hashText(hashSum));
  });

  it('says in one line that it cannot write a capture', () => {
    const { status, errors } = simulate('--seed', '1', '--pcap', 'test/none/x.pcapng');

    expect(status).to.equal(2);
    expect(errors).to.equal('test/none/x.pcapng cannot be written: ENOENT\n');
  });

  it('says in one line what it cannot do', () => {
    const { status, errors } = simulate('--world', 'flat');

    expect(status).to.equal(2);
    expect(errors).to.equal('--world flat: there are small, standard, attacker, liveness\n');
  });
});
