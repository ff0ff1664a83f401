import { expect } from 'chai';
import { BoundedLog } from '../../lib/testing/bounded-log.ts';

describe('BoundedLog', () => {
  it('remembers the last entries, oldest first, however many came before', () => {
    const log = new BoundedLog<number>(3);

    for (let i = 0; i < 100; i++) {
      log.add(i);
      expect(log.entries).to.deep.equal([i - 2, i - 1, i].filter((entry) => entry >= 0));
    }
  });

  it('remembers nothing with a limit of 0', () => {
    const log = new BoundedLog<number>(0);
    log.add(1);

    expect(log.entries).to.deep.equal([]);
  });
});
