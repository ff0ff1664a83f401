import { expect } from 'chai';
import fc from 'fast-check';
import { type Range, RangeSet } from '../../lib/bytes/range-set.ts';

const LIMIT = 60;

function setOf(...ranges: readonly (readonly [number, number])[]): RangeSet {
  const set = new RangeSet();
  for (const [start, end] of ranges) set.add(start, end);
  return set;
}

function pairs(ranges: Iterable<Range>): number[][] {
  return [...ranges].map(({ start, end }) => [start, end]);
}

/** The ranges of the points for which `isIn` holds. */
function rangesWhere(isIn: (point: number) => boolean): number[][] {
  const ranges: number[][] = [];
  for (let point = 0; point <= LIMIT; point++) {
    if (!isIn(point)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === point) last[1] = point + 1;
    else ranges.push([point, point + 1]);
  }
  return ranges;
}

describe('RangeSet', () => {
  it('keeps ranges apart that do not touch, in ascending order', () => {
    const set = setOf([20, 30], [0, 5], [10, 15]);

    expect(pairs(set)).to.deep.equal([
      [0, 5],
      [10, 15],
      [20, 30],
    ]);
    expect(set.count).to.equal(3);
    expect(set.totalLength).to.equal(20);
    expect(set.first).to.deep.equal({ start: 0, end: 5 });
    expect(set.last).to.deep.equal({ start: 20, end: 30 });
    expect(set.at(1)).to.deep.equal({ start: 10, end: 15 });
  });

  it('makes one range of those that touch', () => {
    expect(pairs(setOf([0, 5], [10, 15], [5, 10]))).to.deep.equal([[0, 15]]);
  });

  it('tells where the next gap is, where it ends, and since where all is covered before a point', () => {
    const set = setOf([10, 20], [30, 40]);

    expect([set.nextGap(5), set.nextGap(10), set.nextGap(20)]).to.deep.equal([5, 20, 20]);
    expect([set.nextCovered(5), set.nextCovered(15), set.nextCovered(20)]).to.deep.equal([10, 15, 30]);
    expect(set.nextCovered(40)).to.equal(Number.POSITIVE_INFINITY);
    expect([set.coveredSince(10), set.coveredSince(20), set.coveredSince(21)]).to.deep.equal([10, 10, 21]);
  });

  it('adds and removes nothing for an empty range, which is always covered', () => {
    const set = setOf([10, 20]);

    set.add(3, 3);
    set.add(9, 4);
    set.remove(15, 15);

    expect(pairs(set)).to.deep.equal([[10, 20]]);
    expect(set.covers(5, 5)).to.equal(true);
  });

  it('has no first, last, or range outside its indexes', () => {
    const set = new RangeSet();
    expect([set.first, set.last, set.at(0), set.rangeAt(0)]).to.deep.equal(Array(4).fill(undefined));

    set.add(0, 5);
    set.add(10, 15);
    set.removeBelow(7);

    expect(set.at(-1)).to.equal(undefined);
    expect(set.at(1)).to.equal(undefined);
    expect(set.at(0)).to.deep.equal({ start: 10, end: 15 });
  });

  it('works beyond 2^32', () => {
    const set = setOf([2 ** 40, 2 ** 40 + 10]);

    set.add(2 ** 40 + 5, 2 ** 41);

    expect(pairs(set)).to.deep.equal([[2 ** 40, 2 ** 41]]);
    expect(set.totalLength).to.equal(2 ** 40);
  });

  it('keeps its count right through many additions above and removals below', () => {
    const set = new RangeSet();
    for (let i = 0; i < 5000; i++) {
      set.add(i * 10, i * 10 + 4);
      if (i >= 100) set.removeBelow((i - 100) * 10 + 2);
    }

    expect(set.count).to.equal(101);
    expect(set.first).to.deep.equal({ start: 48_992, end: 48_994 });
    expect(set.totalLength).to.equal(100 * 4 + 2);
    expect(set.covers(49_000, 49_004)).to.equal(true);
  });

  it('is empty after clear, and can be used again', () => {
    const set = setOf([0, 5], [10, 15]);

    set.clear();
    set.add(7, 9);

    expect(pairs(set)).to.deep.equal([[7, 9]]);
    expect(set.totalLength).to.equal(2);
  });

  it('does what a set of integers does, whatever is done to it', () => {
    const step = fc.record({
      action: fc.constantFrom('add', 'add', 'add', 'remove', 'removeBelow'),
      start: fc.nat(LIMIT),
      width: fc.nat(12),
    });

    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const set = new RangeSet();
        const model = new Set<number>();
        for (const { action, start, width } of steps) {
          const end = Math.min(start + width, LIMIT);
          if (action === 'add') {
            set.add(start, end);
            for (let point = start; point < end; point++) model.add(point);
          } else if (action === 'remove') {
            set.remove(start, end);
            for (let point = start; point < end; point++) model.delete(point);
          } else {
            set.removeBelow(start);
            for (let point = 0; point < start; point++) model.delete(point);
          }
        }

        const ranges = rangesWhere((point) => model.has(point));
        expect(pairs(set)).to.deep.equal(ranges);
        expect(set.count).to.equal(ranges.length);
        expect(set.totalLength).to.equal(model.size);
        expect(pairs(ranges.map((_, index) => set.at(index) as Range))).to.deep.equal(ranges);
        for (let point = 0; point < LIMIT; point++) {
          let gap = point;
          while (model.has(gap)) gap++;
          expect(set.contains(point)).to.equal(model.has(point));
          expect(set.nextGap(point)).to.equal(gap);
          expect(set.nextCovered(point)).to.equal(
            [...model].reduce((least, each) => (each >= point && each < least ? each : least), Infinity),
          );
          let since = point;
          while (model.has(since - 1)) since--;
          expect(set.coveredSince(point)).to.equal(since);
          expect(set.covers(point, gap)).to.equal(true);
          expect(set.covers(point, gap + 1)).to.equal(false);
          const around = ranges.find(([start, end]) => point >= start! && point < end!);
          const found = set.rangeAt(point);
          expect(found && [found.start, found.end]).to.deep.equal(around);
        }
      }),
      { numRuns: 60 },
    );
  });
});
