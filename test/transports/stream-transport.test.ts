import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import sinon from 'sinon';
import { ConnectionAborted, ConnectionDone, ConnectionReset, UsageError } from '../../lib/errors.ts';
import type { TransportHost } from '../../lib/interfaces/reactor.ts';
import { nodeTls } from '../../lib/reactor/node/tls.ts';
import { HalfCloser, Recorder } from '../../lib/testing/contract-world.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import type { ChannelEvents, StreamChannel } from '../../lib/transports/provider.ts';
import { StreamTransport } from '../../lib/transports/stream-transport.ts';

/** A channel that notes what it is told, and does nothing. */
class RecordingChannel implements StreamChannel {
  readonly calls: string[] = [];
  readonly bufferedBytes = 0;
  isFull = false;
  events!: ChannelEvents;

  attach(events: ChannelEvents): void {
    this.events = events;
  }
  write(bytes: Uint8Array): boolean {
    this.calls.push(`write ${bytes.length}`);
    return !this.isFull;
  }
  shutdown = (): void => void this.calls.push('shutdown');
  close = (): void => void this.calls.push('close');
  abort = (): void => void this.calls.push('abort');
  pause = (): void => void this.calls.push('pause');
  resume = (): void => void this.calls.push('resume');
  getHost = () => ({ type: 'memory', name: 'here' }) as const;
  getPeer = () => ({ type: 'memory', name: 'there' }) as const;
  setNoDelay = (isEnabled: boolean): void => void this.calls.push(`noDelay ${isEnabled}`);
  setKeepAlive = (isEnabled: boolean): void => void this.calls.push(`keepAlive ${isEnabled}`);
}

