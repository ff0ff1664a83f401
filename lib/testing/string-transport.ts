import { Deferred } from '../defer/deferred.ts';
import { ConnectionAborted, ConnectionDone, OnlyOneTls, UsageError } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { Producer, PushProducer } from '../interfaces/producer.ts';
import type { StreamProtocol } from '../interfaces/protocol.ts';
import type { StartTlsOptions, TlsFacts } from '../interfaces/tls.ts';
import type { Transport } from '../interfaces/transport.ts';
import { requireProducer } from '../transports/require-producer.ts';

const HERE: Address = { type: 'memory', name: 'here' };
const THERE: Address = { type: 'memory', name: 'there' };

const SOME_TLS: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  alpnProtocol: undefined,
  peerCertificate: undefined,
  serverName: undefined,
};

/**
 * A transport that only records, for tests that play the network by hand. Modelled on Twisted's StringTransport.
 *
 * Give it to `protocol.makeConnection`, call dataReceived yourself, and look at `written`. Nothing happens by itself:
 * after loseConnection call `deliverClose`, and connectionLost comes once.
 */
export class StringTransport implements Transport {
  /** Everything that was written and not cleared. */
  written: Uint8Array[] = [];
  /** What write and writeSequence answer while the connection is open. */
  acceptsMore = true;
  readonly #host: Address;
  readonly #peer: Address;
  #state: 'open' | 'disconnecting' | 'aborting' | 'closed' = 'open';
  #isWriteClosed = false;
  #isPaused = false;
  #producer: Producer | undefined = undefined;
  #isStreaming = false;
  #noDelay = false;
  #keepAlive = false;
  #tls: TlsFacts | undefined = undefined;
  #tlsOptions: StartTlsOptions | undefined = undefined;
  #tlsStarting: Deferred<TlsFacts> | undefined = undefined;

  constructor(host: Address = HERE, peer: Address = THERE) {
    this.#host = host;
    this.#peer = peer;
  }

  /** The written bytes as text, each byte a character. */
  get text(): string {
    return this.written.map((chunk) => String.fromCharCode(...chunk)).join('');
  }

  clear(): void {
    this.written = [];
  }

  get connected(): boolean {
    return this.#state !== 'closed';
  }

  get disconnecting(): boolean {
    return this.#state !== 'open';
  }

  /** Whether abortConnection was called. */
  get aborting(): boolean {
    return this.#state === 'aborting';
  }

  /** Whether loseWriteConnection was called. */
  get writeClosed(): boolean {
    return this.#isWriteClosed;
  }

  /** Whether the protocol paused what it receives. */
  get paused(): boolean {
    return this.#isPaused;
  }

  get producer(): Producer | undefined {
    return this.#producer;
  }

  get streaming(): boolean {
    return this.#isStreaming;
  }

  get bufferedBytes(): number {
    return this.written.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  write(bytes: Uint8Array): boolean {
    if (!(bytes instanceof Uint8Array)) throw new UsageError('write takes a Uint8Array');
    if ((this.disconnecting || this.#isWriteClosed) && this.#producer === undefined) return false;
    this.written.push(bytes);
    return this.acceptsMore;
  }

  writeSequence(chunks: Iterable<Uint8Array>): boolean {
    let isAccepted = this.acceptsMore && !this.disconnecting;
    for (const chunk of chunks) isAccepted = this.write(chunk);
    return isAccepted;
  }

  loseConnection(): void {
    if (this.#state === 'open') this.#state = 'disconnecting';
  }

  loseWriteConnection(): void {
    this.#isWriteClosed = true;
  }

  abortConnection(): void {
    if (this.#state !== 'closed') this.#state = 'aborting';
  }

  /** What the event loop would do: tells `protocol` that the connection is over, with the reason that fits. */
  deliverClose(protocol: StreamProtocol, reason?: Error): void {
    if (this.#state === 'closed') throw new UsageError('the connection is closed already');
    const fitting = this.#state === 'aborting' ? new ConnectionAborted() : new ConnectionDone();
    this.#state = 'closed';
    const producer = this.#producer;
    this.#producer = undefined;
    producer?.stopProducing();
    this.#tlsStarting?.errback(reason ?? fitting);
    this.#tlsStarting = undefined;
    protocol.connectionLost(reason ?? fitting);
  }

  registerProducer(producer: PushProducer, streaming: true): void;
  registerProducer(producer: Producer, streaming: false): void;
  registerProducer(producer: Producer, streaming: boolean): void {
    requireProducer(producer, streaming);
    if (this.#producer !== undefined) throw new UsageError('a producer is registered already');
    if (!this.connected) {
      producer.stopProducing();
      return;
    }
    this.#producer = producer;
    this.#isStreaming = streaming;
  }

  unregisterProducer(): void {
    this.#producer = undefined;
  }

  pauseProducing(): void {
    this.#isPaused = true;
  }

  resumeProducing(): void {
    this.#isPaused = false;
  }

  stopProducing(): void {
    this.loseConnection();
  }

  /** What `deliverTls` was given. */
  get tls(): TlsFacts | undefined {
    return this.#tls;
  }

  /** What startTLS was called with. */
  get tlsOptions(): StartTlsOptions | undefined {
    return this.#tlsOptions;
  }

  /** Records the options. Fires from inside `deliverTls`; fails from inside `deliverClose` when that comes first. */
  startTLS(options: StartTlsOptions): Deferred<TlsFacts> {
    if (this.#tlsOptions !== undefined) throw new OnlyOneTls('this connection has TLS already');
    if (this.#state !== 'open' || this.#isWriteClosed) throw new UsageError('the connection is being closed');
    this.#tlsOptions = options;
    this.#tlsStarting = new Deferred<TlsFacts>();
    return this.#tlsStarting;
  }

  /** What the event loop would do: the handshake that startTLS began is over. */
  deliverTls(facts: Partial<TlsFacts> = {}): void {
    const starting = this.#tlsStarting;
    if (starting === undefined) throw new UsageError('there is no handshake under way');
    this.#tlsStarting = undefined;
    this.#tls = { ...SOME_TLS, ...facts };
    starting.callback(this.#tls);
  }

  getHost(): Address {
    return this.#host;
  }

  getPeer(): Address {
    return this.#peer;
  }

  setTcpNoDelay(isEnabled: boolean): void {
    this.#noDelay = isEnabled;
  }

  getTcpNoDelay(): boolean {
    return this.#noDelay;
  }

  setTcpKeepAlive(isEnabled: boolean): void {
    this.#keepAlive = isEnabled;
  }

  getTcpKeepAlive(): boolean {
    return this.#keepAlive;
  }
}
