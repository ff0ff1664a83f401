import { UsageError } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type {
  ConnectorLike,
  StreamClientFactory,
  StreamFactory,
  StreamProtocol,
} from '../interfaces/protocol.ts';
import type { Protocol } from './protocol.ts';

/** A factory of class `F` whose protocols are known to be of type `P`. */
export type FactoryOf<F extends Factory, P extends StreamProtocol> = Omit<F, 'buildProtocol'> &
  StreamFactory<P>;

/** Makes a protocol for each connection, and holds what they share. Modelled on Twisted's Factory. */
export class Factory implements StreamFactory {
  /** The class that buildProtocol instantiates, unless buildProtocol is overridden. */
  protocol: (new () => Protocol) | undefined = undefined;
  #userCount = 0;

  /** A factory of this class that builds `protocol`s; `args` go to the factory's constructor. */
  static forProtocol<F extends Factory, P extends Protocol, A extends unknown[]>(
    this: new (
      ...args: A
    ) => F,
    protocol: new () => P,
    ...args: A
  ): FactoryOf<F, P> {
    const factory = new this(...args);
    factory.protocol = protocol;
    return factory as FactoryOf<F, P>;
  }

  /** A protocol for a new connection, or undefined to close it quietly. */
  buildProtocol(_peer: Address): StreamProtocol | undefined {
    if (this.protocol === undefined) {
      throw new UsageError('a factory needs `protocol` set or buildProtocol overridden');
    }
    const protocol = new this.protocol();
    protocol.factory = this;
    return protocol;
  }

  /** Called by each port and connector that begins to use the factory. Override startFactory instead. */
  doStart(): void {
    if (this.#userCount === 0) this.startFactory();
    this.#userCount += 1;
  }

  /** Called by each port and connector that is done with the factory. Override stopFactory instead. */
  doStop(): void {
    // A stop too many can come from a test that plays the port; Twisted forgives it too.
    if (this.#userCount === 0) return;
    this.#userCount -= 1;
    if (this.#userCount === 0) this.stopFactory();
  }

  /** The first port or connector begins to use this factory. May come again after stopFactory. */
  startFactory(): void {}

  /** The last port or connector is done with this factory. Its connections may live on. */
  stopFactory(): void {}
}

/** A factory for connectX: also told what becomes of the connector. Modelled on Twisted's ClientFactory. */
export class ClientFactory extends Factory implements StreamClientFactory {
  /** An attempt begins; `connector.stopConnecting()` gives it up. */
  startedConnecting(_connector: ConnectorLike): void {}

  /** No connection was made. `connector.connect()` tries again. */
  clientConnectionFailed(_connector: ConnectorLike, _reason: Error): void {}

  /** The connection is over, and its protocol knows. `connector.connect()` makes a new one. */
  clientConnectionLost(_connector: ConnectorLike, _reason: Error): void {}
}
