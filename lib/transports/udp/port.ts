import { InvalidAddressError, MessageLengthError, UsageError } from '../../errors.ts';
import type { InetAddress, UdpAddress } from '../../interfaces/address.ts';
import type { DatagramReceiver } from '../../interfaces/protocol.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { UdpSocket, UdpSocketEvents } from '../../interfaces/sockets.ts';
import type { DatagramTransport } from '../../interfaces/transport.ts';
import { hostAndPort, ipFamily, requireLiteral, requirePort } from '../ip-target.ts';
import { requireKnownNames } from '../known-options.ts';
import { Port } from '../port.ts';

/** 65535 less the UDP header; over IPv4 the length includes 20 bytes of IP header as well. */
const MAX_DATAGRAM_BYTES = { IPv4: 65_507, IPv6: 65_527 } as const;

/** What `listenUDP` takes. */
export interface UdpListenOptions {
  /** The address to bind, an IP literal. Every IPv4 address when left out. */
  readonly interface?: string;
  /** Asked of the system for the buffer of each direction; the system's default when left out. */
  readonly bufferBytes?: number;
}

/** A UDP port and the protocol it feeds. */
export class UdpPort extends Port<UdpSocket> implements DatagramTransport, UdpSocketEvents {
  readonly #protocol: DatagramReceiver;
  #peer: UdpAddress | undefined = undefined;
  #isBlocked = false;
  /** The host of the last write: it need not be looked at again. */
  #checkedHost: string | undefined = undefined;

  constructor(host: TransportHost, port: number, protocol: DatagramReceiver, options: UdpListenOptions) {
    requireKnownNames(options, ['interface', 'bufferBytes'], 'listening for udp');
    requirePort(port, 0);
    const localHost = options.interface ?? '0.0.0.0';
    requireLiteral(localHost, 'interface');
    super(host, `udp:${hostAndPort(localHost, port)}`);
    this.#protocol = protocol;
    const buffers = options.bufferBytes === undefined ? {} : { bufferBytes: options.bufferBytes };
    this.begin((done) => host.sockets.bindUdp({ host: localHost, port, events: this, ...buffers }, done));
  }

  getHost(): InetAddress {
    const { host, port, family } = this.bound;
    return { type: 'UDP', family, host, port };
  }

  write(datagram: Uint8Array, address?: UdpAddress): void {
    const socket = this.bound;
    if (!(datagram instanceof Uint8Array)) throw new UsageError('write takes a Uint8Array');
    const maxBytes = MAX_DATAGRAM_BYTES[socket.family];
    if (datagram.length > maxBytes) {
      throw new MessageLengthError(`a datagram of ${datagram.length} bytes; at most ${maxBytes} fit`);
    }
    const to = this.#recipient(address, socket.family);
    // As a full queue in the network would.
    if (!this.isOpen || this.#isBlocked) return;
    const { length } = datagram;
    const burst = { buffer: datagram, strideBytes: length, count: 1, lastBytes: length };
    this.#isBlocked = socket.sendBurst(burst, to) === 'blocked';
  }

  connect(host: string, port: number): void {
    const socket = this.bound;
    if (this.#peer !== undefined) throw new UsageError('a port is connected once only');
    requireRecipient(host, socket.family);
    requirePort(port, 1);
    this.#peer = { host, port };
    socket.connect(this.#peer, (error) => {
      if (error !== undefined) this.host.reportError(error, 'connect');
    });
  }

  datagram(bytes: Uint8Array, host: string, port: number): void {
    if (this.isOpen)
      this.#call('datagramReceived', () => this.#protocol.datagramReceived(bytes, { host, port }));
  }

  writable(): void {
    this.#isBlocked = false;
  }

  error(code: string): void {
    // A refusal says nothing to a socket without a peer, and any other error is a datagram lost.
    if (code !== 'ECONNREFUSED' || this.#peer === undefined || !this.isOpen) return;
    this.#call('connectionRefused', () => this.#protocol.connectionRefused());
  }

  protected started(): void {
    this.#protocol.makeConnection(this);
  }

  protected stopped(): void {
    this.#protocol.doStop();
  }

  #recipient(address: UdpAddress | undefined, family: 'IPv4' | 'IPv6'): UdpAddress {
    const peer = this.#peer;
    if (peer !== undefined) {
      if (address === undefined || (address.host === peer.host && address.port === peer.port)) return peer;
      throw new UsageError(`this port is connected to ${peer.host} port ${peer.port}`);
    }
    if (address === undefined)
      throw new UsageError('a port that is not connected needs an address to send to');
    if (address.host !== this.#checkedHost) requireRecipient(address.host, family);
    this.#checkedHost = address.host;
    requirePort(address.port, 1);
    return address;
  }

  #call(where: string, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.host.reportError(error, where);
    }
  }
}

function requireRecipient(host: string, family: 'IPv4' | 'IPv6'): void {
  const actual = ipFamily(host);
  if (actual === family) return;
  const problem = actual === undefined ? 'is a name or nothing: look it up first' : `is ${actual}`;
  throw new InvalidAddressError(`this port sends to ${family} addresses; ${JSON.stringify(host)} ${problem}`);
}
