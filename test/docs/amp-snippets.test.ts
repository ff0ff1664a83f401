import { readFile } from 'node:fs/promises';
import { expect } from 'chai';

const root = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

/** Code without what a formatter decides. */
function bare(code: string): string {
  return code
    .replaceAll(/^\s*export /gm, '')
    .replaceAll(/\s+/g, '')
    .replaceAll(/,([)\]}])/g, '$1');
}

describe('the code in docs/amp.md', () => {
  it('is compiled: it stands in an example, or in amp-snippets.ts', async () => {
    const sources = await Promise.all(['examples/sum.ts', 'test/docs/amp-snippets.ts'].map(read));
    const known = sources.map(bare);
    const blocks = [...(await read('docs/amp.md')).matchAll(/```ts\n(.*?)```/gs)].map(
      (match) => match[1] as string,
    );

    const unknown = blocks.flatMap((block) =>
      // Blank lines part what may stand in several places.
      block.split('\n\n').filter((part) => !known.some((source) => source.includes(bare(part)))),
    );

    expect(blocks).to.have.length.greaterThan(5);
    expect(unknown).to.deep.equal([]);
  });
});
