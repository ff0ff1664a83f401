import { expect } from 'chai';
import fc from 'fast-check';
import { type Due, DueQueue } from '../../../lib/ptcp/core/due-queue.ts';
import { NEVER } from '../../../lib/time/clock.ts';

interface Item extends Due {
  dueAt: number;
}

function item(dueAt: number): Item {
  return { dueAt, dueIndex: -1 };
}

describe('DueQueue', () => {
  it('gives what is due, soonest first, and nothing before its time', () => {
    const queue = new DueQueue<Item>();
    for (const dueAt of [30, 10, 20]) queue.update(item(dueAt));

    expect(queue.nextDueAt).to.equal(10);
    expect(queue.takeDue(9)).to.equal(undefined);
    expect([queue.takeDue(20)?.dueAt, queue.takeDue(20)?.dueAt, queue.takeDue(20)]).to.deep.equal([
      10,
      20,
      undefined,
    ]);
  });

  it('has nothing due when it is empty, nor for what is never due', () => {
    const queue = new DueQueue<Item>();
    const never = item(NEVER);

    queue.update(never);

    expect(queue.nextDueAt).to.equal(NEVER);
    expect(never.dueIndex).to.equal(-1);
    queue.remove(never);
  });

  it('agrees with a sorted list, whatever is put, moved and taken out', () => {
    const operation = fc.record({
      who: fc.nat(15),
      dueAt: fc.oneof(fc.nat(50), fc.constant(NEVER)),
      take: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const queue = new DueQueue<Item>();
        const items = Array.from({ length: 16 }, () => item(NEVER));
        const waiting = new Set<Item>();
        for (const { who, dueAt, take } of operations) {
          const earliest = Math.min(NEVER, ...[...waiting].map((one) => one.dueAt));
          expect(queue.nextDueAt).to.equal(earliest);
          if (take) {
            const taken = queue.takeDue(25);
            expect(taken?.dueAt).to.equal(earliest <= 25 ? earliest : undefined);
            if (taken !== undefined) {
              expect(taken.dueIndex).to.equal(-1);
              waiting.delete(taken);
            }
          } else {
            const one = items[who]!;
            one.dueAt = dueAt;
            queue.update(one);
            if (dueAt === NEVER) waiting.delete(one);
            else waiting.add(one);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
