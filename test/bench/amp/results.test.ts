import { expect } from 'chai';
import { Results } from '../../../bench/amp/results.ts';

describe('the results of bench:amp', () => {
  function threeRounds(): Results {
    const results = new Results();
    for (const [own, theirs] of [
      [60, 20],
      [300, 50],
      [80, 40],
    ] as const) {
      results.add('tcp', 'outstanding50', own);
      results.add('twisted', 'outstanding50', theirs);
    }
    return results;
  }

  it('give the median, the least and the most of the rounds', () => {
    const figures = threeRounds().figures();

    expect(figures).to.deep.equal({
      tcp: { outstanding50: { median: 80, min: 60, max: 300 } },
      twisted: { outstanding50: { median: 40, min: 20, max: 50 } },
    });
  });

  it('compare within each round, and hold the median of the ratios against the mark', () => {
    const ratios = threeRounds().ratios();

    expect(ratios).to.deep.equal([
      { of: 'tcp', to: 'twisted', case: 'outstanding50', median: 3, min: 2, max: 6, atLeast: 3, isMet: true },
    ]);
  });

  it('have no mark for the other cases, and no ratio where one of the two has no such calls', () => {
    const results = new Results();
    results.add('tcp', 'sequential', 10);
    results.add('grpc', 'sequential', 5);
    results.add('tcp', 'noAnswer', 10);

    const ratios = results.ratios();

    expect(ratios).to.deep.equal([{ of: 'tcp', to: 'grpc', case: 'sequential', median: 2, min: 2, max: 2 }]);
  });

  it('say of each mark in the table whether it is met', () => {
    const results = threeRounds();
    results.add('ptcp', 'outstanding50', 30);

    const table = results.table();

    expect(table).to.match(/tcp \/ twisted +pipelined Sum x50 +3\.00 +2\.00–6\.00 +at least 3: met/);
    expect(table).to.match(/ptcp \/ tcp +pipelined Sum x50 +0\.50 +0\.50–0\.50 +at least 0\.7: missed/);
  });
});
