import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';

function draw(prng: Prng, count: number): number[] {
  return Array.from({ length: count }, () => prng.nextU32());
}

describe('Prng', () => {
  it('repeats itself for equal seeds and differs for others', () => {
    const first = draw(new Prng(42), 20);

    expect(draw(new Prng(42), 20)).to.deep.equal(first);
    expect(draw(new Prng('42'), 20), 'the same seed as text').to.deep.equal(first);
    expect(draw(new Prng(43), 20)).to.not.deep.equal(first);
    expect(draw(new Prng('storm'), 20)).to.not.deep.equal(draw(new Prng('stork'), 20));
  });

  it('sets every bit about half the time', () => {
    const prng = new Prng('bits');
    const counts = new Array<number>(32).fill(0);

    for (const word of draw(prng, 10_000)) {
      for (let bit = 0; bit < 32; bit++) counts[bit]! += (word >>> bit) & 1;
    }

    // Six standard deviations of a fair coin thrown 10,000 times are 300.
    expect(Math.min(...counts)).to.be.greaterThan(4700);
    expect(Math.max(...counts)).to.be.lessThan(5300);
  });

  it('gives floats from 0 up to 1, evenly', () => {
    const prng = new Prng(1);
    const floats = Array.from({ length: 10_000 }, () => prng.nextFloat());

    expect(floats.every((float) => float >= 0 && float < 1)).to.equal(true);
    expect(floats.reduce((sum, float) => sum + float) / floats.length).to.be.closeTo(0.5, 0.02);
  });

  it('gives every integer below n equally often', () => {
    const prng = new Prng(2);
    const counts = [0, 0, 0, 0, 0, 0];

    for (let i = 0; i < 60_000; i++) counts[prng.below(6)]! += 1;

    expect(Math.min(...counts)).to.be.greaterThan(9_400);
    expect(Math.max(...counts)).to.be.lessThan(10_600);
  });

  it('favours no remainder when n does not divide 2^32', () => {
    const prng = new Prng(3);
    const n = 3 * 2 ** 30;
    let lowCount = 0;

    // A plain remainder would put half of them, not a third, below 2^30.
    for (let i = 0; i < 9_000; i++) lowCount += prng.below(n) < 2 ** 30 ? 1 : 0;

    expect(lowCount / 9_000).to.be.closeTo(1 / 3, 0.03);
  });

  it('takes n from 1 to 2^32 and refuses others', () => {
    const prng = new Prng(4);

    expect(prng.below(1)).to.equal(0);
    expect(prng.below(2 ** 32)).to.be.within(0, 2 ** 32 - 1);
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
      expect(() => prng.below(n)).to.throw(UsageError);
    }
  });

  it('fills arrays of any length, the same for the same seed', () => {
    const whole = new Uint8Array(1000);
    const short = new Uint8Array(7);

    new Prng(5).fill(whole);
    new Prng(5).fill(short);

    expect([...short]).to.deep.equal([...whole.subarray(0, 7)]);
    expect(new Set(whole).size).to.be.greaterThan(200);
  });

  it('splits off children that differ, repeat, and do not shift their parent', () => {
    const parent = new Prng('world');
    const early = draw(parent.split('loss'), 10);
    const parentDraws = draw(parent, 10);

    expect(draw(new Prng('world'), 10)).to.deep.equal(parentDraws);
    expect(draw(parent.split('loss'), 10), 'whatever the parent drew').to.deep.equal(early);
    expect(draw(parent.split('jitter'), 10)).to.not.deep.equal(early);
    expect(early).to.not.deep.equal(parentDraws);
  });
});
