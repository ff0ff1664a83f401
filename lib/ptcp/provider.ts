import { isBroadcast, isMulticast, parseIpAddress } from '../bytes/ip-address.ts';
import { InvalidAddressError } from '../errors.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import type { StreamClientFactory, StreamFactory } from '../interfaces/protocol.ts';
import type { TransportHost } from '../interfaces/reactor.ts';
import type { UdpSocket } from '../interfaces/sockets.ts';
import type { TraceSink } from '../trace/trace.ts';
import { attemptAddresses, type TryAddress } from '../transports/attempt-addresses.ts';
import { type AttemptEvents, StreamConnector } from '../transports/connector.ts';
import { hostAndPort, ipFamily, likelyFamily, requireLiteral, requirePort } from '../transports/ip-target.ts';
import { requireKnownNames } from '../transports/known-options.ts';
import type { ConnectTarget, ListenTarget, TransportProvider } from '../transports/provider.ts';
import { openError } from './channel.ts';
import type { Crc32, ProfileInput, Wire } from './core/index.ts';
import { Driver, type OpeningEvents } from './driver.ts';
import { isReachable } from './paths.ts';
import { PtcpPort, type PtcpPortOptions, requireTrace, requireTtl, SOCKET_BUFFER_BYTES } from './port.ts';
import { chooseWires, pseudoPortOn } from './wires.ts';

const LISTEN_OPTIONS = [
  'interface',
  'pseudoPort',
  'wire',
  'profile',
  'memoryLimitBytes',
  'bufferBytes',
  'ttl',
  'isStunTransaction',
  'trace',
];
const CONNECT_OPTIONS = [
  'pseudoPort',
  'wire',
  'profile',
  'timeoutMs',
  'bindAddress',
  'bufferBytes',
  'ttl',
  'trace',
];

/** What `listenPTCP` takes. */
export interface PtcpListenOptions extends PtcpPortOptions {
  /** The address to bind, an IP literal, where the target names no host. Every IPv4 address when left out. */
  readonly interface?: string;
}

/** What `connectPTCP` takes. */
export interface PtcpConnectOptions {
  /** The pseudo-port at the peer; 49153 when left out, 1 on the wire of Vertex. */
  readonly pseudoPort?: number;
  /** TCP's header, or that of divmod Vertex. 'tcp' when left out. */
  readonly wire?: Wire;
  readonly profile?: ProfileInput;
  /** How long an attempt may take, the look-up of the name included. 30 s when left out; NEVER is no limit. */
  readonly timeoutMs?: number;
  /** The address to connect from, an IP literal. */
  readonly bindAddress?: string;
  /** Socket buffers asked of the system, each way; 4 MiB when left out. */
  readonly bufferBytes?: number;
  /** Hops that a datagram may take, 1 to 255; the system's default when left out. */
  readonly ttl?: number;
  /** Is told what happens to the connection; docs/observing.md. */
  readonly trace?: TraceSink | undefined;
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
  readonly #trace: TraceSink | undefined;
  readonly #timeWaits = new TimeWaitDrivers();

  /** `crc32`: a faster one than that in JavaScript, where there is one. `trace`: where no option names one. */
  constructor(crc32?: Crc32, trace?: TraceSink) {
    this.#crc32 = crc32;
    this.#trace = trace;
  }

  listen(
    host: TransportHost,
    target: ListenTarget,
    factory: StreamFactory,
    options: PtcpListenOptions,
  ): PtcpPort {
    requireKnownNames(options, LISTEN_OPTIONS, 'listening for ptcp');
    requirePort(target.port, 0);
    const localHost = target.host ?? options.interface ?? '0.0.0.0';
    requireLiteral(localHost, 'interface');
    requireOwnable(localHost);
    return new PtcpPort(
      host,
      factory,
      { host: localHost, port: target.port },
      { trace: this.#trace, ...options, crc32: this.#crc32 },
    );
  }

  connect(
    host: TransportHost,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options: PtcpConnectOptions,
  ): StreamConnector {
    requireKnownNames(options, CONNECT_OPTIONS, 'connecting by ptcp');
    requirePort(target.port, 1);
    // Here, where the caller hears of it, and not in a later turn.
    const { wires, profile } = chooseWires(options.wire, options.profile);
    const pseudoPort = pseudoPortOn(wires[0], options.pseudoPort);
    requirePort(pseudoPort, 1);
    requireTtl(options.ttl);
    requireTrace(options.trace);
    const { bindAddress } = options;
    if (bindAddress !== undefined) requireLiteral(bindAddress, 'bindAddress');
    if (ipFamily(target.host) !== undefined && !isReachable(target.host, target.port)) {
      throw new InvalidAddressError(`${target.host} is an address that no connection can be made to`);
    }
    const tryAddress: TryAddress = (address, events) => {
      const to = { host: address.host, port: target.port };
      const all = {
        trace: this.#trace,
        ...options,
        profile,
        pseudoPort,
        crc32: this.#crc32,
        timeWaits: this.#timeWaits,
      };
      return new AddressAttempt(host, to, all, events).begin(address.family);
    };
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
      attempt: (events) => attemptAddresses({ host, target, bindAddress, tryAddress }, events),
    });
    connector.connect();
    return connector;
  }
}

