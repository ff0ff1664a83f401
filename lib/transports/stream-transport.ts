import { Deferred } from '../defer/deferred.ts';
import { ConnectionAborted, OnlyOneTls, UsageError } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { Producer, PushProducer } from '../interfaces/producer.ts';
import type { StreamProtocol, SwitchableTransport } from '../interfaces/protocol.ts';
import type { Resource, TransportHost } from '../interfaces/reactor.ts';
import type { StartTlsOptions, TlsContext, TlsFacts } from '../interfaces/tls.ts';
import type { TcpMeasures } from '../interfaces/transport.ts';
import type { ChannelEvents, StreamChannel } from './provider.ts';
import { requireProducer } from './require-producer.ts';
import { TlsChannel } from './tls/channel.ts';

/** How far the closing of our direction has come. */
type Sending = 'open' | 'half-closing' | 'closing' | 'closed';

/**
 * A connection: all the policy of a stream transport, over a channel of any kind.
 *
 * Its maker calls `start` in the turn in which it is made. Every callback of the protocol comes from the event loop,
 * and connectionLost is never called from inside a call to this object.
 */
export class StreamTransport implements SwitchableTransport, ChannelEvents, Resource {
  #channel: StreamChannel;
  readonly #host: TransportHost;
  /** Undefined once connectionLost was called, so that nothing here keeps the protocol alive. */
  #protocol: StreamProtocol | undefined;
  #onClosed: ((reason: Error) => void) | undefined;
  #onShutDown: (() => void) | undefined = undefined;

  #sending: Sending = 'open';
  #disconnecting = false;
  #aborted = false;
  /** What user code threw; the `cause` of the ConnectionAborted that follows. */
  #failure: unknown = undefined;

  /** The peer's FIN was reported. */
  #readIsOver = false;
  #paused = false;
  /** What came while paused. The peer's FIN and the end of the connection wait behind it. */
  #held: Uint8Array[] | undefined = undefined;
  #endHeld = false;
  #closeHeld: Error | undefined = undefined;

  /** The channel said it is full, and has not said since that it has drained. */
  #full = false;
  #producer: Producer | undefined = undefined;
  #streaming = false;
  /** Push: it was paused by us. Pull: it was asked for a chunk, or will be. */
  #producerHalted = false;

  #noDelay = false;
  #keepAlive = false;

  #tls: TlsFacts | undefined = undefined;
  #isTlsStarted = false;
  /** Fires when the handshake is over. */
  #tlsStarting: Deferred<TlsFacts> | undefined = undefined;

  /** `onClosed` is called after the protocol's connectionLost, with the same reason. */
  constructor(
    channel: StreamChannel,
    protocol: StreamProtocol,
    host: TransportHost,
    onClosed?: (reason: Error) => void,
  ) {
    this.#channel = channel;
    this.#protocol = protocol;
    this.#host = host;
    this.#onClosed = onClosed;
  }

  /** Hands the connection to the protocol: connectionMade is called from inside. Returns false when that threw. */
  start(): boolean {
    this.#host.adopt(this);
    this.#channel.attach(this);
    this.#call('connectionMade', () => this.#protocol?.makeConnection(this));
    return this.#failure === undefined;
  }

  get connected(): boolean {
    return this.#protocol !== undefined;
  }

