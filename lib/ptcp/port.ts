import { EventEmitter } from 'eventemitter3';
import { ConnectError, InvalidAddressError, MessageLengthError, UsageError } from '../errors.ts';
import type { Address, InetAddress, UdpAddress } from '../interfaces/address.ts';
import type { StreamClientFactory, StreamFactory } from '../interfaces/protocol.ts';
import type { TransportHost } from '../interfaces/reactor.ts';
import type { TraceSink } from '../trace/trace.ts';
import { StreamConnector } from '../transports/connector.ts';
import { hostAndPort, likelyFamily, requirePort } from '../transports/ip-target.ts';
import { requireKnownNames } from '../transports/known-options.ts';
import { type Listener, type ListenerEvents, StreamPort } from '../transports/stream-port.ts';
import { openError } from './channel.ts';
import {
  type Crc32,
  type DatagramKind,
  type EndpointStats,
  type IsStunTransaction,
  type ProfileInput,
  VERTEX_PSEUDO_PORT,
  type Wire,
} from './core/index.ts';
import { Driver } from './driver.ts';
import { isReachable, oneSpelling } from './paths.ts';
import { chooseWires, pseudoPortOn } from './wires.ts';

/** Asked of the system for each socket: the window of a fast path must fit. */
export const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
const MAX_DATAGRAM_BYTES = 65_507;
const CONNECT_OPTIONS = ['pseudoPort', 'wire', 'localPseudoPort', 'isHolePunching', 'timeoutMs'];

/** How a PTCP port listens; all of it may be left out. */
export interface PtcpPortOptions {
  /** The port inside the datagrams; 49153 when left out. Vertex's is 1, unless nothing else is spoken. */
  readonly pseudoPort?: number;
  /** What is spoken: TCP's header, that of divmod Vertex, or both. 'tcp' when left out. */
  readonly wire?: Wire | readonly Wire[];
  readonly profile?: ProfileInput;
  /** Memory that the buffers of all its connections may take together; 1 GiB when left out. */
  readonly memoryLimitBytes?: number;
  /** Socket buffers asked of the system, each way; 4 MiB when left out. */
  readonly bufferBytes?: number;
  /** Hops that a datagram may take, 1 to 255 (RFC 9293 §3.9.2, MUST-49); the system's default when left out. */
  readonly ttl?: number;
  /** Whether a STUN message without a fingerprint answers a request that was sent with `sendTo`. */
  readonly isStunTransaction?: IsStunTransaction;
  /** Is told what happens to its connections; docs/observing.md. */
  readonly trace?: TraceSink | undefined;
}

/** What a port tells whoever subscribes to `port.events`. */
export interface PtcpPortEvents {
  /** A datagram that is not PTCP's: 'stun' (RFC 8489) or 'foreign'. Unheard ones are counted in `stats`. */
  datagram: (bytes: Uint8Array, kind: DatagramKind, from: UdpAddress) => void;
  /** A known pair of pseudo-ports sends from an address that has no such connection. */
  'path-candidate': (from: UdpAddress, localPseudoPort: number, remotePseudoPort: number) => void;
  /** R1 was reached, or the network reported an error: RFC 9293 §3.8.3, §3.9.1.8. */
  'path-suspect': (peer: Address) => void;
}

/** How to connect from a port that listens; all of it may be left out. */
export interface PtcpPortConnectOptions {
  /** The pseudo-port at the peer; 49153 when left out, 1 on the wire of Vertex. */
  readonly pseudoPort?: number;
  /** The first that the port speaks when left out. */
  readonly wire?: Wire;
  readonly localPseudoPort?: number;
  /** Both sides connect at once: refusals on the way do not end the attempt. */
  readonly isHolePunching?: boolean;
  readonly timeoutMs?: number;
}

/** A UDP port on which PTCP connections are accepted, and from which others can be made. */
export class PtcpPort extends StreamPort {
  /** Datagrams and paths that are not the business of one connection. */
  readonly events: EventEmitter<PtcpPortEvents>;
  readonly #driver: Driver;
  readonly #wires: readonly Wire[];

