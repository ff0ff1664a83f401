import { expect } from 'chai';
import { findTrespasses } from '../../tools/check-floors.ts';

describe('check-floors', () => {
  const check = (path: string, text: string): string[] =>
    findTrespasses({ path, text }, () => true).map(({ line, message }) => `${line}: ${message}`);
  const using = (specifier: string): string => `\nimport { a } from '${specifier}';\na();`;

  it('lets a room import from itself and from below', () => {
    const good: [string, string][] = [
      ['lib/bytes/a.ts', '../errors.ts'],
      ['lib/bytes/a.ts', './b.ts'],
      ['lib/ptcp/core/wire/a.ts', '../../../bytes/crc32.ts'],
      ['lib/ptcp/a.ts', './core/index.ts'],
      ['lib/ptcp/a.ts', '../transports/stream-transport.ts'],
      ['lib/reactor/node/a.ts', 'node:dgram'],
      ['lib/reactor/reactor.ts', 'eventemitter3'],
      ['lib/reactor/default.ts', './node/clock.ts'],
      ['lib/testing/a.ts', '../ptcp/core/index.ts'],
      ['protocols/echo.ts', '../lib/protocol/protocol.ts'],
      ['lib/cli/main.ts', 'commander'],
      ['examples/demo/main.ts', 'hawser/testing'],
      ['test/a.test.ts', '../lib/cli/main.ts'],
    ];

    for (const [path, specifier] of good) expect(check(path, using(specifier)), path).to.deep.equal([]);
  });

  it('names the line, the import and the rule of what leads up or aside', () => {
    const bad: [string, string, string][] = [
      ['lib/errors.ts', './time/clock.ts', 'errors may not import from time'],
      ['lib/interfaces/a.ts', '../time/clock.ts', 'interfaces may not import more than types from time'],
      ['lib/bytes/a.ts', '../defer/deferred.ts', 'bytes may not import from defer'],
      ['lib/ptcp/core/a.ts', '../../defer/deferred.ts', 'ptcp-core may not import from defer'],
      ['lib/ptcp/core/a.ts', '../../nat/core/stun.ts', 'ptcp-core may not import from nat-core'],
      ['lib/ptcp/core/a.ts', '../../trace/trace.ts', 'ptcp-core may not import more than types from trace'],
      ['lib/ptcp/core/a.ts', 'node:crypto', 'ptcp-core does no input or output'],
      ['lib/ptcp/a.ts', '../transports/tcp/channel.ts', 'ptcp may not import from transports'],
      ['lib/ptcp/core/a.ts', 'eventemitter3', 'ptcp-core does without the package eventemitter3'],
      ['lib/transports/tcp/a.ts', '../../reactor/default.ts', 'transports may not import from default'],
      ['lib/reactor/reactor.ts', './default.ts', 'reactor may not import from default'],
      ['lib/testing/a.ts', 'node:fs', 'testing does no input or output'],
      ['lib/cli/a.ts', 'node:net', 'cli does no input or output'],
      ['lib/cli/a.ts', '../../test/support/a.ts', 'cli may not import from workshop'],
      ['protocols/a.ts', '../lib/ptcp/core/index.ts', 'protocols may not import from ptcp-core'],
      ['plugins/a.ts', '../protocols/echo.ts', 'plugins may not import from protocols'],
      ['examples/a.ts', '../lib/index.ts', 'examples may not import from index'],
    ];

    for (const [path, specifier, rule] of bad) {
      expect(check(path, using(specifier)), path).to.deep.equal([`2: '${specifier}': ${rule}`]);
    }
  });

  it('sees every form of import', () => {
    const forms = [
      "import '../defer/a.ts';",
      "import type { A } from '../defer/a.ts';",
      "export { a } from '../defer/a.ts'; export const b = 1;",
      "export * from '../defer/a.ts'; export const b = 1;",
      "const a = await import('../defer/a.ts');",
      "type A = import('../defer/a.ts').A;",
      "function f() { return () => import('../defer/a.ts'); }",
    ];

    for (const form of forms) {
      expect(check('lib/bytes/a.ts', form), form).to.deep.equal([
        "1: '../defer/a.ts': bytes may not import from defer",
      ]);
    }
  });

  it('lets types through where only types may pass, and lazy imports where only those may', () => {
    expect(check('lib/interfaces/a.ts', "import type { A } from '../time/clock.ts';")).to.deep.equal([]);
    expect(check('lib/interfaces/a.ts', "import { type A } from '../time/clock.ts';")).to.deep.equal([]);
    expect(check('lib/interfaces/a.ts', "import { type A, b } from '../time/clock.ts';")).to.have.length(1);
    expect(check('plugins/echo.ts', "const { Echo } = await import('../protocols/echo.ts');")).to.deep.equal(
      [],
    );
  });

  it('finds what is not there, has no room, or only re-exports', () => {
    const missing = findTrespasses({ path: 'lib/bytes/a.ts', text: using('./gone.ts') }, () => false);

    expect(missing.map(({ message }) => message)).to.deep.equal([
      "'./gone.ts': there is no lib/bytes/gone.ts",
    ]);
    expect(check('lib/attic/a.ts', 'export const a = 1;')).to.have.length(1);
    expect(check('lib/bytes/index.ts', "export { a } from './a.ts';")).to.deep.equal([
      '1: only re-exports: import from where things are defined',
    ]);
    expect(check('protocols/amp/index.ts', "export { a } from './a.ts';")).to.deep.equal([]);
  });
});
