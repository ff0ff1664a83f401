import type { Address } from './address.ts';
import type { DatagramTransport, Transport } from './transport.ts';

/** What a stream transport asks of the object it feeds. The class to subclass is `Protocol`. */
export interface StreamProtocol {
  makeConnection(transport: Transport): void;
  /** `bytes` belong to the receiver. */
  dataReceived(bytes: Uint8Array): void;
  /** Exactly once, and last. `reason` is ConnectionDone when it ended well. */
  connectionLost(reason: Error): void;
  /** The peer closed its direction. Where this is missing, that closes the connection. */
  readConnectionLost?(): void;
  /** PTCP without its CRC only: the peer points at urgent data, whose end is `byteCount` bytes ahead. */
  urgentReceived?(byteCount: number): void;
  /** The half close asked for by loseWriteConnection is done: everything written is on its way, FIN included. */
  writeConnectionLost?(): void;
}

/** A transport that can be given another protocol. Those of hawser can. */
export interface SwitchableTransport extends Transport {
  /**
   * Puts `protocol` in the place of the present one, which hears nothing more. Its makeConnection is called from
   * inside; false when that threw, which aborts the connection. UsageError once the connection is lost.
   */
  switchProtocol(protocol: StreamProtocol): boolean;
}

/** Makes the protocol of each connection. The class to subclass is `Factory`. */
export interface StreamFactory<P extends StreamProtocol = StreamProtocol> {
  /** Called by each port and connector that begins to use the factory; doStop when it ends. */
  doStart(): void;
  doStop(): void;
  /** A protocol for a new connection, or undefined to close it quietly. */
  buildProtocol(peer: Address): P | undefined;
}

/** A factory for connectX: also told of the fate of its connectors. */
export interface StreamClientFactory extends StreamFactory {
  startedConnecting(connector: ConnectorLike): void;
  /** The connection is there, and connectionMade of `protocol` is over and did not throw. */
  clientConnectionMade?(connector: ConnectorLike, protocol: StreamProtocol): void;
  clientConnectionFailed(connector: ConnectorLike, reason: Error): void;
  /** After the protocol's connectionLost. Calling `connector.connect()` here reconnects. */
  clientConnectionLost(connector: ConnectorLike, reason: Error): void;
}

/** One attempt to connect, and what may be done with it. Modelled on Twisted's IConnector. */
export interface ConnectorLike {
  readonly state: 'disconnected' | 'connecting' | 'connected';
  /** Tries (again). UsageError unless disconnected. */
  connect(): void;
  /** Ends whatever is there: stopConnecting while connecting, loseConnection while connected. */
  disconnect(): void;
  /** Gives up the attempt: clientConnectionFailed(ConnectingCancelled). NotConnecting when there is none. */
  stopConnecting(): void;
  getDestination(): Address;
}

/** What a UDP port asks of the object it feeds. The class to subclass is `DatagramProtocol`. */
export interface DatagramReceiver {
  makeConnection(transport: DatagramTransport): void;
  doStop(): void;
  datagramReceived(datagram: Uint8Array, address: { readonly host: string; readonly port: number }): void;
  /** Connected sockets only: an earlier datagram was refused (ICMP port unreachable). */
  connectionRefused(): void;
}
