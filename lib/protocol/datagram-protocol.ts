import { UsageError } from '../errors.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import type { DatagramReceiver } from '../interfaces/protocol.ts';
import type { DatagramTransport } from '../interfaces/transport.ts';

/**
 * What listens on one UDP port: subclass it and override what you need. Modelled on Twisted's DatagramProtocol.
 *
 * An exception thrown from datagramReceived is reported and the port lives on.
 */
export class DatagramProtocol implements DatagramReceiver {
  #transport: DatagramTransport | undefined = undefined;

  /** The port. Throws UsageError before startProtocol and after stopProtocol. */
  get transport(): DatagramTransport {
    if (this.#transport === undefined) {
      throw new UsageError('there is no transport before startProtocol and after stopProtocol');
    }
    return this.#transport;
  }

  /** Called by the port, not by users: override startProtocol instead. */
  makeConnection(transport: DatagramTransport): void {
    if (this.#transport !== undefined) throw new UsageError('this protocol listens on another port already');
    this.#transport = transport;
    try {
      this.startProtocol();
    } catch (error) {
      this.#transport = undefined;
      throw error;
    }
  }

  /** Called by the port, not by users: override stopProtocol instead. */
  doStop(): void {
    try {
      this.stopProtocol();
    } finally {
      this.#transport = undefined;
    }
  }

  /** The port is bound: `transport` may be used from here on. */
  startProtocol(): void {}

  /** The port is closed. */
  stopProtocol(): void {}

  /** One datagram came. It belongs to this protocol. */
  datagramReceived(_datagram: Uint8Array, _address: UdpAddress): void {}

  /** Connected ports only: nobody listened where an earlier datagram arrived. */
  connectionRefused(): void {}
}
