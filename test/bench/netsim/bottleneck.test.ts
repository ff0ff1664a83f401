import { expect } from 'chai';
import { Bottleneck, NOT_ADMITTED } from '../../../bench/netsim/bottleneck.ts';
import { Prng } from '../../../lib/bytes/prng.ts';
import { Link, UDP_IP_HEADER_BYTES } from '../../../lib/testing/link.ts';

function bottleneck(options: Partial<ConstructorParameters<typeof Bottleneck>[0]> = {}): Bottleneck {
  return new Bottleneck({ rateMbit: 12, queueBytes: 15_000, loss: 0, random: new Prng(1), ...options });
}

describe('Bottleneck', () => {
  it('lets a packet of 1500 bytes through in a millisecond at 12 Mbit/s, and the next one after it', () => {
    const link = bottleneck();

    expect(link.admit(10, 1500)).to.equal(11);
    expect(link.admit(10, 1500)).to.equal(12);
    expect(link.admit(20, 1500)).to.equal(21);
    expect(link.waits.maxMs).to.equal(1);
  });

  it('drops what finds no room, the packet being sent counted', () => {
    const link = bottleneck({ queueBytes: 3000 });

    const leaving = [0, 0, 0, 0.5].map((now) => link.admit(now, 1500));

    expect(leaving).to.deep.equal([1, 2, NOT_ADMITTED, NOT_ADMITTED]);
    expect([link.offeredCount, link.droppedCount, link.lostCount]).to.deep.equal([4, 2, 0]);
  });

  it('loses packets before they come to the queue, as often as told', () => {
    const link = bottleneck({ loss: 0.25 });

    for (let now = 0; now < 10_000; now += 1) link.admit(now, 1000);

    expect(link.lostCount).to.be.within(2300, 2700);
    expect(link.offeredCount).to.equal(10_000 - link.lostCount);
    expect(link.droppedCount).to.equal(0);
  });

  it('does what a Link of the test kit does with the same packets', () => {
    const random = new Prng('sizes');
    const link = new Link({ rateMbit: 7, queueBytes: 9000, latencyMs: 0, random: new Prng(1) });
    const shared = bottleneck({ rateMbit: 7, queueBytes: 9000 });
    const expected: number[] = [];
    const seen: number[] = [];

    for (let now = 0; now < 2000; now += random.nextFloat()) {
      const bytes = new Uint8Array(random.below(1472));
      if (link.send(now, bytes) === 'queued') expected.push(link.nextAt());
      for (let arrived = link.takeDue(1e9); arrived !== undefined; arrived = link.takeDue(1e9));
      const leftAt = shared.admit(now, bytes.length + UDP_IP_HEADER_BYTES);
      if (leftAt !== NOT_ADMITTED) seen.push(leftAt);
    }

    expect(seen).to.deep.equal(expected);
    expect(shared.droppedCount).to.be.above(100);
    expect(shared.droppedCount).to.equal(link.stats.queueDropped);
    expect(shared.waits.maxMs).to.equal(link.stats.maxQueueDelayMs);
  });
});
