import { expect } from 'chai';
import { WaitHistogram } from '../../../bench/netsim/wait-histogram.ts';

describe('WaitHistogram', () => {
  it('knows mean and longest wait exactly, and a percentile to a thousandth of the longest', () => {
    const waits = new WaitHistogram();

    for (let wait = 1; wait <= 100; wait += 1) waits.add(wait);

    expect(waits.meanMs).to.equal(50.5);
    expect(waits.maxMs).to.equal(100);
    expect(waits.percentileMs(0.95)).to.be.within(95, 95.1);
    expect(waits.percentileMs(0.5)).to.be.within(50, 50.1);
    expect(waits.percentileMs(1)).to.equal(100);
  });

  it('keeps what it has counted when longer waits come', () => {
    const waits = new WaitHistogram();

    for (let i = 0; i < 90; i += 1) waits.add(0.25);
    for (let i = 0; i < 10; i += 1) waits.add(1000);

    expect(waits.percentileMs(0.9)).to.be.within(0.25, 1.25);
    expect(waits.percentileMs(0.95)).to.be.within(999, 1001);
  });

  it('is all zero before the first packet', () => {
    const waits = new WaitHistogram();

    expect([waits.meanMs, waits.maxMs, waits.percentileMs(0.95)]).to.deep.equal([0, 0, 0]);
  });
});
