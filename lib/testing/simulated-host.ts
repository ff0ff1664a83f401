import type { UdpAddress } from '../interfaces/address.ts';
import type {
  Sockets,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  TcpSocket,
  UdpBindOptions,
  UdpSocket,
} from '../interfaces/sockets.ts';
import type { Clock, DelayedCall, Instant } from '../time/clock.ts';
import { errnoError, familyOf, isLoopback, isWildcard, PortTable } from './port-table.ts';
import { SimulatedTcpSocket, type SimulatedTcpSocketOptions } from './simulated-tcp-socket.ts';
import { type SendBufferOptions, SimulatedUdpSocket } from './simulated-udp-socket.ts';

/** How long Linux goes on trying to connect to where nobody answers (tcp_syn_retries 6). */
const TCP_CONNECT_TIMEOUT_MS = 127_000;

/** What a host is made with; all of it may be left out. */
export interface HostOptions {
  /** Further addresses of the host, of either family. */
  readonly aliases?: readonly string[];
  /** Gives each UDP socket a send buffer that can fill up. Without it no send is ever blocked. */
  readonly sendBuffer?: SendBufferOptions;
}

/** One direction between two hosts, as calls travel on it: those that share a `Route` never overtake each other. */
export interface Route {
  readonly from: SimulatedHost;
  readonly to: SimulatedHost;
  lastDueAt: Instant;
}

/** What a host asks of the network it is in. */
export interface HostNetwork {
  readonly clock: Clock;
  hostAt(address: string): SimulatedHost | undefined;
  addressesOf(name: string): readonly string[] | undefined;
  sendDatagram(host: SimulatedHost, from: UdpAddress, to: UdpAddress, bytes: Uint8Array): void;
  /** Makes `call` when the latency of the way has passed; during a partition, that long after its end. */
  carry(route: Route, call: () => void): void;
}

type Acceptor = Pick<TcpListenOptions, 'accepted'>;
type TcpEnds = Pick<SimulatedTcpSocketOptions, 'localHost' | 'localPort' | 'remoteHost' | 'remotePort'>;

/** A host of a SimulatedNetwork. Its `sockets` are what a Reactor takes for a network. */
export class SimulatedHost implements Sockets {
  readonly address: string;
  readonly addresses: readonly string[];
  readonly #network: HostNetwork;
  readonly #options: HostOptions;
  readonly #udpPorts = new PortTable<SimulatedUdpSocket>();
  readonly #tcpPorts = new PortTable<Acceptor | undefined>();

  constructor(network: HostNetwork, address: string, options: HostOptions) {
    this.#network = network;
    this.#options = options;
    this.address = address;
    this.addresses = [address, ...(options.aliases ?? [])];
  }

  get sockets(): Sockets {
    return this;
  }

