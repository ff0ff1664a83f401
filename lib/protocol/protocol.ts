import { UsageError } from '../errors.ts';
import type { StreamFactory, StreamProtocol } from '../interfaces/protocol.ts';
import type { Transport } from '../interfaces/transport.ts';

/**
 * One end of one connection: subclass it and override what you need. Modelled on Twisted's Protocol.
 *
 * connectionMade comes first, then dataReceived any number of times, connectionLost once and last. An exception
 * thrown from any of them aborts this connection only.
 */
export class Protocol implements StreamProtocol {
  /** The factory that built this protocol, where it was one that says so. */
  factory: StreamFactory | undefined = undefined;
  #transport: Transport | undefined = undefined;

  /** The connection. Throws UsageError before connectionMade; stays readable after connectionLost. */
  get transport(): Transport {
    if (this.#transport === undefined) throw new UsageError('there is no transport before connectionMade');
    return this.#transport;
  }

  /** Whether there is a connection: true from connectionMade until connectionLost is called. */
  get connected(): boolean {
    return this.#transport?.connected ?? false;
  }

  /** Called by the transport, not by users: override connectionMade instead. */
  makeConnection(transport: Transport): void {
    if (this.connected) throw new UsageError('this protocol has a connection; each connection needs its own');
    this.#transport = transport;
    this.connectionMade();
  }

  /** The connection is there: `transport` may be used from here on. */
  connectionMade(): void {}

  /** Some bytes came: any cut of the peer's stream, never empty. They belong to this protocol. */
  dataReceived(_bytes: Uint8Array): void {}

  /** The connection is over. `reason` is ConnectionDone when it ended well. */
  connectionLost(_reason: Error): void {}

  /** The peer closed its direction. Leave it out and that closes the whole connection. */
  readConnectionLost?(): void;

  /** PTCP without its CRC only: the peer points at urgent data, whose end is `byteCount` bytes ahead. */
  urgentReceived?(byteCount: number): void;

  /** What loseWriteConnection asked for is done. */
  writeConnectionLost?(): void;
}
