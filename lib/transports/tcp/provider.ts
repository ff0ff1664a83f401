import type { InetAddress } from '../../interfaces/address.ts';
import type { StreamClientFactory, StreamFactory } from '../../interfaces/protocol.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import { attemptAddresses, type TryAddress } from '../attempt-addresses.ts';
import { StreamConnector } from '../connector.ts';
import { hostAndPort, likelyFamily, requireLiteral, requirePort } from '../ip-target.ts';
import { requireKnownNames } from '../known-options.ts';
import type { ConnectTarget, ListenTarget, TransportProvider } from '../provider.ts';
import { type Listen, StreamPort } from '../stream-port.ts';
import { TcpChannel, tcpAddress } from './channel.ts';

/** Twisted's default. */
const BACKLOG = 50;
const LISTEN_OPTIONS = ['interface', 'backlog'];
const CONNECT_OPTIONS = ['timeoutMs', 'bindAddress'];

/** What `listenTCP` takes beside `interface`. */
export interface TcpListenOptions {
  /** The address to bind, an IP literal, where the target names no host. Every IPv4 address when left out. */
  readonly interface?: string;
  /** How many connections the system keeps until they are accepted. 50 when left out. */
  readonly backlog?: number;
}

/** What `connectTCP` takes. */
export interface TcpConnectOptions {
  /** How long an attempt may take, the look-up of the name included. 30 s when left out; NEVER is no limit. */
  readonly timeoutMs?: number;
  /** The address to connect from, an IP literal. */
  readonly bindAddress?: string;
}

declare module '../provider.ts' {
  interface TransportOptions {
    tcp: { listen: TcpListenOptions; connect: TcpConnectOptions; port: StreamPort<InetAddress> };
  }
}

/** The system's TCP. Without an interface it listens on every IPv4 address. */
export class TcpProvider implements TransportProvider<TcpListenOptions, TcpConnectOptions> {
  readonly name = 'tcp';

  listen(
    host: TransportHost,
    target: ListenTarget,
    factory: StreamFactory,
    options: TcpListenOptions,
  ): StreamPort<InetAddress> {
    requireKnownNames(options, LISTEN_OPTIONS, 'listening for tcp');
    requirePort(target.port, 0);
    const localHost = target.host ?? options.interface ?? '0.0.0.0';
    requireLiteral(localHost, 'interface');
    const listen: Listen<InetAddress> = (events) => (done) => {
      return host.sockets.listenTcp(
        {
          host: localHost,
          port: target.port,
          backlog: options.backlog ?? BACKLOG,
          accepted: (socket) => events.accepted(new TcpChannel(socket, host)),
          error: (error) => events.failed(error),
        },
        (error, listener) => {
          if (listener === undefined) {
            done(error);
            return;
          }
          done(undefined, {
            getHost: () => tcpAddress(listener.host, listener.port, listener.family),
            close: (closed) => listener.close(closed),
          });
        },
      );
    };
    return new StreamPort(host, factory, `tcp:${hostAndPort(localHost, target.port)}`, listen);
  }

  connect(
    host: TransportHost,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options: TcpConnectOptions,
  ): StreamConnector {
    requireKnownNames(options, CONNECT_OPTIONS, 'connecting by tcp');
    requirePort(target.port, 1);
    const { bindAddress } = options;
    if (bindAddress !== undefined) requireLiteral(bindAddress, 'bindAddress');
    const connector = new StreamConnector({
      host,
      destination: tcpAddress(target.host, target.port, likelyFamily(target.host)),
      factory,
      timeoutMs: options.timeoutMs,
      attempt: (events) => {
        return attemptAddresses(
          { host, target, bindAddress, tryAddress: tryTcp(host, target.port, bindAddress) },
          events,
        );
      },
    });
    connector.connect();
    return connector;
  }
}

/** One address, by the system's TCP. */
function tryTcp(host: TransportHost, port: number, bindAddress: string | undefined): TryAddress {
  const localAddress = bindAddress === undefined ? {} : { localAddress: bindAddress };
  return (address, events) =>
    host.sockets.connectTcp({ host: address.host, port, ...localAddress }, (error, socket) => {
      if (socket === undefined) events.failed(error ?? new Error('no socket'));
      else events.connected(new TcpChannel(socket, host));
    });
}
