import { expect } from 'chai';
import { coverageOf, gapsIn, pageOf, parseRequirements, testTitles } from '../../tools/rfc-coverage.ts';

const HEAD = 'id\tsection\tlevel\trequirement\tapplies\thow or why not\n';
const TABLE = parseRequirements(
  `${HEAD}MUST-1\t3.1\tMUST\tunsigned\tyes\tnumbers\nMUST-2\t3.1\tMUST\tchecksum\tno\tthe kernel does it\n`,
);

function test(title: string): { path: string; text: string } {
  return { path: 'test/a.test.ts', text: `it('${title}', () => {});` };
}

describe('rfc-coverage', () => {
  it('complains of a requirement that applies and has no test, not of one that does not apply', () => {
    const gaps = gapsIn(coverageOf([], TABLE));

    expect(gaps).to.have.lengthOf(1);
    expect(gaps[0]).to.match(/^MUST-1 \(RFC 9293 §3.1\) has no test/);
  });

  it('complains of a section that code cites and no title does', () => {
    const code = { path: 'lib/a.ts', text: '// RFC 5681 §3.1\n// RFC 5681 §3.2\n// RFC 6298' };
    const sources = [code, test('grows (RFC 5681 §3.1, MUST-1)')];

    const gaps = gapsIn(coverageOf(sources, TABLE));

    expect(gaps).to.deep.equal(['RFC 5681 §3.2 is cited in lib/a.ts and in the title of no test']);
  });

  it('complains of an id that does not exist', () => {
    const sources = [test('is unsigned (MUST-1)'), { path: 'lib/a.ts', text: '// MUST-99' }];

    expect(gapsIn(coverageOf(sources, TABLE))).to.deep.equal([
      'MUST-99, named in lib/a.ts, is no requirement of RFC 9293',
    ]);
  });

  it('takes a citation in the body of a test for none', () => {
    const file = { path: 'test/a.test.ts', text: "it('grows', () => { /* MUST-1 */ });" };

    expect(gapsIn(coverageOf([file], TABLE))).to.have.lengthOf(1);
  });

  it('reads titles with those of the suites around them, templates and sums too', () => {
    const text = `describe('RFC 1: ' + 'a', () => { for (const x of y) it(\`does \${x} (§2)\`, () => {}); });`;

    expect(testTitles({ path: 'test/a.test.ts', text }).map(({ title }) => title)).to.deep.equal([
      'RFC 1: a does … (§2)',
    ]);
  });

  it('shows requirements and sections with their code and tests', () => {
    const sources = [{ path: 'lib/b/a.ts', text: '// RFC 5681 §3.1' }, test('grows (RFC 5681 §3.1, MUST-1)')];

    const page = pageOf(coverageOf(sources, TABLE));

    expect(page).to.contain(
      '| §3.1 | [a.ts](../lib/b/a.ts) | [grows (RFC 5681 §3.1, MUST-1)](../test/a.test.ts) |',
    );
    expect(page).to.contain('| MUST-2 | 3.1 | MUST | checksum | no | the kernel does it |  |  |');
  });

  it('refuses a table with a line that decides nothing', () => {
    expect(() => parseRequirements(`${HEAD}MUST-1\t3.1\tMUST\tunsigned\tperhaps\tso\n`)).to.throw('MUST-1');
    expect(() => parseRequirements(`${HEAD}MUST-1\t3.1\tMUST\tunsigned\tno\t\n`)).to.throw('MUST-1');
  });
});
