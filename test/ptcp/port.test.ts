import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { DatagramProtocol } from '../../lib/protocol/datagram-protocol.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import type { PtcpPort } from '../../lib/ptcp/port.ts';
import { PtcpProvider } from '../../lib/ptcp/provider.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { resultOf } from '../support/results.ts';
import { bytesOf, text } from '../support/simulated-sockets.ts';

const LATENCY_MS = 500;

describe('PtcpPort', () => {
  let clock: VirtualClock;
  let reactor: MemoryReactor;
  let peer: MemoryReactor;
  let port: PtcpPort;

  beforeEach(() => {
    clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock, link: { latencyMs: LATENCY_MS } });
    const transports = [new PtcpProvider()];
    reactor = new MemoryReactor({ network, address: '10.0.0.1', transports });
    peer = new MemoryReactor({ network, address: '10.0.0.2', transports });
    port = reactor.listenPTCP(4915, Factory.forProtocol(Protocol));
    clock.advance(1);
  });

  afterEach(() => {
    void port.stopListening();
    expect(clock.runUntilIdle(200_000), 'the clock is idle').to.equal(true);
  });

  it('lives on when a listener of its events throws', () => {
    const thrown = new Error('in a listener');
    port.events.on('datagram', () => {
      throw thrown;
    });
    const stranger = new DatagramProtocol();
    const udp = peer.listenUDP(0, stranger);
    clock.advance(1);

    udp.write(bytesOf('this is no segment at all'), { host: '10.0.0.1', port: 4915 });
    clock.advance(LATENCY_MS);
    void udp.stopListening();

    expect(reactor.errors).to.deep.equal([{ error: thrown, where: 'datagram' }]);
  });

  it('leaves nothing behind of an attempt on a pseudo-port that is taken', () => {
    const events: string[] = [];
    class Counted extends ClientFactory {
      override startFactory(): void {
        events.push('start');
      }
      override stopFactory(): void {
        events.push('stop');
      }
    }
    port.connect('10.0.0.2', 1, new ClientFactory(), { localPseudoPort: 7 });

    const connect = () => port.connect('10.0.0.2', 1, new Counted(), { localPseudoPort: 7 });
    expect(connect).to.throw(UsageError);
    const stopped = reactor.run();
    reactor.stop();
    clock.advance(60_000);

    expect(events).to.deep.equal(['start', 'stop']);
    expect(resultOf(stopped)).to.equal(undefined);
  });

  it('connects to nobody once it is stopped', () => {
    let failure: Error | undefined;
    class Again extends ClientFactory {
      override clientConnectionFailed(_connector: unknown, reason: Error): void {
        failure = reason;
      }
    }
    const connector = port.connect('10.0.0.2', 1, new Again());
    connector.stopConnecting();
    void port.stopListening();
    clock.advance(1);

    expect(() => port.connect('10.0.0.2', 1, new ClientFactory())).to.throw(UsageError);
    failure = undefined;
    connector.connect();
    clock.advance(1);

    expect(failure).to.include({ code: 'ERR_CONNECT' });
  });

  it('sends at once what is written from writeConnectionLost', () => {
    const received: string[] = [];
    const servers: Protocol[] = [];
    class Server extends Protocol {
      override connectionMade(): void {
        servers.push(this);
      }
      override writeConnectionLost(): void {
        servers[0]?.transport.write(bytesOf('that one is done'));
      }
      override readConnectionLost(): void {}
    }
    class Client extends Protocol {
      override dataReceived(bytes: Uint8Array): void {
        received.push(`${text(bytes)} after ${clock.now() - halfClosedAt}`);
      }
      override readConnectionLost(): void {}
    }
    const listening = reactor.listenPTCP(4916, Factory.forProtocol(Server));
    for (let count = 0; count < 2; count += 1) {
      peer.connectPTCP('10.0.0.1', 4916, ClientFactory.forProtocol(Client));
    }
    clock.advance(10 * LATENCY_MS);

    const halfClosedAt = clock.now();
    servers[1]?.transport.loseWriteConnection();
    clock.advance(10 * LATENCY_MS);
    for (const server of servers) server.transport.abortConnection();
    void listening.stopListening();

    expect(received).to.deep.equal([`that one is done after ${LATENCY_MS}`]);
  });
});

describe('PtcpProvider', () => {
  it('refuses a profile that makes no sense before anything has begun', () => {
    const reactor = new MemoryReactor({ transports: [new PtcpProvider()] });

    const connect = () =>
      reactor.connectPTCP('127.0.0.1', 1, new ClientFactory(), { profile: { rtoMinMs: -1 } });

    expect(connect).to.throw(UsageError);
    expect(reactor.clock.pending).to.equal(0);
  });
});
