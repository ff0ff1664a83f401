import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { DatagramProtocol } from '../../lib/protocol/datagram-protocol.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { Reactor } from '../../lib/reactor/reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { bytesOf, text } from '../support/simulated-sockets.ts';

describe('a reactor in a SimulatedNetwork', () => {
  let clock: VirtualClock;
  let network: SimulatedNetwork;

  beforeEach(() => {
    clock = new VirtualClock();
    network = new SimulatedNetwork({
      clock,
      link: { latencyMs: 25 },
      names: { 'server.test': '10.0.0.2' },
    });
  });

  afterEach(() => {
    expect(clock.pending, 'nothing is left behind').to.equal(0);
  });

  function reactorAt(address: string): Reactor {
    return new Reactor({
      clock,
      sockets: network.host(address).sockets,
      entropy: new Prng(address),
      unheardError: (error) => {
        throw error;
      },
    });
  }

  for (const listen of ['listenPTCP', 'listenTCP'] as const) {
    it(`needs nothing else for ${listen} than a clock, sockets and entropy`, () => {
      const events: string[] = [];
      class Greeter extends Protocol {
        override connectionMade(): void {
          this.transport.write(bytesOf('hello'));
          this.transport.loseConnection();
        }
      }
      class Reader extends Protocol {
        override dataReceived(bytes: Uint8Array): void {
          events.push(text(bytes));
        }
        override connectionLost(reason: Error): void {
          events.push(reason.name);
        }
      }
      const options = (address: string) => ({
        clock,
        sockets: network.host(address).sockets,
        entropy: new Prng(address),
      });

      const port = new Reactor(options('10.0.0.2'))[listen](7, Factory.forProtocol(Greeter));
      const connect = listen === 'listenPTCP' ? 'connectPTCP' : 'connectTCP';
      new Reactor(options('10.0.0.1'))[connect]('10.0.0.2', 7, ClientFactory.forProtocol(Reader));
      clock.advance(1_000);
      void port.stopListening();
      clock.runUntilIdle(100_000);

      expect(events).to.deep.equal(['hello', 'ConnectionDone']);
    });
  }

  it('runs a TCP protocol by name, from the handshake to a clean end, in virtual time', () => {
    const log: string[] = [];
    class Echo extends Protocol {
      override dataReceived(bytes: Uint8Array): void {
        this.transport.write(bytes);
      }
      override connectionLost(reason: Error): void {
        log.push(`server: ${reason.name}`);
      }
    }
    class Caller extends Protocol {
      override connectionMade(): void {
        log.push(`connected at ${clock.now()}`);
        this.transport.write(bytesOf('hello'));
      }
      override dataReceived(bytes: Uint8Array): void {
        log.push(`${text(bytes)} at ${clock.now()}`);
        this.transport.loseConnection();
      }
      override connectionLost(reason: Error): void {
        log.push(`client: ${reason.name}`);
      }
    }
    const port = reactorAt('10.0.0.2').listenTCP(7, Factory.forProtocol(Echo));
    reactorAt('10.0.0.1').connectTCP('server.test', 7, ClientFactory.forProtocol(Caller));

    clock.advance(1_000);
    void port.stopListening();
    clock.runUntilIdle(10_000);

    expect(log.slice(0, 2)).to.deep.equal(['connected at 50', 'hello at 100']);
    expect(log.slice(2)).to.have.members(['client: ConnectionDone', 'server: ConnectionDone']);
  });

  it('runs a datagram protocol, refusals included', () => {
    const log: string[] = [];
    class Echo extends DatagramProtocol {
      override datagramReceived(datagram: Uint8Array, address: { host: string; port: number }): void {
        this.transport.write(datagram, address);
      }
    }
    class Caller extends DatagramProtocol {
      override startProtocol(): void {
        this.transport.connect('10.0.0.2', 7);
      }
      override datagramReceived(datagram: Uint8Array): void {
        log.push(`${text(datagram)} at ${clock.now()}`);
      }
      override connectionRefused(): void {
        log.push(`refused at ${clock.now()}`);
      }
    }
    const caller = new Caller();
    const echoPort = reactorAt('10.0.0.2').listenUDP(7, new Echo());
    const callerPort = reactorAt('10.0.0.1').listenUDP(0, caller);

    clock.advance(0);
    caller.transport.write(bytesOf('hello'));
    clock.advance(100);
    echoPort.stopListening();
    clock.advance(0);
    caller.transport.write(bytesOf('still there?'));
    clock.advance(100);
    callerPort.stopListening();
    clock.advance(0);

    expect(log).to.deep.equal(['hello at 50', 'refused at 150']);
  });
});
