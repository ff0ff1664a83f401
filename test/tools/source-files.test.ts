import { expect } from 'chai';
import { findInAll, parseSource, readSources } from '../../tools/source-files.ts';

describe('source-files', () => {
  it('finds the sources of the project and nothing from outside', () => {
    const paths = readSources('.').map(({ path }) => path);

    expect(paths).to.include.members([
      'lib/errors.ts',
      'tools/source-files.ts',
      'test/tools/source-files.test.ts',
    ]);
    expect(paths.filter((path) => path.includes('node_modules') || path.startsWith('dist'))).to.deep.equal(
      [],
    );
  });

  it('makes a finding of a file that cannot be parsed, and goes on', () => {
    const visited: string[] = [];
    const sources = ['let = ;', 'const a = 1;'].map((text, i) => ({ path: `lib/${i}.ts`, text }));

    const findings = findInAll(sources, (file) => {
      parseSource(file);
      visited.push(file.path);
      return [];
    });

    expect(visited).to.deep.equal(['lib/1.ts']);
    expect(findings.map(({ path }) => path)).to.deep.equal(['lib/0.ts']);
  });
});
