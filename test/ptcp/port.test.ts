import { expect } from 'chai';
import sinon from 'sinon';
import { crc32 } from '../../lib/bytes/crc32.ts';
import { Prng } from '../../lib/bytes/prng.ts';
import { InvalidAddressError, UsageError } from '../../lib/errors.ts';
import type { Address, UdpAddress } from '../../lib/interfaces/address.ts';
import { DatagramProtocol } from '../../lib/protocol/datagram-protocol.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { TcpInfo } from '../../lib/ptcp/core/tcp-info.ts';
import type { PtcpPort } from '../../lib/ptcp/port.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { resultOf } from '../support/results.ts';
import { bytesOf, text } from '../support/simulated-sockets.ts';

const LATENCY_MS = 500;

describe('PtcpPort', () => {
  let clock: VirtualClock;
  let network: SimulatedNetwork;
  let reactor: MemoryReactor;
  let peer: MemoryReactor;
  let port: PtcpPort;

  beforeEach(() => {
    clock = new VirtualClock();
    network = new SimulatedNetwork({ clock, link: { latencyMs: LATENCY_MS } });
    reactor = new MemoryReactor({ network, address: '10.0.0.1' });
    peer = new MemoryReactor({ network, address: '10.0.0.2' });
    port = reactor.listenPTCP(4915, Factory.forProtocol(Protocol));
    clock.advance(1);
  });

  /** What comes to a UDP port of the peer, with where it came from. */
  class Stranger extends DatagramProtocol {
    readonly received: string[] = [];
    override datagramReceived(datagram: Uint8Array, { host, port: from }: UdpAddress): void {
      this.received.push(`${host}:${from} ${text(datagram)}`);
    }
  }

  /** A bare endpoint behind a UDP port of the peer, talking to port 4916. */
  class EndpointRelay extends DatagramProtocol {
    readonly #endpoint: PtcpEndpoint;
    readonly #out = new Uint8Array(2000);
    constructor(endpoint: PtcpEndpoint) {
      super();
      this.#endpoint = endpoint;
    }
    override datagramReceived(datagram: Uint8Array): void {
      this.#endpoint.handleDatagram(clock.now(), datagram, 0);
      this.poll();
    }
    poll(): void {
      const to = { host: '10.0.0.1', port: 4916 };
      const target = { out: this.#out };
      let burst = this.#endpoint.pollTransmit(clock.now(), target);
      for (; burst !== undefined; burst = this.#endpoint.pollTransmit(clock.now(), target)) {
        this.transport.write(this.#out.slice(0, burst.lastBytes), to);
      }
    }
  }

  /** Keeps on writing to a path that may be gone, until it is lost. */
  class Talker extends Protocol {
    override connectionMade(): void {
      this.transport.write(new Uint8Array(100_000));
    }
  }

  /** Subscribes to everything that the port tells of. */
  function subscribe(): string[] {
    const told: string[] = [];
    port.events.on('datagram', (bytes, kind, from) => {
      told.push(`${kind} of ${bytes.length} from ${from.host}:${from.port}`);
    });
    port.events.on('path-candidate', (from, local, remote) => {
      told.push(`candidate ${from.host}:${from.port} for ${local} and ${remote}`);
    });
    port.events.on('path-suspect', (suspect) => told.push(`suspect ${JSON.stringify(suspect)}`));
    return told;
  }

  afterEach(() => {
    void port.stopListening();
    expect(clock.runUntilIdle(200_000), 'the clock is idle').to.equal(true);
  });

  it('tells of a connection that is over who its peer was, whoever comes after him', () => {
    const ended: Protocol[] = [];
    class Server extends Protocol {
      override connectionLost(): void {
        ended.push(this);
      }
    }
    const second = reactor.listenPTCP(4916, Factory.forProtocol(Server));
    class Client extends Protocol {
      override connectionMade(): void {
        this.transport.loseConnection();
      }
    }
    peer.connectPTCP('10.0.0.1', 4916, ClientFactory.forProtocol(Client));
    clock.advance(20 * LATENCY_MS);
    const before = ended[0]!.transport.getPeer();
    expect(before).to.include({ host: '10.0.0.2' });

    for (let from = 1000; from < 3100; from += 1) {
      const stranger = new Stranger();
      const udp = peer.listenUDP(from, stranger);
      clock.advance(1);
      stranger.transport.write(bytesOf('not a segment'), { host: '10.0.0.1', port: 4916 });
      clock.advance(1);
      void udp.stopListening();
    }
    clock.advance(LATENCY_MS);

    expect(ended[0]!.transport.getPeer()).to.deep.equal(before);
    void second.stopListening();
  }).timeout(8000);

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

  it('hands STUN and foreign datagrams to whoever subscribes, and counts them for nobody', () => {
    const to = { host: '10.0.0.1', port: 4915 };
    const udp = peer.listenUDP(5000, new DatagramProtocol());
    clock.advance(1);
    const told = subscribe();

    udp.write(bindingAnswer(true), to);
    udp.write(bytesOf('this is no segment at all'), to);
    udp.write(bytesOf('short'), to);
    clock.advance(LATENCY_MS);
    port.events.removeAllListeners();
    udp.write(bytesOf('nobody listens for this'), to);
    clock.advance(LATENCY_MS);
    void udp.stopListening();

    expect(told).to.deep.equal(['stun of 28 from 10.0.0.2:5000', 'foreign of 25 from 10.0.0.2:5000']);
    expect(port.stats.notSegments).to.deep.equal({ stun: 1, short: 1, foreign: 2 });
    expect(port.stats.segmentsSent).to.equal(0);
  });

  it('takes STUN without a fingerprint for the answer to a request that the user knows', () => {
    const udp = peer.listenUDP(5000, new DatagramProtocol());
    const asking = reactor.listenPTCP(4916, Factory.forProtocol(Protocol), {
      isStunTransaction: (bytes, start) => bytes[start + 8] === 0x50,
    });
    clock.advance(1);
    const kinds: string[] = [];
    asking.events.on('datagram', (_bytes, kind) => kinds.push(kind));

    udp.write(bindingAnswer(false), { host: '10.0.0.1', port: 4916 });
    clock.advance(LATENCY_MS);
    void udp.stopListening();
    void asking.stopListening();

    expect(kinds).to.deep.equal(['stun']);
  });

  it('sends datagrams of other protocols from its own socket', () => {
    const stranger = new Stranger();
    const udp = peer.listenUDP(5000, stranger);
    clock.advance(1);

    port.sendTo(bytesOf('a question'), { host: '10.0.0.2', port: 5000 });
    clock.advance(LATENCY_MS);
    void udp.stopListening();

    expect(stranger.received).to.deep.equal(['10.0.0.1:4915 a question']);
    expect(() => port.sendTo(bytesOf('x'), { host: 'a.name', port: 1 })).to.throw(InvalidAddressError);
  });

  it('sends and connects nothing before it is bound', () => {
    const unbound = reactor.listenPTCP(4916, Factory.forProtocol(Protocol));

    expect(() => unbound.sendTo(bytesOf('x'), { host: '10.0.0.2', port: 1 })).to.throw(UsageError);
    expect(() => unbound.connect('10.0.0.2', 1, new ClientFactory())).to.throw(UsageError);
    expect(() => unbound.socketBufferBytes).to.throw(UsageError);
    void unbound.stopListening();
  });

  it('connects from the socket on which it listens, and tells what of that it was granted', () => {
    const peers: unknown[] = [];
    class Server extends Protocol {
      override connectionMade(): void {
        peers.push(this.transport.getPeer());
        this.transport.loseConnection();
      }
    }
    const listening = peer.listenPTCP(4916, Factory.forProtocol(Server), { pseudoPort: 50_000 });
    clock.advance(1);

    const options = { pseudoPort: 50_000, localPseudoPort: 60_000 };
    port.connect('10.0.0.2', 4916, ClientFactory.forProtocol(Protocol), options);
    clock.advance(10 * LATENCY_MS);
    void listening.stopListening();

    expect(peers[0]).to.include({ host: '10.0.0.1', port: 4915, pseudoPort: 60_000 });
    expect(port.socketBufferBytes).to.deep.equal({ receive: 4_194_304, send: 4_194_304 });
  });

  it('tells of a peer that sends from another address, and does not answer there', () => {
    const stranger = new Stranger();
    const udp = peer.listenUDP(5000, stranger);
    peer.connectPTCP('10.0.0.1', 4915, ClientFactory.forProtocol(Protocol));
    clock.advance(10 * LATENCY_MS);
    const told = subscribe();
    const ack = network.trace.findLast(({ from }) => from.host === '10.0.0.2')?.bytes as Uint8Array;
    const pseudoPort = ((ack[0] as number) << 8) | (ack[1] as number);

    udp.write(ack, { host: '10.0.0.1', port: 4915 });
    clock.advance(10 * LATENCY_MS);
    void udp.stopListening();
    const stopped = [reactor, peer].map((each) => each.run());
    reactor.stop();
    peer.stop();
    clock.advance(20 * LATENCY_MS);

    expect(told).to.deep.equal([`candidate 10.0.0.2:5000 for 49153 and ${pseudoPort}`]);
    expect(stranger.received).to.deep.equal([]);
    expect(stopped.map(resultOf)).to.deep.equal([undefined, undefined]);
  });

  it('tells of a path on which nothing is acknowledged any more (RFC 9293 §3.8.3)', () => {
    let server: Protocol | undefined;
    class Server extends Protocol {
      override connectionMade(): void {
        server = this;
      }
    }
    const listening = reactor.listenPTCP(4916, Factory.forProtocol(Server));
    const told: string[] = [];
    listening.events.on('path-suspect', (suspect) => told.push((suspect as UdpAddress).host));
    peer.connectPTCP('10.0.0.1', 4916, ClientFactory.forProtocol(Protocol));
    clock.advance(10 * LATENCY_MS);

    network.partition('10.0.0.1', '10.0.0.2');
    server?.transport.write(bytesOf('is anybody there?'));
    clock.advance(60_000);
    network.heal();
    server?.transport.abortConnection();
    clock.advance(LATENCY_MS);
    void listening.stopListening();

    expect(told).to.deep.equal(['10.0.0.2']);
  });

  it('tells a protocol of urgent data before the text (RFC 9293 §3.8.5, MUST-32, MUST-33)', () => {
    const told: string[] = [];
    class Reader extends Protocol {
      override urgentReceived(byteCount: number): void {
        told.push(`${byteCount} urgent`);
      }
      override dataReceived(bytes: Uint8Array): void {
        told.push(text(bytes));
      }
    }
    const endpoint = new PtcpEndpoint({
      entropy: new Prng(1),
      profile: { ptcpOption: false, urgentData: true },
    });
    const relay = new EndpointRelay(endpoint);
    const udp = peer.listenUDP(0, relay);
    const listening = reactor.listenPTCP(4916, Factory.forProtocol(Reader), { profile: { crc32: false } });
    clock.advance(1);

    const connection = endpoint.connect(0, 49_153);
    relay.poll();
    clock.advance(2 * LATENCY_MS);
    connection.writeUrgent(bytesOf('help'));
    relay.poll();
    clock.advance(LATENCY_MS);
    connection.abort();
    relay.poll();
    clock.advance(LATENCY_MS);
    void udp.stopListening();
    void listening.stopListening();

    expect(told).to.deep.equal(['4 urgent', 'help']);
  });

  it('tells nobody of a suspect path where nobody listens (RFC 9293 §3.9.1.8, SHLD-20)', () => {
    peer.connectPTCP('10.0.0.1', 4915, ClientFactory.forProtocol(Talker));
    clock.advance(10 * LATENCY_MS);

    network.partition('10.0.0.1', '10.0.0.2');
    clock.advance(400_000);
    network.heal();
    clock.advance(400_000);

    expect([...reactor.errors, ...peer.errors]).to.deep.equal([]);
  });

  it('sends from the address that was asked for, and from what the system takes otherwise (RFC 9293 §3.9.1.1, MUST-43, MUST-44)', () => {
    network.host('10.0.0.7', { aliases: ['10.0.0.8'] });
    const caller = new MemoryReactor({ network, address: '10.0.0.7' });
    const peers: Address[] = [];
    class Server extends Protocol {
      override connectionMade(): void {
        peers.push(this.transport.getPeer());
        this.transport.loseConnection();
      }
    }
    const listening = reactor.listenPTCP(4916, Factory.forProtocol(Server));
    clock.advance(1);

    caller.connectPTCP('10.0.0.1', 4916, ClientFactory.forProtocol(Protocol), { bindAddress: '10.0.0.8' });
    clock.advance(10 * LATENCY_MS);
    caller.connectPTCP('10.0.0.1', 4916, ClientFactory.forProtocol(Protocol));
    clock.advance(10 * LATENCY_MS);
    void listening.stopListening();

    expect(peers.map((address) => (address as UdpAddress).host)).to.deep.equal(['10.0.0.8', '10.0.0.7']);
  });

  it('asks the socket for as many hops as it is told, and refuses what no packet can have (RFC 9293 §3.9.2, MUST-49)', () => {
    const bindUdp = sinon.spy(network.host('10.0.0.1').sockets, 'bindUdp');
    const factory = Factory.forProtocol(Protocol);

    void reactor.listenPTCP(4917, factory, { ttl: 3 }).stopListening();
    const attempt = reactor.connectPTCP('10.0.0.2', 4917, new ClientFactory(), { ttl: 9 });
    clock.advance(1);
    attempt.stopConnecting();

    expect(bindUdp.args.map(([options]) => options.ttl)).to.deep.equal([3, 9]);
    for (const ttl of [0, 256, 1.5, Number.NaN]) {
      expect(() => reactor.listenPTCP(4918, factory, { ttl })).to.throw(UsageError, 'ttl');
      expect(() => reactor.connectPTCP('10.0.0.2', 4918, new ClientFactory(), { ttl })).to.throw(UsageError);
    }
  });

  it('does not listen on an address that many hosts share (RFC 9293 §3.9.2.3, MUST-57)', () => {
    for (const many of ['224.0.0.1', '255.255.255.255', 'ff02::1']) {
      const listen = (): PtcpPort =>
        reactor.listenPTCP(4918, Factory.forProtocol(Protocol), { interface: many });
      expect(listen).to.throw(InvalidAddressError, many);
    }
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

  it('does not connect to itself, however its address is written', () => {
    const own = reactor.listenPTCP(4920, new Factory(), { interface: '127.0.0.1' });
    clock.advance(1);

    for (const host of ['127.0.0.1', '127.9.9.9']) {
      expect(() => port.connect(host, 4915, new ClientFactory())).to.throw(InvalidAddressError, 'itself');
    }
    expect(() => own.connect('127.0.0.1', 4920, new ClientFactory())).to.throw(InvalidAddressError);
    const other = own.connect('127.0.0.1', 4915, new ClientFactory());
    other.disconnect();
    void own.stopListening();
  });

  it('does not answer what claims to come from itself, on whatever address it listens', () => {
    const before = port.stats.datagrams;
    port.sendTo(bytesOf('to myself'), { host: '127.0.0.1', port: 4915 });
    const told = subscribe();

    clock.advance(LATENCY_MS);

    expect(told).to.deep.equal([]);
    expect(port.stats.datagrams).to.equal(before);
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

/** A STUN message (RFC 8489 §5) that would pass for a segment but for its cookie; with a FINGERPRINT or without. */
function bindingAnswer(hasFingerprint: boolean): Uint8Array {
  const bytes = new Uint8Array(hasFingerprint ? 28 : 20).fill(0x50, 8, 20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x0101);
  view.setUint16(2, bytes.length - 20);
  view.setUint32(4, 0x2112a442);
  if (!hasFingerprint) return bytes;
  view.setUint32(20, 0x80280004);
  view.setUint32(24, (crc32(bytes, 0, 20) ^ 0x5354554e) >>> 0);
  return bytes;
}

describe('PtcpProvider', () => {
  it('refuses a profile that makes no sense before anything has begun', () => {
    const reactor = new MemoryReactor();

    const connect = () =>
      reactor.connectPTCP('127.0.0.1', 1, new ClientFactory(), { profile: { rtoMinMs: -1 } });

    expect(connect).to.throw(UsageError);
    expect(reactor.clock.pending).to.equal(0);
  });

  it('refuses a profile that is none, beside a wire too, and a trace that can be told nothing', () => {
    const reactor = new MemoryReactor();
    for (const wrong of [
      { profile: 5 },
      { profile: null, wire: 'vertex' },
      { trace: 'x.qlog' },
      { trace: null },
    ]) {
      const options = wrong as object;
      expect(() => reactor.listenPTCP(0, new Factory(), options)).to.throw(
        UsageError,
        /^(a profile|trace) is /,
      );
      expect(() => reactor.connectPTCP('127.0.0.1', 1, new ClientFactory(), options)).to.throw(UsageError);
    }
    expect(reactor.clock.pending).to.equal(0);
  });

  for (const [maxPlpmtuBytes, most] of [
    [1400, 1400],
    [9000, 1472],
    [600, 1200],
    ['off', 1472],
  ] as const) {
    it(`begins with ${most} bytes on loopback where maxPlpmtuBytes is ${maxPlpmtuBytes} (RFC 8899 §5.1.2)`, () => {
      const reactor = new MemoryReactor();
      let pmtuBytes: number | undefined;
      class Watcher extends Protocol {
        override connectionMade(): void {
          pmtuBytes = (this.transport.tcpInfo?.() as TcpInfo | undefined)?.pmtuBytes;
        }
      }
      reactor.listenPTCP(4915, Factory.forProtocol(Protocol));
      reactor.advance(1);

      reactor.connectPTCP('127.0.0.1', 4915, ClientFactory.forProtocol(Watcher), {
        profile: { maxPlpmtuBytes },
      });
      reactor.advance(1000);

      expect(pmtuBytes).to.equal(most);
    });
  }

  it('holds a limited number of sockets for TIME-WAIT alone, the last ones', () => {
    class Brief extends Protocol {
      override connectionMade(): void {
        this.transport.loseConnection();
      }
    }
    const reactor = new MemoryReactor();
    const port = reactor.listenPTCP(4915, Factory.forProtocol(Protocol));
    reactor.advance(1);

    for (let count = 0; count < 200; count += 1) {
      reactor.connectPTCP('127.0.0.1', 4915, ClientFactory.forProtocol(Brief));
      reactor.advance(100);
    }
    void port.stopListening();
    reactor.advance(1);

    expect(reactor.clock.pending, 'one call for each socket').to.equal(128);
    reactor.advance(60_000);
    expect(reactor.clock.pending).to.equal(0);
  });
});
