import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { DEFAULT_PROFILE, TRANSITIONS } from 'hawser/ptcp';

const page = new URL('../../docs/ptcp.md', import.meta.url);

/** The state diagram as the page shows it. */
function stateDiagram(): string {
  const lines = Object.entries(TRANSITIONS).flatMap(([from, causes]) =>
    Object.entries(causes).map(([cause, to]) => `    ${from.padEnd(12)}  ${cause.padEnd(18)}  → ${to}`),
  );
  return lines.join('\n');
}

const BETWEEN_MARKS = /<!-- states -->[\s\S]*?<!-- end of states -->/;

describe('docs/ptcp.md', () => {
  it('shows the states as the table of the core has them (UPDATE=1 rewrites it)', async () => {
    const shown = `<!-- states -->\n\n${stateDiagram()}\n\n<!-- end of states -->`;
    const text = await readFile(page, 'utf8');
    if (process.env['UPDATE'] === '1') await writeFile(page, text.replace(BETWEEN_MARKS, shown));

    expect((await readFile(page, 'utf8')).match(BETWEEN_MARKS)?.[0]).to.equal(shown);
  });

  it('lists every option of a profile with its default', async () => {
    const text = await readFile(page, 'utf8');

    for (const [name, value] of Object.entries(DEFAULT_PROFILE)) {
      const shown = Array.isArray(value) ? value.join(', ') : String(value);
      expect(text, name).to.contain(`| ${name} | ${shown} |`);
    }
  });
});
