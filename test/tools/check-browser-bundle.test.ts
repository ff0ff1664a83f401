import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bundleForBrowser, runInEmptyContext } from '../../tools/check-browser-bundle.ts';

describe('check-browser-bundle', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-bundle-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function bundle(text: string): Promise<string> {
    writeFileSync(join(folder, 'entry.ts'), text);
    return (await bundleForBrowser('entry.ts', folder)).code;
  }

  it('runs what needs nothing but the language', async () => {
    const code = await bundle('export const add = (a: number, b: number): number => a + b;');

    expect(runInEmptyContext(code, 'bundle.add(1, 2)')).to.equal(3);
  });

  it('refuses what imports from Node, or a package', async () => {
    for (const specifier of ['node:crypto', 'crypto', 'no-such-package']) {
      const failure = await bundle(`export { a } from '${specifier}';`).then(() => undefined, String);
      expect(failure, specifier).to.include(specifier);
    }
  });

  it('catches what only running shows: chance under another name, the time, timers, consoles', async () => {
    const culprits = [
      'const { random } = Math; export const use = () => random();',
      "export const use = () => globalThis['Date'].now();",
      'export const use = () => setTimeout(() => {}, 1);',
      'export const use = () => console.log(1);',
      'export const use = () => new TextEncoder();',
      "export const use = () => new Function('return 1')();",
    ];

    for (const culprit of culprits) {
      const code = await bundle(culprit);
      expect(() => runInEmptyContext(code, 'bundle.use()'), culprit).to.throw();
    }
  });
});
