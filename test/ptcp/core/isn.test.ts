import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT, Secrets } from '../../../lib/ptcp/core/isn.ts';
import { seqDiff } from '../../../lib/ptcp/core/seq.ts';

function secrets(seed = 'isn'): Secrets {
  return new Secrets(new Prng(seed));
}

/** Chi-square of `counts` against equal shares, over its degrees of freedom: about 1 for chance. */
function evenness(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0) / (counts.length - 1);
}

describe('Secrets', () => {
  it('moves the ISN of one connection on by a tick each 4 µs (RFC 9293 §3.4.1, MUST-8)', () => {
    const source = secrets();
    const at = (now: number): number => source.initialSequence(1, 50_000, 50_001, now);

    expect(seqDiff(at(1), at(0))).to.equal(250);
    expect(seqDiff(at(1000.004), at(1000))).to.equal(1);
    expect(seqDiff(at(5_000_000), at(0)), 'later is further on').to.be.above(0);
  });

  it('sets connections apart by path and by either port (RFC 6528 §3)', () => {
    const source = secrets();
    const numbers = [
      source.initialSequence(1, 50_000, 50_001, 0),
      source.initialSequence(2, 50_000, 50_001, 0),
      source.initialSequence(1, 50_001, 50_001, 0),
      source.initialSequence(1, 50_000, 50_000, 0),
      source.initialSequence(1, 50_001, 50_000, 0),
      secrets('another').initialSequence(1, 50_000, 50_001, 0),
    ];

    expect(new Set(numbers).size).to.equal(6);
  });

  it('shows no pattern over ten thousand connections (RFC 9293 §3.4.1, MUST-9)', () => {
    const source = secrets();
    const bytes = Array.from({ length: 4 }, () => new Array<number>(256).fill(0));
    const steps = new Set<number>();
    let before = 0;
    for (let i = 0; i < 10_000; i += 1) {
      const iss = source.initialSequence(i >> 8, 50_000, 50_000 + (i & 0xff), 0);
      steps.add(seqDiff(iss, before));
      before = iss;
      for (const [place, counts] of bytes.entries()) {
        const byte = (iss >>> (8 * place)) & 0xff;
        counts[byte] = counts[byte]! + 1;
      }
    }

    for (const counts of bytes) expect(evenness(counts)).to.be.within(0.6, 1.4);
    expect(steps.size, 'no step comes again').to.be.above(9990);
  });

  it('gives all incarnations of a connection one timestamp offset, and others another (RFC 7323 §5.4)', () => {
    const source = secrets();

    expect(source.timestampOffset(1, 2, 3)).to.equal(source.timestampOffset(1, 2, 3));
    expect(source.timestampOffset(1, 2, 3)).not.to.equal(source.timestampOffset(1, 3, 2));
    expect(source.timestampOffset(1, 2, 3)).not.to.equal(source.initialSequence(1, 2, 3, 0));
  });

  it('draws ports evenly from the dynamic range (RFC 6056 §3.3.1)', () => {
    const source = secrets();
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 6400; i += 1) {
      const port = source.port();
      expect(port).to.be.within(FIRST_DYNAMIC_PORT, LAST_DYNAMIC_PORT);
      const bin = (port - FIRST_DYNAMIC_PORT) >> 8;
      counts[bin] = counts[bin]! + 1;
    }

    expect(evenness(counts)).to.be.within(0.5, 1.6);
  });
});
