import { expect } from 'chai';
import sinon from 'sinon';
import { CertificateUntrusted, OnlyOneTls, UsageError } from '../../lib/errors.ts';
import { Recorder } from '../../lib/testing/contract-world.ts';
import { StringTransport } from '../../lib/testing/string-transport.ts';

describe('StringTransport', () => {
  it('records what is written until it is closed', () => {
    const transport = new StringTransport();

    transport.write(Uint8Array.of(97));
    transport.writeSequence([Uint8Array.of(98), Uint8Array.of(99)]);
    const answer = [transport.text, transport.bufferedBytes];
    transport.clear();
    transport.loseConnection();

    expect(answer).to.deep.equal(['abc', 3]);
    expect(transport.write(Uint8Array.of(100))).to.equal(false);
    expect(transport.written).to.deep.equal([]);
    expect(() => transport.write('text' as unknown as Uint8Array)).to.throw(UsageError);
  });

  it('tells the protocol of the end once, when asked to, with the reason that fits', () => {
    const transport = new StringTransport();
    const protocol = new Recorder();
    protocol.makeConnection(transport);

    transport.loseConnection();
    transport.abortConnection();
    expect(protocol.events).to.deep.equal(['made']);
    transport.deliverClose(protocol);

    expect(protocol.reason).to.have.property('code', 'ERR_CONNECTION_ABORTED');
    expect(() => transport.deliverClose(protocol)).to.throw(UsageError);
  });

  it('keeps to the rules for producers', () => {
    const transport = new StringTransport();
    const producer = { resumeProducing() {}, pauseProducing() {}, stopProducing: sinon.spy() };

    transport.registerProducer(producer, true);
    expect([transport.producer, transport.streaming]).to.deep.equal([producer, true]);
    expect(() => transport.registerProducer(producer, true)).to.throw(UsageError);
    transport.deliverClose(new Recorder());
    transport.registerProducer(producer, true);

    expect(producer.stopProducing.callCount).to.equal(2);
  });

  it('remembers pauses, half closes and options', () => {
    const transport = new StringTransport();

    transport.pauseProducing();
    transport.loseWriteConnection();
    transport.setTcpNoDelay(true);
    transport.setTcpKeepAlive(true);

    const { paused, writeClosed } = transport;
    expect([paused, writeClosed, transport.getTcpNoDelay(), transport.getTcpKeepAlive()]).to.deep.equal(
      new Array(4).fill(true),
    );
  });

  it('records startTLS, and plays the end of the handshake when asked to', () => {
    const transport = new StringTransport();
    const options = { isServer: false, serverName: 'peer.example' } as const;
    const secured = sinon.spy();
    transport.startTLS(options).addCallback(secured);

    transport.deliverTls({ alpnProtocol: 'amp' });

    expect(transport.tlsOptions).to.equal(options);
    expect(secured.args[0]?.[0]).to.equal(transport.tls);
    expect(transport.tls).to.deep.include({ version: 'TLSv1.3', alpnProtocol: 'amp' });
    expect(() => transport.startTLS(options)).to.throw(OnlyOneTls);
    expect(() => transport.deliverTls()).to.throw(UsageError);
  });

  it('fails startTLS with the reason of the end when that comes first', () => {
    const transport = new StringTransport();
    const protocol = new Recorder();
    protocol.makeConnection(transport);
    const failed = sinon.spy();
    transport.startTLS({ isServer: true }).addErrback(failed);
    const reason = new CertificateUntrusted('nobody vouches for it');

    transport.deliverClose(protocol, reason);

    expect(failed.args).to.deep.equal([[reason]]);
    expect(protocol.reason).to.equal(reason);
    expect(() => new StringTransport().deliverTls()).to.throw(UsageError);
  });
});
