import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { UdpAddress } from '../../lib/interfaces/address.ts';
import type { TransportHost } from '../../lib/interfaces/reactor.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { Driver, type OpeningEvents } from '../../lib/ptcp/driver.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
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
    reactor = new MemoryReactor();
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

  it('keeps no process alive for TIME-WAIT', () => {
    client.transport.resumeProducing();
    expect(reactor.clock.keepAliveCount).to.be.above(0);
    server.transport.loseConnection();
    reactor.advance(10_000);

    expect(events).to.deep.equal(['what was sent', 'ConnectionDone']);
    expect(reactor.clock.pending, 'TIME-WAIT is not over').to.equal(1);
    expect(reactor.clock.keepAliveCount).to.equal(0);
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

describe('Driver, opening a connection', () => {
  let clock: VirtualClock;
  let sentTo: (UdpAddress | undefined)[];

  function driverOf(isConnected: boolean): Driver {
    clock = new VirtualClock();
    sentTo = [];
    const host: TransportHost = {
      clock,
      sockets: undefined as never,
      entropy: new Prng(1),
      lingerMs: 5_000,
      adopt: () => {},
      release: () => {},
      reportError: () => {},
    };
    const driver = new Driver(host, {}, 'IPv6', { isConnected });
    driver.start({
      host: '::',
      port: 7,
      family: 'IPv6',
      receiveBufferBytes: 0,
      sendBufferBytes: 0,
      sendBurst: (_burst, to) => {
        sentTo.push(to);
        return 'sent';
      },
      connect: () => {},
      keepAlive: () => {},
      close: (done) => done(),
    });
    return driver;
  }

  it('hears of a refusal though a stranger wrote to the socket before it was connected', () => {
    const driver = driverOf(true);
    const reasons: string[] = [];

    driver.datagram(new Uint8Array(40), '2001:db8::bad', 9);
    driver.open({ host: '::1', port: 5 }, 49_153, {}, events(reasons));
    clock.advance(1);
    driver.error('ECONNREFUSED');
    clock.advance(1);
    driver.retire();

    expect(reasons).to.deep.equal(['refused']);
    expect(clock.runUntilIdle(60_000)).to.equal(true);
  });

  it('has one clock call, however many connections wait for something', () => {
    const driver = driverOf(false);

    for (let pseudoPort = 50_000; pseudoPort < 50_100; pseudoPort += 1)
      driver.open({ host: '::1', port: 5 }, pseudoPort, {}, events([]));
    clock.advance(1);

    expect(sentTo).to.have.lengthOf(100);
    expect(driver.endpoint.connectionCount).to.equal(100);
    expect(clock.pending).to.equal(1);
    driver.retire();
    expect(clock.runUntilIdle(600_000)).to.equal(true);
  });

  it('knows its peer however the address was spelled', () => {
    const driver = driverOf(false);

    const giveUp = driver.open({ host: '0:0:0:0:0:0:0:1', port: 5 }, 49_153, {}, events([]));
    clock.advance(1);
    giveUp?.();
    driver.retire();

    expect(sentTo[0]).to.deep.equal({ host: '::1', port: 5 });
    expect(clock.runUntilIdle(60_000)).to.equal(true);
  });

  function events(reasons: string[]): OpeningEvents {
    return { established: () => {}, failed: (reason) => reasons.push(reason) };
  }
});
