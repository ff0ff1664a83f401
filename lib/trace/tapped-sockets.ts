import type { UdpAddress } from '../interfaces/address.ts';
import type {
  DatagramBurst,
  Sockets,
  UdpBindOptions,
  UdpSocket,
  UdpSocketEvents,
} from '../interfaces/sockets.ts';

/** A datagram that passes a tap. `bytes` are not to be kept: the memory is used again. */
export interface TappedDatagram {
  readonly from: UdpAddress;
  readonly to: UdpAddress;
  readonly bytes: Uint8Array;
  readonly direction: 'in' | 'out';
}

/** Sees every datagram. What it throws reaches whoever uses the socket, so it should not. */
export type DatagramTap = (datagram: TappedDatagram) => void;

/** The same network, but `tap` sees what its UDP sockets send and receive, in that order and before anybody else. */
export function tappedSockets(sockets: Sockets, tap: DatagramTap): Sockets {
  return {
    bindUdp: (options, done) => bindTapped(sockets, tap, options, done),
    listenTcp: (options, done) => sockets.listenTcp(options, done),
    connectTcp: (options, done) => sockets.connectTcp(options, done),
    resolve: (host, done) => sockets.resolve(host, done),
  };
}

function bindTapped(
  sockets: Sockets,
  tap: DatagramTap,
  options: UdpBindOptions,
  done: (error: Error | undefined, socket?: UdpSocket) => void,
): () => void {
  const events = new TappedEvents(options.events, tap);
  return sockets.bindUdp({ ...options, events }, (error, socket) => {
    if (socket === undefined) {
      done(error);
      return;
    }
    events.socket = socket;
    done(undefined, new TappedUdpSocket(socket, tap));
  });
}

class TappedEvents implements UdpSocketEvents {
  readonly #events: UdpSocketEvents;
  readonly #tap: DatagramTap;
  /** Set before the first datagram can come. */
  socket: UdpSocket | undefined = undefined;

  constructor(events: UdpSocketEvents, tap: DatagramTap) {
    this.#events = events;
    this.#tap = tap;
  }

  datagram(bytes: Uint8Array, host: string, port: number): void {
    if (this.socket !== undefined) {
      this.#tap({ from: { host, port }, to: ownAddress(this.socket), bytes, direction: 'in' });
    }
    this.#events.datagram(bytes, host, port);
  }

  writable(): void {
    this.#events.writable();
  }

  error(code: string): void {
    this.#events.error(code);
  }
}

class TappedUdpSocket implements UdpSocket {
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  readonly #socket: UdpSocket;
  readonly #tap: DatagramTap;
  #peer: UdpAddress | undefined = undefined;

  constructor(socket: UdpSocket, tap: DatagramTap) {
    this.#socket = socket;
    this.#tap = tap;
    this.port = socket.port;
    this.family = socket.family;
    this.receiveBufferBytes = socket.receiveBufferBytes;
    this.sendBufferBytes = socket.sendBufferBytes;
  }

  /** Connecting may change it. */
  get host(): string {
    return this.#socket.host;
  }

  sendBurst(burst: DatagramBurst, to?: UdpAddress): 'sent' | 'blocked' {
    const receiver = to ?? this.#peer;
    if (receiver !== undefined) this.#showBurst(burst, receiver);
    return this.#socket.sendBurst(burst, to);
  }

  connect(to: UdpAddress, done: (error?: Error) => void): void {
    this.#peer = to;
    this.#socket.connect(to, done);
  }

  keepAlive(isNeeded: boolean): void {
    this.#socket.keepAlive(isNeeded);
  }

  close(done: () => void): void {
    this.#socket.close(done);
  }

  #showBurst({ buffer, strideBytes, count, lastBytes }: DatagramBurst, to: UdpAddress): void {
    const from = ownAddress(this.#socket);
    for (let index = 0; index < count; index += 1) {
      const start = index * strideBytes;
      const end = start + (index === count - 1 ? lastBytes : strideBytes);
      this.#tap({ from, to, bytes: buffer.subarray(start, end), direction: 'out' });
    }
  }
}

function ownAddress({ host, port }: UdpSocket): UdpAddress {
  return { host, port };
}
