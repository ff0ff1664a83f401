import { expect } from 'chai';
import { type Cell, capacityBytes, jainIndex, measure, queueBytes } from '../../../bench/netsim/measure.ts';

const CELL: Cell = {
  rateMbit: 10,
  rttMs: 40,
  lossPercent: 0,
  queueBdp: 1,
  flows: [{ controller: 'newreno' }],
  seconds: 4,
  seed: 1,
};

describe('measure', () => {
  it('takes 1440 of the 1500 bytes of a frame for what a link can carry', () => {
    expect(capacityBytes(100, 1000)).to.equal(12_000_000);
    expect(capacityBytes(8, 1)).to.equal(960);
  });

  it('says what part of the capacity the receiver has read since the first SYN', () => {
    const result = measure(CELL);

    const [flow] = result.flows;
    expect(result.share).to.be.within(0.9, 1);
    expect(flow!.goodputMbit / 9.6).to.be.closeTo(result.share, 1e-12);
    expect(flow!.fairShare).to.be.closeTo(result.share, 1e-12);
  });

  it('makes the queue so many bandwidth-delay products long, but not shorter than two frames', () => {
    expect(queueBytes(CELL)).to.equal(50_000);
    expect(queueBytes({ ...CELL, queueBdp: 0.25 })).to.equal(12_500);
    expect(queueBytes({ ...CELL, rateMbit: 1, rttMs: 10, queueBdp: 0.25 })).to.equal(3000);
  });

  it('bounds waits by the length of the queue, and puts the mean one into the RTT', () => {
    const { waitMeanMs, wait95Ms, waitMaxMs, rttInflation } = measure(CELL);

    expect(waitMaxMs).to.be.within(30, 40);
    expect(wait95Ms).to.be.within(waitMeanMs, waitMaxMs);
    expect(rttInflation).to.be.closeTo(1.005 + waitMeanMs / 40, 0.0051);
  });

  it('leaves the start out of what it says of fairness', () => {
    const flows = [{ controller: 'newreno' }, { controller: 'newreno', startAt: 2000 }];
    const whole = measure({ ...CELL, flows });
    const settled = measure({ ...CELL, flows, settledAfterSeconds: 3 });

    expect(whole.jain).to.be.below(0.95);
    expect(settled.jain).to.be.above(whole.jain);
    expect(settled.share).to.equal(whole.share);
  });
});

describe('measure, of flows that end and rates that change', () => {
  it('says how long a flow took from its SYN, and -1 of one that did not end', () => {
    const flows = [
      { controller: 'newreno', bytes: 100_000, startAt: 500 },
      { controller: 'newreno', bytes: 100_000_000 },
    ];

    const [short, long] = measure({ ...CELL, flows }).flows;

    expect(short!.completedMs).to.be.within(140, 2000);
    expect(long!.completedMs).to.equal(-1);
  });

  it('counts a lower rate as the smaller capacity that it is', () => {
    const rateChange = { fromSeconds: 2, untilSeconds: 4, factor: 0.5 };

    const result = measure({ ...CELL, rateChange });

    expect(result.share).to.be.within(0.9, 1.02);
    expect(result.flows[0]!.goodputMbit).to.be.below(0.75 * 9.6 * 1.02);
  });
});

describe('jainIndex', () => {
  it('is 1 for equal parts and one over n when one has all', () => {
    expect(jainIndex([3, 3, 3])).to.equal(1);
    expect(jainIndex([5, 0, 0, 0])).to.equal(0.25);
    expect(jainIndex([1, 2, 3])).to.be.closeTo(36 / 42, 1e-12);
  });
});
