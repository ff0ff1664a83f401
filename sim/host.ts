import type { Prng } from '../lib/bytes/prng.ts';
import type { Profile } from '../lib/ptcp/core/config.ts';
import type { Connection } from '../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../lib/ptcp/core/events.ts';
import { Flag, readU32 } from '../lib/ptcp/core/wire/segment.ts';
import { nodeCrc32 } from '../lib/reactor/node/crc32.ts';
import { type Instant, NEVER } from '../lib/time/clock.ts';
import { ConnectionWatch } from './invariants.ts';
import type { Flight } from './link.ts';
import type { ClockPlan, Side } from './plan.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';
import { Violation } from './violation.ts';
import { checkHeader } from './wire-rules.ts';

/** The pseudo-port that everybody listens on. */
export const PSEUDO_PORT = 49_153;
/** How often a host may have something to say without time passing: more means that it never comes to rest. */
const ROUNDS_LIMIT = 10_000;
const MAX_BURST_BYTES = 65_536;
/** RFC 9000 §8.1: what an address not yet proven gets, as a multiple of what came from it. */
const AMPLIFICATION_LIMIT = 3;

/** What a host asks of the world it lives in. */
export interface HostWorld {
  readonly now: Instant;
  /** `OUT[start, end)` leaves for `address`. */
  transmit(host: Host, address: number, start: number, end: number): void;
  /** The session that a connection accepted by `host` belongs to. */
  sessionOf(host: Host, connection: Connection): Session | undefined;
  /** `event` was reported. */
  reported(host: Host, event: PtcpEvent): void;
}

/** Somebody that a host exchanges datagrams with: the place in its list is the path's id. */
interface Remote {
  readonly address: number;
  bytesIn: number;
  bytesOut: number;
  isValidated: boolean;
}

/** One scratch buffer serves all hosts: bursts are copied out of it at once. */
export const OUT: Uint8Array = new Uint8Array(MAX_BURST_BYTES);

export interface HostOptions {
  readonly index: Side;
  readonly address: number;
  readonly profile: Profile;
  readonly clock: ClockPlan;
  readonly random: Prng;
  readonly maxSegments: number;
  readonly auditEvery: number;
  /** Whether what leaves the other host is what its core has said. */
  readonly hasHonestPeer: boolean;
}

/** One end: an endpoint, its clock, its users, and a watch on each of its connections. */
export class Host {
  readonly index: Side;
  readonly address: number;
  readonly users: User[] = [];
  /** When something is to be done by itself, in the world's time. */
  timeoutAt: Instant = NEVER;
  userAt: Instant = NEVER;
  isDown = false;
  isPaused = false;
  segmentCount = 0;
  /** How many of its segments had no text. */
  bareCount = 0;
  endpoint: PtcpEndpoint;
  readonly #world: HostWorld;
  readonly #options: HostOptions;
  readonly #target: { readonly out: Uint8Array; readonly maxSegments: number };
  readonly #batch = { buffer: OUT, strideBytes: 0, count: 1, lastBytes: 0, path: 0 };
  readonly #remotes: Remote[] = [];
  #watches: ConnectionWatch[] = [];
  #now: Instant;
  /** Its time is `#clockBase` and `#clockRate` times that of the world. */
  readonly #clockRate: number;
  #clockBase: number;
  #lives = 0;
  #eventCount = 0;
  /** What is being dealt with: how many datagrams, and how many of them resets, which are never answered by one. */
  #arrivals = 0;
  #resets = 0;

  constructor(world: HostWorld, options: HostOptions) {
    this.#world = world;
    this.#options = options;
    this.index = options.index;
    this.address = options.address;
    this.#target = { out: OUT, maxSegments: options.maxSegments };
    this.#clockRate = options.clock.rate;
    this.#clockBase = options.clock.startAt;
    this.#now = options.clock.startAt;
    this.endpoint = this.#boot();
  }

