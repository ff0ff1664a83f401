import { expect } from 'chai';
import sinon from 'sinon';
import { UsageError } from '../../lib/errors.ts';
import type { DatagramTransport } from '../../lib/interfaces/transport.ts';
import { DatagramProtocol } from '../../lib/protocol/datagram-protocol.ts';

describe('DatagramProtocol', () => {
  const transport = {} as DatagramTransport;

  it('has its transport from startProtocol to stopProtocol', () => {
    const protocol = new DatagramProtocol();
    const seen: unknown[] = [];
    protocol.startProtocol = () => seen.push(protocol.transport);
    protocol.stopProtocol = () => seen.push(protocol.transport);

    expect(() => protocol.transport).to.throw(UsageError);
    protocol.makeConnection(transport);
    protocol.doStop();

    expect(seen).to.deep.equal([transport, transport]);
    expect(() => protocol.transport).to.throw(UsageError);
  });

  it('listens on one port at a time, and again after that', () => {
    const protocol = new DatagramProtocol();
    const started = sinon.spy(protocol, 'startProtocol');
    protocol.makeConnection(transport);

    expect(() => protocol.makeConnection(transport)).to.throw(UsageError);
    protocol.doStop();
    protocol.makeConnection(transport);

    expect(started.callCount).to.equal(2);
  });

  it('has no transport after a startProtocol or stopProtocol that threw', () => {
    const protocol = new DatagramProtocol();
    const start = sinon.stub(protocol, 'startProtocol').throws(new Error('start'));
    sinon.stub(protocol, 'stopProtocol').throws(new Error('stop'));

    expect(() => protocol.makeConnection(transport)).to.throw('start');
    expect(() => protocol.transport).to.throw(UsageError);
    start.resetBehavior();
    protocol.makeConnection(transport);
    expect(() => protocol.doStop()).to.throw('stop');

    expect(() => protocol.transport).to.throw(UsageError);
  });
});
