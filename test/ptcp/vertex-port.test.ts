import { expect } from 'chai';
import { ConnectionDone, UsageError } from '../../lib/errors.ts';
import type { InetAddress } from '../../lib/interfaces/address.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import { SimulatedNetwork } from '../../lib/testing/simulated-network.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { bytesOf, text } from '../support/simulated-sockets.ts';

describe('a port that speaks with Vertex', () => {
  let clock: VirtualClock;
  let reactor: MemoryReactor;
  let peer: MemoryReactor;

  /** Pseudo-ports of both ends, what came, and how it ended. */
  class Recorder extends Protocol {
    readonly name: string;
    readonly told: string[];

    constructor(name: string, told: string[]) {
      super();
      this.name = name;
      this.told = told;
    }

    override connectionMade(): void {
      const host = this.transport.getHost() as InetAddress;
      const other = this.transport.getPeer() as InetAddress;
      const isDynamic = (port = 0): string => (port > 49_153 ? 'dynamic' : String(port));
      this.told.push(`${this.name}: ${isDynamic(host.pseudoPort)} and ${isDynamic(other.pseudoPort)}`);
      this.transport.write(bytesOf(`from ${this.name}`));
    }

    override dataReceived(bytes: Uint8Array): void {
      this.told.push(`${this.name} got ${text(bytes)}`);
      this.transport.loseConnection();
    }

    override connectionLost(reason: Error): void {
      this.told.push(`${this.name} ${reason instanceof ConnectionDone ? 'done' : String(reason)}`);
    }
  }

  beforeEach(() => {
    clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock, link: { latencyMs: 5 } });
    reactor = new MemoryReactor({ network, address: '10.0.0.1' });
    peer = new MemoryReactor({ network, address: '10.0.0.2' });
  });

  function recorder(name: string, told: string[]): new () => Protocol {
    return class extends Recorder {
      constructor() {
        super(name, told);
      }
    };
  }

  it('is found at pseudo-port 1, where connections on that wire go', () => {
    const told: string[] = [];
    const port = reactor.listenPTCP(4915, Factory.forProtocol(recorder('server', told)), { wire: 'vertex' });
    clock.advance(1);
    expect(port.getHost().pseudoPort).to.equal(1);

    peer.connectPTCP('10.0.0.1', 4915, ClientFactory.forProtocol(recorder('client', told)), {
      wire: 'vertex',
    });
    clock.advance(20_000);

    expect(told).to.have.members([
      'client: dynamic and 1',
      'server: 1 and dynamic',
      'client got from server',
      'server got from client',
      'client done',
      'server done',
    ]);
    void port.stopListening();
    expect(clock.runUntilIdle(100_000)).to.equal(true);
  });

  it('takes both kinds on one UDP port, each at its own pseudo-port', () => {
    const told: string[] = [];
    const port = reactor.listenPTCP(4915, Factory.forProtocol(recorder('server', told)), {
      wire: ['tcp', 'vertex'],
    });
    clock.advance(1);
    expect(port.getHost().pseudoPort).to.equal(49_153);

    for (const wire of ['vertex', 'tcp'] as const)
      peer.connectPTCP('10.0.0.1', 4915, ClientFactory.forProtocol(recorder(wire, told)), { wire });
    clock.advance(20_000);

    expect(told).to.include.members(['vertex: dynamic and 1', 'tcp: dynamic and 49153']);
    expect(told).to.include.members(['server: 1 and dynamic', 'server: 49153 and dynamic']);
    expect(told.filter((line) => line.endsWith('done'))).to.have.lengthOf(4);
    void port.stopListening();
    expect(clock.runUntilIdle(100_000)).to.equal(true);
  });

  it('connects from where it listens, on the first of its wires or on the other', () => {
    const told: string[] = [];
    const server = reactor.listenPTCP(4915, Factory.forProtocol(recorder('server', told)), {
      wire: ['tcp', 'vertex'],
    });
    const own = peer.listenPTCP(4916, Factory.forProtocol(Protocol), { wire: ['vertex', 'tcp'] });
    clock.advance(1);

    own.connect('10.0.0.1', 4915, ClientFactory.forProtocol(recorder('first', told)));
    own.connect('10.0.0.1', 4915, ClientFactory.forProtocol(recorder('other', told)), { wire: 'tcp' });
    clock.advance(20_000);

    expect(told).to.include.members(['first: dynamic and 1', 'other: dynamic and 49153']);
    expect(told.filter((line) => line.endsWith('done'))).to.have.lengthOf(4);
    void server.stopListening();
    void own.stopListening();
    expect(clock.runUntilIdle(100_000)).to.equal(true);
  });

  it('has another pseudo-port where that is asked for, and refuses a wire that does not exist', () => {
    const port = reactor.listenPTCP(4915, Factory.forProtocol(Protocol), { wire: 'vertex', pseudoPort: 7 });
    clock.advance(1);

    expect(port.getHost().pseudoPort).to.equal(7);
    const wrong = { wire: 'sctp' } as never;
    expect(() => reactor.listenPTCP(4916, Factory.forProtocol(Protocol), wrong)).to.throw(
      UsageError,
      /^wire is/,
    );
    expect(() => peer.connectPTCP('10.0.0.1', 1, ClientFactory.forProtocol(Protocol), wrong)).to.throw(
      UsageError,
      /^wire is/,
    );
    void port.stopListening();
    expect(clock.runUntilIdle(100_000)).to.equal(true);
  });
});
