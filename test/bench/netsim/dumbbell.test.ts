import { expect } from 'chai';
import { Dumbbell, type DumbbellOptions } from '../../../bench/netsim/dumbbell.ts';

const PROFILE = { congestion: 'newreno', maxDatagramBytes: 1472, crc32: false } as const;

function dumbbell(options: Partial<DumbbellOptions> = {}): Dumbbell {
  const flows = [{ profile: PROFILE }];
  return new Dumbbell({ rateMbit: 10, rttMs: 40, queueBytes: 50_000, loss: 0, seed: 1, flows, ...options });
}

describe('Dumbbell', () => {
  it('fills the link with one flow, and never more than the link carries', () => {
    const world = dumbbell();

    world.runUntil(5000);

    expect(world.now).to.equal(5000);
    expect(world.receiver(0).readBytes).to.be.within(0.9 * 6_000_000, 6_000_000);
  });

  it('puts all flows into one queue: together they have the rate that one alone would have', () => {
    const world = dumbbell({ flows: [{ profile: PROFILE }, { profile: PROFILE }, { profile: PROFILE }] });

    world.runUntil(5000);

    const read = [0, 1, 2].map((flow) => world.receiver(flow).readBytes);
    expect(Math.min(...read)).to.be.above(500_000);
    expect(read.reduce((sum, bytes) => sum + bytes)).to.be.within(0.9 * 6_000_000, 6_000_000);
    expect(world.forward.droppedCount).to.be.above(0);
    expect(world.forward.waits.maxMs).to.be.within(30, 40);
    expect(world.backward.droppedCount).to.equal(0);
  });

  it('gives each flow the round trip of the path and its own, and the wire its time', () => {
    const world = dumbbell({
      rateMbit: 1000,
      flows: [{ profile: PROFILE }, { profile: PROFILE, extraRttMs: 60 }],
    });

    world.runUntil(300);

    expect(world.senderInfo(0)?.minRttUs).to.be.within(40_000, 40_100);
    expect(world.senderInfo(1)?.minRttUs).to.be.within(100_000, 100_100);
  });

  it('starts a flow when it is told to', () => {
    const world = dumbbell({ flows: [{ profile: PROFILE, startAt: 100 }] });

    world.runUntil(99);
    const before = world.segmentCount;
    world.runUntil(100);

    expect([before, world.segmentCount]).to.deep.equal([0, 1]);
  });

  it('goes the same way with the same seed, and another with another', () => {
    const run = (seed: number): number[] => {
      const world = dumbbell({ loss: 0.02, seed });
      world.runUntil(3000);
      return [
        world.receiver(0).readBytes,
        world.segmentCount,
        world.forward.lostCount,
        world.forward.waits.meanMs,
      ];
    };

    expect(run(1)).to.deep.equal(run(1));
    expect(run(1)).to.not.deep.equal(run(2));
  });

  it('ends a flow of so many bytes when they are read, to the last one', () => {
    const world = dumbbell({ flows: [{ profile: PROFILE, bytes: 300_000 }] });

    world.runUntil(2000);

    expect(world.receiver(0).readBytes).to.equal(300_000);
    expect(world.receiver(0).lastReadAt).to.be.within(300, 600);
    expect(world.senderInfo(0)?.state).to.equal('TIME-WAIT');
  });

  it('serves at another rate when it is told to', () => {
    const world = dumbbell();

    world.runUntil(5000);
    const before = world.receiver(0).readBytes;
    world.changeRate(2);
    world.runUntil(10_000);

    expect(world.receiver(0).readBytes - before).to.be.within(0.8 * 1_200_000, 1.1 * 1_200_000);
  });

  it('loses packets in both directions', () => {
    const world = dumbbell({ loss: 0.1 });

    world.runUntil(3000);

    expect(world.forward.lostCount).to.be.above(0);
    expect(world.backward.lostCount).to.be.above(0);
  });
});
