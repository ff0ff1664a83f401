import { expect } from 'chai';
import { InvalidArgumentError } from 'commander';
import { parseSize } from '../../lib/cli/arguments.ts';

describe('parseSize', () => {
  it('reads sizes as people write them', () => {
    const texts = ['0', '4096', '1k', '700MB', '64MiB', '1.5G', '2 TiB', '10B'];

    expect(texts.map(parseSize)).to.deep.equal([0, 4096, 1000, 700e6, 64 * 2 ** 20, 1.5e9, 2 * 2 ** 40, 10]);
  });

  for (const text of ['', 'x', '-1', '1e3', '1i', '1KBB', '999999T', '1.5.5']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseSize(text)).to.throw(InvalidArgumentError);
    });
  }
});
