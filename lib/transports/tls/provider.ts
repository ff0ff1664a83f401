import type { StreamClientFactory, StreamFactory } from '../../interfaces/protocol.ts';
import type { ListeningPort, TransportHost } from '../../interfaces/reactor.ts';
import type { TlsClientOptions, TlsServerOptions } from '../../interfaces/tls.ts';
import type { ConnectTarget, ListenTarget, TransportProvider } from '../provider.ts';
import { TlsConnector } from './connector.ts';
import { splitOptions, TLS_CLIENT_OPTIONS, TLS_SERVER_OPTIONS } from './options.ts';
import { TlsPort } from './port.ts';

/**
 * TLS over another kind of stream transport, one whose connections have startTLS. Its options are those of TLS and of
 * the transport below. Clients expect the certificate to have the name that they connect to, unless they say otherwise.
 */
export class TlsProvider<
  L extends object = object,
  C extends object = object,
  P extends ListeningPort = ListeningPort,
> implements TransportProvider<L & TlsServerOptions, C & TlsClientOptions>
{
  readonly name: string;
  readonly #below: TransportProvider<L, C>;

  /** `name`: the word for reactor.listen; that of the transport below, and `+tls`, when left out. */
  constructor(below: TransportProvider<L, C>, name: string = `${below.name}+tls`) {
    this.#below = below;
    this.name = name;
  }

  listen(
    host: TransportHost,
    target: ListenTarget,
    factory: StreamFactory,
    options: L & TlsServerOptions,
  ): TlsPort<P> {
    const { tls, below } = splitOptions(options, TLS_SERVER_OPTIONS);
    return new TlsPort(
      host,
      factory,
      tls,
      (accepting) => this.#below.listen(host, target, accepting, below as L) as P,
    );
  }

  connect(
    host: TransportHost,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options: C & TlsClientOptions,
  ): TlsConnector {
    const { tls, below } = splitOptions(options, TLS_CLIENT_OPTIONS);
    const connector = new TlsConnector(host, factory, { serverName: target.host, ...tls });
    connector.begin((connecting) => this.#below.connect(host, target, connecting, below as C));
    return connector;
  }
}
