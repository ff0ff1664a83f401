// Read first: docs/ptcp.md, "The core from outside". Datagrams and time go in; bursts, events and due times come out.
import { type Crc32, crc32 as softwareCrc32 } from '../../bytes/crc32.ts';
import { UsageError } from '../../errors.ts';
import type { Entropy } from '../../interfaces/entropy.ts';
import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { TraceSink } from '../../trace/trace.ts';
import { type Burst, BurstWriter, type TransmitTarget } from './burst.ts';
import { type Profile, type ProfileInput, resolveProfile, type Wire } from './config.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import { DueQueue } from './due-queue.ts';
import { endConnection } from './ending.ts';
import { EventQueue, type PtcpEvent } from './events.ts';
import type { HalfOpen } from './half-open.ts';
import { openActively, synSentArrives } from './handshake.ts';
import { segmentArrives } from './input.ts';
import { Secrets } from './isn.ts';
import { MemoryBudget } from './memory.ts';
import { checkPort, isCrcOnFor, type Listener, Mux, type MuxEntry } from './mux.ts';
import { nextBurst } from './output.ts';
import { checkPath, type PathId } from './path.ts';
import { datagramRefused } from './pmtu.ts';
import { ReadyQueue } from './ready-queue.ts';
import { ShutWindows } from './shut-windows.ts';
import { createStats, type EndpointStats } from './stats.ts';
import { StrayAnswers } from './strays.ts';
import { SynCache } from './syn-cache.ts';
import { isOnVertex, isSynchronized, News, type Tcb } from './tcb.ts';
import { TcbFactory } from './tcb-factory.ts';
import { createTimeWait, fillTimeWaitAck, type TimeWait, timeWaitArrives } from './time-wait.ts';
import { handleDue, nextDueAt } from './timers.ts';
import { hasFarewell, isStbDue, profileOn, readAsTcp, shrinkSegments, wiresOf } from './vertex-peer.ts';
import { Watch } from './watch.ts';
import { type ClassifyRules, classify, type DatagramKind, type IsStunTransaction } from './wire/classify.ts';
import { decodeSegment, segmentCrc, synCrc } from './wire/codec.ts';
import type { DecodeError } from './wire/options.ts';
import { Flag, PtcpFlag, Segment } from './wire/segment.ts';
import { decodeVertex } from './wire/vertex.ts';

/** What an endpoint is made with; only `entropy` has no default. */
export interface PtcpEndpointOptions {
  readonly entropy: Entropy;
  /** CRC-32 (IEEE) of a range of bytes, continuing from a seed; one in JavaScript is the default. */
  readonly crc32?: Crc32;
  /** For all connections of this endpoint, unless listen or connect says otherwise. */
  readonly profile?: ProfileInput;
  /** Memory that the buffers of all connections may take together. */
  readonly memoryLimitBytes?: number;
  /** Connections at most, TIME-WAIT included, of which the oldest makes way; beyond it SYNs are dropped. */
  readonly maxConnections?: number;
  /** What sealing adds to each datagram: taken off MSS and datagram size from the start. */
  readonly datagramOverheadBytes?: number;
  /** How large a datagram a path is known to carry, where that is not Profile.maxDatagramBytes. */
  readonly pathDatagramBytes?: (path: PathId) => number | undefined;
  /**
   * What stands for the addresses of a path: an integer below 2^53, the same whenever that path has been forgotten and
   * found again. The path's id when left out, which then must never be given to another address.
   */
  readonly pathTag?: (path: PathId) => number;
  /** The same for the remote host alone, all of whose paths are taken to be alike. `pathTag` when left out. */
  readonly hostTag?: (path: PathId) => number;
  /** Tells STUN answers without a fingerprint from segments. */
  readonly isStunTransaction?: IsStunTransaction;
  /** Is told what happens to every connection; docs/observing.md. */
  readonly trace?: TraceSink | undefined;
}

