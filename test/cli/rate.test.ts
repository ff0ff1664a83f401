import { expect } from 'chai';
import { Rate } from '../../lib/cli/rate.ts';

describe('Rate', () => {
  it('says nothing before two samples', () => {
    const rate = new Rate();
    rate.sample(0, 100);

    expect(rate.bytesPerSecond).to.equal(0);
    expect(rate.secondsTo(1000)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('says nothing of the first moments, when bytes only fill buffers', () => {
    const rate = new Rate();
    rate.sample(0, 0);
    rate.sample(4, 1_000_000);
    expect(rate.bytesPerSecond).to.equal(0);

    rate.sample(250, 1_000_000);
    expect(rate.bytesPerSecond).to.equal(4_000_000);
  });

  it('follows the last few seconds, not the whole time', () => {
    const rate = new Rate();
    for (let second = 0; second <= 20; second += 1)
      rate.sample(second * 1000, second < 10 ? 0 : (second - 10) * 50);

    expect(rate.bytesPerSecond).to.equal(50);
    expect(rate.secondsTo(1000)).to.equal(10);
  });
});
