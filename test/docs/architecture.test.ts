import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const CORE = new URL('../../lib/ptcp/core/', import.meta.url);
const PAGE = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
/** What only puts the others together. */
const BARREL = 'index.ts';

describe('docs/architecture.md', () => {
  it('says of every file and folder of the core what is decided there', () => {
    const rooms = readdirSync(CORE, { withFileTypes: true })
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .filter((name) => name !== BARREL);

    expect(
      rooms.filter((name) => !PAGE.includes(`\`${name}\``) && !PAGE.includes(`core/${name}\``)),
    ).to.deep.equal([]);
  });

  it('names no file of the core that is not there', () => {
    const [, table = ''] = PAGE.split('## The TCP, by room');
    const [rooms = ''] = table.split('\n## ');
    const files = new Set(readdirSync(CORE));
    const named = [...rooms.matchAll(/`([a-z0-9-]+\.ts)`/g)].map(([, name]) => name!);

    expect(named.length).to.be.above(30);
    expect(named.filter((name) => !files.has(name))).to.deep.equal([]);
  });
});
