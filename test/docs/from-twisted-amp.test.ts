import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import * as amp from '../../protocols/amp/index.ts';

const root = new URL('../../', import.meta.url);

describe('docs/from-twisted-amp.md', () => {
  let page: string;

  before(async () => {
    page = await readFile(new URL('docs/from-twisted-amp.md', root), 'utf8');
  });

  it('shows examples/amp.ts as it is', async () => {
    const source = await readFile(new URL('examples/amp.ts', root), 'utf8');

    const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string);

    expect(blocks).to.have.length(4);
    for (const block of blocks) expect(source).to.contain(block);
  });

  it('names on our side nothing that is not there', () => {
    const rows = page.slice(page.indexOf('## Words'), page.indexOf('## What is different')).split('\n');
    const called = rows
      .map((row) => row.split('|')[2] ?? '')
      .flatMap((cell) => [...cell.matchAll(/`(?:new )?(\w+)[({`]/g)].map(([, name]) => name as string));
    const known = new Set([...Object.keys(amp), ...Object.getOwnPropertyNames(amp.Amp.prototype)]);
    const words = ['CommandLocator', 'bigint', 'number', 'undefined', 'remoteCode', 'fatalErrors'];

    expect(called.filter((name) => !known.has(name) && !words.includes(name))).to.deep.equal([]);
  });
});
