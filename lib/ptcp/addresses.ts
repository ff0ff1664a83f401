import type { Address, InetAddress } from '../interfaces/address.ts';
import type { UdpSocket } from '../interfaces/sockets.ts';
import type { Connection } from './core/index.ts';
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

  hostOf(connection: Connection): Address {
    return this.bound(connection.localPseudoPort);
  }

  peerOf(connection: Connection): Address {
    const { host = '', port = 0 } = this.#paths.addressOf(connection.path) ?? {};
    const family = host.includes(':') ? 'IPv6' : 'IPv4';
    return { type: 'PTCP', family, host, port, pseudoPort: connection.remotePseudoPort };
  }
}
