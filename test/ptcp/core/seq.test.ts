import { expect } from 'chai';
import fc from 'fast-check';
import { seqAdd, seqDiff, seqLess, seqLessOrEqual } from '../../../lib/ptcp/core/seq.ts';

const seq = fc.integer({ min: 0, max: 0xffff_ffff });
/** Distances for which RFC 9293 §3.4 can tell before from behind. */
const near = fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff });

describe('sequence arithmetic', () => {
  it('goes round at 2^32 in both directions (RFC 9293 §3.4)', () => {
    expect(seqAdd(0xffff_ffff, 1)).to.equal(0);
    expect(seqAdd(0, -1)).to.equal(0xffff_ffff);
    expect(seqDiff(5, 0xffff_fff0)).to.equal(21);
    expect(seqDiff(0xffff_fff0, 5)).to.equal(-21);
    expect(seqLess(0xffff_fff0, 5)).to.equal(true);
    expect(seqLess(5, 0xffff_fff0)).to.equal(false);
  });

  it('agrees with the distance wherever it starts, up to 2^31 (RFC 9293 §3.4)', () => {
    fc.assert(
      fc.property(seq, near, (start, distance) => {
        const end = seqAdd(start, distance);

        expect(end).to.be.within(0, 0xffff_ffff);
        expect(seqDiff(end, start)).to.equal(distance);
        expect(seqLess(start, end)).to.equal(distance > 0);
        expect(seqLessOrEqual(start, end)).to.equal(distance >= 0);
      }),
    );
  });

  it('has an answer for 2^31 too, one that does not throw', () => {
    expect(seqDiff(0x8000_0000, 0)).to.equal(-0x8000_0000);
    expect(seqLessOrEqual(7, 7)).to.equal(true);
    expect(seqLess(7, 7)).to.equal(false);
  });
});
