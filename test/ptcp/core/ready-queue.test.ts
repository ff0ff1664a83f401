import { expect } from 'chai';
import fc from 'fast-check';
import { ReadyQueue } from '../../../lib/ptcp/core/ready-queue.ts';

describe('ReadyQueue', () => {
  it('gives back in the order of coming, whatever is put and taken in between', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1500, max: 1500 }), { maxLength: 12 }), (steps) => {
        const queue = new ReadyQueue<number>();
        let put = 0;
        let taken = 0;
        for (const step of steps) {
          for (let i = 0; i < step; i += 1) queue.put(put++);
          for (let i = 0; i > step; i -= 1) expect(queue.take()).to.equal(taken < put ? taken++ : undefined);
        }
      }),
      { numRuns: 40 },
    );
  });
});
