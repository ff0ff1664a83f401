import { expect } from 'chai';
import { WaitHistogram } from '../../../bench/netsim/wait-histogram.ts';

describe('WaitHistogram', () => {
  it('knows mean and longest wait exactly and a percentile to a two thousandth of the limit', () => {
    const waits = new WaitHistogram(200);

    for (let wait = 1; wait <= 100; wait += 1) waits.add(wait);

    expect(waits.meanMs).to.equal(50.5);
    expect(waits.maxMs).to.equal(100);
    expect(waits.percentileMs(0.95)).to.be.within(95, 95.11);
    expect(waits.percentileMs(1)).to.equal(100);
  });

  it('is all zero before the first packet', () => {
    const waits = new WaitHistogram(200);

    expect([waits.meanMs, waits.maxMs, waits.percentileMs(0.95)]).to.deep.equal([0, 0, 0]);
  });
});
