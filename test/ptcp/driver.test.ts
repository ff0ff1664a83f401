import { expect } from 'chai';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { PtcpProvider } from '../../lib/ptcp/provider.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { bytesOf, text } from '../support/simulated-sockets.ts';

const TIME_WAIT_MS = 60_000;

describe('Driver', () => {
  let reactor: MemoryReactor;
  let events: string[];
  let server: Protocol;
  let client: Protocol;

  class Reader extends Protocol {
    override connectionMade(): void {
      client = this;
      this.transport.loseWriteConnection();
      this.transport.pauseProducing();
    }
    override dataReceived(bytes: Uint8Array): void {
      events.push(text(bytes));
    }
    override connectionLost(reason: Error): void {
      events.push(reason.name);
    }
  }

  class Writer extends Protocol {
    override connectionMade(): void {
      server = this;
      this.transport.write(bytesOf('what was sent'));
    }
    override readConnectionLost(): void {}
  }

  beforeEach(() => {
    events = [];
    reactor = new MemoryReactor({ transports: [new PtcpProvider()] });
    const port = reactor.listenPTCP(4915, Factory.forProtocol(Writer));
    reactor.advance(1);
    reactor.connectPTCP('127.0.0.1', 4915, ClientFactory.forProtocol(Reader));
    reactor.advance(500);
    void port.stopListening();
  });

  afterEach(() => {
    expect(reactor.clock.runUntilIdle(200_000), 'the clock is idle').to.equal(true);
  });

  it('keeps for a paused protocol what came before its socket was closed', () => {
    server.transport.loseConnection();
    reactor.advance(TIME_WAIT_MS + 10_000);
    expect(events).to.deep.equal([]);

    client.transport.resumeProducing();
    reactor.advance(1);

    expect(events).to.deep.equal(['what was sent', 'ConnectionDone']);
  });

  it('tells a paused protocol that its connection was reset', () => {
    server.transport.abortConnection();
    reactor.advance(10_000);

    client.transport.resumeProducing();
    reactor.advance(1);

    expect(events.at(-1)).to.equal('ConnectionReset');
  });

  it('lets the reactor stop while a paused protocol has not heard of the end', () => {
    server.transport.loseConnection();
    reactor.advance(1_000);

    void reactor.run();
    reactor.stop();
    reactor.advance(6_000);

    expect(reactor.running).to.equal(false);
    expect(events).to.deep.equal(['ConnectionDone']);
  });
});
