import { Deferred } from '../defer/deferred.ts';
import { ConnectingCancelled } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { Files } from '../interfaces/files.ts';
import type {
  ConnectorLike,
  StreamClientFactory,
  StreamFactory,
  StreamProtocol,
} from '../interfaces/protocol.ts';
import type { ListeningPort } from '../interfaces/reactor.ts';
import type { ConnectTarget, ListenTarget } from '../transports/provider.ts';

/** What endpoints ask of a reactor. */
export interface EndpointReactor {
  /** Where certificates and keys are read that an endpoint names. Without it such endpoints fail with CannotRead. */
  readonly files?: Files | undefined;
  listen(kind: string, target: ListenTarget, factory: StreamFactory, options?: object): ListeningPort;
  connect(kind: string, target: ConnectTarget, factory: StreamClientFactory, options?: object): ConnectorLike;
}

/** A place to connect to. Modelled on Twisted's IStreamClientEndpoint. */
export interface ClientEndpoint {
  /**
   * Makes one connection and fires with its protocol, after connectionMade.
   *
   * Fails with ConnectionRefused and its like, TimeoutError, or NoProtocol. Cancelling gives up: ConnectingCancelled.
   */
  connect<P extends StreamProtocol>(factory: StreamFactory<P>): Deferred<P>;
}

/** A place to listen at. Modelled on Twisted's IStreamServerEndpoint. */
export interface ServerEndpoint {
  /** Fires with the port once it is bound, or fails with CannotListen. */
  listen(factory: StreamFactory): Deferred<ListeningPort>;
}

/** A client endpoint for any kind of transport that the reactor knows. */
export class TransportClientEndpoint implements ClientEndpoint {
  readonly #reactor: EndpointReactor;
  readonly #kind: string;
  readonly #target: ConnectTarget;
  readonly #options: object;

  constructor(reactor: EndpointReactor, kind: string, target: ConnectTarget, options: object = {}) {
    this.#reactor = reactor;
    this.#kind = kind;
    this.#target = target;
    this.#options = options;
  }

  connect<P extends StreamProtocol>(factory: StreamFactory<P>): Deferred<P> {
    const once = new ConnectOnce(factory);
    this.#reactor.connect(this.#kind, this.#target, once, this.#options);
    return once.connected;
  }
}

/** A server endpoint for any kind of transport that the reactor knows. */
export class TransportServerEndpoint implements ServerEndpoint {
  readonly #reactor: EndpointReactor;
  readonly #kind: string;
  readonly #target: ListenTarget;
  readonly #options: object;

  constructor(reactor: EndpointReactor, kind: string, target: ListenTarget, options: object = {}) {
    this.#reactor = reactor;
    this.#kind = kind;
    this.#target = target;
    this.#options = options;
  }

  listen(factory: StreamFactory): Deferred<ListeningPort> {
    const port = this.#reactor.listen(this.#kind, this.#target, factory, this.#options);
    return Deferred.from(port.listening);
  }
}

/** Fires with `protocol` once `endpoint` has connected it. */
export function connectProtocol<P extends StreamProtocol>(
  endpoint: ClientEndpoint,
  protocol: P,
): Deferred<P> {
  return endpoint.connect({ doStart: () => {}, doStop: () => {}, buildProtocol: () => protocol });
}

/** Turns what a connector tells its factory into one Deferred. */
class ConnectOnce<P extends StreamProtocol> implements StreamClientFactory {
  readonly connected: Deferred<P>;
  readonly #factory: StreamFactory<P>;
  #connector: ConnectorLike | undefined = undefined;

  constructor(factory: StreamFactory<P>) {
    this.#factory = factory;
    this.connected = new Deferred<P>((deferred) => {
      deferred.errback(new ConnectingCancelled());
      if (this.#connector?.state === 'connecting') this.#connector.stopConnecting();
    });
  }

  doStart(): void {
    this.#factory.doStart();
  }

  doStop(): void {
    this.#factory.doStop();
  }

  buildProtocol(peer: Address): P | undefined {
    return this.#factory.buildProtocol(peer);
  }

  startedConnecting(connector: ConnectorLike): void {
    this.#connector = connector;
  }

  clientConnectionMade(_connector: ConnectorLike, protocol: StreamProtocol): void {
    // Cancelled by connectionMade itself: the connection is there, and nobody waits for it.
    if (this.connected.called) this.#connector?.disconnect();
    else this.connected.callback(protocol as P);
  }

  clientConnectionFailed(_connector: ConnectorLike, reason: Error): void {
    if (!this.connected.called) this.connected.errback(reason);
  }

  clientConnectionLost(_connector: ConnectorLike, reason: Error): void {
    if (!this.connected.called) this.connected.errback(reason);
  }
}
