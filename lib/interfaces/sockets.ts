import type { UdpAddress } from './address.ts';

/** A run of datagrams of one size, back to back in `buffer`; the last may be shorter. */
export interface DatagramBurst {
  readonly buffer: Uint8Array;
  /** From the start of one datagram to the start of the next. All but the last have this length. */
  readonly strideBytes: number;
  readonly count: number;
  readonly lastBytes: number;
}

/** What a UdpSocket tells its owner. All are called from the event loop, never from inside a call to the socket. */
export interface UdpSocketEvents {
  /** One datagram; `bytes` stay valid after the call. `now` was read when it was taken from the socket. */
  datagram(bytes: Uint8Array, host: string, port: number): void;
  /** After 'blocked': there is room again. */
  writable(): void;
  /**
   * The system reported an error for an earlier send or the socket itself; `code` is errno's name, 'ECONNREFUSED' for
   * an ICMP port unreachable on a connected socket. The socket stays open.
   */
  error(code: string): void;
}

/** A bound UDP socket. The real one is node:dgram; the simulated network implements the same contract. */
export interface UdpSocket {
  /** What it is bound to; after `connect`, the address that the system sends from, where it tells. */
  readonly host: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  /** What the system granted, in bytes. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;

  /**
   * Sends a burst to `to`, or to the connected peer. The buffer may be reused once it returns.
   *
   * 'blocked' says the socket takes no more for now: this burst was still taken, `writable` will follow. A datagram
   * the system refuses is lost, as in a network; its errno comes through `error`.
   */
  sendBurst(burst: DatagramBurst, to?: UdpAddress): 'sent' | 'blocked';
  /** Fixes the peer, an IP literal. Calls back when done; refusals are heard from then on. */
  connect(to: UdpAddress, done: (error?: Error) => void): void;
  /** Whether the process must stay alive for this socket. True at first. */
  keepAlive(isNeeded: boolean): void;
  /** Closes; no event follows. `done` comes later, never from inside. */
  close(done: () => void): void;
}

/** How a UDP socket is asked for. */
export interface UdpBindOptions {
  readonly host: string;
  readonly port: number;
  readonly events: UdpSocketEvents;
  /** Asked of the system for each direction; what it granted is in the socket. */
  readonly bufferBytes?: number;
  /** Hops that what is sent may take, 1 to 255; the system's default when left out. */
  readonly ttl?: number | undefined;
}

/** What a TcpSocket tells its owner. */
export interface TcpSocketEvents {
  data(bytes: Uint8Array): void;
  /** The peer's FIN. */
  end(): void;
  /** All that was written has been taken by the system. */
  drained(): void;
  /** Our FIN was handed to the system, all data before it. */
  finished(): void;
  /** Last. `code` is errno's name when it ended by an error. */
  closed(code?: string): void;
}

/** A connected TCP socket: node:net behind a contract that a simulation can keep too. */
export interface TcpSocket {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly family: 'IPv4' | 'IPv6';
  readonly bufferedBytes: number;
  /** Set once, before the first event can come. */
  attach(events: TcpSocketEvents): void;
  /** Takes the bytes over; false when the system's buffer is full, `drained` follows. */
  write(bytes: Uint8Array): boolean;
  /** What is written from here on goes to the system in one call, at `uncork`. */
  cork?(): void;
  uncork?(): void;
  /** FIN after what was written. */
  end(): void;
  /** RST at once. `closed` follows. */
  reset(): void;
  /** Closes both directions without a reset. */
  destroy(): void;
  pause(): void;
  resume(): void;
  setNoDelay(isEnabled: boolean): void;
  setKeepAlive(isEnabled: boolean): void;
}

export interface TcpListener {
  readonly host: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  /** Stops accepting; accepted connections live on. */
  close(done: () => void): void;
}

export interface TcpListenOptions {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly accepted: (socket: TcpSocket) => void;
  readonly error: (error: Error) => void;
}

export interface TcpConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

/** The network of a reactor: the real one, or a simulated one. Errors given to `done` carry errno's name as `code`. */
export interface Sockets {
  /** `done` is called later, never from inside; the returned function gives up. */
  bindUdp(options: UdpBindOptions, done: (error: Error | undefined, socket?: UdpSocket) => void): () => void;
  listenTcp(
    options: TcpListenOptions,
    done: (error: Error | undefined, listener?: TcpListener) => void,
  ): () => void;
  connectTcp(
    options: TcpConnectOptions,
    done: (error: Error | undefined, socket?: TcpSocket) => void,
  ): () => void;
  /** Addresses of a name, IPv4 first; an IP literal is its own address. */
  resolve(
    host: string,
    done: (
      error: Error | undefined,
      addresses?: readonly { host: string; family: 'IPv4' | 'IPv6' }[],
    ) => void,
  ): () => void;
}
