import { expect } from 'chai';
import { NEVER } from '../../lib/time/clock.ts';
import { datagramItem, Fault, FaultRecorder, OnlyFaults } from '../../sim/faults.ts';
import { type Flight, Link, takeFlight } from '../../sim/link.ts';
import type { LinkPlan } from '../../sim/plan.ts';

const CLEAN: LinkPlan = {
  latencyMs: 10,
  jitterMs: 0,
  rateMbit: Number.POSITIVE_INFINITY,
  queueBytes: 100_000,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 25,
  flip: 0,
  truncate: 0,
  burst: undefined,
};

function flight(n: number): Flight {
  return takeFlight(new Uint8Array(100).fill(n), 0, 100);
}

/** Sends datagrams 0 to `count` - 1, a millisecond apart, and returns when which of them arrive. */
function arrivals(link: Link, count: number): [number, number][] {
  for (let n = 0; n < count; n += 1) link.send(n, flight(n), true);
  const came: [number, number][] = [];
  while (link.nextAt !== NEVER) {
    const { dueAt, bytes } = link.take();
    came.push([dueAt, bytes[0]!]);
  }
  return came;
}

describe('a simulated link', () => {
  it('delivers in order after its latency', () => {
    expect(arrivals(new Link(CLEAN, 0, 1, new FaultRecorder()), 3)).to.deep.equal([
      [10, 0],
      [11, 1],
      [12, 2],
    ]);
  });

  it('loses, doubles and holds back about as often as it should, and says which', () => {
    const faults = new FaultRecorder();
    const came = arrivals(
      new Link({ ...CLEAN, loss: 0.2, duplicate: 0.1, reorder: 0.1 }, 0, 7, faults),
      2000,
    );

    const lost = faults.items.filter((item) => item === datagramItem(0, Fault.Loss, item % 2 ** 32));
    expect(lost.length).to.be.within(320, 480);
    expect(came.length).to.be.within(2000 - lost.length + 150, 2000 - lost.length + 250);
    expect(came.map(([at]) => at)).to.deep.equal(came.map(([at]) => at).sort((a, b) => a - b));
  });

  it('does to a datagram what it did before when other faults are left out', () => {
    const plan = { ...CLEAN, loss: 0.3, reorder: 0.2 };
    const all = new FaultRecorder();
    arrivals(new Link(plan, 0, 9, all), 200);
    const kept = all.items.filter((_item, index) => index % 3 === 0);

    const only = new OnlyFaults(kept);
    arrivals(new Link(plan, 0, 9, only), 200);

    expect(only.struck).to.deep.equal(kept);
  });

  it('serves at its rate, and drops what its queue cannot hold', () => {
    // 128 bytes with headers: a millisecond each at 1.024 Mbit/s, and room for two.
    const link = new Link({ ...CLEAN, rateMbit: 1.024, queueBytes: 256 }, 0, 1, new FaultRecorder());
    for (let n = 0; n < 3; n += 1) link.send(0, flight(n), true);

    expect([link.take().dueAt, link.take().dueAt, link.nextAt]).to.deep.equal([11, 12, NEVER]);
  });

  it('lets nothing through while it is cut, and nothing too large', () => {
    const link = new Link(CLEAN, 0, 1, new FaultRecorder());
    link.isCut = true;
    link.send(0, flight(1), true);
    link.isCut = false;
    link.mtuBytes = 100;
    link.send(0, flight(2), true);
    link.mtuBytes = 128;
    link.send(0, flight(3), true);

    expect([link.take().bytes[0], link.nextAt]).to.deep.equal([3, NEVER]);
  });

  it('takes a flipped bit for a loss where UDP’s checksum is all there is', () => {
    const plan = { ...CLEAN, flip: 1 };
    const checked = new Link(plan, 0, 1, new FaultRecorder());
    checked.send(0, flight(0), false);
    const unchecked = new Link(plan, 0, 1, new FaultRecorder());
    unchecked.send(0, flight(0), true);

    expect(checked.nextAt).to.equal(NEVER);
    expect(
      unchecked
        .take()
        .bytes.subarray(0, 100)
        .some((byte) => byte !== 0),
    ).to.equal(true);
  });

  it('holds more datagrams in their order than its queue began with', () => {
    const came = arrivals(new Link({ ...CLEAN, latencyMs: 10_000 }, 0, 1, new FaultRecorder()), 200);

    expect(came.map(([, n]) => n)).to.deep.equal(Array.from({ length: 200 }, (_, n) => n));
  });
});
