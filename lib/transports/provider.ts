import type { Address } from '../interfaces/address.ts';
import type { ConnectorLike, StreamClientFactory, StreamFactory } from '../interfaces/protocol.ts';
import type { ListeningPort, TransportHost } from '../interfaces/reactor.ts';
import type { TcpMeasures } from '../interfaces/transport.ts';

/** Where to listen. `host` is the interface's address; every address when left out. */
export interface ListenTarget {
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** Where to connect to. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * What each kind of transport takes and gives, by its name: `{ listen: Options; connect: Options; port: Port }`. Every
 * provider merges its own in by `declare module`, and reactor.listen and reactor.connect are typed by it.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface TransportOptions {}

/**
 * A kind of stream transport that a reactor can be taught. `listen` and `connect` return at once; what goes wrong
 * later comes through the port's `listening` and the factory's clientConnectionFailed. Bad arguments throw UsageError.
 */
export interface TransportProvider<ListenOptions = object, ConnectOptions = object> {
  /** 'tcp', 'ptcp', … : the word for reactor.listen and reactor.connect. */
  readonly name: string;
  listen(
    host: TransportHost,
    target: ListenTarget,
    factory: StreamFactory,
    options: ListenOptions,
  ): ListeningPort;
  connect(
    host: TransportHost,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options: ConnectOptions,
  ): ConnectorLike;
}

/**
 * The raw connection under a StreamTransport: bytes and signals, no policy.
 *
 * It reports through ChannelEvents, which the StreamTransport implements, never from inside a call made to it.
 */
export interface StreamChannel {
  readonly bufferedBytes: number;
  /**
   * Whom to report to. Called in the turn in which the channel is handed over, and nothing is reported before; called
   * again when TLS is put between the two.
   */
  attach(events: ChannelEvents): void;
  /** Takes the bytes over. False when it is full: `channelDrained` follows. */
  write(bytes: Uint8Array): boolean;
  /** What is written from here on may wait for `uncork`, to go together. For channels for which that is cheaper. */
  cork?(): void;
  uncork?(): void;
  /** FIN after all that was written; `channelFinished` follows. Reading goes on. */
  shutdown(): void;
  /** Closes both directions after what was written, lingering as its kind does; `channelClosed` follows. */
  close(): void;
  /** Resets at once; `channelClosed` follows. */
  abort(): void;
  pause(): void;
  resume(): void;
  getHost(): Address;
  getPeer(): Address;
  setNoDelay(isEnabled: boolean): void;
  setKeepAlive(isEnabled: boolean): void;
  /** Where the channel is a TCP of our own. Answers after the end, too. */
  tcpInfo?(): TcpMeasures | undefined;
}

/** What a StreamChannel reports. */
export interface ChannelEvents {
  channelReceived(bytes: Uint8Array): void;
  /** The peer's FIN, after its last byte. */
  channelEnded(): void;
  /** The peer points at urgent data, whose end is `byteCount` bytes ahead of what `channelReceived` brought. */
  channelUrged?(byteCount: number): void;
  channelDrained(): void;
  /** The FIN asked for by shutdown is on its way, all data before it. */
  channelFinished(): void;
  /** Last, once. ConnectionDone when both directions ended well. */
  channelClosed(reason: Error): void;
}
