import type { UdpAddress } from '../interfaces/address.ts';
import type { Resource, TransportHost } from '../interfaces/reactor.ts';
import type { UdpSocket, UdpSocketEvents } from '../interfaces/sockets.ts';
import { type DelayedCall, type Instant, NEVER } from '../time/clock.ts';
import type { TraceSink } from '../trace/trace.ts';
import { ConnectionAddresses, isLoopbackHost } from './addresses.ts';
import { type ChannelDriver, PtcpChannel } from './channel.ts';
import {
  type CloseReason,
  type ConnectOptions,
  type Crc32,
  type DatagramKind,
  DEFAULT_PROFILE,
  type IsStunTransaction,
  type PathId,
  type Profile,
  type ProfileInput,
  PtcpEndpoint,
  type PtcpEvent,
  resolveProfile,
  type Wire,
} from './core/index.ts';
import { oneSpelling, PathTable } from './paths.ts';
import { SocketTrace } from './socket-trace.ts';

/** Segments in one burst at most: more would overflow small queues on the way. */
const BURST_SEGMENTS = 32;
/** Memory for one burst. All sockets share it, for `sendBurst` is done with it when it returns. */
const TARGET = { out: new Uint8Array(131_072), maxSegments: BURST_SEGMENTS };
/** Segments sent in one turn of the event loop, so that receiving keeps up. */
const TURN_SEGMENTS = 64;
/** What Ethernet carries in one piece. On the loopback interface it is sent from the start; elsewhere it is looked for. */
const UNFRAGMENTED_BYTES = { IPv4: 1472, IPv6: 1452 } as const;
/** MSS offered: what a 1500-byte IP packet leaves, UDP and TCP headers taken off. */
const MSS_BYTES = { IPv4: 1452, IPv6: 1432 } as const;

const PEER_MSS_BYTES = { IPv4: 536, IPv6: 1220 } as const;

/** What a driver is made with, for its endpoint and its socket. */
export interface DriverOptions {
  readonly profile?: ProfileInput | undefined;
  readonly memoryLimitBytes?: number | undefined;
  readonly crc32?: Crc32 | undefined;
  readonly isStunTransaction?: IsStunTransaction | undefined;
  readonly trace?: TraceSink | undefined;
  /** Whether the socket's peer is fixed, so that its refusals are heard. */
  readonly isConnected?: boolean;
}

/** What the driver tells whoever made it. */
export interface DriverEvents {
  accepted?(channel: PtcpChannel): void;
  /** A datagram that is no segment: 'stun' or 'foreign'. */
  foreign?(bytes: Uint8Array, kind: DatagramKind, from: UdpAddress): void;
  pathCandidate?(from: UdpAddress, localPseudoPort: number, remotePseudoPort: number): void;
  pathSuspect?(channel: PtcpChannel): void;
  /** After `retireAfterTimeWait`: only TIME-WAIT holds the socket any more. Told again while that is so. */
  waitsOnly?(): void;
  /** The socket is closed, or about to be. */
  closed?(): void;
}

/** How an attempt to connect comes out: one of the two, once. */
export interface OpeningEvents {
  established(channel: PtcpChannel): void;
  failed(reason: CloseReason): void;
}

/**
 * Joins an endpoint to a UDP socket and a clock: datagrams and due times in, bursts out, events to the channels.
 *
 * One pump, never entered twice; one clock call for the socket, however many connections it has.
 */
export class Driver implements UdpSocketEvents, ChannelDriver, Resource {
  readonly endpoint: PtcpEndpoint;
  readonly addresses: ConnectionAddresses;
  readonly #host: TransportHost;
  readonly #events: DriverEvents;
  readonly #isConnected: boolean;
  readonly #paths: PathTable;
  /** The one path of a connected socket, once it is known. */
  #peerPath: PathId | undefined = undefined;
  /** Channels that want `driven` called. */
  #touched: PtcpChannel[] = [];
  /** Channels whose FIN has not left yet. */
  readonly #finishing = new Set<PtcpChannel>();
  #socket: UdpSocket | undefined = undefined;
  #wakeUp: DelayedCall | undefined = undefined;
  #isPumping = false;
  #isPumpDue = false;
  #isBlocked = false;
  #isListening = false;
  /** When the socket may go: never, once nothing at all needs it, or once no living connection does. */
  #retirement: 'never' | 'after-time-wait' | 'at-once' = 'never';
  #isClosed = false;
  #whenClosed: (() => void)[] = [];

