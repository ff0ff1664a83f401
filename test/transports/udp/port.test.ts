import { expect } from 'chai';
import { InvalidAddressError, MessageLengthError, UsageError } from '../../../lib/errors.ts';
import { DatagramProtocol } from '../../../lib/protocol/datagram-protocol.ts';
import { MemoryReactor } from '../../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts';

const HERE = '10.0.0.1';
const THERE = '10.0.0.2';

class RecordingDatagrams extends DatagramProtocol {
  readonly events: string[] = [];
  onDatagram: () => void = () => {};

  override startProtocol(): void {
    this.events.push(`start ${this.transport.getHost().type}`);
  }

  override stopProtocol(): void {
    this.events.push('stop');
  }

  override datagramReceived(datagram: Uint8Array, address: { host: string; port: number }): void {
    this.events.push(`${String.fromCharCode(...datagram)} from ${address.host}`);
    this.onDatagram();
  }

  override connectionRefused(): void {
    this.events.push('refused');
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

describe('UdpPort', () => {
  let network: SimulatedNetwork;
  let reactor: MemoryReactor;
  let here: RecordingDatagrams;
  let there: RecordingDatagrams;

  beforeEach(() => {
    network = new SimulatedNetwork({ clock: new VirtualClock() });
    network.host(HERE, { sendBuffer: { bytes: 10_000, rateMbit: 1 }, aliases: ['fd00::1'] });
    reactor = new MemoryReactor({ network, address: HERE });
    here = new RecordingDatagrams();
    there = new RecordingDatagrams();
    new MemoryReactor({ network, address: THERE }).listenUDP(7, there);
  });

  afterEach(() => {
    expect(reactor.clock.runUntilIdle(60_000)).to.equal(true);
  });

  it('starts its protocol when it is bound, later', () => {
    const port = reactor.listenUDP(0, here, { interface: HERE });
    expect(here.events).to.deep.equal([]);
    expect(() => port.getHost()).to.throw(UsageError);
    expect(() => port.write(ascii('x'), { host: THERE, port: 7 })).to.throw(UsageError);

    reactor.advance(0);

    expect(here.events).to.deep.equal(['start UDP']);
    expect(port.getHost()).to.deep.include({ type: 'UDP', family: 'IPv4', host: HERE });
  });

  it('carries datagrams both ways', () => {
    reactor.listenUDP(6_000, here);
    reactor.advance(0);
    there.onDatagram = () => {
      there.transport.write(ascii('pong'), { host: HERE, port: 6_000 });
    };

    here.transport.write(ascii('ping'), { host: THERE, port: 7 });
    reactor.advance(100);

    expect(there.events).to.include(`ping from ${HERE}`);
    expect(here.events).to.include(`pong from ${THERE}`);
  });

  it('refuses names, addresses of the other family, and ports that are none', () => {
    const port = reactor.listenUDP(0, here);
    reactor.advance(0);

    for (const host of ['localhost', '', '::1', '127.1']) {
      expect(() => port.write(ascii('x'), { host, port: 7 })).to.throw(InvalidAddressError);
      expect(() => port.connect(host, 7)).to.throw(InvalidAddressError);
    }
    expect(() => port.write(ascii('x'), { host: THERE, port: 0 })).to.throw(UsageError);
    expect(() => port.write(ascii('x'))).to.throw(UsageError);
    expect(() => port.write('x' as unknown as Uint8Array, { host: THERE, port: 7 })).to.throw(UsageError);
    expect(() => reactor.listenUDP(0, here, { interface: 'localhost' })).to.throw(UsageError);
  });

  it('refuses datagrams that are too long for their family', () => {
    const four = reactor.listenUDP(0, here);
    const six = reactor.listenUDP(0, new RecordingDatagrams(), { interface: 'fd00::1' });
    reactor.advance(0);

    expect(() => four.write(new Uint8Array(65_508), { host: THERE, port: 7 })).to.throw(MessageLengthError);
    expect(() => six.write(new Uint8Array(65_528), { host: 'fd00::2', port: 7 })).to.throw(
      MessageLengthError,
    );
  });

  it('is connected once, sends without an address then, and to nobody else', () => {
    const port = reactor.listenUDP(0, here);
    reactor.advance(0);

    port.connect(THERE, 7);
    port.write(ascii('at once'));
    reactor.advance(10);
    port.write(ascii('later'), { host: THERE, port: 7 });
    reactor.advance(10);

    expect(there.events.slice(1)).to.deep.equal([`at once from ${HERE}`, `later from ${HERE}`]);
    expect(() => port.connect(THERE, 8)).to.throw(UsageError);
    expect(() => port.write(ascii('x'), { host: THERE, port: 8 })).to.throw(UsageError);
  });

  it('tells a connected protocol of a refusal, and one that is not connected nothing', () => {
    const other = new RecordingDatagrams();
    const connected = reactor.listenUDP(0, here);
    const unconnected = reactor.listenUDP(0, other);
    reactor.advance(0);

    connected.connect(THERE, 9);
    reactor.advance(0);
    connected.write(ascii('x'));
    unconnected.write(ascii('x'), { host: THERE, port: 9 });
    reactor.advance(100);

    expect(here.events).to.deep.equal(['start UDP', 'refused']);
    expect(other.events).to.deep.equal(['start UDP']);
  });

  it('drops what is written while the socket is blocked, and goes on when it is not', () => {
    const port = reactor.listenUDP(0, here);
    reactor.advance(0);

    for (let count = 0; count < 20; count++)
      port.write(new Uint8Array(1_000).fill(65), { host: THERE, port: 7 });
    reactor.advance(1_000);
    const arrived = there.events.length - 1;
    port.write(ascii('again'), { host: THERE, port: 7 });
    reactor.advance(100);

    expect(arrived).to.be.within(5, 19);
    expect(there.events.at(-1)).to.equal(`again from ${HERE}`);
  });

  it('reports what datagramReceived throws, and lives on', () => {
    reactor.listenUDP(6_000, here);
    reactor.advance(0);
    here.onDatagram = () => {
      throw new Error('in datagramReceived');
    };
    const target = { host: HERE, port: 6_000 };

    there.transport.write(ascii('one'), target);
    there.transport.write(ascii('two'), target);
    reactor.advance(10);

    expect(here.events).to.have.length(3);
    expect(reactor.errors.map(({ where }) => where)).to.deep.equal(['datagramReceived', 'datagramReceived']);
  });

  it('stops later and once, also from inside datagramReceived, and its number is free again', async () => {
    const port = reactor.listenUDP(5_000, here);
    reactor.advance(0);
    here.onDatagram = () => {
      void port.stopListening();
      expect(here.events).to.not.include('stop');
    };
    const target = { host: HERE, port: 5_000 };

    there.transport.write(ascii('one'), target);
    there.transport.write(ascii('two'), target);
    reactor.advance(10);
    const again = port.stopListening();
    reactor.advance(0);
    await again;

    expect(here.events).to.deep.equal(['start UDP', `one from ${THERE}`, 'stop']);
    const next = new RecordingDatagrams();
    reactor.listenUDP(5_000, next);
    reactor.advance(0);
    expect(next.events).to.deep.equal(['start UDP']);
  });

  it('fails to listen where another port does, and its protocol never starts', async () => {
    reactor.listenUDP(5_000, here);
    const second = new RecordingDatagrams();
    const failing = reactor
      .listenUDP(5_000, second)
      .listening.toPromise()
      .catch((error: unknown) => error);
    reactor.advance(0);

    expect(await failing).to.have.property('code', 'ERR_CANNOT_LISTEN');
    expect(second.events).to.deep.equal([]);
  });

  it('closes again when startProtocol throws', async () => {
    const thrown = new Error('in startProtocol');
    here.startProtocol = () => {
      throw thrown;
    };
    const failing = reactor
      .listenUDP(5_000, here)
      .listening.toPromise()
      .catch((error: unknown) => error);
    reactor.advance(0);

    expect(await failing).to.have.property('cause', thrown);
    expect(here.events).to.deep.equal([]);
  });
});
