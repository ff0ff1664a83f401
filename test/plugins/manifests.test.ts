import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { loadPlugins, OWN_PLUGINS } from '../../lib/plugin/loader.ts';
import { PluginRegistry } from '../../lib/plugin/registry.ts';
import { NodeFiles } from '../../lib/reactor/node/files.ts';

describe("the package's own plugins", () => {
  const registry = new PluginRegistry();

  before(() => loadPlugins(OWN_PLUGINS, new NodeFiles(), registry));

  it('are all sound', () => {
    expect(registry.broken).to.deep.equal([]);
  });

  it('bring the commands, endpoint words and checkers of the command line', () => {
    const commands = registry.ofKind('command').map(({ plugin }) => plugin.name);
    const words = registry.ofKind('endpoint').map(({ plugin }) => plugin.name);

    expect(commands).to.include.members(['certificate', 'plugins', 'receive', 'send']);
    const checkers = registry.ofKind('checker').map(({ plugin }) => plugin.name);
    expect(checkers).to.include.members(['anonymous', 'file', 'memory']);
    expect(words).to.include.members(['ptcp', 'ptcp+tls', 'tcp', 'tls']);
  });

  it('load what they stand for', async () => {
    for (const { plugin } of registry.ofKind('command')) {
      expect(await plugin.load(), plugin.name).to.be.a('function');
    }
    for (const { plugin } of registry.ofKind('checker')) {
      expect(await plugin.load(), plugin.name).to.be.a('function');
    }
    for (const { plugin } of registry.ofKind('endpoint')) {
      expect(await plugin.load(), plugin.name).to.have.property('parseClient');
    }
    for (const { plugin } of registry.ofKind('checker')) {
      expect(await plugin.load(), plugin.name).to.be.a('function');
    }
  });

  it('are small, and import nothing but the contract until they are used', async () => {
    for (const { origin } of registry.all) {
      const text = await readFile(origin, 'utf8');
      const imported = [...text.matchAll(/^import (?!type).* from '(.*)';$/gm)].map((match) => match[1]);

      expect(text.split('\n').length, origin).to.be.at.most(40);
      expect(imported, origin).to.deep.equal(['../lib/plugin/contract.ts']);
    }
  });
});
