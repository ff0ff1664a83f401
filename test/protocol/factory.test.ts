import { expect } from 'chai';
import sinon from 'sinon';
import type { ClientEndpoint } from '../../lib/endpoints/endpoint.ts';
import { UsageError } from '../../lib/errors.ts';
import type { Address } from '../../lib/interfaces/address.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';

const PEER: Address = { type: 'memory', name: 'peer' };

class Echo extends Protocol {
  readonly word = 'echo';
}

describe('Factory', () => {
  it('builds protocols of the class it was made for, and tells them who built them', () => {
    const factory = Factory.forProtocol(Echo);

    const first = factory.buildProtocol(PEER);
    const second = factory.buildProtocol(PEER);

    expect(first).to.be.instanceOf(Echo);
    expect(first?.factory).to.equal(factory);
    expect(second).not.to.equal(first);
  });

  it('makes factories of the subclass that forProtocol is called on, with its arguments', () => {
    class Counting extends Factory {
      readonly limit: number;
      constructor(limit: number) {
        super();
        this.limit = limit;
      }
    }

    const factory = Counting.forProtocol(Echo, 7);

    expect(factory).to.be.instanceOf(Counting);
    expect(factory.limit).to.equal(7);
    expect(factory.buildProtocol(PEER)?.word).to.equal('echo');
  });

  it('starts when its first user comes and stops when the last one goes', () => {
    const factory = new Factory();
    const started = sinon.spy(factory, 'startFactory');
    const stopped = sinon.spy(factory, 'stopFactory');

    factory.doStart();
    factory.doStart();
    factory.doStop();
    expect(stopped.callCount).to.equal(0);
    factory.doStop();
    factory.doStart();

    expect(started.callCount).to.equal(2);
    expect(stopped.callCount).to.equal(1);
  });

  it('is not in use after a startFactory that threw', () => {
    const factory = new Factory();
    const stopped = sinon.spy(factory, 'stopFactory');
    sinon.stub(factory, 'startFactory').throws(new Error('no'));

    expect(() => factory.doStart()).to.throw('no');
    factory.doStop();

    expect(stopped.callCount).to.equal(0);
  });

  it('says what is missing when it has no protocol to build', () => {
    expect(() => new Factory().buildProtocol(PEER)).to.throw(UsageError, 'protocol');
  });

  it('gives endpoints the type of the protocol they connect', () => {
    // Compiled, not run: it holds if `word` is known to the compiler.
    const connect = (endpoint: ClientEndpoint) =>
      endpoint.connect(ClientFactory.forProtocol(Echo)).addCallback((echo) => echo.word);

    expect(connect).to.be.a('function');
  });
});
