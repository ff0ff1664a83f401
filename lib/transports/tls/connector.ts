import { ConnectingCancelled, NoProtocol, NotConnecting } from '../../errors.ts';
import type { Address } from '../../interfaces/address.ts';
import type {
  ConnectorLike,
  StreamClientFactory,
  StreamProtocol,
  SwitchableTransport,
} from '../../interfaces/protocol.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import type { StartTlsOptions } from '../../interfaces/tls.ts';
import { NOBODY } from './port.ts';
import { requireTls, startTlsOn } from './start.ts';

/**
 * Connects with TLS: the connector of the transport below, which is connected only when the handshake is over. The
 * factory hears of a handshake that failed as of any attempt that failed.
 */
export class TlsConnector implements ConnectorLike {
  readonly #host: TransportHost;
  readonly #factory: StreamClientFactory;
  readonly #options: StartTlsOptions;
  #below: ConnectorLike | undefined = undefined;
  /** While the handshake is under way. */
  #handshaking: SwitchableTransport | undefined = undefined;
  #protocol: StreamProtocol | undefined = undefined;
  /** Why the attempt fails, where that is not what the transport below says. */
  #failure: Error | undefined = undefined;

  /** Throws UsageError for options that cannot work. */
  constructor(host: TransportHost, factory: StreamClientFactory, options: StartTlsOptions) {
    this.#host = host;
    this.#factory = factory;
    this.#options = options;
    requireTls(host).prepare(options);
  }

  /** Begins: `connect` connects with the transport below. */
  begin(connect: (factory: StreamClientFactory) => ConnectorLike): void {
    this.#below = connect(this.#factoryBelow());
  }

  get state(): ConnectorLike['state'] {
    const state = this.#below?.state ?? 'disconnected';
    return state === 'connected' && this.#protocol === undefined ? 'connecting' : state;
  }

  connect(): void {
    this.#below?.connect();
  }

  disconnect(): void {
    if (this.#handshaking === undefined) this.#below?.disconnect();
    else this.stopConnecting();
  }

  stopConnecting(): void {
    const transport = this.#handshaking;
    if (transport === undefined && this.state === 'connecting' && this.#below?.state === 'connected')
      throw new NotConnecting('nothing to stop: the attempt is ending already');
    if (transport === undefined) {
      this.#below?.stopConnecting();
      return;
    }
    this.#fail(transport, new ConnectingCancelled());
    transport.abortConnection();
  }

  getDestination(): Address {
    if (this.#below === undefined) throw new NotConnecting('nothing was begun');
    return this.#below.getDestination();
  }

  #factoryBelow(): StreamClientFactory {
    const factory = this.#factory;
    return {
      doStart: () => factory.doStart(),
      doStop: () => factory.doStop(),
      startedConnecting: (below) => {
        this.#below = below;
        this.#failure = undefined;
        factory.startedConnecting(this);
      },
      buildProtocol: () => this.#handshake(),
      clientConnectionFailed: (_below, reason) => factory.clientConnectionFailed(this, reason),
      clientConnectionLost: (_below, reason) => this.#lost(reason),
    };
  }

  /** The protocol that makes the handshake, and gives its place to the user's. */
  #handshake(): StreamProtocol {
    return {
      makeConnection: (made) => {
        const transport = startTlsOn(made, this.#options, () => this.#secured(transport));
        this.#handshaking = transport;
      },
      dataReceived: () => {},
      connectionLost: () => {},
    };
  }

  #secured(transport: SwitchableTransport): void {
    if (this.#handshaking !== transport) return;
    let protocol: StreamProtocol | undefined;
    try {
      protocol = this.#factory.buildProtocol(transport.getPeer());
    } catch (error) {
      this.#host.reportError(error, 'buildProtocol');
      this.#fail(transport, new NoProtocol('buildProtocol threw', { cause: error }));
      transport.abortConnection();
      return;
    }
    if (protocol === undefined) {
      this.#fail(transport, new NoProtocol());
      transport.loseConnection();
      return;
    }
    this.#handshaking = undefined;
    this.#protocol = protocol;
    if (!transport.switchProtocol(protocol)) return;
    this.#report(() => this.#factory.clientConnectionMade?.(this, protocol));
  }

  #fail(transport: SwitchableTransport, failure: Error): void {
    this.#failure = failure;
    this.#handshaking = undefined;
    transport.switchProtocol(NOBODY);
  }

  #lost(reason: Error): void {
    const wasMade = this.#protocol !== undefined;
    this.#protocol = undefined;
    this.#handshaking = undefined;
    if (wasMade) this.#factory.clientConnectionLost(this, reason);
    else this.#factory.clientConnectionFailed(this, this.#failure ?? reason);
  }

  #report(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#host.reportError(error, 'clientConnectionMade');
    }
  }
}
