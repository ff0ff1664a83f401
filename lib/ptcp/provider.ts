import { HawserError, InvalidAddressError } from '../errors.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import type { StreamClientFactory, StreamFactory } from '../interfaces/protocol.ts';
import type { TransportHost } from '../interfaces/reactor.ts';
import { connectFailure } from '../transports/connect-error.ts';
import { type AttemptEvents, StreamConnector } from '../transports/connector.ts';
import { hostAndPort, ipFamily, likelyFamily, requireLiteral, requirePort } from '../transports/ip-target.ts';
import type { ConnectTarget, ListenTarget, TransportProvider } from '../transports/provider.ts';
import { openError } from './channel.ts';
import type { Crc32, ProfileInput } from './core/index.ts';
import { Driver } from './driver.ts';
import { isReachable } from './paths.ts';
import { DEFAULT_PSEUDO_PORT, PtcpPort, type PtcpPortOptions, SOCKET_BUFFER_BYTES } from './port.ts';

export interface PtcpListenOptions extends PtcpPortOptions {}

export interface PtcpConnectOptions {
  /** The pseudo-port at the peer; 49153 when left out. */
  readonly pseudoPort?: number;
  readonly profile?: ProfileInput;
  /** How long an attempt may take, the look-up of the name included. 30 s when left out; NEVER is no limit. */
  readonly timeoutMs?: number;
  /** The address to connect from, an IP literal. */
  readonly bindAddress?: string;
  /** Socket buffers asked of the system, each way; 4 MiB when left out. */
  readonly bufferBytes?: number;
}

declare module '../transports/provider.ts' {
  interface TransportOptions {
    ptcp: { listen: PtcpListenOptions; connect: PtcpConnectOptions; port: PtcpPort };
  }
}

/** TCP in user space over UDP. Without an interface it listens on every IPv4 address. */
export class PtcpProvider implements TransportProvider<PtcpListenOptions, PtcpConnectOptions> {
  readonly name = 'ptcp';
  readonly #crc32: Crc32 | undefined;

  /** `crc32`: a faster one than that in JavaScript, where there is one. */
  constructor(crc32?: Crc32) {
    this.#crc32 = crc32;
  }

  listen(
    host: TransportHost,
    target: ListenTarget,
    factory: StreamFactory,
    options: PtcpListenOptions,
  ): PtcpPort {
    requirePort(target.port, 0);
    const localHost = target.host ?? '0.0.0.0';
    requireLiteral(localHost, 'interface');
    return new PtcpPort(
      host,
      factory,
      { host: localHost, port: target.port },
      { ...options, crc32: this.#crc32 },
    );
  }

  connect(
    host: TransportHost,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options: PtcpConnectOptions,
  ): StreamConnector {
    requirePort(target.port, 1);
    const pseudoPort = options.pseudoPort ?? DEFAULT_PSEUDO_PORT;
    requirePort(pseudoPort, 1);
    if (options.bindAddress !== undefined) requireLiteral(options.bindAddress, 'bindAddress');
    if (ipFamily(target.host) !== undefined && !isReachable(target.host, target.port)) {
      throw new InvalidAddressError(`${target.host} is an address that no connection can be made to`);
    }
    const connector = new StreamConnector({
      host,
      destination: {
        type: 'PTCP',
        family: likelyFamily(target.host),
        host: target.host,
        port: target.port,
        pseudoPort,
      },
      factory,
      timeoutMs: options.timeoutMs,
      attempt: (events) => new Attempt(host, target, { ...options, crc32: this.#crc32 }, events).begin(),
    });
    connector.connect();
    return connector;
  }
}

/** What the user asked for, and what the provider adds. */
type AttemptOptions = PtcpConnectOptions & { readonly crc32: Crc32 | undefined };

/** One attempt: looks the name up, then tries its addresses one after the other, each with a socket of its own. */
class Attempt {
  readonly #host: TransportHost;
  readonly #target: ConnectTarget;
  readonly #options: AttemptOptions;
  readonly #events: AttemptEvents;
  #firstFailure: Error | undefined = undefined;
  #giveUp: () => void = () => {};

  constructor(host: TransportHost, target: ConnectTarget, options: AttemptOptions, events: AttemptEvents) {
    this.#host = host;
    this.#target = target;
    this.#options = options;
    this.#events = events;
  }

  begin(): () => void {
    const { bindAddress } = this.#options;
    const family = bindAddress === undefined ? undefined : ipFamily(bindAddress);
    this.#giveUp = this.#host.sockets.resolve(this.#target.host, (error, addresses = []) => {
      if (error !== undefined) {
        this.#firstFailure = error;
        this.#tryNext([]);
        return;
      }
      this.#tryNext(addresses.filter((address) => family === undefined || address.family === family));
    });
    return () => this.#giveUp();
  }

  #tryNext(addresses: readonly { readonly host: string; readonly family: 'IPv4' | 'IPv6' }[]): void {
    const [address, ...others] = addresses;
    if (address === undefined) {
      const noAddress = (): Error => Object.assign(new Error('no address to try'), { code: 'ENOTFOUND' });
      const destination = hostAndPort(this.#target.host, this.#target.port);
      this.#giveUp = () => {};
      const failure = this.#firstFailure ?? noAddress();
      this.#events.failed(failure instanceof HawserError ? failure : connectFailure(failure, destination));
      return;
    }
    const failed = (error: Error): void => {
      this.#firstFailure ??= error;
      this.#tryNext(others);
    };
    this.#bind({ host: address.host, port: this.#target.port }, address.family, failed);
  }

  #bind(to: UdpAddress, family: 'IPv4' | 'IPv6', failed: (error: Error) => void): void {
    const { profile, bindAddress, crc32, bufferBytes = SOCKET_BUFFER_BYTES } = this.#options;
    const driver = new Driver(this.#host, {}, family, { profile, crc32, isConnected: true });
    const localHost = bindAddress ?? (family === 'IPv6' ? '::' : '0.0.0.0');
    let isGivenUp = false;
    const cancelBind = this.#host.sockets.bindUdp(
      { host: localHost, port: 0, events: driver, bufferBytes },
      (bindError, socket) => {
        if (socket === undefined) {
          failed(bindError ?? new Error('no socket'));
          return;
        }
        driver.start(socket);
        this.#giveUp = () => {
          isGivenUp = true;
          driver.retire();
        };
        socket.connect(to, (error) => {
          if (isGivenUp) return;
          if (error === undefined) this.#open(driver, to, failed);
          else {
            driver.retire();
            failed(error);
          }
        });
      },
    );
    this.#giveUp = cancelBind;
  }

  #open(driver: Driver, to: UdpAddress, failed: (error: Error) => void): void {
    const pseudoPort = this.#options.pseudoPort ?? DEFAULT_PSEUDO_PORT;
    const cancel = driver.open(
      to,
      pseudoPort,
      {},
      {
        established: (channel) => {
          // The only connection this socket will have: it goes with it, but for TIME-WAIT.
          this.#events.connected(channel);
          driver.retireAfterTimeWait();
        },
        failed: (reason) => {
          driver.retire();
          failed(openError(reason, hostAndPort(to.host, to.port)));
        },
      },
    );
    if (cancel === undefined) {
      driver.retire();
      failed(new InvalidAddressError(`${to.host} is an address that no connection can be made to`));
      return;
    }
    this.#giveUp = () => {
      cancel();
      driver.retire();
    };
  }
}