/** How to connect; all of it may be left out. */
export interface ConnectOptions {
  /** Random when left out (RFC 6056). */
  readonly localPseudoPort?: number;
  readonly profile?: ProfileInput;
  /** Both sides connect at once through NATs: refusals, by the network or a peer not ready, do not end the attempt. */
  readonly isHolePunching?: boolean;
}

/** Datagrams of one path received together, laid out as a Burst. */
export interface DatagramBatch {
  readonly buffer: Uint8Array;
  readonly strideBytes: number;
  readonly count: number;
  readonly lastBytes: number;
  readonly path: PathId;
}

const DEFAULT_MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024;
const DEFAULT_MAX_CONNECTIONS = 200_000;

/**
 * All PTCP connections of one UDP socket: a state machine without socket, clock or randomness of its own.
 *
 * Every call that takes `now` must get one that is not before the last. After any call, poll until both `pollEvent` and
 * `pollTransmit` have nothing, and call `handleTimeout` at `nextTimeout()` (early is harmless).
 */
export class PtcpEndpoint implements ConnectionOwner {
  readonly memory: MemoryBudget;
  readonly stats: EndpointStats = createStats();
  readonly #secrets: Secrets;
  readonly #crc32: Crc32;
  readonly #rules: { -readonly [Rule in keyof ClassifyRules]: ClassifyRules[Rule] };
  readonly #profile: Profile;
  readonly #overheadBytes: number;
  readonly #mux: Mux;
  readonly #due = new DueQueue<MuxEntry>();
  readonly #tcbs: TcbFactory;
  readonly #synCache: SynCache;
  readonly #ready = new ReadyQueue<Connection>();
  readonly #events = new EventQueue();
  readonly #strays: StrayAnswers;
  readonly #timeWaitAcks = new ReadyQueue<TimeWait>();
  /** Connections that could write nothing for lack of memory. */
  readonly #starved = new Set<Connection>();
  readonly #shutWindows: ShutWindows;
  readonly #segment = new Segment();
  readonly #writer: BurstWriter;
  readonly #watch: Watch | undefined;
  /** The oldest first. */
  readonly #timeWaits = new Set<TimeWait>();
  #now: Instant = -NEVER;

