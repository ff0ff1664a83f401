import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { PtcpProvider } from '../../lib/ptcp/provider.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';

describe('MemoryReactor', () => {
  it('knows tcp, ptcp and memory without being told', () => {
    const reactor = new MemoryReactor();
    const events: string[] = [];
    class Closer extends Protocol {
      override connectionMade(): void {
        events.push(`${this.transport.getHost().type}`);
        this.transport.loseConnection();
      }
    }

    const factory = Factory.forProtocol(Closer);
    const ports = [
      reactor.listenTCP(1, factory),
      reactor.listenPTCP(1, factory),
      reactor.listenMemory('one', factory),
    ];
    reactor.connectTCP('127.0.0.1', 1, ClientFactory.forProtocol(Protocol));
    reactor.connectPTCP('127.0.0.1', 1, ClientFactory.forProtocol(Protocol));
    reactor.connectMemory('one', ClientFactory.forProtocol(Protocol));
    reactor.advance(1_000);
    for (const port of ports) void port.stopListening();
    reactor.clock.runUntilIdle(100_000);

    expect(events).to.have.members(['TCP', 'PTCP', 'memory']);
    expect(reactor.errors).to.deep.equal([]);
  });

  it('takes a transport that is given instead of its own of that name', () => {
    let listened = 0;
    class Refusing extends PtcpProvider {
      override listen(): never {
        listened += 1;
        throw new UsageError('not here');
      }
    }
    const reactor = new MemoryReactor({ transports: [new Refusing()] });

    expect(() => reactor.listenPTCP(1, Factory.forProtocol(Protocol))).to.throw(UsageError, 'not here');
    expect(listened).to.equal(1);
  });
});
