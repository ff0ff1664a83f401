import { expect } from 'chai';
import fc from 'fast-check';
import { DUP_THRESH, SackScoreboard } from '../../../lib/ptcp/core/scoreboard.ts';

const SMSS = 10;

function scoreboard(...blocks: readonly (readonly [number, number])[]): SackScoreboard {
  const board = new SackScoreboard();
  for (const [start, end] of blocks) board.ranges.add(start, end);
  return board;
}

/** RFC 6675 §4, IsLost(), word for word, over a set of SACKed places. */
function isLost(place: number, sacked: ReadonlySet<number>): boolean {
  const above = [...sacked].filter((at) => at > place).sort((a, b) => a - b);
  const sequences = above.filter((at, index) => index === 0 || above[index - 1] !== at - 1).length;
  return sequences >= DUP_THRESH || above.length > (DUP_THRESH - 1) * SMSS;
}

describe('SackScoreboard', () => {
  it('takes for lost what IsLost() takes for lost, whatever is SACKed (RFC 6675 §4)', () => {
    const block = fc.tuple(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 25 }));
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), (blocks) => {
        const board = scoreboard(...blocks.map(([start, count]) => [start, start + count] as const));
        const sacked = new Set<number>();
        for (const [start, count] of blocks) for (let i = 0; i < count; i += 1) sacked.add(start + i);
        const below = board.lostBelow(SMSS);

        for (let place = 0; place < 150; place += 1) {
          if (!sacked.has(place)) expect(place < below, `place ${place}`).to.equal(isLost(place, sacked));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('needs three sequences, or more than two segments, above the hole (RFC 6675 §4)', () => {
    expect(scoreboard([10, 20], [30, 31]).lostBelow(SMSS), 'two').to.equal(0);
    expect(scoreboard([10, 20], [30, 31], [40, 41]).lostBelow(SMSS), 'three').to.equal(10);
    expect(scoreboard([10, 30]).lostBelow(SMSS), 'exactly two segments').to.equal(0);
    expect(scoreboard([10, 31]).lostBelow(SMSS), 'one byte more').to.equal(10);
  });

  it('counts places from the ISS, so that they do not wrap with sequence numbers', () => {
    const board = new SackScoreboard();
    board.advance(5_000_000_000);

    expect(board.offsetOf(7, 0xffff_fff7)).to.equal(5_000_000_016);
  });

  it('forgets what is acknowledged', () => {
    const board = scoreboard([10, 20], [30, 40]);

    board.advance(35);

    expect(board.ranges.totalLength).to.equal(5);
    expect(board.lostBelow(SMSS), 'nothing').to.equal(35);
  });
});
