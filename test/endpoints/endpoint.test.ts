import { expect } from 'chai';
import {
  connectProtocol,
  TransportClientEndpoint,
  TransportServerEndpoint,
} from '../../lib/endpoints/endpoint.ts';
import type { StreamProtocol } from '../../lib/interfaces/protocol.ts';
import { Factory } from '../../lib/protocol/factory.ts';
import { ListFactory, Recorder } from '../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';

describe('endpoints', () => {
  let reactor: MemoryReactor;

  beforeEach(() => {
    reactor = new MemoryReactor();
  });

  afterEach(() => {
    expect(reactor.clock.runUntilIdle(60_000)).to.equal(true);
  });

  function client(name = 'here', options: object = {}): TransportClientEndpoint {
    return new TransportClientEndpoint(reactor, 'memory', { host: name, port: 0 }, options);
  }

  function listen(...protocols: (StreamProtocol | undefined)[]): void {
    void new TransportServerEndpoint(reactor, 'memory', { host: 'here', port: 0 }).listen(
      new ListFactory(...protocols),
    );
    reactor.advance(0);
  }

  /** What comes of `connecting` when time has passed. */
  function outcome(connecting: PromiseLike<unknown>): Promise<unknown> {
    const settled = connecting.then(
      (value) => value,
      (error: unknown) => error,
    );
    reactor.advance(60_000);
    return settled as Promise<unknown>;
  }

  it('fire with the protocol after its connectionMade', () => {
    listen(new Recorder());
    const protocol = new Recorder();
    let eventsThen: string[] = [];

    client()
      .connect(new ListFactory(protocol))
      .addCallback((connected) => {
        expect(connected).to.equal(protocol);
        eventsThen = [...protocol.events];
      });
    reactor.advance(0);

    expect(eventsThen).to.deep.equal(['made']);
    protocol.transport.abortConnection();
  });

  it('connect a protocol without a factory', async () => {
    listen(new Recorder());
    const protocol = new Recorder();

    expect(await outcome(connectProtocol(client(), protocol))).to.equal(protocol);
  });

  it('fail with NoProtocol when the factory builds none', async () => {
    listen(new Recorder());

    expect(await outcome(client().connect(new ListFactory(undefined)))).to.have.property(
      'code',
      'ERR_NO_PROTOCOL',
    );
  });

  it('fail with the exception behind it when connectionMade throws', async () => {
    listen(new Recorder());
    const protocol = new Recorder();
    const thrown = new Error('in connectionMade');
    protocol.onMade = () => {
      throw thrown;
    };

    const failure = await outcome(client().connect(new ListFactory(protocol)));

    expect(failure).to.include({ code: 'ERR_CONNECTION_ABORTED', cause: thrown });
  });

  it('fail when nobody listens', async () => {
    expect(await outcome(client('nowhere').connect(new Factory()))).to.have.property(
      'code',
      'ERR_CONNECTION_REFUSED',
    );
  });

  it('give up when they are cancelled, and leave nothing behind', async () => {
    listen(new Recorder());
    const protocol = new Recorder();
    const connecting = client().connect(new ListFactory(protocol));

    connecting.cancel();
    const failure = await outcome(connecting);

    expect(failure).to.have.property('code', 'ERR_CONNECTING_CANCELLED');
    expect(protocol.events).to.deep.equal([]);
    expect(reactor.clock.pending).to.equal(0);
  });

  it('use their factory while they connect and are connected', () => {
    listen(new Recorder());
    const protocol = new Recorder();
    const factory = new ListFactory(protocol);
    const uses: string[] = [];
    factory.startFactory = () => void uses.push('start');
    factory.stopFactory = () => void uses.push('stop');

    void client().connect(factory);
    reactor.advance(0);
    expect(uses).to.deep.equal(['start']);
    protocol.transport.loseConnection();
    reactor.advance(0);

    expect(uses).to.deep.equal(['start', 'stop']);
  });

  it('listen: the Deferred fires with the port', async () => {
    const endpoint = new TransportServerEndpoint(reactor, 'memory', { host: 'here', port: 0 });
    const first = endpoint.listen(new Factory());
    const second = endpoint.listen(new Factory());
    reactor.advance(0);

    expect((await first).getHost()).to.deep.equal({ type: 'memory', name: 'here' });
    expect(await outcome(second)).to.have.property('code', 'ERR_CANNOT_LISTEN');
  });
});
