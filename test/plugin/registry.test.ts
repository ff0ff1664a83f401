import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { definePlugin, PLUGIN_API } from '../../lib/plugin/contract.ts';
import { PluginRegistry } from '../../lib/plugin/registry.ts';

describe('PluginRegistry', () => {
  const manifest = definePlugin({
    api: PLUGIN_API,
    kind: 'command',
    name: 'greet',
    summary: 'Greets',
    load: async () => async () => 0,
  });

  it('finds a plugin by kind and name, and does not load it', async () => {
    const registry = new PluginRegistry();
    let loads = 0;
    const load = async () => {
      loads += 1;
      return async () => 0;
    };
    const counting = { ...manifest, load };

    registry.add(counting, 'a.ts');

    expect(registry.find('command', 'greet')).to.equal(counting);
    expect(registry.find('service', 'greet')).to.equal(undefined);
    expect(registry.find('command', 'other')).to.equal(undefined);
    expect(registry.ofKind('command').map(({ origin }) => origin)).to.deep.equal(['a.ts']);
    expect(loads).to.equal(0);
  });

  it('takes a name that is put together with a plus sign', () => {
    const registry = new PluginRegistry();

    registry.add({ ...manifest, name: 'ptcp+tls' }, 'a.ts');

    expect(registry.find('command', 'ptcp+tls')).to.be.an('object');
  });

  it('takes two plugins of one name until that name is used, and then names both files', () => {
    const registry = new PluginRegistry();

    registry.add(manifest, 'a.ts');
    registry.add(manifest, 'b.ts');
    registry.add({ ...manifest, name: 'other' }, 'c.ts');

    expect(registry.find('command', 'other')).to.be.an('object');
    expect(() => registry.find('command', 'greet')).to.throw(UsageError, /a\.ts and b\.ts/);
  });

  const broken: [string, unknown, RegExp][] = [
    ['nothing', undefined, /no default export/],
    ['a function', () => 0, /no default export/],
    ['the empty exports of a CommonJS module', {}, /no default export made by definePlugin$/],
    ['a module within a module', { default: manifest }, /no default export/],
    ['another API', { ...manifest, api: 2 }, /plugin API 2; this is 1/],
    ['an unknown kind', { ...manifest, kind: 'toString' }, /its kind is toString/],
    ['a name with a colon', { ...manifest, name: 'a:b' }, /its name/],
    ['a name that begins with a plus', { ...manifest, name: '+a' }, /its name/],
    ['a summary of two lines', { ...manifest, summary: 'a\nb' }, /summary/],
    ['no load', { ...manifest, load: undefined }, /no load/],
  ];
  for (const [what, candidate, reason] of broken) {
    it(`notes ${what} as broken, with its origin and the reason`, () => {
      const registry = new PluginRegistry();

      registry.add(candidate, 'x.ts');
      registry.add(manifest, 'y.ts');

      expect(registry.broken).to.have.length(1);
      expect(registry.broken[0]?.origin).to.equal('x.ts');
      expect(registry.broken[0]?.reason).to.match(reason);
      expect(registry.all).to.have.length(1);
    });
  }
});
