import type { StreamClientFactory, StreamFactory } from '../../interfaces/protocol.ts';
import type { TransportHost } from '../../interfaces/reactor.ts';
import { connectFailure } from '../connect-error.ts';
import { type AttemptEvents, StreamConnector } from '../connector.ts';
import { hostAndPort, ipFamily, likelyFamily, requireLiteral, requirePort } from '../ip-target.ts';
import type { ConnectTarget, ListenTarget, TransportProvider } from '../provider.ts';
import { type Listen, StreamPort } from '../stream-port.ts';
import { TcpChannel, tcpAddress } from './channel.ts';

/** Twisted's default. */
const BACKLOG = 50;

export interface TcpListenOptions {
  /** How many connections the system keeps until they are accepted. 50 when left out. */
  readonly backlog?: number;
}

export interface TcpConnectOptions {
  /** How long an attempt may take, the look-up of the name included. 30 s when left out; NEVER is no limit. */
  readonly timeoutMs?: number;
  /** The address to connect from, an IP literal. */
  readonly bindAddress?: string;
}

declare module '../provider.ts' {
  interface TransportOptions {
    tcp: { listen: TcpListenOptions; connect: TcpConnectOptions; port: StreamPort };
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
  ): StreamPort {
    requirePort(target.port, 0);
    const localHost = target.host ?? '0.0.0.0';
    requireLiteral(localHost, 'interface');
    const listen: Listen = (events) => (done) => {
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
    requirePort(target.port, 1);
    const { bindAddress } = options;
    if (bindAddress !== undefined) requireLiteral(bindAddress, 'bindAddress');
    const connector = new StreamConnector({
      host,
      destination: tcpAddress(target.host, target.port, likelyFamily(target.host)),
      factory,
      timeoutMs: options.timeoutMs,
      attempt: (events) => attemptAddresses(host, target, bindAddress, events),
    });
    connector.connect();
    return connector;
  }
}

/** Tries the addresses of a name one after the other. When none answers, the first failure is the reason. */
function attemptAddresses(
  host: TransportHost,
  target: ConnectTarget,
  bindAddress: string | undefined,
  events: AttemptEvents,
): () => void {
  const destination = hostAndPort(target.host, target.port);
  let firstFailure: Error | undefined;
  const failed = (error: Error): void => events.failed(connectFailure(error, destination));

  const tryNext = (remaining: readonly string[]): void => {
    const [remoteHost, ...others] = remaining;
    if (remoteHost === undefined) {
      failed(firstFailure ?? Object.assign(new Error('no address to try'), { code: 'ENOTFOUND' }));
      return;
    }
    const localAddress = bindAddress === undefined ? {} : { localAddress: bindAddress };
    giveUp = host.sockets.connectTcp(
      { host: remoteHost, port: target.port, ...localAddress },
      (error, socket) => {
        if (socket !== undefined) {
          events.connected(new TcpChannel(socket, host));
          return;
        }
        firstFailure ??= error;
        tryNext(others);
      },
    );
  };

  let giveUp = host.sockets.resolve(target.host, (error, addresses = []) => {
    if (error !== undefined) {
      failed(error);
      return;
    }
    const family = bindAddress === undefined ? undefined : ipFamily(bindAddress);
    tryNext(
      addresses
        .filter((address) => family === undefined || address.family === family)
        .map((address) => address.host),
    );
  });
  return () => giveUp();
}
