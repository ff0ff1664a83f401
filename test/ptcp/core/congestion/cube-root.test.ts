import { expect } from 'chai';
import { Prng } from '../../../../lib/bytes/prng.ts';
import { cubeRoot } from '../../../../lib/ptcp/core/congestion/cube-root.ts';

/** 2^-52: how far apart neighbours are, next to 1. */
const ULP = Number.EPSILON;

describe('the cube root', () => {
  it('of every cube that a number holds exactly is exact', () => {
    for (let root = 0; root ** 3 <= Number.MAX_SAFE_INTEGER; root += 1)
      if (cubeRoot(root * root * root) !== root) expect.fail(`of ${root} cubed`);
  });

  it('of any number, cubed again, is that number but for rounding', () => {
    const random = new Prng('roots');
    for (let i = 0; i < 20_000; i += 1) {
      const x = random.nextFloat() * 2 ** (random.below(120) - 60);
      const root = cubeRoot(x);
      // Two units in the root are six in the cube, and cubing rounds twice more.
      if (Math.abs(root * root * root - x) > 8 * ULP * x) expect.fail(`of ${x}: ${root}`);
    }
  });

  it('is the same bit for bit wherever it runs', () => {
    expect([2, 75, 0.1, 1e9 + 1, 1e-9].map(cubeRoot)).to.deep.equal([
      1.2599210498948732, 4.2171633265087465, 0.4641588833612779, 1000.0000003333333, 0.001,
    ]);
  });

  it('takes nothing and everything', () => {
    expect([0, Number.MIN_VALUE, Number.POSITIVE_INFINITY].map(cubeRoot)).to.deep.equal([
      0,
      1.7031839360032603e-108,
      Number.POSITIVE_INFINITY,
    ]);
  });
});