/**
 * RFC 9293 §3.9.2.3, MUST-57: a SYN that was sent to many is to be ignored. Node does not tell where a datagram was sent
 * to, so no socket here can be reached by such an address: none is bound, no group joined, no broadcast enabled.
 */
function requireOwnable(host: string): void {
  const { bytes } = parseIpAddress(host)!;
  if (isMulticast(bytes) || isBroadcast(bytes))
    throw new InvalidAddressError(`${host} stands for many hosts; PTCP cannot listen there`);
}

/** What the user asked for, and what the provider adds. */
interface AttemptOptions extends Omit<PtcpConnectOptions, 'profile'> {
  readonly profile: ProfileInput | undefined;
  readonly pseudoPort: number;
  readonly crc32: Crc32 | undefined;
  readonly timeWaits: TimeWaitDrivers;
}

/** Sockets that may be held for TIME-WAIT alone: a small part of the 1024 files that a process has on most systems. */
const MAX_TIME_WAIT_SOCKETS = 128;

/** The drivers that only wait for TIME-WAIT, each of which holds a socket, the oldest first. */
class TimeWaitDrivers {
  readonly #drivers = new Set<Driver>();

  /**
   * Beyond the limit the oldest goes. It has waited longest, its port is left to chance and not wanted again soon, and
   * a peer that misses our last ACK has ended well all the same.
   */
  add(driver: Driver): void {
    this.#drivers.add(driver);
    if (this.#drivers.size <= MAX_TIME_WAIT_SOCKETS) return;
    const [oldest] = this.#drivers;
    if (oldest === undefined) return;
    this.#drivers.delete(oldest);
    oldest.retire();
  }

  delete(driver: Driver): void {
    this.#drivers.delete(driver);
  }
}

/** One attempt at one address, with a socket of its own that is connected to it, so that refusals are heard. */
class AddressAttempt {
  readonly #host: TransportHost;
  readonly #to: UdpAddress;
  readonly #options: AttemptOptions;
  readonly #events: AttemptEvents;
  #giveUp: () => void = () => {};

  constructor(host: TransportHost, to: UdpAddress, options: AttemptOptions, events: AttemptEvents) {
    this.#host = host;
    this.#to = to;
    this.#options = options;
    this.#events = events;
  }

  begin(family: 'IPv4' | 'IPv6'): () => void {
    const { profile, bindAddress, crc32, timeWaits, ttl, bufferBytes = SOCKET_BUFFER_BYTES } = this.#options;
    const driver: Driver = new Driver(
      this.#host,
      { waitsOnly: () => timeWaits.add(driver), closed: () => timeWaits.delete(driver) },
      family,
      { profile, crc32, isConnected: true, trace: this.#options.trace },
    );
    const localHost = bindAddress ?? (family === 'IPv6' ? '::' : '0.0.0.0');
    this.#giveUp = this.#host.sockets.bindUdp(
      { host: localHost, port: 0, events: driver, bufferBytes, ttl },
      (error, socket) => {
        if (socket === undefined) this.#events.failed(error ?? new Error('no socket'));
        else this.#connect(driver, socket);
      },
    );
    return () => this.#giveUp();
  }

  #connect(driver: Driver, socket: UdpSocket): void {
    driver.start(socket);
    let isGivenUp = false;
    this.#giveUp = () => {
      isGivenUp = true;
      driver.retire();
    };
    socket.connect(this.#to, (error) => {
      if (isGivenUp) return;
      if (error === undefined) this.#open(driver);
      else this.#failed(driver, error);
    });
  }

  #open(driver: Driver): void {
    const to = this.#to;
    const events: OpeningEvents = {
      established: (channel) => {
        // The only connection this socket will have: it goes with it, but for TIME-WAIT.
        this.#events.connected(channel);
        driver.retireAfterTimeWait();
      },
      failed: (reason) => this.#failed(driver, openError(reason, hostAndPort(to.host, to.port))),
    };
    const cancel = driver.open(to, this.#options.pseudoPort, {}, events);
    if (cancel === undefined) {
      this.#failed(
        driver,
        new InvalidAddressError(`${to.host} is an address that no connection can be made to`),
      );
      return;
    }
    this.#giveUp = () => {
      cancel();
      driver.retire();
    };
  }

  #failed(driver: Driver, error: Error): void {
    driver.retire();
    this.#events.failed(error);
  }
}
