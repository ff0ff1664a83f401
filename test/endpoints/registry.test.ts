import { expect } from 'chai';
import sinon from 'sinon';
import type { Deferred } from '../../lib/defer/deferred.ts';
import type { EndpointReactor } from '../../lib/endpoints/endpoint.ts';
import { tcpEndpoints } from '../../lib/endpoints/inet.ts';
import { EndpointRegistry } from '../../lib/endpoints/registry.ts';
import { UsageError } from '../../lib/errors.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';

describe('EndpointRegistry', () => {
  const registry = EndpointRegistry.withBuiltIns();
  let reactor: { listen: sinon.SinonStub; connect: sinon.SinonStub } & EndpointReactor;

  beforeEach(() => {
    reactor = {
      listen: sinon.stub().returns({ listening: Promise.resolve() }),
      connect: sinon.stub(),
    };
  });

  async function failureOf(deferred: Deferred<unknown>): Promise<Error> {
    return deferred.then(
      () => expect.fail('it did not fail'),
      (error: unknown) => error as Error,
    );
  }

  it('makes client endpoints of text', async () => {
    const endpoint = await registry.clientFromString(reactor, 'ptcp:[::1]:4000:pseudoPort=7:timeoutMs=500');

    endpoint.connect(new ClientFactory());

    const [kind, target, , options] = reactor.connect.firstCall.args;
    expect([kind, target, options]).to.deep.equal([
      'ptcp',
      { host: '::1', port: 4_000 },
      { pseudoPort: 7, timeoutMs: 500 },
    ]);
  });

  it('makes server endpoints of text', async () => {
    const endpoint = await registry.serverFromString(reactor, 'tcp:0:interface=[::1]:backlog=5');

    await endpoint.listen(new Factory());

    const [kind, target, , options] = reactor.listen.firstCall.args;
    expect([kind, target, options]).to.deep.equal(['tcp', { host: '::1', port: 0 }, { backlog: 5 }]);
  });

  for (const [text, message] of [
    ['tcp:example.org', 'tcp:HOST:PORT'],
    ['tcp::80', 'tcp:HOST:PORT'],
    ['tcp:::1:80', 'brackets'],
    ['tcp:example.org:0', 'PORT'],
    ['tcp:example.org:65536', 'PORT'],
    ['tcp:example.org:http', 'PORT'],
    ['tcp:example.org:80:timeout=5', 'timeoutMs'],
    ['tcp:example.org:80:timeoutMs=soon', 'timeoutMs'],
    ['tcp:example.org:80:bindAddress=localhost', 'bindAddress'],
    ['ptcp:example.org:80:pseudoPort=65536', 'pseudoPort'],
    ['pigeon:example.org:80', 'pigeon'],
  ] as const) {
    it(`refuses the client endpoint ${text}, and says why`, async () => {
      const failure = await failureOf(registry.clientFromString(reactor, text));

      expect(failure).to.be.instanceOf(UsageError);
      expect(failure.message).to.include(message);
    });
  }

  for (const text of ['tcp:localhost:80', 'tcp:65536', 'tcp:80:interface=localhost', 'ptcp:80:backlog=1']) {
    it(`refuses the server endpoint ${text}`, async () => {
      expect(await failureOf(registry.serverFromString(reactor, text))).to.be.instanceOf(UsageError);
    });
  }

  it('loads the parser of a word when it is used, and tells why that failed', async () => {
    const own = new EndpointRegistry();
    const broken = new Error('broken');
    const load = sinon.stub().resolves(tcpEndpoints);
    own.add('lazy', load);
    own.add('broken', () => Promise.reject(broken));
    expect(load.callCount).to.equal(0);

    await own.clientFromString(reactor, 'lazy:host:1');

    expect(load.callCount).to.equal(1);
    expect(await failureOf(own.clientFromString(reactor, 'broken:host:1'))).to.equal(broken);
    expect(() => own.add('lazy', load)).to.throw(UsageError);
  });
});
