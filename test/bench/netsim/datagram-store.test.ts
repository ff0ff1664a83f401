import { expect } from 'chai';
import { DatagramStore } from '../../../bench/netsim/datagram-store.ts';
import { TransitQueue } from '../../../bench/netsim/transit-queue.ts';
import { NEVER } from '../../../lib/time/clock.ts';

describe('DatagramStore', () => {
  it('keeps every datagram until it is given back, however many there are', () => {
    const store = new DatagramStore();
    const slots = Array.from({ length: 1000 }, (_slot, index) => {
      store.out.set([index >> 8, index & 0xff], 10);
      return store.keep(10, 2);
    });

    const kept = slots.map((slot) => (store.view(slot)[0]! << 8) | store.view(slot)[1]!);

    expect(kept).to.deep.equal(slots.map((_slot, index) => index));
  });

  it('uses a slot again that was given back', () => {
    const store = new DatagramStore();
    const slot = store.keep(0, 100);

    store.release(slot);

    expect(store.keep(0, 1472)).to.equal(slot);
  });
});

describe('TransitQueue', () => {
  it('hands datagrams on in the order they came, also when it has grown around its end', () => {
    const queue = new TransitQueue();
    const seen: number[] = [];
    let pushed = 0;
    for (let round = 0; round < 50; round += 1) {
      for (let i = 0; i < 7; i += 1, pushed += 1) queue.push(pushed, pushed + 1000, pushed + 2000);
      for (let i = 0; i < 3; i += 1) {
        seen.push(queue.nextAt);
        expect([queue.slot, queue.length]).to.deep.equal([queue.nextAt + 1000, queue.nextAt + 2000]);
        queue.dropFirst();
      }
    }
    while (queue.nextAt !== NEVER) {
      seen.push(queue.nextAt);
      queue.dropFirst();
    }

    expect(seen).to.deep.equal(Array.from({ length: pushed }, (_at, index) => index));
  });
});
