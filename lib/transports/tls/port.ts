import { EventEmitter } from 'eventemitter3';
import { Deferred } from '../../defer/deferred.ts';
import type { Address } from '../../interfaces/address.ts';
import type { StreamFactory, StreamProtocol, SwitchableTransport } from '../../interfaces/protocol.ts';
import type { ListeningPort, TransportHost } from '../../interfaces/reactor.ts';
import type { StartTlsOptions, TlsServerOptions } from '../../interfaces/tls.ts';
import type { Transport } from '../../interfaces/transport.ts';
import { requireTls, startTlsOn } from './start.ts';

/** What a port tells whoever subscribes to `port.events`. */
export interface TlsPortEvents {
  /** A handshake failed: why, and whose it was. Nobody else is told, so that strangers cannot fill logs. */
  'handshake-failed': (reason: Error, peer: Address) => void;
}

/** The handshakes of a port so far. */
export interface HandshakeCounts {
  readonly secured: number;
  readonly failed: number;
  /** Under way. */
  readonly pending: number;
  /** Why the last one failed that did. */
  readonly lastFailure: Error | undefined;
}

/** A port that accepts connections with TLS: one of any kind, and what happens to each of its connections first. */
export class TlsPort<P extends ListeningPort = ListeningPort> implements ListeningPort {
  /** Fires with this port once it is bound. Fails with CannotListen, or with CancelledError when stopped before. */
  readonly listening: Deferred<this>;
  /** The port of the transport below. */
  readonly below: P;
  readonly events = new EventEmitter<TlsPortEvents>();
  readonly #accepting: TlsAccepting;

  /** `listen` listens with the transport below. Throws UsageError for options that cannot work. */
  constructor(
    host: TransportHost,
    factory: StreamFactory,
    options: TlsServerOptions,
    listen: (factory: StreamFactory) => P,
  ) {
    this.#accepting = new TlsAccepting(host, factory, options, (reason, peer) => {
      try {
        this.events.emit('handshake-failed', reason, peer);
      } catch (error) {
        host.reportError(error, 'handshake-failed');
      }
    });
    this.below = listen(this.#accepting);
    this.listening = Deferred.from(this.below.listening).addCallback(() => this) as Deferred<this>;
  }

  get handshakes(): HandshakeCounts {
    return this.#accepting.counts;
  }

  /** Takes other options, a new certificate say, from the next connection on. UsageError leaves the present ones. */
  setTls(options: TlsServerOptions): void {
    this.#accepting.setTls(options);
  }

  getHost(): ReturnType<P['getHost']> {
    return this.below.getHost() as ReturnType<P['getHost']>;
  }

  stopListening(): Deferred<void> {
    return Deferred.from(this.below.stopListening());
  }
}

/** The factory that the port below sees: its protocols make the handshake, and then the user's take their place. */
class TlsAccepting implements StreamFactory {
  readonly #host: TransportHost;
  readonly #factory: StreamFactory;
  readonly #tellFailure: (reason: Error, peer: Address) => void;
  #options: StartTlsOptions;
  readonly #pending = new Set<Transport>();
  #securedCount = 0;
  #failedCount = 0;
  #lastFailure: Error | undefined = undefined;

  constructor(
    host: TransportHost,
    factory: StreamFactory,
    options: TlsServerOptions,
    tellFailure: (reason: Error, peer: Address) => void,
  ) {
    this.#host = host;
    this.#factory = factory;
    this.#tellFailure = tellFailure;
    this.#options = this.#prepared(options);
  }

  get counts(): HandshakeCounts {
    return {
      secured: this.#securedCount,
      failed: this.#failedCount,
      pending: this.#pending.size,
      lastFailure: this.#lastFailure,
    };
  }

  setTls(options: TlsServerOptions): void {
    this.#options = this.#prepared(options);
  }

  doStart(): void {
    this.#factory.doStart();
  }

  /** No connection is made any more: handshakes under way come to nothing. */
  doStop(): void {
    for (const transport of this.#pending) transport.abortConnection();
    this.#factory.doStop();
  }

  buildProtocol(): StreamProtocol {
    let transport: SwitchableTransport;
    return {
      makeConnection: (made) => {
        transport = startTlsOn(made, this.#options, () => this.#secured(transport));
        this.#pending.add(transport);
      },
      dataReceived: () => {},
      connectionLost: (reason) => this.#failed(transport, reason),
    };
  }

  #secured(transport: SwitchableTransport): void {
    this.#pending.delete(transport);
    this.#securedCount += 1;
    let protocol: StreamProtocol | undefined;
    try {
      protocol = this.#factory.buildProtocol(transport.getPeer());
    } catch (error) {
      this.#host.reportError(error, 'buildProtocol');
      transport.switchProtocol(NOBODY);
      transport.abortConnection();
      return;
    }
    transport.switchProtocol(protocol ?? NOBODY);
    if (protocol === undefined) transport.loseConnection();
  }

  #failed(transport: Transport, reason: Error): void {
    this.#pending.delete(transport);
    this.#failedCount += 1;
    this.#lastFailure = reason;
    this.#tellFailure(reason, transport.getPeer());
  }

  #prepared(options: TlsServerOptions): StartTlsOptions {
    const asServer = { ...options, isServer: true } as const;
    requireTls(this.#host).prepare(asServer);
    return asServer;
  }
}

/** In the place of a protocol that was not built. */
export const NOBODY: StreamProtocol = {
  makeConnection: () => {},
  dataReceived: () => {},
  connectionLost: () => {},
};
