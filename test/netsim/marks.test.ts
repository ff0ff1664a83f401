// What the controllers reach in virtual time, beside docs/netsim. `npm run netsim` writes those texts anew.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import { measureAll } from '../../bench/netsim/pool.ts';
import {
  CONTROLLERS,
  LEAST_FAIR_SHARE,
  LEAST_JAIN,
  MARKS,
  MOST_QUEUE_DROPS,
  pathName,
} from '../../bench/netsim/settings.ts';
import { tableFile, tableText } from '../../bench/netsim/tables/all.ts';
import {
  equalCells,
  equalRow,
  fairnessTable,
  mixCells,
  mixRow,
  mixShares,
} from '../../bench/netsim/tables/fairness.ts';
import { marksTable, meanOf, seedCells } from '../../bench/netsim/tables/marks.ts';
import type { Results } from '../../bench/netsim/tables/table.ts';

/** The row of fairness that is measured here: its path is that of the first mark. */
const FAIR_MARK = MARKS[0]!;
const MIX = { controllers: ['bbr', 'cubic'], counts: [1, 1], queueBdp: 1 } as const;

describe('netsim', () => {
  let results: Results;

  before(async () => {
    const cells = [
      ...marksTable.cells,
      ...CONTROLLERS.flatMap((controller) => equalCells(FAIR_MARK, controller)),
      ...MARKS.flatMap((mark) => mixCells(mark, MIX)),
    ];
    results = await measureAll(cells, availableParallelism());
  });

  it('gives the text of docs/netsim/marks.txt, byte for byte', () => {
    expect(tableText(marksTable, results)).to.equal(readFileSync(tableFile(marksTable), 'utf8'));
  });

  it('gives the rows of docs/netsim/fairness.txt', () => {
    const stored = words(readFileSync(tableFile(fairnessTable), 'utf8'));
    const rows = [
      ...CONTROLLERS.map((controller) => equalRow(results, FAIR_MARK, controller)),
      ...MARKS.map((mark) => mixRow(results, mark, MIX)),
    ];

    for (const row of rows) expect(stored).to.include(words(row.join(' ')));
  });

  for (const mark of MARKS) {
    it(`reaches ${mark.share} of ${pathName(mark)} with one of the controllers, hardly overrunning the queue`, () => {
      const reached = CONTROLLERS.map((controller) => meanOf(results, seedCells(mark, { controller })));
      const best = reached.reduce((one, other) => (other.share > one.share ? other : one));

      expect(best.share).to.be.at.least(mark.share);
      expect(best.queueDropShare).to.be.below(MOST_QUEUE_DROPS);
    });

    it(`leaves bbr and cubic their part of ${pathName(mark)} when they meet`, () => {
      for (const { ofMaxMin } of mixShares(results, mark, MIX))
        expect(ofMaxMin).to.be.at.least(LEAST_FAIR_SHARE);
    });
  }

  for (const controller of CONTROLLERS) {
    it(`lets equal flows of ${controller} share a link equally`, () => {
      for (const cell of equalCells(FAIR_MARK, controller))
        expect(results.of(cell).jain).to.be.at.least(LEAST_JAIN);
    });
  }
});

/** The text with one blank between words: how wide a column is depends on its other rows. */
function words(text: string): string {
  return text.split(/ +/).join(' ');
}
