// Two hosts and a network in virtual time, playing one plan. Read first: plan.ts.
import { Prng } from '../lib/bytes/prng.ts';
import type { Connection } from '../lib/ptcp/core/connection.ts';
import type { PtcpEvent } from '../lib/ptcp/core/events.ts';
import { Flag } from '../lib/ptcp/core/wire/segment.ts';
import { type Instant, NEVER } from '../lib/time/clock.ts';
import { Attacker } from './attacker.ts';
import { ALL_FAULTS, episodeItem, type FaultFilter } from './faults.ts';
import { Host, type HostWorld, OUT, PSEUDO_PORT } from './host.ts';
import { Liar } from './liar.ts';
import { type Flight, Link, recycle, takeFlight } from './link.ts';
import { addressOf, ipOf, Nat } from './nat.ts';
import { ATTEMPTS } from './patience.ts';
import { type Episode, SIDES, type Side, type WorldPlan } from './plan.ts';
import { Session } from './session.ts';
import { TraceHash } from './trace-hash.ts';
import { checkEnd, checkUnfinished } from './verdict.ts';
import { Violation } from './violation.ts';
import type { WorldView } from './world-view.ts';

/** Addresses of hosts, and of the NAT boxes in front of them. */
const HOST_IPS = [10, 20] as const;
const NAT_IPS = [11, 21] as const;
const UDP_PORT = 4000;
/** How soon somebody tries again whose connection broke. */
const RETRY_MS = 100;
/** After the end: the linger, R2 of a peer that is gone, TIME-WAIT. */
const REST_MS = 2_000_000;
/** A jump of a clock that makes an RTO of half a minute: SRTT, and four times RTTVAR. */
const LONG_JUMP_MS = 10_000;
/** A world that does so much does not end. */
const EVENTS_LIMIT = 3_000_000;

/** Sees every datagram as it leaves, with the addresses on it (see nat.ts), for whoever wants to write it down. */
export type Tap = (at: Instant, from: number, to: number, bytes: Uint8Array) => void;

export interface WorldOptions {
  readonly faults?: FaultFilter;
  readonly tap?: Tap;
}

/** A world that can be played once. */
export class World implements HostWorld, WorldView {
  now: Instant = 0;
  readonly hash = new TraceHash();
  readonly sessions: Session[] = [];
  readonly hosts: readonly [Host, Host];
  readonly plan: WorldPlan;
  readonly #faults: FaultFilter;
  readonly #tap: Tap | undefined;
  readonly #links: readonly [Link, Link];
  readonly #nats: readonly (Nat | undefined)[];
  readonly #liar: Liar | undefined;
  readonly #attacker: Attacker | undefined;
  /** Connections that are still to be opened. */
  #openings = 0;
  #isEnding = false;
  /** Ends of connections that were heard of: before there is one, nothing is over. */
  #endedCount = 0;
  #agenda: Errand[];
  #agendaAt = 0;

