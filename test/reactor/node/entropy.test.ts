import { expect } from 'chai';
import { nodeEntropy } from '../../../lib/reactor/node/entropy.ts';

/** `count` fills of `bytes` each, as text. */
function fills(count: number, bytes: number): string[] {
  return Array.from({ length: count }, () => {
    const out = new Uint8Array(bytes);
    nodeEntropy.fill(out);
    return out.join(' ');
  });
}

describe('nodeEntropy', () => {
  it('gives each piece out once, however many are asked for', () => {
    const pieces = fills(1000, 16);

    expect(new Set(pieces).size).to.equal(1000);
  });

  it('fills arrays of any length, all of them', () => {
    for (const bytes of [0, 1, 1023, 1024, 1025, 70_000]) {
      const out = new Uint8Array(bytes);

      nodeEntropy.fill(out);

      // Eight zeros in a row come by chance once in 10^19 places.
      expect(out.join(' ')).not.to.match(/(^| )(0 ){8}/);
    }
  });

  it('draws every value about as often', () => {
    const counts = new Uint32Array(256);
    const out = new Uint8Array(64);

    for (let round = 0; round < 1000; round += 1) {
      nodeEntropy.fill(out);
      for (const byte of out) counts[byte]! += 1;
    }

    // 250 each; seven standard deviations are 110.
    expect(Math.min(...counts)).to.be.above(140);
    expect(Math.max(...counts)).to.be.below(360);
  });
});
