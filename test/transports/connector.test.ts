import { expect } from 'chai';
import sinon from 'sinon';
import { ConnectionRefused, NotConnecting, TimeoutError, UsageError } from '../../lib/errors.ts';
import type { ConnectorLike } from '../../lib/interfaces/protocol.ts';
import type { TransportHost } from '../../lib/interfaces/reactor.ts';
import { ClientFactory } from '../../lib/protocol/factory.ts';
import { Recorder, RecordingClientFactory } from '../../lib/testing/contract-world.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { type AttemptEvents, StreamConnector } from '../../lib/transports/connector.ts';
import { memoryChannelPair } from '../../lib/transports/memory/channel.ts';

describe('StreamConnector', () => {
  let clock: VirtualClock;
  let host: TransportHost;
  let reported: unknown[];
  let attempts: AttemptEvents[];
  let givenUp: number;

  beforeEach(() => {
    clock = new VirtualClock();
    reported = [];
    attempts = [];
    givenUp = 0;
    host = {
      clock,
      sockets: {} as TransportHost['sockets'],
      entropy: { fill: () => {} },
      lingerMs: 1_000,
      adopt: sinon.spy(),
      release: sinon.spy(),
      reportError: (error) => reported.push(error),
    };
  });

  afterEach(() => {
    expect(clock.pending).to.equal(0);
  });

  function connecting(factory: ClientFactory, timeoutMs?: number): StreamConnector {
    const connector = new StreamConnector({
      host,
      destination: { type: 'memory', name: 'there' },
      factory,
      timeoutMs,
      attempt: (events) => {
        attempts.push(events);
        return () => {
          givenUp += 1;
        };
      },
    });
    connector.connect();
    return connector;
  }

  /** What the network would do: hands the latest attempt its connection, and returns the other end. */
  function succeed() {
    const end = (name: string) => ({ host, address: { type: 'memory', name } as const });
    const [here, there] = memoryChannelPair(end('here'), end('there'));
    attempts.at(-1)?.connected(here);
    return there;
  }

  it('goes from connecting to connected to disconnected', () => {
    const factory = new RecordingClientFactory(new Recorder());
    const connector = connecting(factory);
    const states: string[] = [connector.state];

    const there = succeed();
    states.push(connector.state);
    there.abort();
    clock.advance(0);
    states.push(connector.state);

    expect(states).to.deep.equal(['connecting', 'connected', 'disconnected']);
    expect(factory.events).to.deep.equal(['start', 'lost', 'stop']);
    expect(connector.getDestination()).to.deep.equal({ type: 'memory', name: 'there' });
  });

  it('gives up after 30 seconds unless told otherwise', () => {
    const factory = new RecordingClientFactory(new Recorder());
    connecting(factory);

    clock.advance(29_999);
    expect(factory.events).to.deep.equal(['start']);
    clock.advance(1);

    expect(factory.reason).to.be.instanceOf(TimeoutError);
    expect(givenUp).to.equal(1);
  });

  it('waits as long as the network when its limit is NEVER', () => {
    connecting(new RecordingClientFactory(new Recorder()), Number.POSITIVE_INFINITY);

    expect(clock.pending).to.equal(0);
  });

  it('refuses to connect while it connects, and to stop connecting when it does not', () => {
    const connector = connecting(new RecordingClientFactory(new Recorder()));

    expect(() => connector.connect()).to.throw(UsageError);
    attempts[0]?.failed(new ConnectionRefused());

    expect(() => connector.stopConnecting()).to.throw(NotConnecting);
    expect(givenUp).to.equal(0);
  });

  it('ends whatever there is with disconnect', () => {
    const factory = new RecordingClientFactory(new Recorder());
    const connector = connecting(factory);

    connector.disconnect();
    clock.advance(0);
    connector.connect();
    const there = succeed();
    connector.disconnect();
    there.close();
    clock.advance(0);
    connector.disconnect();

    expect(factory.events).to.deep.equal(['start', 'failed', 'stop', 'start', 'lost', 'stop']);
  });

  it('keeps its factory in use through attempts that follow each other', () => {
    const factory = new RecordingClientFactory(new Recorder());
    let failures = 0;
    factory.clientConnectionFailed = (connector: ConnectorLike) => {
      failures += 1;
      if (failures < 3) connector.connect();
    };
    connecting(factory);

    for (let count = 0; count < 3; count++) attempts.at(-1)?.failed(new ConnectionRefused());

    expect(attempts).to.have.length(3);
    expect(factory.events).to.deep.equal(['start', 'stop']);
  });

  it('begins nothing when startFactory throws', () => {
    const factory = new ClientFactory();
    sinon.stub(factory, 'startFactory').throws(new Error('no'));

    expect(() => connecting(factory)).to.throw('no');

    expect(attempts).to.deep.equal([]);
  });

  it('begins nothing with a limit that is none', () => {
    const factory = new RecordingClientFactory(new Recorder());

    expect(() => connecting(factory, Number.NaN)).to.throw(UsageError);

    expect(attempts).to.deep.equal([]);
    expect(factory.events).to.deep.equal(['start', 'stop']);
    sinon.assert.calledOnce(host.release as sinon.SinonSpy);
  });

  it('gives up an attempt whose startedConnecting throws', () => {
    const factory = new RecordingClientFactory(new Recorder());
    const thrown = new Error('in startedConnecting');
    factory.startedConnecting = () => {
      throw thrown;
    };

    connecting(factory);
    clock.advance(0);

    expect(factory.reason).to.include({ code: 'ERR_CONNECTING_CANCELLED', cause: thrown });
    expect(reported).to.deep.equal([thrown]);
  });

  it('reports what clientConnectionLost throws, and is disconnected', () => {
    const factory = new RecordingClientFactory(new Recorder());
    const thrown = new Error('in clientConnectionLost');
    factory.clientConnectionLost = () => {
      throw thrown;
    };
    const connector = connecting(factory);

    succeed().abort();
    clock.advance(0);

    expect([connector.state, reported]).to.deep.equal(['disconnected', [thrown]]);
    expect(factory.events).to.deep.equal(['start', 'stop']);
  });

  it('fails with what buildProtocol threw, and resets the connection', () => {
    const factory = new RecordingClientFactory(undefined);
    const thrown = new Error('in buildProtocol');
    factory.buildProtocol = () => {
      throw thrown;
    };
    connecting(factory);

    const closed = sinon.spy();
    const there = succeed();
    there.attach({ channelClosed: closed } as never);
    clock.advance(0);

    expect(factory.reason).to.include({ code: 'ERR_NO_PROTOCOL', cause: thrown });
    expect(closed.firstCall.args[0]).to.have.property('code', 'ERR_CONNECTION_RESET');
  });
});
