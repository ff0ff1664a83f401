import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import { StringTransport } from '../../lib/testing/string-transport.ts';

describe('Protocol', () => {
  it('has no transport before connectionMade, and says so', () => {
    const protocol = new Protocol();

    expect(() => protocol.transport).to.throw(UsageError, 'connectionMade');
    expect(protocol.connected).to.equal(false);
  });

  it('has its transport in connectionMade, and still after connectionLost', () => {
    const transport = new StringTransport();
    class Greeter extends Protocol {
      override connectionMade(): void {
        this.transport.write(Uint8Array.of(104, 105));
      }
    }
    const protocol = new Greeter();

    protocol.makeConnection(transport);
    expect([transport.text, protocol.connected]).to.deep.equal(['hi', true]);
    transport.loseConnection();
    transport.deliverClose(protocol);

    expect(protocol.transport).to.equal(transport);
    expect(protocol.connected).to.equal(false);
  });

  it('has one connection at a time', () => {
    const protocol = new Protocol();
    const first = new StringTransport();
    protocol.makeConnection(first);

    expect(() => protocol.makeConnection(new StringTransport())).to.throw(UsageError);
    first.deliverClose(protocol);
    protocol.makeConnection(new StringTransport());

    expect(protocol.connected).to.equal(true);
  });

  it('leaves half closes to subclasses', () => {
    expect(new Protocol().readConnectionLost).to.equal(undefined);
    expect(new Protocol().writeConnectionLost).to.equal(undefined);
  });
});
