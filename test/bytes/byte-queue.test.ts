import { expect } from 'chai';
import fc from 'fast-check';
import { ByteQueue } from '../../lib/bytes/byte-queue.ts';
import { UsageError } from '../../lib/errors.ts';

function queueOf(...chunks: readonly number[][]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.push(Uint8Array.from(chunk));
  return queue;
}

function listed(bytes: Uint8Array | undefined): number[] | undefined {
  return bytes && [...bytes];
}

describe('ByteQueue', () => {
  it('takes what was pushed in order, across the chunks', () => {
    const queue = queueOf([1, 2, 3], [], [4], [5, 6]);

    expect(queue.length).to.equal(6);
    expect(listed(queue.take(2))).to.deep.equal([1, 2]);
    expect(listed(queue.take(3))).to.deep.equal([3, 4, 5]);
    expect(listed(queue.take(1))).to.deep.equal([6]);
    expect(queue.length).to.equal(0);
  });

  it('takes nothing while there are fewer bytes than asked for', () => {
    const queue = queueOf([1, 2], [3]);

    expect(queue.take(4)).to.equal(undefined);
    expect(queue.length).to.equal(3);
    expect(listed(queue.takeUpTo(4))).to.deep.equal([1, 2, 3]);
    expect(listed(queue.takeUpTo(4))).to.deep.equal([]);
  });

  it('does not copy what lies in one chunk', () => {
    const chunk = Uint8Array.of(1, 2, 3, 4);
    const queue = new ByteQueue();
    queue.push(chunk);

    expect(queue.peek(4)).to.equal(chunk);
    expect(queue.take(2)?.buffer).to.equal(chunk.buffer);
    expect(queue.shiftChunk()?.buffer).to.equal(chunk.buffer);
  });

  it('leaves the bytes it is only asked to show', () => {
    const queue = queueOf([1, 2], [3]);

    expect(listed(queue.peek(3))).to.deep.equal([1, 2, 3]);
    expect(queue.peek(4)).to.equal(undefined);
    expect(queue.length).to.equal(3);
  });

  it('shows what is left of the first chunk, itself and not a copy', () => {
    const chunk = Uint8Array.of(1, 2, 3);
    const queue = new ByteQueue();
    queue.push(chunk);
    queue.push(Uint8Array.of(4));
    queue.discard(1);

    expect(listed(queue.peekChunk())).to.deep.equal([2, 3]);
    expect(queue.peekChunk()?.buffer).to.equal(chunk.buffer);
    expect(queue.length).to.equal(3);
    queue.discard(3);
    expect(queue.peekChunk()).to.equal(undefined);
  });

  it('shifts what is left of the first chunk', () => {
    const queue = queueOf([1, 2, 3], [4]);
    queue.discard(1);

    expect(listed(queue.shiftChunk())).to.deep.equal([2, 3]);
    expect(listed(queue.shiftChunk())).to.deep.equal([4]);
    expect(queue.shiftChunk()).to.equal(undefined);
  });

  it('finds a byte and a pattern, also where two chunks meet', () => {
    const queue = queueOf([0, 13, 13], [10, 13], [10]);
    queue.discard(1);
    const crlf = Uint8Array.of(13, 10);

    expect(queue.indexOf(10)).to.equal(2);
    expect(queue.indexOf(10, 3)).to.equal(4);
    expect(queue.indexOf(0)).to.equal(-1);
    expect(queue.indexOf(crlf)).to.equal(1);
    expect(queue.indexOf(crlf, 2)).to.equal(3);
    expect(queue.indexOf(crlf, 4)).to.equal(-1);
  });

  it('is empty after clear, and can be used again', () => {
    const queue = queueOf([1, 2, 3], [4]);
    queue.discard(2);

    queue.clear();
    queue.push(Uint8Array.of(9));

    expect(queue.length).to.equal(1);
    expect(listed(queue.take(1))).to.deep.equal([9]);
  });

  it('refuses counts that are none', () => {
    const queue = queueOf([1, 2]);

    expect(() => queue.discard(3)).to.throw(UsageError);
    expect(() => queue.discard(-1)).to.throw(UsageError);
    expect(() => queue.take(-1)).to.throw(UsageError);
    expect(() => queue.takeUpTo(Number.NaN)).to.throw(UsageError);
    expect(() => queue.indexOf(1, 0.5)).to.throw(UsageError);
    expect(queue.length).to.equal(2);
  });

  it('keeps its order through thousands of chunks', () => {
    const queue = new ByteQueue();
    const taken: number[] = [];

    for (let i = 0; i < 3000; i++) {
      queue.push(Uint8Array.of(i & 0xff, (i + 1) & 0xff));
      if (i >= 500) taken.push(...(queue.take(2) as Uint8Array));
    }
    taken.push(...queue.takeUpTo(2000));

    const pushed = Array.from({ length: 3000 }, (_, i) => [i & 0xff, (i + 1) & 0xff]).flat();
    expect(taken).to.deep.equal(pushed);
  });

  it('does what a plain array does, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ push: fc.array(fc.nat(3), { maxLength: 6 }) }),
      fc.record({ take: fc.nat(9) }),
      fc.record({ takeUpTo: fc.nat(9) }),
      fc.record({ discard: fc.nat(9) }),
      fc.record({ find: fc.array(fc.nat(3), { maxLength: 3 }), from: fc.nat(9) }),
    );

    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue();
        const model: number[] = [];
        for (const move of steps) {
          if ('push' in move) {
            queue.push(Uint8Array.from(move.push));
            model.push(...move.push);
          } else if ('take' in move) {
            const expected = move.take > model.length ? undefined : model.splice(0, move.take);
            expect(listed(queue.take(move.take))).to.deep.equal(expected);
          } else if ('takeUpTo' in move) {
            expect(listed(queue.takeUpTo(move.takeUpTo))).to.deep.equal(model.splice(0, move.takeUpTo));
          } else if ('discard' in move) {
            const count = Math.min(move.discard, model.length);
            queue.discard(count);
            model.splice(0, count);
          } else {
            const { find, from } = move;
            const starts = Array.from(
              { length: Math.max(0, model.length - find.length + 1) },
              (_, start) => start,
            );
            const matches = (start: number) => find.every((byte, i) => model[start + i] === byte);
            const expected = starts.find((start) => start >= from && matches(start)) ?? -1;
            expect(queue.indexOf(Uint8Array.from(find), from)).to.equal(expected);
          }
          expect(queue.length).to.equal(model.length);
          expect(listed(queue.peek(model.length))).to.deep.equal(model);
        }
      }),
    );
  });
});
