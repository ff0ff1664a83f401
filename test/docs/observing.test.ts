import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { established } from '../support/scripted-states.ts';

const page = new URL('../../docs/observing.md', import.meta.url);
const events = new URL('../../lib/trace/trace.ts', import.meta.url);

describe('docs/observing.md', () => {
  it('explains every field of tcpInfo, and none that there is not', async () => {
    const fields = Object.keys(established().connection.tcpInfo());
    const text = await readFile(page, 'utf8');
    const table = text.slice(text.indexOf('| field |'), text.indexOf('Left out of tcp_info'));
    const explained = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap((row) =>
      (row[1] as string).split(', '),
    );

    expect(explained.filter((name) => /^[a-z]\w+$/i.test(name) && name !== 'field')).to.have.members(fields);
  });

  it('explains every event of the trace', async () => {
    const source = await readFile(events, 'utf8');
    const names = [...source.matchAll(/^ {2}'(\w+:\w+)':/gm)].map((match) => match[1] as string);
    const text = await readFile(page, 'utf8');

    expect(names).to.have.lengthOf.above(8);
    for (const name of names) expect(text).to.match(new RegExp(`^\\|.*${name}`, 'm'));
  });
});
