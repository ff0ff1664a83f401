import { expect } from 'chai';
import sinon from 'sinon';
import type { CheckerWorld } from '../../lib/cred/checker.ts';
import { checkerFromString, checkerWords } from '../../lib/cred/checker-from-string.ts';
import { Anonymous, UsernamePassword } from '../../lib/cred/credentials.ts';
import { Portal } from '../../lib/cred/portal.ts';
import { definePlugin, PLUGIN_API } from '../../lib/plugin/contract.ts';
import type { PluginRegistry } from '../../lib/plugin/registry.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { commandContext } from '../support/command-context.ts';
import { CHEAP, failureOf } from '../support/logins.ts';
import { MemoryDisk, MemoryFiles } from '../support/memory-files.ts';

describe('checkerFromString', () => {
  let plugins: PluginRegistry;
  const world: CheckerWorld = {
    files: new MemoryFiles(new MemoryDisk()),
    cryptography: new NodeCryptography(),
    clock: new VirtualClock(),
    report: () => {},
    cost: CHEAP,
  };

  beforeEach(async () => {
    plugins = (await commandContext()).plugins;
  });

  it('makes a checker of users on the command line', async () => {
    const checker = await checkerFromString('memory:alice:sesame:bob:open', plugins, world);
    const portal = new Portal({ requestAvatar: (avatarId) => ({ avatar: avatarId }) }, [checker]);

    expect((await portal.login(new UsernamePassword('bob', 'open'), undefined)).avatar).to.equal('bob');
    expect(await failureOf(portal.login(new UsernamePassword('bob', 'sesame'), undefined))).to.have.property(
      'code',
      'ERR_UNAUTHORIZED_LOGIN',
    );
  });

  it('makes a checker of a password file, whatever colons its path has', async () => {
    const checker = await checkerFromString('file:C:\\users', plugins, world);

    const failure = await failureOf(
      Promise.resolve(checker.requestAvatarId(new UsernamePassword('alice', 'sesame'))),
    );

    expect(failure).to.have.property('code', 'ERR_USER_STORE');
    expect(failure).to.have.property('message').that.contains('C:\\users');
  });

  it('makes a checker that lets anybody in, with or without the colon', async () => {
    for (const text of ['anonymous', 'anonymous:']) {
      const checker = await checkerFromString(text, plugins, world);
      expect(await checker.requestAvatarId(new Anonymous())).to.deep.equal({ anonymous: true });
    }
  });

  it('names the words there are when a text begins with another', async () => {
    for (const text of [
      '',
      ':',
      'ldap:secret',
      'FILE:x',
      'file',
      'file:',
      'memory:',
      'memory:alice',
      'memory:alice:',
      'anonymous:x',
      'memory:\0:x',
      'memory:x:\0',
    ]) {
      const failure = await failureOf(checkerFromString(text, plugins, world));
      expect(failure, text).to.have.property('code', 'ERR_USAGE');
      expect(failure.message, text).not.to.contain('secret').and.not.to.contain('\n');
    }
    const unknown = await failureOf(checkerFromString('ldap:secret', plugins, world));
    expect(unknown.message).to.contain('"ldap"').and.to.contain('anonymous, file, memory');
  });

  it('closes and refuses a checker of credentials that nobody has a use for', async () => {
    const close = sinon.spy();
    plugins.add(
      definePlugin({
        api: PLUGIN_API,
        kind: 'checker',
        name: 'tokens',
        summary: 'Tokens',
        load: async () => () => ({ kinds: ['token'], requestAvatarId: () => '', close }),
      }),
      'here',
    );

    const failure = await failureOf(
      checkerFromString('tokens', plugins, world, { kinds: ['password', 'anonymous'] }),
    );

    expect(failure).to.have.property('code', 'ERR_USAGE');
    expect(failure.message).to.contain('token;').and.to.contain('password, anonymous');
    expect(close.callCount).to.equal(1);
    expect(
      (await checkerFromString('anonymous', plugins, world, { kinds: ['anonymous'] })).kinds,
    ).to.deep.equal(['anonymous']);
  });

  it('lists each word once, and loads no plugin for that', async () => {
    const load = sinon.spy(async () => () => ({ kinds: [], requestAvatarId: () => '' }));
    for (const origin of ['here', 'there']) {
      plugins.add(
        definePlugin({ api: PLUGIN_API, kind: 'checker', name: 'twice', summary: `From ${origin}`, load }),
        origin,
      );
    }

    const words = checkerWords(plugins).map(({ word }) => word);

    expect(words).to.include.members(['anonymous', 'file', 'memory', 'twice']);
    expect(new Set(words).size).to.equal(words.length);
    expect(load.callCount).to.equal(0);
    const twice = await failureOf(checkerFromString('twice', plugins, world));
    expect(twice.message).to.contain('here').and.to.contain('there');
  });
});