  constructor(host: TransportHost, events: DriverEvents, family: 'IPv4' | 'IPv6', options: DriverOptions) {
    this.#host = host;
    this.#events = events;
    this.#isConnected = options.isConnected ?? false;
    const { crc32, memoryLimitBytes, isStunTransaction } = options;
    const trace = options.trace === undefined ? undefined : new SocketTrace(host, options.trace);
    this.endpoint = new PtcpEndpoint({
      entropy: host.entropy,
      profile: familyProfile(family, options.profile),
      pathDatagramBytes: (path) => this.#datagramBytes(path, family, options.profile),
      pathTag: (path) => this.#paths.tagOf(path),
      hostTag: (path) => this.#paths.hostTagOf(path),
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
      ...(crc32 === undefined ? {} : { crc32 }),
      ...(isStunTransaction === undefined ? {} : { isStunTransaction }),
      trace,
    });
    this.#paths = new PathTable((path) => this.endpoint.isPathInUse(path), host.entropy);
    this.addresses = new ConnectionAddresses(this.#paths);
    if (trace !== undefined) trace.addresses = this.addresses;
  }

  /** The socket is bound; from here on it is the driver's to close. */
  start(socket: UdpSocket): void {
    this.#socket = socket;
    this.addresses.socket = socket;
    this.#host.adopt(this);
    this.#keepProcess();
  }

  get now(): Instant {
    return this.#host.clock.now();
  }

  get socket(): UdpSocket | undefined {
    return this.#socket;
  }

  listen(pseudoPort: number, wire: Wire): void {
    this.endpoint.listen(pseudoPort, { wire });
    this.#isListening = true;
    this.#keepProcess();
  }

  /** Accepts no more. `done` is called when the socket is closed or, while accepted connections need it, soon. */
  stopListening(pseudoPorts: readonly number[], done: () => void): void {
    for (const pseudoPort of pseudoPorts) this.endpoint.unlisten(pseudoPort);
    this.#isListening = false;
    if (this.endpoint.connectionCount === 0) this.#whenClosed.push(done);
    else this.#host.clock.callSoon(done);
    this.retire();
  }

  /**
   * Nothing new will begin here: the socket is closed once no connection lives on it. It is not held for TIME-WAIT, for
   * its port may be wanted again; a peer that misses our last ACK has ended well all the same.
   */
  retire(): void {
    this.#retirement = 'at-once';
    this.#keepProcess();
    this.#closeIfIdle();
  }

  /** As `retire`, but TIME-WAIT is waited for. It keeps no process alive. */
  retireAfterTimeWait(): void {
    if (this.#retirement === 'never') this.#retirement = 'after-time-wait';
    this.#closeIfIdle();
  }

  /**
   * Opens a connection to a pseudo-port at `to`. The function it returns gives up. Undefined when there is no path to
   * it: nobody can be there, there are too many, or the socket is closed. Throws UsageError when the ports are taken.
   */
  open(
    to: UdpAddress,
    pseudoPort: number,
    how: ConnectOptions,
    events: OpeningEvents,
  ): (() => void) | undefined {
    // Answers come from the address in its one spelling (RFC 5952 §4), whatever the user wrote.
    const path = this.#isClosed ? undefined : this.#paths.idOf(oneSpelling(to.host), to.port);
    if (path === undefined) return undefined;
    this.#peerPath = path;
    // The endpoint dates the SYN by the latest time it knows.
    this.endpoint.handleTimeout(this.#host.clock.now());
    const connection = this.endpoint.connect(path, pseudoPort, how);
    connection.context = events;
    this.#keepProcess();
    this.wake();
    return () => {
      connection.context = undefined;
      connection.abort();
      this.wake();
    };
  }

  /** Sends a datagram that is not PTCP's from the same socket. */
  sendTo(bytes: Uint8Array, to: UdpAddress): void {
    const burst = { buffer: bytes, strideBytes: bytes.length, count: 1, lastBytes: bytes.length };
    this.#socket?.sendBurst(burst, this.#isConnected ? undefined : to);
  }

  // From the socket.

  datagram(bytes: Uint8Array, host: string, port: number): void {
    const path = this.#paths.idOf(host, port);
    if (path === undefined || this.addresses.isOwn(host, port)) return;
    // What came before the socket was connected may be anybody's, and an answer would go to the peer.
    if (this.#isConnected && path !== this.#peerPath) return;
    const kind = this.endpoint.handleDatagram(this.#host.clock.now(), bytes, path);
    if (kind === 'stun' || kind === 'foreign') this.#events.foreign?.(bytes, kind, { host, port });
    // Datagrams come in batches: all of them are answered together (RFC 9293 §3.10.7.4, MUST-58 and MUST-59).
    this.wake();
  }

  writable(): void {
    this.#isBlocked = false;
    this.wake();
  }

  error(code: string): void {
    // Only a connected socket knows whose datagram it was (RFC 9293 §3.9.2.2, MUST-54).
    if (!this.#isConnected || this.#peerPath === undefined) return;
    this.endpoint.handlePathError(this.#host.clock.now(), this.#peerPath, code);
    this.wake();
  }

  // The pump.

  wake(channel?: PtcpChannel): void {
    if (channel !== undefined) this.#touched.push(channel);
    if (this.#isPumpDue || this.#isPumping) return;
    // What came before the socket was closed can still be asked for: by a protocol that was paused, say.
    if (this.#isClosed && channel === undefined) return;
    this.#isPumpDue = true;
    this.#host.clock.callSoon(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let segmentsLeft = TURN_SEGMENTS;
    try {
      // Events first: what the user writes in answer can then ride on the acknowledgement.
      for (;;) {
        const hadEvents = this.#report();
        const sent = segmentsLeft > 0 && !this.#isBlocked && !this.#isClosed ? this.#transmit() : 0;
        segmentsLeft -= sent;
        // What the user does when his FIN has left is for this turn too.
        if (!hadEvents && sent === 0 && !this.#tellFinished()) break;
      }
    } finally {
      this.#isPumping = false;
    }
    if (this.#isClosed) return;
    if (segmentsLeft <= 0 && !this.#isBlocked) this.wake();
    this.#setWakeUp();
    this.#keepProcess();
    this.#closeIfIdle();
  }

  #report(): boolean {
    const touched = this.#touched;
    if (touched.length > 0) {
      this.#touched = [];
      for (const channel of touched) this.#drive(channel);
    }
    let hadEvents = touched.length > 0;
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
      hadEvents = true;
      this.#dispatch(event);
    }
    return hadEvents;
  }

  #drive(channel: PtcpChannel): void {
    channel.driven();
    if (channel.isFinishing) this.#finishing.add(channel);
  }

  #dispatch(event: PtcpEvent): void {
    if (event.type === 'pathCandidate') {
      const from = this.#paths.addressOf(event.path);
      if (from !== undefined)
        this.#events.pathCandidate?.(from, event.localPseudoPort, event.remotePseudoPort);
      return;
    }
    const { connection } = event;
    const { context } = connection;
    if (context instanceof PtcpChannel) this.#tell(context, event);
    else if (event.type === 'accepted') this.#events.accepted?.(new PtcpChannel(connection, this));
    else if (context !== undefined) this.#tellOpening(context as OpeningEvents, event);
  }

  #tell(channel: PtcpChannel, event: Exclude<PtcpEvent, { type: 'pathCandidate' }>): void {
    switch (event.type) {
      case 'readable':
        channel.driven();
        break;
      case 'writable':
        channel.writable();
        break;
      case 'peerClosed':
        channel.peerClosed();
        break;
      case 'urgent':
        channel.urged();
        break;
      case 'pathSuspect':
        this.#events.pathSuspect?.(channel);
        break;
      case 'closed':
        this.#finishing.delete(channel);
        channel.closed(event.reason);
        break;
    }
  }

  #tellOpening(opening: OpeningEvents, event: Exclude<PtcpEvent, { type: 'pathCandidate' }>): void {
    if (event.type === 'established') opening.established(new PtcpChannel(event.connection, this));
    else if (event.type === 'closed') opening.failed(event.reason);
  }

  /** Sends one burst and returns how many segments it had. */
  #transmit(): number {
    const burst = this.endpoint.pollTransmit(this.#host.clock.now(), TARGET);
    if (burst === undefined) return 0;
    const { strideBytes, count, lastBytes } = burst;
    const to = this.#isConnected ? undefined : this.#paths.addressOf(burst.path);
    const outcome = this.#socket?.sendBurst({ buffer: TARGET.out, strideBytes, count, lastBytes }, to);
    if (outcome === 'blocked') this.#isBlocked = true;
    return count;
  }

  /** Returns whether any FIN has left. */
  #tellFinished(): boolean {
    let hasAny = false;
    for (const channel of this.#finishing) {
      channel.driven();
      if (channel.isFinishing) continue;
      this.#finishing.delete(channel);
      hasAny = true;
    }
    return hasAny;
  }

  /** One clock call per socket. An early wake-up is harmless, so a later due time moves nothing. */
  #setWakeUp(): void {
    const dueAt = this.endpoint.nextTimeout();
    if (this.#wakeUp?.active === true) {
      if (this.#wakeUp.dueAt <= dueAt && dueAt !== NEVER) return;
      this.#wakeUp.cancel();
    }
    this.#wakeUp = undefined;
    if (dueAt === NEVER || this.#isClosed) return;
    const { clock } = this.#host;
    this.#wakeUp = clock.callLater(Math.max(0, dueAt - clock.now()), () => {
      this.endpoint.handleTimeout(clock.now());
      this.#pump();
    });
  }

  /** TIME-WAIT keeps no process alive. */
  #keepProcess(): void {
    const isNeeded = this.#isListening || this.endpoint.connectionCount > 0;
    this.#socket?.keepAlive(isNeeded);
    if (this.#wakeUp?.active === true) this.#wakeUp.keepAlive(isNeeded);
  }

  // The end.

  shutDown(_lingerMs: number, done: () => void): void {
    this.#whenClosed.push(done);
    if (this.#isClosed) this.#answerClosed();
    else this.retire();
  }

  #closeIfIdle(): void {
    if (this.#retirement === 'never' || this.#isClosed || this.#isPumping || this.#isPumpDue) return;
    if (this.endpoint.connectionCount > 0 || this.#touched.length > 0) return;
    if (this.#retirement === 'after-time-wait' && this.endpoint.timeWaitCount > 0) {
      this.#events.waitsOnly?.();
      return;
    }
    this.#isClosed = true;
    this.#events.closed?.();
    if (this.#wakeUp?.active === true) this.#wakeUp.cancel();
    this.#host.release(this);
    if (this.#socket === undefined) this.#answerClosed();
    else this.#socket.close(() => this.#answerClosed());
  }

  #answerClosed(): void {
    const waiting = this.#whenClosed;
    this.#whenClosed = [];
    for (const done of waiting) done();
  }

  #datagramBytes(
    path: PathId,
    family: 'IPv4' | 'IPv6',
    profile: ProfileInput | undefined,
  ): number | undefined {
    if (
      typeof profile === 'string' ||
      profile?.maxDatagramBytes !== undefined ||
      profile?.preset !== undefined
    ) {
      return undefined;
    }
    if (!isLoopbackHost(this.#paths.addressOf(path)?.host ?? '')) return undefined;
    const limit = profile?.maxPlpmtuBytes;
    const isLimited = limit !== undefined && limit !== 'off';
    const mostBytes = isLimited
      ? Math.max(limit, DEFAULT_PROFILE.maxDatagramBytes)
      : UNFRAGMENTED_BYTES[family];
    return Math.min(mostBytes, UNFRAGMENTED_BYTES[family]);
  }
}

/** MSS, that of a peer that tells none (RFC 9293 §3.7.1, MUST-15), and MAX_PLPMTU follow the family unless the profile says otherwise. */
function familyProfile(family: 'IPv4' | 'IPv6', profile: ProfileInput | undefined): ProfileInput {
  if (profile === undefined) return PLAIN_PROFILE[family];
  if (typeof profile === 'string' || profile.preset !== undefined) return profile;
  return { ...familyOptions(family), ...profile };
}

function familyOptions(family: 'IPv4' | 'IPv6'): Partial<Profile> {
  return {
    mssBytes: MSS_BYTES[family],
    defaultPeerMssBytes: PEER_MSS_BYTES[family],
    maxPlpmtuBytes: UNFRAGMENTED_BYTES[family],
  };
}

/** What holds where the user says nothing, filled in once: each `connectPTCP` makes an endpoint. */
const PLAIN_PROFILE = {
  IPv4: resolveProfile(familyOptions('IPv4')),
  IPv6: resolveProfile(familyOptions('IPv6')),
};
