import { EventEmitter } from 'eventemitter3';
import { Deferred } from '../defer/deferred.ts';
import { ReactorAlreadyRunning, ReactorNotRunning, UsageError } from '../errors.ts';
import type { Entropy } from '../interfaces/entropy.ts';
import type { Files } from '../interfaces/files.ts';
import type {
  ConnectorLike,
  DatagramReceiver,
  StreamClientFactory,
  StreamFactory,
} from '../interfaces/protocol.ts';
import type { ListeningPort, Resource, TransportHost } from '../interfaces/reactor.ts';
import type { Sockets } from '../interfaces/sockets.ts';
import type { Tls } from '../interfaces/tls.ts';
import type { Clock, DelayedCall, Instant } from '../time/clock.ts';
import type {
  ConnectTarget,
  ListenTarget,
  TransportOptions,
  TransportProvider,
} from '../transports/provider.ts';
import { type UdpListenOptions, UdpPort } from '../transports/udp/port.ts';
import { builtInTransports } from './built-in.ts';
import { type EventPhase, SystemEvents, type TriggerId } from './system-events.ts';
import { WindUp } from './wind-up.ts';

// Whoever reads the declarations of this file finds the options of the built-in transports with them.
export type { BuiltInOptions } from './built-in.ts';

/** How long stop and a closed connection wait for the peer unless told otherwise. */
export const LINGER_MS = 5_000;

/** What a reactor is made with: time, sockets and entropy are its whole outside world. */
export interface ReactorOptions {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly entropy: Entropy;
  /** Where TLS is made: `nodeTls`. Without it there is none. */
  readonly tls?: Tls | undefined;
  /** Where endpoints read certificates. Without it those that name files fail. */
  readonly files?: Files;
  /** How long a closed connection, and `stop`, wait for the peer's FIN before they reset. 5 s when left out. */
  readonly lingerMs?: number;
  /** The kinds of stream transport it knows from the start: TCP, PTCP and memory when left out. */
  readonly transports?: readonly TransportProvider[];
  /** Takes errors that no 'error' listener hears. Without it they are thrown in a turn of their own. */
  readonly unheardError?: (error: unknown, where: string) => void;
  /** Called by run: hooks the reactor to its process, for instance to signals. What it returns unhooks it. */
  readonly attachProcess?: (stop: () => void) => () => void;
}

/** What a reactor tells many listeners. */
export interface ReactorEvents {
  /** User code threw in a callback, or something failed and nobody was told; `where` names the callback. */
  error: (error: unknown, where: string) => void;
}

/** The options of a kind of transport; `object` while its provider is not known to the compiler. */
export type ListenOptionsOf<K extends string> = K extends keyof TransportOptions
  ? TransportOptions[K] extends { listen: infer O }
    ? O
    : object
  : object;

/** As ListenOptionsOf, for connecting. */
export type ConnectOptionsOf<K extends string> = K extends keyof TransportOptions
  ? TransportOptions[K] extends { connect: infer O }
    ? O
    : object
  : object;

/** The port that a kind of transport gives. */
export type PortOf<K extends string> = K extends keyof TransportOptions
  ? TransportOptions[K] extends { port: infer P extends ListeningPort }
    ? P
    : ListeningPort
  : ListeningPort;

/** Where to listen, for the kinds that have interfaces. */
export interface InterfaceOption {
  /** The address to bind, an IP literal. Every IPv4 address when left out. */
  readonly interface?: string;
}

/** What `listenTLS` takes. */
export type TlsListenOptions<K extends 'tls' | 'ptcp+tls'> = InterfaceOption &
  ListenOptionsOf<K> &
  (K extends 'tls' ? { readonly over?: 'tcp' } : { readonly over: 'ptcp' });

/** What `connectTLS` takes. */
export type TlsConnectOptions =
  | ({ readonly over?: 'tcp' } & ConnectOptionsOf<'tls'>)
  | ({ readonly over: 'ptcp' } & ConnectOptionsOf<'ptcp+tls'>);

