import { Prng } from '../bytes/prng.ts';
import { InvariantError, UsageError } from '../errors.ts';
import type { PtcpEndpoint } from '../ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../ptcp/core/events.ts';
import { type Instant, NEVER } from '../time/clock.ts';
import { BoundedLog } from './bounded-log.ts';
import { Link, type LinkOptions, type SendFate } from './link.ts';

/** A datagram that an endpoint sent. Endpoints are named by their place in the list. */
export interface SentDatagram {
  readonly sentAt: Instant;
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
  readonly fate: SendFate;
}

/** Something that an endpoint reported. */
export interface ReportedEvent {
  readonly at: Instant;
  readonly endpoint: number;
  readonly event: PtcpEvent;
}

/** What the network between the endpoints is like; all of it may be left out. */
export interface EndpointNetworkOptions {
  /** What each direction between two endpoints is like. Without fault and delay when left out. */
  readonly link?: LinkOptions;
  /** Equal seeds give equal faults. 1 when left out. */
  readonly seed?: number | string;
  readonly startAt?: Instant;
  /** The most segments asked for at once. 16 when left out. */
  readonly maxSegments?: number;
  /** What the user of an endpoint does when it reports something: read, write, close. */
  readonly onEvent?: (event: PtcpEvent, endpoint: number) => void;
  /** How many datagrams and events are remembered. 10,000 each when left out. */
  readonly logLimit?: number;
}

/** How often endpoints may have something to say without time passing: more means they never come to rest. */
const ROUNDS_PER_INSTANT_LIMIT = 10_000;
const MAX_BURST_BYTES = 65_536;

/**
 * PtcpEndpoints alone, joined by links in virtual time, without sockets and reactors: for tests of the protocol.
 *
 * The path from any endpoint to another is the place of that other in the list.
 */
export class EndpointNetwork {
  readonly #endpoints: readonly PtcpEndpoint[];
  readonly #options: EndpointNetworkOptions;
  readonly #links: readonly (readonly Link[])[];
  readonly #sent: BoundedLog<SentDatagram>;
  readonly #events: BoundedLog<ReportedEvent>;
  readonly #out = new Uint8Array(MAX_BURST_BYTES);
  #now: Instant;

