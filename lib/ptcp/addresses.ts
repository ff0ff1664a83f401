import type { Address, InetAddress, UdpAddress } from '../interfaces/address.ts';
import type { UdpSocket } from '../interfaces/sockets.ts';
import type { Connection, PathId } from './core/index.ts';
import type { PathTable } from './paths.ts';

/** The ends of the connections of one socket, as users see them. */
export class ConnectionAddresses {
  readonly #paths: PathTable;
  /** Set once it is bound. */
  socket: UdpSocket | undefined = undefined;

  constructor(paths: PathTable) {
    this.#paths = paths;
  }

  /** Where the socket is bound, with a pseudo-port. */
  bound(pseudoPort: number): InetAddress {
    const { host = '', port = 0, family = 'IPv4' } = this.socket ?? {};
    return { type: 'PTCP', family, host, port, pseudoPort };
  }

  addressOf(path: PathId): UdpAddress | undefined {
    return this.#paths.addressOf(path);
  }

  hostOf(connection: Connection): Address {
    return this.bound(connection.localPseudoPort);
  }

  peerOf(connection: Connection): Address {
    const { host = '', port = 0 } = this.#paths.addressOf(connection.path) ?? {};
    const family = host.includes(':') ? 'IPv6' : 'IPv4';
    return { type: 'PTCP', family, host, port, pseudoPort: connection.remotePseudoPort };
  }

  /**
   * Whether what is sent there comes back here, and what claims to come from there (LAND) is not to be answered. Of a
   * socket that is bound to every address, the loopback ones are known.
   */
  isOwn(host: string, port: number): boolean {
    const { socket } = this;
    if (socket === undefined || port !== socket.port) return false;
    const isEverywhere = socket.host === '0.0.0.0' || socket.host === '::';
    return host === socket.host || (isEverywhere && isLoopbackHost(host));
  }
}

/** Whether the address is of this machine alone. */
export function isLoopbackHost(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host.startsWith('::ffff:127.');
}