  constructor(options: PtcpEndpointOptions) {
    this.#overheadBytes = options.datagramOverheadBytes ?? 0;
    this.#crc32 = options.crc32 ?? softwareCrc32;
    this.#secrets = new Secrets(options.entropy);
    this.#strays = new StrayAnswers(this.#secrets);
    this.#mux = new Mux(this.#secrets.muxSalt);
    this.#writer = new BurstWriter(this.#crc32);
    this.#watch = options.trace === undefined ? undefined : new Watch(options.trace);
    this.#profile = resolveProfile(options.profile);
    this.#rules = { crc32: this.#crc32, isStunTransaction: options.isStunTransaction, isTcpOn: false };
    for (const wire of wiresOf(this.#profile)) this.#speak(wire);
    this.memory = new MemoryBudget(options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES);
    this.#shutWindows = new ShutWindows(this.memory);
    const tagOf = options.pathTag ?? ((path: PathId) => path);
    this.#tcbs = new TcbFactory({
      secrets: this.#secrets,
      memory: this.memory,
      tagOf,
      entropy: options.entropy,
      hostOf: options.hostTag ?? tagOf,
      overheadBytes: this.#overheadBytes,
      pathDatagramBytes: options.pathDatagramBytes,
    });
    this.#synCache = new SynCache({
      secrets: this.#secrets,
      memory: this.memory,
      tagOf,
      crc32: this.#crc32,
      maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      tcbs: this.#tcbs,
      mux: this.#mux,
      due: this.#due,
      strays: this.#strays,
      stats: this.stats,
      makeRoom: () => this.#dropOldestTimeWait() || this.#makeRoom(),
    });
  }

  /** The latest instant it was told of. */
  get now(): Instant {
    return this.#now;
  }

  /** Connections that are not over, TIME-WAIT not counted. */
  get connectionCount(): number {
    return this.#mux.connectionCount - this.#timeWaits.size;
  }

  get timeWaitCount(): number {
    return this.#timeWaits.size;
  }

  /** Whether any connection needs `path`; when not, the id may be given to another address. */
  isPathInUse(path: PathId): boolean {
    const hasConnection = this.#mux.isPathInUse(path);
    return hasConnection || this.#synCache.isPathInUse(path) || this.#strays.isPathInUse(path);
  }

  /** Takes connections on `pseudoPort` from now on. Throws UsageError when it is taken. Undone by `unlisten`. */
  listen(pseudoPort: number, profile?: ProfileInput): void {
    checkPort(pseudoPort);
    const resolved = this.#resolve(profile);
    const wires = wiresOf(resolved);
    // MUST-41: a listener disturbs nothing; MUST-42: connections may be under way on the same port.
    if (wires.some((wire) => this.#mux.listener(pseudoPort, wire === 'vertex') !== undefined))
      throw new UsageError(`pseudo-port ${pseudoPort} listens already`);
    for (const wire of wires) {
      this.#speak(wire);
      this.#mux.addListener({
        pseudoPort,
        profile: profileOn(wire, resolved),
        halfOpen: new Set(),
        cookieSentAt: -NEVER,
      });
    }
  }

  /** Takes no more connections there: those accepted live on, those half open are forgotten. */
  unlisten(pseudoPort: number): void {
    for (const isOnVertex of [false, true]) {
      const listener = this.#mux.listener(pseudoPort, isOnVertex);
      if (listener === undefined) continue;
      this.#mux.removeListener(listener);
      for (const record of listener.halfOpen) this.#synCache.forget(record);
    }
  }

  /** Opens a connection; its SYN comes with the next `pollTransmit`. Throws UsageError when the ports are taken. */
  connect(path: PathId, remotePseudoPort: number, options: ConnectOptions = {}): Connection {
    checkPath(path);
    checkPort(remotePseudoPort);
    const profile = this.#profileToConnect(options.profile);
    const isVertex = isOnVertex({ profile });
    const localPort =
      options.localPseudoPort ?? this.#mux.freePort(path, remotePseudoPort, this.#secrets, isVertex);
    if (localPort === undefined)
      throw new UsageError(`no pseudo-port is free for a connection on path ${path}`);
    checkPort(localPort);
    const key = this.#mux.keyOf(path, localPort, remotePseudoPort, isVertex);
    if (this.#mux.find(key) !== undefined)
      throw new UsageError(`pseudo-port ${localPort} is in use on path ${path}`);
    const opening = {
      path,
      localPort,
      remotePort: remotePseudoPort,
      profile,
      isHolePunching: options.isHolePunching ?? false,
    };
    const tcb = this.#tcbs.active(opening, this.#now === -NEVER ? 0 : this.#now);
    const connection = this.#adopt(tcb, key);
    openActively(tcb);
    this.touch(connection);
    return connection;
  }

  /** With one wire, the first of those that are named. */
  #profileToConnect(input: ProfileInput | undefined): Profile {
    const profile = this.#resolve(input);
    const [wire = 'tcp'] = wiresOf(profile);
    this.#speak(wire);
    return profileOn(wire, profile);
  }

  /** From now on datagrams on `wire` may be somebody's here. */
  #speak(wire: Wire): void {
    if (wire === 'vertex') this.#rules.isVertexOn = true;
    else this.#rules.isTcpOn = true;
  }

  /** `input` over the endpoint's own profile, less what sealing takes of each datagram. */
  #resolve(input: ProfileInput | undefined): Profile {
    const profile = resolveProfile(input, this.#profile);
    if (this.#overheadBytes === 0) return profile;
    const mssBytes = profile.mssBytes - this.#overheadBytes;
    const maxDatagramBytes = profile.maxDatagramBytes - this.#overheadBytes;
    const limit = profile.maxPlpmtuBytes;
    const maxPlpmtuBytes = limit === 'off' ? limit : limit - this.#overheadBytes;
    return resolveProfile({ mssBytes, maxDatagramBytes, maxPlpmtuBytes }, profile);
  }

  #adopt(tcb: Tcb, key: number): Connection {
    const connection = new Connection(this, tcb, key);
    if (this.#mux.find(key) === undefined) this.#mux.add(key, connection);
    else this.#mux.replace(key, connection);
    return connection;
  }

  /**
   * One datagram, opened if it was sealed. `bytes` need not outlive the call.
   *
   * Returns what it was: 'stun' and 'foreign' are for the caller to hand on. Nothing in it makes this throw.
   */
  handleDatagram(now: Instant, bytes: Uint8Array, path: PathId): DatagramKind {
    this.#now = now;
    return this.#datagramArrives(bytes, 0, bytes.length, path);
  }

  /** Several datagrams of one path: they are all dealt with before anything is answered (RFC 9293, MUST-59). */
  handleBatch(now: Instant, batch: DatagramBatch): void {
    this.#now = now;
    for (let index = 0; index < batch.count; index += 1) {
      const start = index * batch.strideBytes;
      const length = index === batch.count - 1 ? batch.lastBytes : batch.strideBytes;
      this.#datagramArrives(batch.buffer, start, start + length, batch.path);
    }
  }

  #datagramArrives(bytes: Uint8Array, start: number, end: number, path: PathId): DatagramKind {
    this.stats.datagrams += 1;
    const kind = classify(bytes, start, end, this.#rules);
    if (kind === 'vertex') {
      decodeVertex(bytes, start, end, this.#segment);
      this.#vertexArrives(this.#segment, path);
      return kind;
    }
    if (kind === 'cut-vertex') return this.#cutVertexArrives(bytes, start, end, path);
    if (kind !== 'segment') {
      this.stats.notSegments[kind] += 1;
      this.#watch?.dropped(this.#now, end - start, kind);
      return kind;
    }
    const segment = this.#segment;
    const error = decodeSegment(bytes, start, end, segment) ?? this.#route(segment, path);
    if (error !== undefined) {
      this.stats.undecodable[error] += 1;
      this.#watch?.dropped(this.#now, end - start, error);
    }
    return kind;
  }

  #vertexArrives(segment: Segment, path: PathId): void {
    if (segment.stbBytes < 0) {
      readAsTcp(segment);
      this.#route(segment, path);
      return;
    }
    const entry = this.#entryFor(segment, path);
    // Anyone can send one: it counts where there is a connection, and so far as a path may need it.
    if (!(entry instanceof Connection) || !isSynchronized(entry.tcb.state)) return;
    shrinkSegments(entry.tcb, segment.stbBytes);
    this.touch(entry);
  }

  /** Nothing vouches for what is left of it: it is told to a connection's peer how much came, and else nobody's. */
  #cutVertexArrives(bytes: Uint8Array, start: number, end: number, path: PathId): DatagramKind {
    const segment = this.#segment;
    decodeVertex(bytes, start, end, segment);
    const entry = this.#entryFor(segment, path);
    if (entry === undefined || (!(entry instanceof Connection) && entry.kind === 'time-wait')) {
      this.stats.notSegments.foreign += 1;
      return 'foreign';
    }
    this.stats.undecodable.truncated += 1;
    const isError = segment.stbBytes >= 0 || (segment.flags & Flag.RST) !== 0;
    if (!isError && isStbDue(segment.payloadEnd - segment.payloadStart))
      this.#strays.oweStb(segment, path, this.#now);
    return 'cut-vertex';
  }

  #entryFor(segment: Segment, path: PathId): MuxEntry | undefined {
    return this.#mux.find(this.#mux.keyOf(path, segment.dstPort, segment.srcPort, segment.isVertex));
  }

  /** Returns why the segment is not to be believed, or undefined. */
  #route(segment: Segment, path: PathId): DecodeError | undefined {
    const entry = this.#entryFor(segment, path);
    if (!this.#isIntact(segment, isCrcOnFor(entry))) return 'bad-crc';
    this.#watch?.received(this.#now, path, segment);
    if (entry === undefined) this.#strayArrives(segment, path);
    else if (entry instanceof Connection) this.#connectionArrives(entry, segment);
    else if (entry.kind === 'half-open') this.#halfOpenArrives(entry, segment);
    else this.#timeWaitArrives(entry, segment);
    return undefined;
  }

  /** SYNs check themselves if they say so; later segments where both SYNs offered it. A reset may come without. */
  #isIntact(segment: Segment, isCrcOn: boolean): boolean {
    const { bytes, start, payloadEnd, checkField, flags } = segment;
    if ((flags & Flag.SYN) !== 0 && (Math.max(segment.ptcpFlags, 0) & PtcpFlag.CheckedSyn) !== 0) {
      const syn = bytes.subarray(start, payloadEnd);
      return segment.ptcpTokenLow === synCrc(syn, segment.ptcpCheckAt - start, this.#crc32);
    }
    if (!isCrcOn || ((flags & (Flag.SYN | Flag.RST)) !== 0 && checkField === 0)) return true;
    return checkField === segmentCrc(bytes, start, payloadEnd, this.#crc32);
  }

  #connectionArrives(connection: Connection, segment: Segment): void {
    const { tcb } = connection;
    tcb.segmentsReceived += 1;
    if (tcb.state === 'SYN-SENT') synSentArrives(tcb, segment, this.#now);
    else segmentArrives(tcb, segment, this.#now);
    this.touch(connection);
  }

  #halfOpenArrives(record: HalfOpen, segment: Segment): void {
    const tcb = this.#synCache.segmentArrives(record, segment, this.#now);
    if (tcb !== undefined) this.#connectionArrives(this.#adopt(tcb, record.key), segment);
  }

  #timeWaitArrives(record: TimeWait, segment: Segment): void {
    const outcome = timeWaitArrives(record, segment, this.#now);
    if (outcome === 'nothing') return;
    const listener = this.#mux.listener(record.localPort);
    const isReopened =
      outcome === 'reopen' &&
      listener !== undefined &&
      this.#synCache.reopens(listener, record, segment, this.#now);
    if (isReopened) this.#timeWaits.delete(record);
    else this.#oweTimeWaitAck(record);
  }

  /** RFC 9293 §3.10.7.2 where somebody listens, §3.10.7.1 where nobody does. */
  #strayArrives(segment: Segment, path: PathId): void {
    const listener = this.#mux.listener(segment.dstPort, segment.isVertex);
    const isSyn = (segment.flags & (Flag.SYN | Flag.ACK | Flag.RST)) === Flag.SYN;
    if (listener !== undefined && isSyn) {
      this.#synCache.synArrives(listener, segment, path, this.#now);
      return;
    }
    // A reset is never answered, and nobody moves to send one. Vertex neither sends nor understands any.
    if ((segment.flags & Flag.RST) !== 0 || segment.isVertex) return;
    const expectsCookies = listener !== undefined && this.#synCache.expectsCookies(listener, this.#now);
    if (expectsCookies && this.#cookieArrives(listener, segment, path)) return;
    if (!isSyn && this.#mux.hasPair(segment.dstPort, segment.srcPort)) {
      // Somebody we may know, from a new address: no reset, which would kill him there.
      this.stats.pathCandidates += 1;
      this.#events.pathCandidate(this.#now, path, segment);
      return;
    }
    if (listener !== undefined && (segment.flags & Flag.ACK) === 0) return;
    // Not RFC 9293 §3.10.7.2: a segment may have overtaken the ACK that brings its connection's cookie.
    if (expectsCookies) return;
    const { resets } = listener?.profile ?? this.#profile;
    if (resets && this.#strays.answer(segment, path, this.#now)) this.stats.strayResets += 1;
  }

  #cookieArrives(listener: Listener, segment: Segment, path: PathId): boolean {
    if ((segment.flags & (Flag.SYN | Flag.ACK)) !== Flag.ACK) return false;
    const tcb = this.#synCache.cookieArrives(listener, segment, path, this.#now);
    if (tcb === undefined) return false;
    const connection = this.#adopt(tcb, this.#mux.keyOf(path, segment.dstPort, segment.srcPort));
    this.#connectionArrives(connection, segment);
    return true;
  }

  /**
   * The socket says that a datagram to `path` could not be sent or delivered; `code` is errno's name.
   *
   * RFC 5927 §4: never the end of an established connection. ECONNREFUSED ends an attempt, unless holes are punched.
   */
  handlePathError(now: Instant, path: PathId, code: string): void {
    this.#now = now;
    for (const entry of this.#mux.entries()) {
      if (!(entry instanceof Connection) || entry.tcb.path.id !== path) continue;
      const { tcb } = entry;
      if (code === 'EMSGSIZE') datagramRefused(tcb);
      else if (code === 'ECONNREFUSED' && tcb.state === 'SYN-SENT' && !tcb.isHolePunching)
        endConnection(tcb, 'refused');
      else tcb.news |= News.PathSuspect;
      this.touch(entry);
    }
  }

  /** When `handleTimeout` wants to be called next, or NEVER. */
  nextTimeout(): Instant {
    return this.#due.nextDueAt;
  }

  /** Does whatever is due at `now`. */
  handleTimeout(now: Instant): void {
    this.#now = now;
    for (let item = this.#due.takeDue(now); item !== undefined; item = this.#due.takeDue(now)) {
      if (item instanceof Connection) {
        handleDue(item.tcb, now);
        this.touch(item);
      } else if (item.kind === 'half-open') {
        this.#synCache.handleDue(item, now);
      } else {
        this.#mux.remove(item.key);
        this.#timeWaits.delete(item);
      }
    }
  }

  /**
   * Writes the next burst into `target.out` and says where it goes, or returns undefined when nothing is to be sent now.
   *
   * Nothing leaves before its pacing time. Connections take turns, a burst each.
   */
  pollTransmit(now: Instant, target: TransmitTarget): Burst | undefined {
    this.#now = now;
    const path = this.#pollAnswers(target);
    if (path !== undefined) return this.#burst(path, target);
    for (let connection = this.#ready.take(); connection !== undefined; connection = this.#ready.take()) {
      connection.isReady = false;
      this.#writer.begin(target, now);
      const isAll = nextBurst(connection.tcb, this.#writer);
      this.#settle(connection);
      if (this.#writer.count > 0) {
        if (!isAll) this.#makeReady(connection);
        return this.#burst(connection.tcb.path.id, target);
      }
    }
    return undefined;
  }

  #pollAnswers(target: TransmitTarget): PathId | undefined {
    const { segment } = this.#writer;
    this.#writer.begin(target, this.#now);
    const acks = this.#timeWaitAcks;
    for (let record = acks.take(); record !== undefined; record = acks.take()) {
      if (!record.owesAck) continue;
      record.owesAck = false;
      fillTimeWaitAck(record, segment, this.#now);
      this.#writer.put(undefined, 0, record.isCrcOn);
      return record.pathId;
    }
    return this.#synCache.putAnswer(this.#writer) ?? this.#strays.putAnswer(this.#writer);
  }

  #burst(path: PathId, target: TransmitTarget): Burst {
    const { strideBytes, count, lastBytes } = this.#writer;
    this.stats.segmentsSent += count;
    const burst = { path, strideBytes, count, lastBytes };
    this.#watch?.sent(this.#now, burst, target, this.#writer.segment.isVertex);
    return burst;
  }

  /** The next thing that happened, or undefined. */
  pollEvent(): PtcpEvent | undefined {
    if (this.#starved.size > 0 && this.memory.ringLimit(0) > 0) this.#feedStarved();
    return this.#events.next();
  }

  #feedStarved(): void {
    for (const connection of this.#starved) {
      const { tcb } = connection;
      tcb.wantsToWrite = false;
      if (tcb.state !== 'CLOSED') tcb.news |= News.Writable;
      this.#events.add(connection);
    }
    this.#starved.clear();
  }

  /** Called by connections: something has changed, so there may be news, things to send, or another due time. */
  touch(connection: Connection, isTextOnly = false): void {
    const { tcb } = connection;
    // Where segments are to be looked for anyway, text that was written changes nothing else.
    const isSettled = isTextOnly && connection.isReady && tcb.windowShutAt === NEVER && tcb.news === 0;
    if (isSettled && !tcb.wantsToWrite && !this.#shutWindows.isMemoryShort) return;
    // With nothing of its own to be acknowledged, only others can make room for what it wants to write.
    if (tcb.wantsToWrite && tcb.sendBuffer.length === 0) this.#starved.add(connection);
    this.#makeReady(connection);
    this.#settle(connection);
    if (this.#shutWindows.isMemoryShort) this.#makeRoom();
  }

  /** RFC 6429 §3: whoever has kept his window shut longest goes. Returns whether there was one. */
  #makeRoom(): boolean {
    const aborted = this.#shutWindows.abortLongest(this.#now);
    if (aborted === undefined) return false;
    this.stats.shutWindowsAborted += 1;
    this.#makeReady(aborted);
    this.#settle(aborted);
    return true;
  }

  #makeReady(connection: Connection): void {
    if (connection.isReady) return;
    connection.isReady = true;
    this.#ready.put(connection);
  }

  #settle(connection: Connection): void {
    const { tcb } = connection;
    this.#watch?.settled(this.#now, tcb);
    this.#shutWindows.note(connection);
    if (tcb.news !== 0) this.#events.add(connection);
    if (tcb.state === 'TIME-WAIT' || hasFarewell(tcb)) this.#enterTimeWait(connection);
    else if (tcb.state === 'CLOSED' && this.#mux.find(connection.key) === connection) {
      this.#mux.remove(connection.key);
      this.#tcbs.remember(tcb, this.#now);
    }
    const dueAt = nextDueAt(tcb);
    if (dueAt === connection.dueAt && connection.dueIndex >= 0 === (dueAt !== NEVER)) return;
    connection.dueAt = dueAt;
    this.#due.update(connection);
  }

  #enterTimeWait(connection: Connection): void {
    if (this.#mux.find(connection.key) !== connection) return;
    this.#tcbs.remember(connection.tcb, this.#now);
    const record = createTimeWait(connection.tcb, connection.key, this.#now);
    this.#mux.replace(connection.key, record);
    this.#timeWaits.add(record);
    this.#due.update(record);
    if (connection.tcb.owesAck) this.#oweTimeWaitAck(record);
  }

  /** Where the table is full: new connections come before the memory of old ones. Returns whether there was one. */
  #dropOldestTimeWait(): boolean {
    const [oldest] = this.#timeWaits;
    if (oldest === undefined || this.memory.freeBytes === 0) return false;
    oldest.owesAck = false;
    this.#due.remove(oldest);
    this.#mux.remove(oldest.key);
    return this.#timeWaits.delete(oldest);
  }

  #oweTimeWaitAck(record: TimeWait): void {
    this.#due.update(record);
    if (record.owesAck) return;
    record.owesAck = true;
    this.#timeWaitAcks.put(record);
  }
}
