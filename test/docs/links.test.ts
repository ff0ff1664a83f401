import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'chai';

const root = new URL('../../', import.meta.url);

/** The pages that people read, as paths from the root. */
async function pages(): Promise<string[]> {
  const inDocs = await readdir(new URL('docs/', root), { recursive: true });
  const pagesOfDocs = inDocs.filter((path) => path.endsWith('.md') && !path.includes('node_modules'));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesOfDocs.map((path) => `docs/${path}`)];
}

/** Where the links of a page lead within the project. */
function linksOf(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => match[1] as string);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

describe('the documentation', () => {
  it('has no link that leads nowhere', async () => {
    const dead: string[] = [];
    for (const page of await pages()) {
      const text = await readFile(new URL(page, root), 'utf8');
      const missing = linksOf(text).filter((target) => !existsSync(new URL(target, new URL(page, root))));
      dead.push(...missing.map((target) => `${page}: ${target}`));
    }

    expect(dead).to.deep.equal([]);
  });

  it('speaks only of npm scripts that there are', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
    const unknown: string[] = [];
    for (const page of await pages()) {
      const text = await readFile(new URL(page, root), 'utf8');
      const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] as string);
      unknown.push(
        ...named.filter((name) => !Object.hasOwn(scripts, name)).map((name) => `${page}: ${name}`),
      );
    }

    expect(unknown).to.deep.equal([]);
  });
});
