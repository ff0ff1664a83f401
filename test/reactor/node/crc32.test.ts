import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from '../../../lib/bytes/crc32.ts';
import { nodeCrc32 } from '../../../lib/reactor/node/crc32.ts';

describe('nodeCrc32', () => {
  it('gives what the portable one gives, for pieces of any length and any seed', () => {
    const pieces = fc.record({
      bytes: fc.uint8Array({ minLength: 600, maxLength: 2000 }),
      start: fc.nat(80),
      cut: fc.nat(1500),
      seed: fc.integer({ min: 0, max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(pieces, ({ bytes, start, cut, seed }) => {
        const end = Math.max(start, bytes.length - cut);
        expect(nodeCrc32(bytes, start, end, seed)).to.equal(crc32(bytes, start, end, seed));
      }),
    );
  });
});
