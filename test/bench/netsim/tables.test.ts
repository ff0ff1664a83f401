import { expect } from 'chai';
import { measureAll } from '../../../bench/netsim/pool.ts';
import { TABLES } from '../../../bench/netsim/tables/all.ts';
import { maxMinShares } from '../../../bench/netsim/tables/fairness.ts';
import { cellKey, columns } from '../../../bench/netsim/tables/table.ts';

describe('tables of netsim', () => {
  it('line columns up, names to the left and figures to the right', () => {
    const text = columns(
      [
        ['path', 'a', 'b'],
        ['long path', '1.0', '10.25'],
      ],
      1,
    );

    expect(text).to.equal('path         a      b\nlong path  1.0  10.25');
  });

  it('give flows that ask for little what they ask for, and the others the rest', () => {
    expect(maxMinShares([2, 2], [1, 1])).to.deep.equal([1, 1]);
    expect(maxMinShares([0.25, 2], [1, 1])).to.deep.equal([0.25, 1.75]);
    expect(maxMinShares([5, 0.5], [1, 4])).to.deep.equal([3, 0.5]);
    expect(maxMinShares([0.25, 1.2], [1, 1])).to.deep.equal([0.25, 1.2]);
  });

  it('are named differently and need cells that can be told apart', () => {
    expect(new Set(TABLES.map(({ name }) => name)).size).to.equal(TABLES.length);
    for (const { cells } of TABLES) expect(new Set(cells.map(cellKey)).size).to.equal(cells.length);
  });

  it('measure a cell that two of them need once', async () => {
    const cell = {
      rateMbit: 5,
      rttMs: 20,
      lossPercent: 0,
      queueBdp: 1,
      flows: [{ controller: 'newreno' }],
      seconds: 0.5,
      seed: 1,
    };
    const counts: number[] = [];

    const results = await measureAll([cell, { ...cell }], 1, (_done, all) => counts.push(all));

    expect(counts).to.deep.equal([1]);
    expect(results.of(cell).share).to.be.above(0);
  });
});