  bindUdp(options: UdpBindOptions, done: (error: Error | undefined, socket?: UdpSocket) => void): () => void {
    return this.#later(() => {
      if (!this.#owns(options.host)) return done(errnoError('EADDRNOTAVAIL', 'bind'));
      let socket: SimulatedUdpSocket | undefined;
      this.#udpPorts.bind(options.host, options.port, (port) => {
        socket = this.#makeUdpSocket(options, port);
        return socket;
      });
      if (socket === undefined) done(errnoError('EADDRINUSE', 'bind'));
      else done(undefined, socket);
    });
  }

  listenTcp(
    options: TcpListenOptions,
    done: (error: Error | undefined, listener?: TcpListener) => void,
  ): () => void {
    return this.#later(() => {
      const { host } = options;
      if (!this.#owns(host)) return done(errnoError('EADDRNOTAVAIL', 'listen'));
      const port = this.#tcpPorts.bind(host, options.port, () => options);
      if (port === 'EADDRINUSE') return done(errnoError('EADDRINUSE', 'listen'));
      const close = (closed: () => void): void => {
        this.#tcpPorts.release(host, port);
        this.#network.clock.callLater(0, closed);
      };
      done(undefined, { host, port, family: familyOf(host), close });
    });
  }

  connectTcp(
    options: TcpConnectOptions,
    done: (error: Error | undefined, socket?: TcpSocket) => void,
  ): () => void {
    const attempt = new ConnectAttempt(this.#network.clock, done);
    const giveUpStart = this.#later(() => this.#connect(options, attempt));
    return () => {
      giveUpStart();
      attempt.giveUp();
    };
  }

  resolve(
    host: string,
    done: (
      error: Error | undefined,
      addresses?: readonly { host: string; family: 'IPv4' | 'IPv6' }[],
    ) => void,
  ): () => void {
    return this.#later(() => {
      const addresses = isLiteral(host) ? [host] : this.#network.addressesOf(host);
      if (addresses === undefined) return done(errnoError('ENOTFOUND', 'getaddrinfo'));
      const all = addresses.map((address) => ({ host: address, family: familyOf(address) }));
      done(undefined, [
        ...all.filter(({ family }) => family === 'IPv4'),
        ...all.filter(({ family }) => family === 'IPv6'),
      ]);
    });
  }

  /** The network's side: who is bound where a datagram arrives. */
  udpSocketAt(to: UdpAddress): SimulatedUdpSocket | undefined {
    return this.#udpPorts.find(to.host, to.port);
  }

  #makeUdpSocket({ host, events, bufferBytes }: UdpBindOptions, port: number): SimulatedUdpSocket {
    return new SimulatedUdpSocket({
      clock: this.#network.clock,
      host,
      port,
      events,
      bufferBytes,
      sendBuffer: this.#options.sendBuffer,
      transmit: (from, to, bytes) => {
        const source = isWildcard(from.host) ? this.#sourceTowards(to.host) : from.host;
        if (source !== undefined) {
          this.#network.sendDatagram(this, { host: source, port: from.port }, to, bytes);
        }
      },
      closed: () => this.#udpPorts.release(host, port),
    });
  }

  #connect(
    { host: remoteHost, port: remotePort, localAddress }: TcpConnectOptions,
    attempt: ConnectAttempt,
  ): void {
    const localHost = localAddress ?? this.#sourceTowards(remoteHost);
    if (localHost === undefined || !this.#owns(localHost)) {
      attempt.fail('EADDRNOTAVAIL');
      return;
    }
    const localPort = this.#tcpPorts.bind(localHost, 0, () => undefined);
    if (localPort === 'EADDRINUSE') {
      attempt.fail('EADDRNOTAVAIL');
      return;
    }
    attempt.release = () => this.#tcpPorts.release(localHost, localPort);
    const remote = isLoopback(remoteHost) ? this : this.#network.hostAt(remoteHost);
    // Where nobody is, nobody answers, and the time limit tells.
    if (remote === undefined) return;
    this.#shakeHands(remote, { localHost, localPort, remoteHost, remotePort }, attempt);
  }

  /** The caller is connected after one round trip, the listener half a trip later. */
  #shakeHands(remote: SimulatedHost, ends: TcpEnds, attempt: ConnectAttempt): void {
    const { clock, carry } = this.#network;
    const there: Route = { from: this, to: remote, lastDueAt: clock.now() };
    const back: Route = { from: remote, to: this, lastDueAt: clock.now() };
    const client = new SimulatedTcpSocket({
      ...ends,
      clock,
      carry: (call) => carry(there, call),
      closed: attempt.release,
    });
    const server = new SimulatedTcpSocket({
      localHost: ends.remoteHost,
      localPort: ends.remotePort,
      remoteHost: ends.localHost,
      remotePort: ends.localPort,
      clock,
      carry: (call) => carry(back, call),
      closed: () => {},
    });
    SimulatedTcpSocket.join(client, server);

    const findAcceptor = (): Acceptor | undefined => remote.#tcpPorts.find(ends.remoteHost, ends.remotePort);
    const synAckArrives = (): void => {
      if (attempt.isOver) return;
      carry(there, () => {
        const acceptor = findAcceptor();
        if (acceptor === undefined) server.reset();
        else acceptor.accepted(server);
      });
      attempt.succeed(client);
    };
    const synArrives = (): void =>
      carry(back, findAcceptor() === undefined ? () => attempt.fail('ECONNREFUSED') : synAckArrives);
    carry(there, synArrives);
  }

  /** The address of this host that packets to `destination` bear. */
  #sourceTowards(destination: string): string | undefined {
    if (isLoopback(destination)) return destination;
    return this.addresses.find((address) => familyOf(address) === familyOf(destination));
  }

  #owns(host: string): boolean {
    return isWildcard(host) || isLoopback(host) || this.addresses.includes(host);
  }

  #later(call: () => void): () => void {
    const delayed = this.#network.clock.callLater(0, call);
    return () => {
      if (delayed.active) delayed.cancel();
    };
  }
}

/** One connectTcp, which ends once: by success, failure, the time limit, or because its caller gave up. */
class ConnectAttempt {
  readonly #timeout: DelayedCall;
  readonly #done: (error: Error | undefined, socket?: TcpSocket) => void;
  #isOver = false;
  /** Gives the local port back; not called on success. */
  release: () => void = () => {};

  constructor(clock: Clock, done: (error: Error | undefined, socket?: TcpSocket) => void) {
    this.#done = done;
    this.#timeout = clock.callLater(TCP_CONNECT_TIMEOUT_MS, () => this.fail('ETIMEDOUT'));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  succeed(socket: TcpSocket): void {
    this.#end();
    this.#done(undefined, socket);
  }

  fail(code: string): void {
    if (this.#isOver) return;
    this.giveUp();
    this.#done(errnoError(code, 'connect'));
  }

  giveUp(): void {
    if (this.#isOver) return;
    this.#end();
    this.release();
  }

  #end(): void {
    this.#isOver = true;
    if (this.#timeout.active) this.#timeout.cancel();
  }
}

function isLiteral(host: string): boolean {
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}
