import { expect } from 'chai';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { MemoryReactor } from '../../lib/testing/memory-reactor.ts';
import type { TraceEvent } from '../../lib/trace/trace.ts';

describe('the option `trace`', () => {
  it('tells of the connections of one port, with the addresses of both ends', () => {
    const reactor = new MemoryReactor();
    const [client, server]: [TraceEvent[], TraceEvent[]] = [[], []];
    const port = reactor.listenPTCP(4915, Factory.forProtocol(Protocol), {
      trace: { trace: (event) => server.push(event) },
    });
    reactor.advance(1);
    reactor.connectPTCP('127.0.0.1', 4915, ClientFactory.forProtocol(Protocol), {
      trace: { trace: (event) => client.push(event) },
    });
    reactor.advance(500);

    expect(client[0]?.name).to.equal('connectivity:connection_started');
    expect(client[0]?.connection?.remoteAddress).to.deep.equal({ host: '127.0.0.1', port: 4915 });
    const established = server.find(
      ({ name, data }) =>
        name === 'connectivity:connection_state_updated' && 'new' in data && data.new === 'ESTABLISHED',
    );
    expect(established?.connection?.localAddress?.port).to.equal(4915);
    expect(established?.connection?.remoteAddress?.port).to.equal(client[0]?.connection?.localAddress?.port);
    void port.stopListening();
  });

  it('reports the first thing that a sink throws, and the connection goes on', () => {
    const reactor = new MemoryReactor();
    let connected = 0;
    class Counter extends Protocol {
      override connectionMade(): void {
        connected += 1;
      }
    }
    const trace = {
      trace: () => {
        throw new Error('no sink');
      },
    };
    reactor.listenPTCP(4915, Factory.forProtocol(Counter), { trace });
    reactor.advance(1);
    reactor.connectPTCP('127.0.0.1', 4915, ClientFactory.forProtocol(Counter), { trace });
    reactor.advance(500);

    expect(connected).to.equal(2);
    // One for each socket.
    expect(reactor.errors).to.have.lengthOf(2);
    expect(reactor.errors[0]?.where).to.equal('a trace');
  });
});
