import { expect } from 'chai';
import sinon from 'sinon';
import { UsageError } from '../../../lib/errors.ts';
import { ClientFactory } from '../../../lib/protocol/factory.ts';
import { ListFactory, Recorder, RecordingClientFactory } from '../../../lib/testing/contract-world.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';

const CLIENT = '10.0.0.1';
const DEAD = '10.0.0.2';
const ALIVE = '10.0.0.3';

describe('TcpProvider', () => {
  let reactor: MemoryReactor;
  let server: Recorder;
  let factory: RecordingClientFactory;

  beforeEach(() => {
    const names = { both: [DEAD, ALIVE], dead: DEAD };
    const network = new SimulatedNetwork({ clock: new VirtualClock(), names });
    network.host(CLIENT, { aliases: ['10.0.0.9'] });
    network.host(DEAD);
    reactor = new MemoryReactor({ network, address: CLIENT });
    server = new Recorder();
    new MemoryReactor({ network, address: ALIVE }).listenTCP(80, new ListFactory(server));
    reactor.advance(0);
    factory = new RecordingClientFactory(new Recorder());
  });

  it('tries the addresses of a name until one answers', () => {
    reactor.connectTCP('both', 80, factory);
    reactor.advance(1_000);

    expect(server.count('made')).to.equal(1);
    expect(server.transport.getHost()).to.include({ host: ALIVE, port: 80 });
  });

  it('fails with the first reason when none answers', () => {
    reactor.connectTCP('dead', 80, factory);
    reactor.advance(1_000);

    expect(factory.reason).to.have.property('code', 'ERR_CONNECTION_REFUSED');
    expect(reactor.clock.pending).to.equal(0);
  });

  it('fails with DnsLookupError when a name has no address', () => {
    reactor.connectTCP('nobody', 80, factory);
    reactor.advance(1_000);

    expect(factory.reason).to.have.property('code', 'ERR_DNS_LOOKUP');
  });

  it('fails with DnsLookupError when a name has no address of the family it is bound to', () => {
    reactor.connectTCP('both', 80, factory, { bindAddress: '::1' });
    reactor.advance(1_000);

    expect(factory.reason).to.have.property('code', 'ERR_DNS_LOOKUP');
  });

  it('connects from the address it is told', () => {
    reactor.connectTCP(ALIVE, 80, factory, { bindAddress: '10.0.0.9' });
    reactor.advance(1_000);

    expect(server.transport.getPeer()).to.include({ host: '10.0.0.9' });
    expect(() => reactor.connectTCP(ALIVE, 80, new ClientFactory(), { bindAddress: 'here' })).to.throw(
      UsageError,
    );
  });

  it('times out while nobody answers, and leaves nothing behind', () => {
    reactor.network.partition(CLIENT, ALIVE);
    reactor.connectTCP(ALIVE, 80, factory, { timeoutMs: 500 });

    reactor.advance(499);
    expect(factory.reason).to.equal(undefined);
    reactor.advance(1);

    expect(factory.reason).to.have.property('code', 'ERR_TIMEOUT');
    expect(reactor.clock.pending).to.equal(0);
  });

  it('lingers for a peer that keeps its direction open, then resets it and ended well', () => {
    const stayer = Object.assign(new Recorder(), { readConnectionLost: sinon.spy() });
    new MemoryReactor({ network: reactor.network, address: DEAD }).listenTCP(80, new ListFactory(stayer));
    reactor.advance(0);
    const client = new Recorder();
    reactor.connectTCP(DEAD, 80, new RecordingClientFactory(client));
    reactor.advance(10);

    client.transport.loseConnection();
    reactor.advance(4_999);
    expect([client.count('lost'), stayer.readConnectionLost.callCount]).to.deep.equal([0, 1]);
    reactor.advance(1_000);

    expect(client.reason).to.have.property('code', 'ERR_CONNECTION_DONE');
    expect(stayer.reason).to.have.property('code', 'ERR_CONNECTION_RESET');
  });
});
