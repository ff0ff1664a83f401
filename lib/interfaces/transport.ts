import type { Address, InetAddress } from './address.ts';
import type { Consumer, PushProducer } from './producer.ts';
import type { StartTlsOptions, TlsFacts } from './tls.ts';

/** What a transport with a TCP of its own measures, named as in Linux's tcp_info. PTCP's has more: `TcpInfo`. */
export interface TcpMeasures {
  readonly rttUs: number;
  readonly rttvarUs: number;
  /** 0 while there is no sample. */
  readonly minRttUs: number;
  readonly sndMssBytes: number;
  readonly sndCwndSegments: number;
  readonly unackedBytes: number;
  readonly notsentBytes: number;
  readonly segsOut: number;
  readonly segsIn: number;
  readonly totalRetransSegments: number;
  /** The name of the congestion controller. */
  readonly congestion: string;
}

/**
 * A connection as its Protocol sees it: a reliable, ordered stream of bytes both ways.
 *
 * Modelled on Twisted's ITransport, ITCPTransport, IHalfCloseableDescriptor, IConsumer and IPushProducer in one.
 * As a producer it controls what it delivers: pauseProducing stops dataReceived, and the peer is slowed down.
 */
export interface Transport extends Consumer, PushProducer {
  /** Whether connectionLost is still to come. */
  readonly connected: boolean;
  /** Whether loseConnection was called: nothing is delivered any more, and writes are dropped. */
  readonly disconnecting: boolean;
  /** Bytes written and not yet taken by the network. */
  readonly bufferedBytes: number;

  /**
   * Sends `bytes` after all that was written before, and takes them over: do not change them afterwards.
   *
   * Returns whether more may be written without piling up; a registered producer is told by itself. After
   * loseConnection, loseWriteConnection or the loss of the connection the bytes are dropped and it returns false.
   */
  write(bytes: Uint8Array): boolean;
  writeSequence(chunks: Iterable<Uint8Array>): boolean;

  /**
   * Closes well: stops delivering, sends what was written, waits for a registered producer to be unregistered, and
   * closes both directions. connectionLost comes later, never from inside this call.
   */
  loseConnection(): void;
  /** Half close: sends what was written, then tells the peer that nothing more will come. Reading goes on. */
  loseWriteConnection(): void;
  /** Closes at once: drops what is buffered and resets. connectionLost(ConnectionAborted) comes later. Idempotent. */
  abortConnection(): void;

  getHost(): Address;
  getPeer(): Address;

  /** What the TLS handshake agreed on; undefined while there is no TLS. */
  readonly tls?: TlsFacts | undefined;
  /**
   * Makes the running connection secure; where it is missing, the transport cannot. Fires when the handshake is over
   * and the peer verified. What was written before goes out in clear, what is written after this call encrypted and
   * after the handshake; nothing is delivered before that. When it fails, the connection is lost with that reason.
   *
   * Throws OnlyOneTls on a connection that has TLS, UsageError for wrong options and where there is no TLS.
   */
  startTLS?(options: StartTlsOptions): PromiseLike<TlsFacts>;

  /** What is known of the network, also after the connection was lost; where it is missing or undefined, nothing. */
  tcpInfo?(): TcpMeasures | undefined;

  /** Nagle's algorithm off (true) or on; no effect where a transport has none. */
  setTcpNoDelay(isEnabled: boolean): void;
  getTcpNoDelay(): boolean;
  setTcpKeepAlive(isEnabled: boolean): void;
  getTcpKeepAlive(): boolean;
}

/** A bound UDP socket as its DatagramProtocol sees it. Modelled on Twisted's IUDPTransport. */
export interface DatagramTransport {
  /**
   * Sends one datagram; the bytes are copied or sent before it returns. `address` may be left out once connected.
   *
   * A full socket buffer drops it, as a network would. Throws MessageLengthError, InvalidAddressError or UsageError.
   */
  write(datagram: Uint8Array, address?: { readonly host: string; readonly port: number }): void;
  /** Fixes the peer, an IP literal; from then on refusals are reported to connectionRefused. Once only. */
  connect(host: string, port: number): void;
  /** Fires when the socket is closed and stopProtocol was called. */
  stopListening(): PromiseLike<void>;
  getHost(): InetAddress;
}