type State = 'stopped' | 'starting' | 'running' | 'stopping';

/**
 * The centre of a program: time, the network, and the start and end of both. Modelled on Twisted's reactor.
 *
 * Ports and connections work as soon as they are made, before `run` too; `run` is for the life cycle: startup
 * triggers, signals, staying alive until `stop`, and winding everything up then. It may be run again after that.
 */
export class Reactor extends EventEmitter<ReactorEvents> implements Clock {
  readonly #options: ReactorOptions;
  readonly #clock: Clock;
  readonly #host: TransportHost;
  readonly #transports = new Map<string, TransportProvider>();
  readonly #systemEvents: SystemEvents;
  readonly #resources = new Set<Resource>();
  #state: State = 'stopped';
  #stopped: Deferred<void> | undefined = undefined;
  #detachProcess: (() => void) | undefined = undefined;
  #windUp: WindUp | undefined = undefined;

  constructor(options: ReactorOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock;
    const reportError = (error: unknown, where: string): void => this.reportError(error, where);
    this.#systemEvents = new SystemEvents(reportError);
    this.#host = {
      clock: options.clock,
      sockets: options.sockets,
      entropy: options.entropy,
      tls: options.tls,
      lingerMs: options.lingerMs ?? LINGER_MS,
      adopt: (resource) => this.#adopt(resource),
      release: (resource) => this.#release(resource),
      reportError,
    };
    for (const transport of options.transports ?? builtInTransports()) this.addTransport(transport);
  }

  /** The files that its endpoints read; undefined where there are none. */
  get files(): Files | undefined {
    return this.#options.files;
  }

  // Time.

  now(): Instant {
    return this.#clock.now();
  }

  /** Calls once, `delayMs` milliseconds from now. An exception is reported and harms nobody else. */
  callLater(delayMs: number, call: () => void): DelayedCall {
    requireFunction(call, 'callLater');
    return this.#clock.callLater(delayMs, () => this.#guard('callLater', call));
  }

  callSoon(call: () => void): void {
    requireFunction(call, 'callSoon');
    this.#clock.callSoon(() => this.#guard('callSoon', call));
  }

  // Life cycle.

  /** Whether `run` has started up and `stop` is not over. */
  get running(): boolean {
    return this.#state === 'running' || this.#state === 'stopping';
  }

  /** Starts up and stays until `stop`; fires when everything is wound up. */
  run(): Deferred<void> {
    if (this.#state !== 'stopped') throw new ReactorAlreadyRunning('the reactor is running');
    this.#state = 'starting';
    this.#stopped = new Deferred<void>();
    this.#detachProcess = this.#options.attachProcess?.(() => this.stop());
    const stopped = this.#stopped;
    const started = (next: () => void): void => {
      if (this.#state === 'starting') this.#state = 'running';
      next();
    };
    this.#systemEvents.fire('startup', started, () => {});
    return stopped;
  }

  /**
   * Ends what `run` began, in a later turn: 'shutdown' triggers, then every port and connection, each closed as
   * loseConnection does and reset after `lingerMs`. Throws ReactorNotRunning when it does not run, or stops already.
   */
  stop(): void {
    if (this.#state !== 'running' && this.#state !== 'starting') {
      throw new ReactorNotRunning(`the reactor is ${this.#state}`);
    }
    this.#state = 'stopping';
    this.#clock.callSoon(() => {
      this.#systemEvents.fire(
        'shutdown',
        (next) => this.#windEverythingUp(next),
        () => this.#ended(),
      );
    });
  }

  /** Calls at once if the reactor runs, else when it has started up. */
  callWhenRunning(call: () => void): TriggerId | undefined {
    requireFunction(call, 'callWhenRunning');
    if (!this.running) return this.addSystemEventTrigger('after', 'startup', call);
    this.#guard('callWhenRunning', call);
    return undefined;
  }

  /** Has `call` made once when `event` is fired: 'startup', 'shutdown' or one of your own. */
  addSystemEventTrigger(phase: EventPhase, event: string, call: () => unknown): TriggerId {
    requireFunction(call, 'addSystemEventTrigger');
    return this.#systemEvents.add(phase, event, call);
  }

  removeSystemEventTrigger(id: TriggerId): void {
    this.#systemEvents.remove(id);
  }

  /** Fires an event of your own. 'startup' and 'shutdown' are fired by run and stop. */
  fireSystemEvent(event: string): void {
    const nothing = (next: () => void): void => next();
    this.#systemEvents.fire(event, nothing, () => {});
  }

  /** Tells the listeners of 'error', or whoever is there instead of them. Never throws. */
  reportError(error: unknown, where: string): void {
    const { unheardError } = this.#options;
    try {
      if (this.emit('error', error, where)) return;
      if (unheardError !== undefined) unheardError(error, where);
      else this.#throwLater(error);
    } catch (thrown) {
      this.#throwLater(thrown);
    }
  }

  // The network.

  /** Teaches the reactor a kind of transport. UsageError when it knows one of that name. */
  addTransport(provider: TransportProvider): void {
    if (this.#transports.has(provider.name)) {
      throw new UsageError(`the reactor has a transport ${provider.name} already`);
    }
    this.#transports.set(provider.name, provider);
  }

  /** Listens with the kind of transport of that name. */
  listen<K extends string>(
    kind: K,
    target: ListenTarget,
    factory: StreamFactory,
    options?: ListenOptionsOf<K>,
  ): PortOf<K> {
    requireFactory(factory, 'buildProtocol', 'a Factory');
    return this.#transport(kind).listen(this.#host, target, factory, options ?? {}) as PortOf<K>;
  }

  /** Connects with the kind of transport of that name; the factory hears what becomes of it. */
  connect<K extends string>(
    kind: K,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options?: ConnectOptionsOf<K>,
  ): ConnectorLike {
    requireFactory(factory, 'startedConnecting', 'a ClientFactory');
    if (typeof target.host !== 'string')
      throw new UsageError(`a host is a string, not ${String(target.host)}`);
    return this.#transport(kind).connect(this.#host, target, factory, options ?? {});
  }

  /** Listens on a TCP port; 0 takes a free one. */
  listenTCP(
    port: number,
    factory: StreamFactory,
    options: InterfaceOption & ListenOptionsOf<'tcp'> = {},
  ): PortOf<'tcp'> {
    return this.listen('tcp', listenTarget(port, options), factory, options);
  }

  connectTCP(
    host: string,
    port: number,
    factory: StreamClientFactory,
    options: ConnectOptionsOf<'tcp'> = {},
  ): ConnectorLike {
    return this.connect('tcp', { host, port }, factory, options);
  }

  /** Listens for PTCP, TCP in user space, on a UDP port; 0 takes a free one. */
  listenPTCP(
    port: number,
    factory: StreamFactory,
    options: InterfaceOption & ListenOptionsOf<'ptcp'> = {},
  ): PortOf<'ptcp'> {
    return this.listen('ptcp', listenTarget(port, options), factory, options);
  }

  connectPTCP(
    host: string,
    port: number,
    factory: StreamClientFactory,
    options: ConnectOptionsOf<'ptcp'> = {},
  ): ConnectorLike {
    return this.connect('ptcp', { host, port }, factory, options);
  }

  /**
   * Listens with TLS on a TCP port; `over: 'ptcp'` on one of PTCP. Options are those of TLS and of that transport.
   *
   * A protocol is built when a handshake is over and the client verified; what becomes of those that fail is told by
   * the port. UsageError for a certificate that cannot be used.
   */
  listenTLS(port: number, factory: StreamFactory, options: TlsListenOptions<'tls'>): PortOf<'tls'>;
  listenTLS(port: number, factory: StreamFactory, options: TlsListenOptions<'ptcp+tls'>): PortOf<'ptcp+tls'>;
  listenTLS(
    port: number,
    factory: StreamFactory,
    { over, ...options }: TlsListenOptions<'tls'> | TlsListenOptions<'ptcp+tls'>,
  ): PortOf<'tls'> | PortOf<'ptcp+tls'> {
    return this.listen(tlsOver(over), listenTarget(port, options), factory, options);
  }

  /**
   * Connects with TLS over TCP, or PTCP. The server is verified: authorities, dates, and that the certificate is for
   * `host`, or `serverName`; or else its pin. connectionMade comes after that, clientConnectionFailed(TlsError)
   * where it fails.
   */
  connectTLS(
    host: string,
    port: number,
    factory: StreamClientFactory,
    { over, ...options }: TlsConnectOptions = {},
  ): ConnectorLike {
    return this.connect(tlsOver(over), { host, port }, factory, options);
  }

  /** Listens within the process, by name. */
  listenMemory(name: string, factory: StreamFactory): PortOf<'memory'> {
    return this.listen('memory', { host: name, port: 0 }, factory);
  }

  connectMemory(
    name: string,
    factory: StreamClientFactory,
    options: ConnectOptionsOf<'memory'> = {},
  ): ConnectorLike {
    return this.connect('memory', { host: name, port: 0 }, factory, options);
  }

  /** Binds a UDP port for `protocol`; 0 takes a free one. */
  listenUDP(port: number, protocol: DatagramReceiver, options: UdpListenOptions = {}): UdpPort {
    return new UdpPort(this.#host, port, protocol, options);
  }

  #transport(kind: string): TransportProvider {
    const provider = this.#transports.get(kind);
    if (provider === undefined) {
      const known = [...this.#transports.keys()].join(', ') || 'none';
      throw new UsageError(`this reactor has no transport ${kind}; it has: ${known}`);
    }
    return provider;
  }

  #adopt(resource: Resource): void {
    this.#resources.add(resource);
    const windUp = this.#windUp;
    if (windUp === undefined) return;
    windUp.expect(resource);
    this.#clock.callSoon(() => windUp.end(resource));
  }

  #release(resource: Resource): void {
    this.#resources.delete(resource);
    this.#windUp?.released(resource);
  }

  #windEverythingUp(next: () => void): void {
    const windUp = new WindUp(this.#host.lingerMs, () => {
      this.#windUp = undefined;
      next();
    });
    this.#windUp = windUp;
    const resources = [...this.#resources];
    for (const resource of resources) windUp.expect(resource);
    for (const resource of resources) windUp.end(resource);
    windUp.begun();
  }

  #ended(): void {
    const stopped = this.#stopped;
    this.#state = 'stopped';
    this.#stopped = undefined;
    this.#detachProcess?.();
    this.#detachProcess = undefined;
    stopped?.callback(undefined);
  }

  #guard(where: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reportError(error, where);
    }
  }

  #throwLater(error: unknown): void {
    this.#clock.callSoon(() => {
      throw error;
    });
  }
}

function tlsOver(over: 'tcp' | 'ptcp' | undefined): 'tls' | 'ptcp+tls' {
  if (over === undefined || over === 'tcp') return 'tls';
  if (over === 'ptcp') return 'ptcp+tls';
  throw new UsageError(
    `over is tcp or ptcp, not ${String(over)}; others by reactor.listen and reactor.connect`,
  );
}

function listenTarget(port: number, options: InterfaceOption): ListenTarget {
  return options.interface === undefined ? { port } : { host: options.interface, port };
}

/** For callers without types: what is no function would be found out when it is to be called. */
function requireFunction(call: unknown, method: string): void {
  if (typeof call !== 'function') throw new UsageError(`${method} takes a function, not ${typeof call}`);
}

/** For callers without types: what is no factory would be found out in a later turn, far from the mistake. */
function requireFactory(factory: unknown, method: string, expected: string): void {
  const given = typeof factory === 'object' ? (factory as Record<string, unknown> | null) : undefined;
  if (typeof given?.[method] === 'function') return;
  const hint = typeof factory === 'function' ? `: forProtocol(${factory.name}) makes one of a Protocol` : '';
  throw new UsageError(`this takes ${expected}${hint}`);
}