  #boot(): PtcpEndpoint {
    const { random, profile } = this.#options;
    this.#lives += 1;
    const endpoint = new PtcpEndpoint({
      entropy: random.split(`life ${this.#lives}`),
      profile,
      crc32: nodeCrc32,
    });
    endpoint.listen(PSEUDO_PORT);
    return endpoint;
  }

  /** Its clock goes on by `byMs` at once. */
  jump(byMs: number): void {
    this.#clockBase += byMs;
    this.#tellTime();
  }

  /** Everything it knew is gone. */
  crash(): void {
    this.isDown = true;
    this.timeoutAt = NEVER;
    this.userAt = NEVER;
    this.#watches = [];
    for (const user of this.users) user.crashed();
    this.users.length = 0;
  }

  restart(): void {
    this.isDown = false;
    this.endpoint = this.#boot();
    for (const remote of this.#remotes) {
      remote.isValidated = false;
      remote.bytesIn = 0;
      remote.bytesOut = 0;
    }
  }

  /** Opens the connection of `session` to `address`. */
  connect(session: Session, address: number, ports?: readonly [number, number]): void {
    const user = session.users[this.index];
    const path = this.#pathTo(address);
    this.#remotes[path]!.isValidated = true;
    const options = ports === undefined ? {} : { localPseudoPort: ports[0], isHolePunching: true };
    const connection = this.endpoint.connect(path, ports?.[1] ?? PSEUDO_PORT, options);
    if (this.index === 0) session.localPseudoPort = connection.localPseudoPort;
    this.#adopt(connection, user);
    this.settle();
  }

  #adopt(connection: Connection, user: User): void {
    user.connection = connection;
    connection.context = user;
    this.users.push(user);
    this.#watches.push(new ConnectionWatch(connection, this.#options.hasHonestPeer ? user.peer : undefined));
  }

  #pathTo(address: number): number {
    for (let path = 0; path < this.#remotes.length; path += 1) {
      if (this.#remotes[path]!.address === address) return path;
    }
    this.#remotes.push({ address, bytesIn: 0, bytesOut: 0, isValidated: false });
    return this.#remotes.length - 1;
  }

  /** A datagram arrives. Call `settle` when all that arrive together have. */
  receive(flight: Flight): void {
    this.#readClock();
    const path = this.#pathTo(flight.from);
    const remote = this.#remotes[path]!;
    if (!remote.isValidated) remote.bytesIn += flight.length;
    this.#arrivals += 1;
    if (flight.length > 13 && (flight.bytes[13]! & Flag.RST) !== 0) this.#resets += 1;
    const batch = this.#batch;
    batch.buffer = flight.bytes;
    batch.strideBytes = flight.length;
    batch.lastBytes = flight.length;
    batch.path = path;
    this.endpoint.handleBatch(this.#now, batch);
  }

  /** The earliest of its timers is due. */
  wake(): void {
    this.#readClock();
    const dueAt = this.endpoint.nextTimeout();
    // What a drifting clock loses in turning its time into the world's and back.
    if (this.#now < dueAt) this.#now = dueAt;
    this.endpoint.handleTimeout(this.#now);
  }

  /** Lets its users act whose time has come. */
  wakeUsers(): void {
    const { now } = this.#world;
    this.#tellTime();
    for (let index = 0; index < this.users.length; index += 1) {
      const user = this.users[index]!;
      if (user.nextAt <= now) user.act(now, this.isPaused);
    }
  }

  /** All of them act, whatever they wait for. */
  rouse(): void {
    const { now } = this.#world;
    this.#tellTime();
    for (const user of this.users) user.act(now, this.isPaused);
  }

  /** A call of a user takes the time that the endpoint was told last: a driver tells it before. */
  #tellTime(): void {
    this.#readClock();
    this.endpoint.handleTimeout(this.#now);
  }

  #readClock(): void {
    const local = this.#clockBase + this.#world.now * this.#clockRate;
    if (local > this.#now) this.#now = local;
  }

  /** Lets the endpoint say what it has to say, and looks whether all is well. */
  settle(): void {
    this.#readClock();
    let rounds = 0;
    do {
      rounds += 1;
      if (rounds > ROUNDS_LIMIT) throw new Violation('rest', 'the endpoint has something to say for ever');
      this.#report();
      this.#transmit();
    } while (this.#expire() || this.#report());
    this.#arrivals = 0;
    this.#resets = 0;
    this.#check();
    this.#setWakeUp();
  }

  /** What is due as the rest is done, to the very millisecond. */
  #expire(): boolean {
    if (this.endpoint.nextTimeout() > this.#now) return false;
    this.endpoint.handleTimeout(this.#now);
    return true;
  }

  #report(): boolean {
    let event = this.endpoint.pollEvent();
    if (event === undefined) return false;
    for (; event !== undefined; event = this.endpoint.pollEvent()) {
      this.#world.reported(this, event);
      if (event.type !== 'pathCandidate') this.#tellUser(event);
    }
    return true;
  }

  #tellUser(event: Exclude<PtcpEvent, { readonly type: 'pathCandidate' }>): void {
    const { now } = this.#world;
    if (event.type === 'accepted') this.#accept(event.connection);
    const user = event.connection.context as User | undefined;
    if (user === undefined) return;
    if (user.reason !== undefined) throw new Violation('events', `'${event.type}' after 'closed'`);
    switch (event.type) {
      case 'established':
        user.opened(now);
        break;
      case 'peerClosed':
        user.peerClosed(now);
        break;
      case 'closed':
        user.closed(event.reason, now);
        break;
      case 'readable':
      case 'writable':
        user.act(now, this.isPaused);
        break;
      default:
    }
  }

  #accept(connection: Connection): void {
    this.#remotes[connection.path]!.isValidated = true;
    const session = this.#world.sessionOf(this, connection);
    if (session !== undefined) {
      this.#adopt(connection, session.users[this.index]);
      return;
    }
    // A ghost: of a host that crashed meanwhile, or of a late copy of the segment that ended the handshake where SYN
    // cookies keep no record of it. Nobody here waits for it.
    this.#watches.push(new ConnectionWatch(connection));
    connection.abort();
  }

  #transmit(): void {
    let bursts = 0;
    for (;;) {
      const burst = this.endpoint.pollTransmit(this.#now, this.#target);
      if (burst === undefined) return;
      bursts += 1;
      if (bursts > ROUNDS_LIMIT) throw new Violation('rest', 'the endpoint has something to send for ever');
      const { path, strideBytes, count, lastBytes } = burst;
      for (let index = 0; index < count; index += 1) {
        const start = index * strideBytes;
        this.#emit(path, start, start + (index === count - 1 ? lastBytes : strideBytes));
      }
    }
  }

  #emit(path: number, start: number, end: number): void {
    this.segmentCount += 1;
    const remote = this.#remotes[path];
    if (remote === undefined) throw new Violation('path', `sends on ${path}, which nobody gave out`);
    if (!remote.isValidated) this.#checkAmplification(remote, end - start);
    const flags = checkHeader(OUT, start, end);
    if ((OUT[start + 12]! >> 4) * 4 === end - start) this.bareCount += 1;
    if ((flags & (Flag.SYN | Flag.RST)) === 0)
      this.#watchOf(path, start)?.wire.segmentLeaves(OUT, start, end);
    else if ((flags & Flag.RST) !== 0 && this.#resets > 0 && this.#resets === this.#arrivals)
      throw new Violation('reset-for-reset', 'a reset is answered by a reset');
    this.#world.transmit(this, remote.address, start, end);
  }

  #watchOf(path: number, start: number): ConnectionWatch | undefined {
    const localPort = (OUT[start]! << 8) | OUT[start + 1]!;
    const remotePort = (OUT[start + 2]! << 8) | OUT[start + 3]!;
    for (let index = this.#watches.length - 1; index >= 0; index -= 1) {
      const watch = this.#watches[index]!;
      const { tcb } = watch.connection;
      if (tcb.remotePort !== remotePort || tcb.localPort !== localPort || tcb.path.id !== path) continue;
      // A new connection may have taken the place of one in TIME-WAIT (RFC 6191).
      const isGone = watch.isOver && readU32(OUT, start + 4) !== tcb.sndNxt;
      return isGone ? undefined : watch;
    }
    return undefined;
  }

  #checkAmplification(remote: Remote, bytes: number): void {
    const limit = Math.max(AMPLIFICATION_LIMIT, 1 + this.#options.profile.synAckRetries);
    remote.bytesOut += bytes;
    if (remote.bytesOut > limit * remote.bytesIn)
      throw new Violation('amplification', `${remote.bytesOut} bytes for ${remote.bytesIn}`);
  }

  #check(): void {
    this.#eventCount += 1;
    const isAudit = this.#eventCount % this.#options.auditEvery === 0;
    const watches = this.#watches;
    for (let index = 0; index < watches.length; index += 1) watches[index]!.check(this.#now, isAudit);
    const { memory } = this.endpoint;
    if (memory.usedBytes < 0 || memory.usedBytes > memory.limitBytes)
      throw new Violation('memory', `${memory.usedBytes} of ${memory.limitBytes} bytes`);
  }

  #setWakeUp(): void {
    const dueAt = this.endpoint.nextTimeout();
    this.timeoutAt =
      dueAt === NEVER ? NEVER : Math.max(this.#world.now, (dueAt - this.#clockBase) / this.#clockRate);
    let userAt = NEVER;
    for (let index = 0; index < this.users.length; index += 1) {
      const { nextAt } = this.users[index]!;
      if (nextAt < userAt) userAt = nextAt;
    }
    this.userAt = userAt;
  }
}