  constructor(endpoints: readonly PtcpEndpoint[], options: EndpointNetworkOptions = {}) {
    const { seed = 1, startAt = 0, logLimit = 10_000, link = {} } = options;
    const random = new Prng(seed);
    this.#endpoints = endpoints;
    this.#options = options;
    this.#now = startAt;
    this.#sent = new BoundedLog(logLimit);
    this.#events = new BoundedLog(logLimit);
    this.#links = endpoints.map((_from, i) =>
      endpoints.map((_to, j) => new Link({ ...link, random: random.split(`${i}>${j}`) })),
    );
  }

  get now(): Instant {
    return this.#now;
  }

  /** The datagrams sent last, oldest first, whatever became of them. */
  get sent(): readonly SentDatagram[] {
    return this.#sent.entries;
  }

  /** The events reported last, oldest first. */
  get events(): readonly ReportedEvent[] {
    return this.#events.entries;
  }

  /** The link from one endpoint to another, that direction only; `link().change()` changes it. */
  link(from: number, to: number): Link {
    const link = this.#links[from]?.[to];
    if (link === undefined) throw new UsageError(`there is no link from ${from} to ${to}`);
    return link;
  }

  /** Lets everything happen that is due up to the instant `end`, which is then the time. */
  runUntil(end: Instant): void {
    this.#settle();
    for (let at = this.#nextAt(); at <= end; at = this.#nextAt()) {
      this.#now = Math.max(this.#now, at);
      this.#settle();
    }
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Runs until nothing is under way and no timer is set, but for at most `limitMs`. Returns whether it came to that.
   *
   * The time is then that of the last thing that happened, or the limit.
   */
  runUntilIdle(limitMs = 3_600_000): boolean {
    const end = this.#now + limitMs;
    this.#settle();
    for (let at = this.#nextAt(); at !== NEVER; at = this.#nextAt()) {
      if (at > end) {
        this.#now = end;
        return false;
      }
      this.#now = Math.max(this.#now, at);
      this.#settle();
    }
    return true;
  }

  #nextAt(): Instant {
    let at = NEVER;
    for (const endpoint of this.#endpoints) at = Math.min(at, endpoint.nextTimeout());
    for (const link of this.#links.flat()) at = Math.min(at, link.nextAt());
    return at;
  }

  /** Everything that happens now, until all endpoints have said what they have to say. */
  #settle(): void {
    for (let rounds = 0; this.#turn(); rounds++) {
      if (rounds < ROUNDS_PER_INSTANT_LIMIT) continue;
      throw new InvariantError(`the endpoints do not come to rest at ${this.#now}`);
    }
  }

  /** One turn for each endpoint: arrivals, timers, events, transmissions. Whether anything happened. */
  #turn(): boolean {
    let happened = false;
    this.#endpoints.forEach((endpoint, index) => {
      if (this.#deliver(endpoint, index)) happened = true;
      if (endpoint.nextTimeout() <= this.#now) {
        endpoint.handleTimeout(this.#now);
        happened = true;
      }
      if (this.#report(endpoint, index)) happened = true;
      if (this.#transmit(endpoint, index)) happened = true;
    });
    return happened;
  }

  /** Hands over what has arrived, as a socket would: datagrams of one size in one batch. */
  #deliver(endpoint: PtcpEndpoint, index: number): boolean {
    let happened = false;
    this.#links.forEach((row, path) => {
      const arrived: Uint8Array[] = [];
      row[index]?.deliverDue(this.#now, (bytes) => arrived.push(bytes));
      for (const batch of batchesOf(arrived)) {
        happened = true;
        endpoint.handleBatch(this.#now, { ...batch, path });
      }
    });
    return happened;
  }

  #report(endpoint: PtcpEndpoint, index: number): boolean {
    let happened = false;
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      happened = true;
      this.#events.add({ at: this.#now, endpoint: index, event });
      this.#options.onEvent?.(event, index);
    }
    return happened;
  }

  #transmit(endpoint: PtcpEndpoint, index: number): boolean {
    const target = { out: this.#out, maxSegments: this.#options.maxSegments ?? 16 };
    let happened = false;
    for (
      let burst = endpoint.pollTransmit(this.#now, target);
      burst !== undefined;
      burst = endpoint.pollTransmit(this.#now, target)
    ) {
      happened = true;
      const { path, strideBytes, count, lastBytes } = burst;
      for (let i = 0; i < count; i++) {
        const start = i * strideBytes;
        this.#send(
          index,
          path,
          this.#out.subarray(start, start + (i === count - 1 ? lastBytes : strideBytes)),
        );
      }
    }
    return happened;
  }

  #send(from: number, to: number, bytes: Uint8Array): void {
    const fate = this.link(from, to).send(this.#now, bytes);
    this.#sent.add({ sentAt: this.#now, from, to, bytes: bytes.slice(), fate });
  }
}

interface Batch {
  readonly buffer: Uint8Array;
  readonly strideBytes: number;
  readonly count: number;
  readonly lastBytes: number;
}

/** Cuts datagrams into runs of one size, each of which a shorter one may end. */
function batchesOf(datagrams: readonly Uint8Array[]): Batch[] {
  const runs: Uint8Array[][] = [];
  for (const bytes of datagrams) {
    const run = runs.at(-1);
    const stride = run?.[0]?.length ?? 0;
    if (run !== undefined && run.at(-1)?.length === stride && bytes.length <= stride) run.push(bytes);
    else runs.push([bytes]);
  }
  return runs.map((run) => {
    const strideBytes = run[0]?.length ?? 0;
    const lastBytes = run.at(-1)?.length ?? 0;
    const buffer = new Uint8Array(strideBytes * (run.length - 1) + lastBytes);
    for (const [i, bytes] of run.entries()) buffer.set(bytes, i * strideBytes);
    return { buffer, strideBytes, count: run.length, lastBytes };
  });
}