  get disconnecting(): boolean {
    return this.#disconnecting;
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  switchProtocol(protocol: StreamProtocol): boolean {
    if (this.#protocol === undefined) throw new UsageError('the connection is lost');
    this.#protocol = protocol;
    const failure = this.#failure;
    this.#call('connectionMade', () => protocol.makeConnection(this));
    if (this.#readIsOver) {
      this.#host.clock.callSoon(() => {
        if (this.#protocol === protocol) this.#readEnded();
      });
    }
    return this.#failure === failure;
  }

  getHost(): Address {
    return this.#channel.getHost();
  }

  getPeer(): Address {
    return this.#channel.getPeer();
  }

  tcpInfo(): TcpMeasures | undefined {
    return this.#channel.tcpInfo?.();
  }

  setTcpNoDelay(isEnabled: boolean): void {
    this.#noDelay = isEnabled;
    this.#channel.setNoDelay(isEnabled);
  }

  getTcpNoDelay(): boolean {
    return this.#noDelay;
  }

  setTcpKeepAlive(isEnabled: boolean): void {
    this.#keepAlive = isEnabled;
    this.#channel.setKeepAlive(isEnabled);
  }

  getTcpKeepAlive(): boolean {
    return this.#keepAlive;
  }

  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  /** Cancelling the Deferred aborts the connection. Fails with the reason that connectionLost is called with. */
  startTLS(options: StartTlsOptions): Deferred<TlsFacts> {
    const { tls } = this.#host;
    if (tls === undefined) throw new UsageError('this reactor has no TLS');
    if (this.#isTlsStarted) throw new OnlyOneTls('the connection has TLS already, or is about to have it');
    const isLost = this.#closeHeld !== undefined;
    if (!this.connected || this.#disconnecting || (this.#sending !== 'open' && !isLost))
      throw new UsageError('the connection is closed or being closed');
    const context = tls.prepare(options);
    this.#isTlsStarted = true;
    const starting = new Deferred<TlsFacts>(() => this.abortConnection());
    this.#tlsStarting = starting;
    // A failure is told by connectionLost too: no need to report it where nobody listens.
    starting.then(undefined, () => {});
    if (isLost) {
      this.#held = undefined;
      this.#host.clock.callSoon(() => this.#reportHeldClose());
    } else {
      this.#putTlsBetween(context, options);
    }
    return starting;
  }

  // Sending.

  write(bytes: Uint8Array): boolean {
    if (!(bytes instanceof Uint8Array)) throw new UsageError('write takes a Uint8Array');
    if (!this.#isWritable) return false;
    if (bytes.length === 0) return !this.#full;
    // A channel may go on answering false; the producer is paused once.
    this.#full = !this.#channel.write(bytes);
    if (this.#producer !== undefined) this.#paceProducer();
    return !this.#full;
  }

  writeSequence(chunks: Iterable<Uint8Array>): boolean {
    this.#channel.cork?.();
    try {
      for (const chunk of chunks) this.write(chunk);
    } finally {
      this.#channel.uncork?.();
    }
    return this.#isWritable && !this.#full;
  }

  registerProducer(producer: PushProducer, streaming: true): void;
  registerProducer(producer: Producer, streaming: false): void;
  registerProducer(producer: Producer, streaming: boolean): void {
    requireProducer(producer, streaming);
    if (this.#producer !== undefined) throw new UsageError('a producer is registered already');
    // Nothing it wrote would be sent any more.
    if (!this.#isWritable) {
      this.#call('stopProducing', () => producer.stopProducing());
      return;
    }
    this.#producer = producer;
    this.#streaming = streaming;
    this.#producerHalted = false;
    if (!streaming && !this.#full) this.#pull();
    else this.#paceProducer();
  }

  unregisterProducer(): void {
    if (this.#producer === undefined) return;
    this.#producer = undefined;
    this.#closeWhenProduced();
  }

  loseWriteConnection(): void {
    if (this.#sending !== 'open') return;
    this.#sending = 'half-closing';
    this.#closeWhenProduced();
  }

  loseConnection(): void {
    if (this.#disconnecting || !this.connected) return;
    this.#disconnecting = true;
    this.#discardInput();
    this.#closeWhenProduced();
  }

  abortConnection(): void {
    if (this.#aborted || !this.connected) return;
    this.#aborted = true;
    this.#disconnecting = true;
    this.#sending = 'closed';
    this.#discardInput();
    this.#channel.abort();
    this.#stopProducer();
  }

  // Receiving.

  pauseProducing(): void {
    if (this.#paused || this.#disconnecting || !this.connected) return;
    this.#paused = true;
    if (this.#closeHeld === undefined) this.#channel.pause();
  }

  resumeProducing(): void {
    if (!this.#paused || this.#disconnecting) return;
    this.#paused = false;
    if (this.#closeHeld === undefined) this.#channel.resume();
    // Later, because the caller may be in the middle of something.
    if (this.#held !== undefined) this.#host.clock.callSoon(() => this.#deliverHeld());
  }

  /** The consumer of what arrives here is gone: the same as loseConnection. */
  stopProducing(): void {
    this.loseConnection();
  }

  channelReceived(bytes: Uint8Array): void {
    if (this.#disconnecting) return;
    if (this.#paused || this.#held !== undefined) {
      this.#held ??= [];
      this.#held.push(bytes);
      return;
    }
    this.#deliver(bytes);
  }

  channelEnded(): void {
    if (this.#disconnecting) return;
    if (this.#held !== undefined) this.#endHeld = true;
    else this.#readEnded();
  }

  channelUrged(byteCount: number): void {
    if (this.#protocol?.urgentReceived === undefined || this.#disconnecting) return;
    this.#call('urgentReceived', () => this.#protocol?.urgentReceived?.(byteCount));
  }

  channelDrained(): void {
    this.#full = false;
    if (this.#producer === undefined) return;
    if (!this.#streaming) {
      this.#paceProducer();
      return;
    }
    if (!this.#producerHalted) return;
    this.#producerHalted = false;
    this.#call('resumeProducing', () => this.#producer?.resumeProducing());
  }

  channelFinished(): void {
    if (this.#disconnecting) return;
    this.#call('writeConnectionLost', () => this.#protocol?.writeConnectionLost?.());
  }

  channelClosed(reason: Error): void {
    this.#sending = 'closed';
    this.#stopProducer();
    if (this.#held !== undefined && !this.#disconnecting) this.#closeHeld = reason;
    else this.#lost(reason);
  }

  shutDown(lingerMs: number, done: () => void): void {
    if (!this.connected) {
      done();
      return;
    }
    const timer = this.#host.clock.callLater(lingerMs, () => this.abortConnection());
    this.#onShutDown = () => {
      if (timer.active) timer.cancel();
      done();
    };
    this.loseConnection();
  }

  #putTlsBetween(context: TlsContext, options: StartTlsOptions): void {
    const { unread } = options;
    const channel = new TlsChannel(this.#channel, {
      host: this.#host,
      context,
      timeouts: options,
      unread: [...(unread === undefined ? [] : [unread]), ...(this.#held ?? [])],
      isEnded: this.#endHeld || this.#readIsOver,
      secured: (facts) => this.#secured(facts),
    });
    this.#held = undefined;
    this.#endHeld = false;
    this.#channel = channel;
    channel.attach(this);
    if (this.#paused) channel.pause();
  }

  #secured(facts: TlsFacts): void {
    this.#tls = facts;
    const starting = this.#tlsStarting;
    this.#tlsStarting = undefined;
    if (starting?.called === false) starting.callback(facts);
  }

  /** Whether what is written is still sent. While a close waits for a producer, it is. */
  get #isWritable(): boolean {
    if (this.#sending === 'open') return !this.#disconnecting || this.#producer !== undefined;
    return this.#sending === 'half-closing' && this.#producer !== undefined;
  }

  /** Carries out the close or half close that was asked for, unless a producer has more to write. */
  #closeWhenProduced(): void {
    if (this.#producer !== undefined || this.#sending === 'closed') return;
    if (this.#disconnecting) {
      this.#sending = 'closed';
      this.#channel.close();
    } else if (this.#sending === 'half-closing') {
      this.#sending = 'closing';
      this.#channel.shutdown();
    }
  }

  /** Halts a push producer when the channel is full; asks a pull producer for more when it is not. */
  #paceProducer(): void {
    if (this.#streaming) {
      if (!this.#full || this.#producerHalted) return;
      this.#producerHalted = true;
      this.#call('pauseProducing', () => (this.#producer as PushProducer | undefined)?.pauseProducing());
      return;
    }
    // Not from inside its own write, and not when one request is under way.
    if (this.#full || this.#producerHalted) return;
    this.#producerHalted = true;
    const producer = this.#producer;
    this.#host.clock.callSoon(() => {
      if (this.#producer === producer) this.#pull();
    });
  }

  #pull(): void {
    this.#producerHalted = false;
    if (this.#streaming || this.#full) return;
    this.#call('resumeProducing', () => this.#producer?.resumeProducing());
  }

  #stopProducer(): void {
    const producer = this.#producer;
    if (producer === undefined) return;
    this.#producer = undefined;
    this.#call('stopProducing', () => producer.stopProducing());
  }

  #deliver(bytes: Uint8Array): void {
    this.#call('dataReceived', () => this.#protocol?.dataReceived(bytes));
  }

  #deliverHeld(): void {
    while (this.#held !== undefined && !this.#paused) {
      const bytes = this.#held.shift();
      if (this.#held.length === 0) this.#held = undefined;
      if (bytes !== undefined) this.#deliver(bytes);
    }
    if (this.#held !== undefined) return;
    if (this.#endHeld) {
      this.#endHeld = false;
      this.#readEnded();
    }
    this.#reportHeldClose();
  }

  #readEnded(): void {
    this.#readIsOver = true;
    if (this.#disconnecting) return;
    if (this.#protocol?.readConnectionLost !== undefined) {
      this.#call('readConnectionLost', () => this.#protocol?.readConnectionLost?.());
      return;
    }
    // A full close: the producer is not waited for, or one that never ends would keep half a connection for ever.
    this.#stopProducer();
    this.loseConnection();
  }

  /** Nothing is delivered any more: what is held goes, and what still comes is taken and dropped. */
  #discardInput(): void {
    this.#held = undefined;
    this.#endHeld = false;
    if (this.#closeHeld !== undefined) this.#host.clock.callSoon(() => this.#reportHeldClose());
    else if (this.#paused) this.#channel.resume();
    this.#paused = false;
  }

  #reportHeldClose(): void {
    const reason = this.#closeHeld;
    if (reason === undefined) return;
    this.#closeHeld = undefined;
    this.#lost(reason);
  }

  #lost(reason: Error): void {
    const protocol = this.#protocol;
    if (protocol === undefined) return;
    const given = this.#aborted ? this.#abortReason(reason) : reason;
    const onClosed = this.#onClosed;
    this.#protocol = undefined;
    this.#onClosed = undefined;
    this.#disconnecting = true;
    if (this.#tlsStarting?.called === false) this.#tlsStarting.errback(given);
    this.#tlsStarting = undefined;
    try {
      protocol.connectionLost(given);
    } catch (error) {
      this.#host.reportError(error, 'connectionLost');
    }
    onClosed?.(given);
    this.#host.release(this);
    this.#onShutDown?.();
    this.#onShutDown = undefined;
  }

  #abortReason(reason: Error): Error {
    if (this.#failure !== undefined) {
      return new ConnectionAborted('the connection was aborted because a callback threw', {
        cause: this.#failure,
      });
    }
    return reason instanceof ConnectionAborted ? reason : new ConnectionAborted();
  }

  /** Calls user code. What it throws ends this connection, and only this one. */
  #call(where: string, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#host.reportError(error, where);
      this.#failure ??= error;
      this.abortConnection();
    }
  }
}

/** Closes a connection that nobody wants, reading what the peer still sends so that it is not reset. */
export function closeQuietly(channel: StreamChannel, host: TransportHost): void {
  new StreamTransport(channel, NOBODY, host).start();
}

const NOBODY: StreamProtocol = {
  makeConnection: (transport) => transport.loseConnection(),
  dataReceived: () => {},
  connectionLost: () => {},
};