describe('StreamTransport', () => {
  let clock: VirtualClock;
  let host: TransportHost;
  let channel: RecordingChannel;
  let reported: unknown[];

  beforeEach(() => {
    clock = new VirtualClock();
    channel = new RecordingChannel();
    reported = [];
    host = {
      clock,
      sockets: {} as TransportHost['sockets'],
      entropy: { fill: () => {} },
      lingerMs: 5_000,
      adopt: sinon.spy(),
      release: sinon.spy(),
      reportError: (error) => reported.push(error),
    };
  });

  afterEach(() => {
    expect(clock.pending).to.equal(0);
  });

  function started<P extends Recorder>(protocol: P, onClosed?: (reason: Error) => void): P {
    new StreamTransport(channel, protocol, host, onClosed).start();
    return protocol;
  }

  const bytes = (length: number): Uint8Array => new Uint8Array(length);

  it('is under the wing of its host from its start to connectionLost', () => {
    const protocol = started(new Recorder());
    const { transport } = protocol;
    expect((host.adopt as sinon.SinonSpy).calledOnceWithExactly(transport)).to.equal(true);

    channel.events.channelClosed(new ConnectionDone());

    expect((host.release as sinon.SinonSpy).calledOnceWithExactly(transport)).to.equal(true);
  });

  it('calls onClosed after connectionLost, with the same reason', () => {
    const order: unknown[] = [];
    const protocol = started(new Recorder(), (reason) => order.push(reason));
    protocol.onLost = (reason) => order.push(reason);
    const reason = new ConnectionReset();

    channel.events.channelClosed(reason);

    expect(order).to.deep.equal([reason, reason]);
  });

  it('hands a sequence over between a cork and its uncork, where the channel has them', () => {
    const { transport } = started(new Recorder());
    Object.assign(channel, {
      cork: () => channel.calls.push('cork'),
      uncork: () => channel.calls.push('uncork'),
    });

    transport.writeSequence([bytes(1), bytes(2)]);

    expect(channel.calls).to.deep.equal(['cork', 'write 1', 'write 2', 'uncork']);
  });

  it('takes the cork out again where what was given are no bytes', () => {
    const { transport } = started(new Recorder());
    Object.assign(channel, { cork() {}, uncork: () => channel.calls.push('uncork') });

    expect(() => transport.writeSequence(['text' as unknown as Uint8Array])).to.throw(UsageError);
    expect(channel.calls).to.deep.equal(['uncork']);
  });

  it('keeps nothing of the protocol once the connection is lost', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let transport: StreamTransport | undefined;
    // In a function of its own, so that no variable here holds the protocol.
    const open = (): WeakRef<Recorder> => {
      const protocol = new Recorder();
      const stopProducing = (): void => void protocol;
      transport = new StreamTransport(channel, protocol, host, () => void protocol);
      transport.start();
      transport.registerProducer({ resumeProducing() {}, pauseProducing() {}, stopProducing }, true);
      return new WeakRef(protocol);
    };
    const protocol = open();

    channel.events.channelClosed(new ConnectionDone());
    for (let turn = 0; turn < 10 && protocol.deref() !== undefined; turn++) {
      await new Promise(setImmediate);
      collect();
    }

    expect(protocol.deref()).to.equal(undefined);
    expect(transport?.connected).to.equal(false);
  });

  it('holds back what arrives while paused, the end included', () => {
    const protocol = started(new HalfCloser());
    protocol.transport.pauseProducing();

    channel.events.channelReceived(bytes(3));
    channel.events.channelEnded();
    channel.events.channelClosed(new ConnectionReset());
    expect(protocol.events).to.deep.equal(['made']);
    protocol.without(() => protocol.transport.resumeProducing());
    clock.advance(0);

    expect(protocol.events).to.deep.equal(['made', 'data', 'read-lost', 'lost']);
    expect(protocol.reason).to.be.instanceOf(ConnectionReset);
  });

  it('stops again where it is paused while it delivers what it held', () => {
    const protocol = started(new Recorder());
    protocol.transport.pauseProducing();
    for (const length of [1, 2, 3]) channel.events.channelReceived(bytes(length));
    protocol.onData = () => protocol.transport.pauseProducing();

    const seen: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      protocol.transport.resumeProducing();
      channel.events.channelReceived(bytes(10));
      clock.advance(0);
      seen.push(protocol.receivedBytes);
    }

    expect(seen).to.deep.equal([1, 3, 6]);
    protocol.transport.abortConnection();
  });

  it('tells of the end while paused when nothing is held', () => {
    const protocol = started(new Recorder());
    protocol.transport.pauseProducing();

    channel.events.channelClosed(new ConnectionReset());

    expect(protocol.events).to.deep.equal(['made', 'lost']);
  });

  for (const method of ['loseConnection', 'abortConnection'] as const) {
    it(`drops what it holds and tells of an end that was held back, later, after ${method}`, () => {
      const protocol = started(new Recorder());
      protocol.transport.pauseProducing();
      channel.events.channelReceived(bytes(3));
      channel.events.channelClosed(new ConnectionDone());

      protocol.without(() => protocol.transport[method]());
      clock.advance(0);

      expect(protocol.events).to.deep.equal(['made', 'lost']);
      expect(protocol.reason).to.be.instanceOf(
        method === 'loseConnection' ? ConnectionDone : ConnectionAborted,
      );
    });
  }

  it('reads on after loseConnection, so that the peer can come to its end', () => {
    const protocol = started(new Recorder());
    protocol.transport.pauseProducing();

    protocol.transport.loseConnection();
    channel.events.channelReceived(bytes(3));

    expect(channel.calls).to.deep.equal(['pause', 'resume', 'close']);
    expect(protocol.events).to.deep.equal(['made']);
  });

  it('shuts down, then closes, when both are asked for', () => {
    const protocol = started(new HalfCloser());

    protocol.transport.loseWriteConnection();
    protocol.transport.loseWriteConnection();
    channel.events.channelFinished();
    protocol.transport.loseConnection();

    expect(channel.calls).to.deep.equal(['shutdown', 'close']);
    expect(protocol.events).to.deep.equal(['made', 'write-lost']);
  });

  it('writes nothing for no bytes, and refuses what is not bytes', () => {
    const { transport } = started(new Recorder());

    expect(transport.write(bytes(0))).to.equal(true);
    expect(() => transport.write('text' as unknown as Uint8Array)).to.throw(UsageError);

    expect(channel.calls).to.deep.equal([]);
  });

  it('pauses a push producer at once that is registered when it is full', () => {
    const { transport } = started(new Recorder());
    const producer = {
      resumeProducing: sinon.spy(),
      pauseProducing: sinon.spy(),
      stopProducing: sinon.spy(),
    };
    channel.isFull = true;
    transport.write(bytes(1));

    transport.registerProducer(producer, true);
    channel.events.channelDrained();

    expect([producer.pauseProducing.callCount, producer.resumeProducing.callCount]).to.deep.equal([1, 1]);
  });

  it('asks a pull producer again only after it has written, and when there is room', () => {
    const { transport } = started(new Recorder());
    const producer = { resumeProducing: sinon.spy(), stopProducing: sinon.spy() };

    transport.registerProducer(producer, false);
    clock.advance(100);
    const unanswered = producer.resumeProducing.callCount;
    channel.isFull = true;
    transport.write(bytes(1));
    clock.advance(100);
    const full = producer.resumeProducing.callCount;
    channel.events.channelDrained();
    clock.advance(0);

    expect([unanswered, full, producer.resumeProducing.callCount]).to.deep.equal([1, 1, 2]);
  });

  it('stops the producer when the peer closes and the protocol cannot do with half a connection', () => {
    const protocol = started(new Recorder());
    const producer = { resumeProducing() {}, pauseProducing() {}, stopProducing: sinon.spy() };
    protocol.transport.registerProducer(producer, true);

    channel.events.channelEnded();

    expect(producer.stopProducing.callCount).to.equal(1);
    expect(channel.calls).to.deep.equal(['close']);
  });

  it('closes well when its host shuts down, and by force after the time it is given', () => {
    const protocol = started(new Recorder());
    const done = sinon.spy();

    (protocol.transport as StreamTransport).shutDown(1_000, done);
    clock.advance(999);
    expect(channel.calls).to.deep.equal(['close']);
    clock.advance(1);
    expect(channel.calls).to.deep.equal(['close', 'abort']);
    channel.events.channelClosed(new ConnectionAborted());

    expect(done.callCount).to.equal(1);
    expect(protocol.count('lost')).to.equal(1);
  });

  it('names the exception as the cause even where it was aborted before', () => {
    const protocol = started(new Recorder());
    const thrown = new Error('after abort');
    protocol.onData = () => {
      protocol.transport.abortConnection();
      throw thrown;
    };

    channel.events.channelReceived(bytes(1));
    channel.events.channelClosed(new ConnectionAborted());

    expect(protocol.reason).to.be.instanceOf(ConnectionAborted);
    expect(protocol.reason?.cause).to.equal(thrown);
    expect(reported).to.deep.equal([thrown]);
    expect(channel.calls).to.deep.equal(['abort']);
  });

  it('remembers the options of the socket', () => {
    const { transport } = started(new Recorder());
    expect([transport.getTcpNoDelay(), transport.getTcpKeepAlive()]).to.deep.equal([false, false]);

    transport.setTcpNoDelay(true);
    transport.setTcpKeepAlive(true);

    expect([transport.getTcpNoDelay(), transport.getTcpKeepAlive()]).to.deep.equal([true, true]);
    expect(channel.calls).to.deep.equal(['noDelay true', 'keepAlive true']);
  });

  it('fails startTLS with the reason of the end that was held back', () => {
    const protocol = new Recorder();
    new StreamTransport(channel, protocol, { ...host, tls: nodeTls }).start();
    protocol.transport.pauseProducing();
    channel.events.channelReceived(bytes(5));
    const reason = new ConnectionReset();
    channel.events.channelClosed(reason);
    const failed = sinon.spy();

    (protocol.transport as StreamTransport).startTLS({ insecure: true }).addErrback(failed);
    expect(failed.called).to.equal(false);
    clock.advance(0);

    expect(failed.args).to.deep.equal([[reason]]);
    expect(protocol.events).to.deep.equal(['made', 'lost']);
    expect(protocol.reason).to.equal(reason);
  });
});
