import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadPlugins } from '../../lib/plugin/loader.ts';
import { PluginRegistry } from '../../lib/plugin/registry.ts';
import { NodeFiles } from '../../lib/reactor/node/files.ts';

describe('loadPlugins', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-plugins-'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  });

  afterEach(async () => {
    await chmod(folder, 0o755);
    await rm(folder, { recursive: true });
  });

  it('loads the files of a folder in order, and no others', async () => {
    await plugin('b.ts', 'b');
    await plugin('a.js', 'a');
    await plugin('a.d.ts', 'types');
    await plugin('.hidden.js', 'hidden');
    await plugin('c.js.map', 'map');
    await mkdir(join(folder, 'folder'));

    const registry = await load();

    expect(names(registry)).to.deep.equal(['a', 'b']);
    expect(registry.broken).to.deep.equal([]);
  });

  it('reports a broken file with its origin and reason, and hides no other', async () => {
    await plugin('a.js', 'a');
    await writeFile(join(folder, 'b.js'), 'export default {');
    await writeFile(join(folder, 'c.js'), 'throw new Error("c is out of order")');
    await writeFile(join(folder, 'd.js'), 'import "./missing.js"');
    await writeFile(join(folder, 'e.js'), 'export const plugin = 1;');
    await plugin('f.js', 'f', 7);
    await plugin('g.js', 'g');

    const registry = await load();

    expect(names(registry)).to.deep.equal(['a', 'g']);
    expect(registry.broken.map(({ origin }) => origin)).to.deep.equal(
      ['b.js', 'c.js', 'd.js', 'e.js', 'f.js'].map((name) => join(folder, name)),
    );
    expect(registry.broken[1]?.reason).to.equal('c is out of order');
    expect(registry.broken[4]?.reason).to.contain('API 7');
  });

  it('sees new, changed and removed files without a restart', async () => {
    await plugin('a.js', 'before');
    await plugin('b.js', 'removed');
    const first = names(await load());

    await plugin('a.js', 'after');
    await utimes(join(folder, 'a.js'), 1, 1);
    await rm(join(folder, 'b.js'));
    await plugin('c.js', 'new');
    const second = names(await load());

    expect(first).to.deep.equal(['before', 'removed']);
    expect(second).to.deep.equal(['after', 'new']);
  });

  it('works in a folder that cannot be written to', async () => {
    await plugin('a.js', 'a');
    await chmod(folder, 0o555);

    const registry = await load();

    expect(names(registry)).to.deep.equal(['a']);
  });

  for (const path of ['missing', 'package.json']) {
    it(`reports a folder that is none (${path})`, async () => {
      const registry = new PluginRegistry();

      await loadPlugins(join(folder, path), new NodeFiles(), registry);

      expect(registry.all).to.deep.equal([]);
      expect(registry.broken[0]?.origin).to.equal(join(folder, path));
    });
  }

  async function plugin(file: string, name: string, api = 1): Promise<void> {
    const text = `export default { api: ${api}, kind: 'command', name: '${name}', summary: 's', load() {} };`;
    await writeFile(join(folder, file), text);
  }

  async function load(): Promise<PluginRegistry> {
    const registry = new PluginRegistry();
    await loadPlugins(folder, new NodeFiles(), registry);
    return registry;
  }
});

function names(registry: PluginRegistry): string[] {
  return registry.all.map(({ plugin }) => plugin.name);
}