  constructor(
    host: TransportHost,
    factory: StreamFactory,
    at: UdpAddress,
    options: PtcpPortOptions & { readonly crc32?: Crc32 | undefined },
  ) {
    const { wires, profile } = chooseWires(options.wire, options.profile);
    const pseudoPorts = wires.map((wire) =>
      wires.length > 1 && wire === 'vertex' ? VERTEX_PSEUDO_PORT : pseudoPortOn(wire, options.pseudoPort),
    );
    for (const pseudoPort of pseudoPorts) requirePort(pseudoPort, 1);
    requireTtl(options.ttl);
    requireTrace(options.trace);
    const events = new EventEmitter<PtcpPortEvents>();
    const { memoryLimitBytes, crc32, isStunTransaction, trace } = options;
    let listening: ListenerEvents | undefined;
    const tell = (event: keyof PtcpPortEvents, emit: () => void): void => {
      try {
        emit();
      } catch (error) {
        host.reportError(error, event);
      }
    };
    const driver = new Driver(
      host,
      {
        accepted: (channel) => listening?.accepted(channel),
        foreign: (...facts) => tell('datagram', () => events.emit('datagram', ...facts)),
        pathCandidate: (...facts) => tell('path-candidate', () => events.emit('path-candidate', ...facts)),
        pathSuspect: (channel) => tell('path-suspect', () => events.emit('path-suspect', channel.getPeer())),
      },
      likelyFamily(at.host),
      { profile, memoryLimitBytes, crc32, isStunTransaction, trace },
    );
    super(host, factory, `ptcp:${hostAndPort(at.host, at.port)}`, (listenerEvents) => (done) => {
      listening = listenerEvents;
      const bufferBytes = options.bufferBytes ?? SOCKET_BUFFER_BYTES;
      return host.sockets.bindUdp(
        { ...at, events: driver, bufferBytes, ttl: options.ttl },
        (error, socket) => {
          if (socket === undefined) {
            done(error);
            return;
          }
          driver.start(socket);
          for (const [index, wire] of wires.entries()) driver.listen(pseudoPorts[index]!, wire);
          done(undefined, listener(driver, pseudoPorts));
        },
      );
    });
    this.events = events;
    this.#driver = driver;
    this.#wires = wires;
  }

  override getHost(): InetAddress {
    return super.getHost() as InetAddress;
  }

  /** What its endpoint has seen. */
  get stats(): EndpointStats {
    return this.#driver.endpoint.stats;
  }

  /** What the system granted of the socket buffers that were asked for. */
  get socketBufferBytes(): { readonly receive: number; readonly send: number } {
    const { receiveBufferBytes, sendBufferBytes } = this.#boundSocket();
    return { receive: receiveBufferBytes, send: sendBufferBytes };
  }

  /** Sends a datagram of another protocol from this socket, STUN say. A full socket buffer drops it. */
  sendTo(bytes: Uint8Array, address: UdpAddress): void {
    if (!isReachable(address.host, address.port)) {
      throw new InvalidAddressError(`${hostAndPort(address.host, address.port)} cannot be sent to`);
    }
    if (bytes.length > MAX_DATAGRAM_BYTES)
      throw new MessageLengthError(`a datagram of ${bytes.length} bytes`);
    this.#boundSocket();
    this.#driver.sendTo(bytes, address);
  }

  /** Connects from this socket, as hole punching needs it. `host` is an IP literal. */
  connect(
    host: string,
    port: number,
    factory: StreamClientFactory,
    options: PtcpPortConnectOptions = {},
  ): StreamConnector {
    requireKnownNames(options, CONNECT_OPTIONS, 'connecting from a port');
    if (!isReachable(host, port))
      throw new InvalidAddressError(`${hostAndPort(host, port)} cannot be connected to`);
    this.#boundSocket();
    if (this.#driver.addresses.isOwn(oneSpelling(host), port))
      throw new InvalidAddressError(`${hostAndPort(host, port)} is the port itself`);
    if (!this.isOpen) throw new UsageError('the port is stopped');
    const { timeoutMs, wire, pseudoPort: wanted, ...others } = options;
    const pseudoPort = pseudoPortOn(wire ?? this.#wires[0], wanted);
    requirePort(pseudoPort, 1);
    // A profile of its own, which costs 600 bytes, only for a connection that does not speak the port's first wire.
    const isOtherWire = wire !== undefined && wire !== this.#wires[0];
    if (isOtherWire) chooseWires(wire, undefined);
    const how = isOtherWire ? { ...others, profile: { wire } } : others;
    const connector = new StreamConnector({
      host: this.host,
      destination: { type: 'PTCP', family: likelyFamily(host), host, port, pseudoPort },
      factory,
      timeoutMs,
      attempt: ({ connected, failed }) => {
        const cancel = this.#driver.open({ host, port }, pseudoPort, how, {
          established: connected,
          failed: (reason) => failed(openError(reason, hostAndPort(host, port))),
        });
        if (cancel !== undefined) return cancel;
        const cannot = (): void =>
          failed(new ConnectError(`${hostAndPort(host, port)} cannot be tried any more`));
        this.host.clock.callSoon(cannot);
        return () => {};
      },
    });
    connector.connect();
    return connector;
  }

  #boundSocket(): NonNullable<Driver['socket']> {
    const { socket } = this.#driver;
    if (socket === undefined) throw new UsageError('the port is not bound yet: wait for `listening`');
    return socket;
  }
}

/** Throws UsageError for a number of hops that no packet can have. */
export function requireTtl(ttl: number | undefined): void {
  if (ttl === undefined || (Number.isInteger(ttl) && ttl >= 1 && ttl <= 255)) return;
  throw new UsageError(`ttl is ${ttl}; it must be a whole number from 1 to 255`);
}

/** Throws UsageError where `trace` could be told nothing, for callers without types. */
export function requireTrace(trace: TraceSink | undefined): void {
  if (trace === undefined || typeof trace?.trace === 'function') return;
  throw new UsageError(`trace is ${String(trace)}; it must be an object with a method trace`);
}

function listener(driver: Driver, pseudoPorts: readonly number[]): Listener {
  return {
    getHost: () => driver.addresses.bound(pseudoPorts[0]!),
    close: (done) => driver.stopListening(pseudoPorts, done),
  };
}