  constructor(plan: WorldPlan, options: WorldOptions = {}) {
    const { faults = ALL_FAULTS, tap } = options;
    const random = new Prng(`${plan.world} ${plan.seed}`);
    this.plan = plan;
    this.#faults = faults;
    this.#tap = tap;
    this.#links = [
      new Link(plan.links[0], 0, plan.key, faults),
      new Link(plan.links[1], 1, plan.key, faults),
    ];
    this.#nats = SIDES.map((side) => {
      const nat = plan.nats[side];
      return nat === undefined ? undefined : new Nat(nat, NAT_IPS[side]);
    });
    const makeHost = (index: Side): Host =>
      new Host(this, {
        index,
        address: addressOf(HOST_IPS[index], UDP_PORT),
        profile: plan.resolved[index],
        clock: plan.clocks[index],
        random: random.split(`host ${index}`),
        maxSegments: plan.maxSegments,
        auditEvery: plan.auditEvery,
        hasHonestPeer: plan.lies === undefined,
      });
    this.hosts = [makeHost(0), makeHost(1)];
    this.#liar = plan.lies === undefined ? undefined : new Liar(plan.lies, plan.key, faults);
    this.#attacker = plan.attack === undefined ? undefined : new Attacker(plan.attack, plan.key, faults);
    this.#agenda = this.#firstErrands();
  }

  get segmentCount(): number {
    return this.hosts[0].segmentCount + this.hosts[1].segmentCount;
  }

  /** Plays it to its end. Throws a Violation at the first thing that is wrong. */
  play(): void {
    try {
      this.#run(this.plan.faultsEndAt + this.plan.patienceMs);
      if (!this.#isOver) checkUnfinished(this);
      checkEnd(this);
      this.#isEnding = true;
      for (const session of this.sessions) for (const user of session.users) user.connection?.abort();
      for (const host of this.hosts) if (!host.isDown) host.settle();
      this.#run(this.now + REST_MS);
      this.#checkRest();
    } finally {
      for (const link of this.#links) link.clear();
    }
  }

  get #isOver(): boolean {
    if (this.#openings > 0) return false;
    for (const { users } of this.sessions) if (!users[0].isOver || !users[1].isOver) return false;
    return true;
  }

  #firstErrands(): Errand[] {
    const { sessions, episodes, faultsEndAt } = this.plan;
    this.#openings = sessions.length;
    const errands: Errand[] = sessions.map((plan) => ({
      at: plan.startAt,
      run: () => this.#open(new Session(plan, 1)),
    }));
    for (const [index, episode] of episodes.entries()) errands.push(...this.#errandsOf(episode, index));
    errands.push({ at: faultsEndAt, run: () => this.#calm() });
    return errands.sort((a, b) => a.at - b.at);
  }

  #schedule(at: Instant, run: () => void): void {
    this.#agenda.push({ at, run });
    this.#agenda = this.#agenda.slice(this.#agendaAt).sort((a, b) => a.at - b.at);
    this.#agendaAt = 0;
  }

  /** One thing after the other until `end`, or until nothing is left to happen. */
  #run(end: Instant): void {
    const [forth, back] = this.#links;
    const [first, second] = this.hosts;
    for (let events = 0; ; events += 1) {
      if (events > EVENTS_LIMIT) throw new Violation('rest', `${events} events, and no end`);
      const errandAt = this.#agenda[this.#agendaAt]?.at ?? NEVER;
      const shotAt = this.#attacker?.nextAt ?? NEVER;
      const linkAt = Math.min(forth.nextAt, back.nextAt);
      const firstAt = Math.min(first.timeoutAt, first.userAt);
      const secondAt = Math.min(second.timeoutAt, second.userAt);
      const at = Math.min(linkAt, firstAt, secondAt, errandAt, shotAt);
      if (at > end || at === NEVER) break;
      if (at > this.now) this.now = at;
      if (errandAt === at) this.#agenda[this.#agendaAt++]!.run();
      else if (linkAt === at) this.#arrive(forth.nextAt === at ? forth : back);
      else if (firstAt === at) wake(first, at);
      else if (secondAt === at) wake(second, at);
      else this.#attacker!.shoot(this);
      if (this.#endedCount > 0 && !this.#isEnding && this.#isOver) return;
    }
  }

  #arrive(link: Link): void {
    const host = this.hosts[link.index === 0 ? 1 : 0];
    const at = link.nextAt;
    // What comes at one instant, out of a queue that was clogged say, is read from the socket in one go.
    do this.#deliver(host, link.take());
    while (link.nextAt === at);
    if (!host.isDown) host.settle();
  }

  #deliver(host: Host, flight: Flight): void {
    const nat = this.#nats[host.index];
    const isReachable =
      nat === undefined ? flight.to === host.address : nat.lets(this.now, flight.from, flight.to);
    if (nat?.hasForgotten) this.#doom();
    if (isReachable && !host.isDown) {
      this.hash.instant(this.now);
      this.hash.word(flight.ordinal);
      host.receive(flight);
    }
    recycle(flight);
  }

  transmit(host: Host, address: number, start: number, end: number): void {
    const { hash } = this;
    hash.instant(this.now);
    hash.word(end - start);
    hash.bytes(OUT, start, start + (OUT[start + 12]! >> 4) * 4);
    const flight = takeFlight(OUT, start, end);
    flight.to = address;
    flight.from = this.#outward(host, address);
    if (this.#liar !== undefined && host.index === 1) this.#liar.send(this, flight);
    else this.putOnLink(host.index, flight);
  }

  #outward(host: Host, address: number): number {
    const nat = this.#nats[host.index];
    if (nat === undefined) return host.address;
    const from = nat.outward(this.now, address);
    if (nat.hasForgotten) this.#doom();
    nat.hasForgotten = false;
    return from;
  }

  /** Sends `flight` from a side, whoever made it. */
  putOnLink(side: Side, flight: Flight): void {
    const flags = flight.bytes[13]!;
    if (this.#tap !== undefined) this.seen(flight);
    this.#links[side].send(this.now, flight, this.plan.isCrcOn && (flags & (Flag.SYN | Flag.RST)) === 0);
  }

  seen(flight: Flight): void {
    this.#tap?.(this.now, flight.from, flight.to, flight.bytes.slice(0, flight.length));
  }

  sessionOf(_host: Host, connection: Connection): Session | undefined {
    for (let index = this.sessions.length - 1; index >= 0; index -= 1) {
      const session = this.sessions[index]!;
      const isFree = session.users[1].connection === undefined && session.users[1].reason === undefined;
      if (isFree && session.localPseudoPort === connection.remotePseudoPort) return session;
    }
    return undefined;
  }

  reported(host: Host, event: PtcpEvent): void {
    this.hash.word(host.index);
    this.hash.word(event.type.length);
    if (event.type !== 'closed') return;
    this.#endedCount += 1;
    if (event.reason === 'done') return;
    const session = this.sessions.find(({ users }) => users[host.index].connection === event.connection);
    if (session?.isDoomed && host.index === 0) this.#retry(session);
  }

  #retry({ plan, attempt }: Session): void {
    if (this.#isEnding || attempt >= ATTEMPTS) return;
    this.#openings += 1;
    this.#schedule(this.now + RETRY_MS, () => this.#open(new Session(plan, attempt + 1)));
  }

  #open(session: Session): void {
    const [first, second] = this.hosts;
    this.#openings -= 1;
    this.sessions.push(session);
    if (first.isDown || (session.plan.isSimultaneous && second.isDown)) {
      session.isDoomed = true;
      for (const user of session.users) user.crashed();
      if (!first.isDown) this.#retry(session);
      return;
    }
    if (!session.plan.isSimultaneous) {
      first.connect(session, this.#addressAsSeen(1));
      return;
    }
    const ports = [
      PSEUDO_PORT + 100 + 2 * this.sessions.length,
      PSEUDO_PORT + 101 + 2 * this.sessions.length,
    ] as const;
    first.connect(session, this.#addressAsSeen(1), ports);
    second.connect(session, this.#addressAsSeen(0), [ports[1], ports[0]]);
  }

  /** How the other side knows a host: from outside its NAT, as a third party would have told. */
  #addressAsSeen(side: Side): number {
    const nat = this.#nats[side];
    if (nat === undefined) return this.hosts[side].address;
    const other = this.#nats[1 - side];
    return nat.outward(
      this.now,
      addressOf(other?.ip ?? ipOf(this.hosts[side === 0 ? 1 : 0].address), UDP_PORT),
    );
  }

  #errandsOf(episode: Episode, index: number): Errand[] {
    const strikes = (): boolean => this.#faults.strikes(episodeItem(index));
    let hasStruck = false;
    const begin = { at: episode.at, run: () => (hasStruck = strikes()) && this.#begin(episode) };
    if (!('untilAt' in episode) || episode.untilAt === NEVER) return [begin];
    return [begin, { at: episode.untilAt, run: () => hasStruck && this.#finish(episode) }];
  }

  #begin(episode: Episode): void {
    switch (episode.kind) {
      case 'partition':
        this.#cut(episode.link, true);
        break;
      case 'clog':
        this.#links[episode.link].clog(episode.untilAt);
        break;
      case 'rate':
        this.#links[episode.link].rateFactor = episode.factor;
        break;
      case 'mtu':
        for (const link of this.#links) link.mtuBytes = episode.mtuBytes;
        break;
      case 'rebind':
        this.#nats[episode.host]?.rebind();
        break;
      case 'crash':
        this.hosts[episode.host].crash();
        this.#doom();
        break;
      case 'jump':
        this.#jump(this.hosts[episode.host], episode.byMs);
        break;
      case 'pause':
        this.hosts[episode.host].isPaused = true;
        break;
    }
  }

  #finish(episode: Episode & { readonly untilAt: Instant }): void {
    switch (episode.kind) {
      case 'partition':
        this.#cut(episode.link, false);
        break;
      case 'rate':
        this.#links[episode.link].rateFactor = 1;
        break;
      case 'mtu':
        for (const link of this.#links) link.mtuBytes = Number.POSITIVE_INFINITY;
        break;
      case 'crash':
        this.#restart(episode.host);
        break;
      case 'pause':
        this.#resume(this.hosts[episode.host]);
        break;
      default:
    }
  }

  #jump(host: Host, byMs: number): void {
    // What is half open may be too old all at once, a cookie out of date, and TIME-WAIT over before its time. What is in
    // flight seems to take as long, and an RTO made of that may outlast the peer's TIME-WAIT.
    for (const session of this.sessions) {
      const { connection, reason } = session.users[host.index];
      const isInFlight = byMs > LONG_JUMP_MS && connection !== undefined && connection.tcb.sent.count > 0;
      const isOverHere = reason !== undefined;
      if (isInFlight || isOverHere || session.users[1].connection === undefined) session.isDoomed = true;
    }
    host.jump(byMs);
    if (!host.isDown) host.settle();
  }

  #resume(host: Host): void {
    host.isPaused = false;
    if (host.isDown) return;
    host.rouse();
    host.settle();
  }

  #cut(which: Side | 2, isCut: boolean): void {
    for (const link of this.#links) if (which === 2 || which === link.index) link.isCut = isCut;
  }

  /** From here on the connections there are may end in any way. */
  #doom(): void {
    this.#endedCount += 1;
    for (const session of this.sessions) session.isDoomed = true;
  }

  #restart(side: Side): void {
    // Of two crashes that overlap the one that ends first brings the host back.
    if (!this.hosts[side].isDown) return;
    this.hosts[side].restart();
    for (const session of this.sessions.filter(({ users }) => users[0].reason === 'crashed')) {
      const isLatest = this.sessions.findLast(({ plan }) => plan === session.plan) === session;
      if (isLatest) this.#retry(session);
    }
  }

  #calm(): void {
    for (const link of this.#links) link.calm();
  }

  /** Everything is over and 2 MSL have passed: nothing may be left of it. */
  #checkRest(): void {
    for (const { index, endpoint, isDown } of this.hosts) {
      if (isDown) continue;
      const { connectionCount, timeWaitCount, memory } = endpoint;
      if (connectionCount + timeWaitCount > 0)
        throw new Violation(
          'left-over',
          `${connectionCount} connections, ${timeWaitCount} in TIME-WAIT at ${index}`,
        );
      if (endpoint.nextTimeout() !== NEVER) throw new Violation('left-over', 'a timer');
      if (memory.usedBytes !== 0) throw new Violation('left-over', `${memory.usedBytes} bytes of buffers`);
    }
  }
}

/** Something that happens at a time of its own. */
interface Errand {
  readonly at: Instant;
  readonly run: () => unknown;
}

function wake(host: Host, at: Instant): void {
  if (host.timeoutAt <= at) host.wake();
  if (host.userAt <= at) host.wakeUsers();
  host.settle();
}
