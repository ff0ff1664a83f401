import { Prng } from '../../lib/bytes/prng.ts';
import { InvariantError } from '../../lib/errors.ts';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import { type DatagramBatch, PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import type { TcpInfo } from '../../lib/ptcp/core/tcp-info.ts';
import { UDP_IP_HEADER_BYTES } from '../../lib/testing/link.ts';
import { type Instant, NEVER } from '../../lib/time/clock.ts';
import { Bottleneck, NOT_ADMITTED } from './bottleneck.ts';
import { BulkReceiver, BulkSender } from './bulk.ts';
import { DatagramStore } from './datagram-store.ts';
import { TransitQueue } from './transit-queue.ts';

/** One transfer across the dumbbell. */
export interface FlowOptions {
  readonly profile: ProfileOptions;
  /** Round trip of this flow alone, beyond that of the path all share. 0 when left out. */
  readonly extraRttMs?: number;
  /** When its SYN leaves. 0 when left out. */
  readonly startAt?: Instant;
  /** How much is sent before the sender closes. Without end when left out. */
  readonly bytes?: number;
}

/** A path that all flows share: one link each way with a rate, a tail-drop queue and random loss. */
export interface DumbbellOptions {
  readonly rateMbit: number;
  readonly rttMs: number;
  readonly queueBytes: number;
  /** Probability that a packet is lost, in each direction. */
  readonly loss: number;
  readonly seed: number | string;
  readonly flows: readonly FlowOptions[];
  /** Timers of endpoints run on multiples of this, as those of Node do on milliseconds. Exactly when left out. */
  readonly timerTickMs?: number;
}

/** The most segments asked of an endpoint at once. */
const MAX_SEGMENTS = 16;
/** How often endpoints may have something to do without time passing: more means they never come to rest. */
const TURNS_PER_INSTANT_LIMIT = 100_000;

/** One end of a flow: its endpoint, what its user does, and what is under way to it. */
interface Host {
  readonly endpoint: PtcpEndpoint;
  readonly user: { heard(event: PtcpEvent): void };
  readonly arriving: TransitQueue;
  /** From leaving the shared link to the arrival here. */
  readonly latencyMs: number;
  /** The link that carries what this host sends, and the host at the other end. */
  readonly link: Bottleneck;
  readonly peer: number;
}

/** Senders on the left, receivers on the right, each flow with endpoints of its own, in virtual time from 0 on. */
export class Dumbbell {
  readonly forward: Bottleneck;
  readonly backward: Bottleneck;
  readonly #hosts: Host[] = [];
  readonly #senders: BulkSender[] = [];
  readonly #receivers: BulkReceiver[] = [];
  readonly #flows: readonly FlowOptions[];
  readonly #store = new DatagramStore();
  readonly #tickMs: number;
  /** For each host in turn: when its next datagram arrives, when its next timer runs; then the starts of the flows. */
  readonly #dueAt: Float64Array;
  readonly #batch = { buffer: this.#store.out, strideBytes: 0, count: 1, lastBytes: 0, path: 0 };
  readonly #target = { out: this.#store.out, maxSegments: MAX_SEGMENTS };
  #now: Instant = 0;
  #segmentCount = 0;

  constructor(options: DumbbellOptions) {
    const { rateMbit, queueBytes, loss, flows, rttMs } = options;
    const random = new Prng(options.seed);
    this.#tickMs = options.timerTickMs ?? 0;
    this.#flows = flows;
    this.forward = new Bottleneck({ rateMbit, queueBytes, loss, random: random.split('forward') });
    this.backward = new Bottleneck({ rateMbit, queueBytes, loss, random: random.split('backward') });
    for (const [index, flow] of flows.entries()) this.#addFlow(index, flow, { random, rttMs });
    this.#dueAt = new Float64Array(5 * flows.length).fill(NEVER);
    for (const [index, flow] of flows.entries()) this.#dueAt[4 * flows.length + index] = flow.startAt ?? 0;
  }

  #addFlow(index: number, flow: FlowOptions, path: { random: Prng; rttMs: number }): void {
    const entropy = path.random.split(`flow ${index}`);
    const profile = flow.profile;
    const latencyMs = (path.rttMs + (flow.extraRttMs ?? 0)) / 2;
    const ends = [
      new PtcpEndpoint({ entropy: entropy.split('sender'), profile }),
      new PtcpEndpoint({ entropy: entropy.split('receiver'), profile }),
    ] as const;
    const sender = new BulkSender(ends[0], flow.bytes);
    const receiver = new BulkReceiver(ends[1]);
    this.#senders.push(sender);
    this.#receivers.push(receiver);
    const links = [this.forward, this.backward] as const;
    for (const [side, user] of [sender, receiver].entries()) {
      const peer = 2 * index + 1 - side;
      const arriving = new TransitQueue();
      this.#hosts.push({ endpoint: ends[side]!, user, arriving, latencyMs, link: links[side]!, peer });
    }
  }

  get now(): Instant {
    return this.#now;
  }

  /** Datagrams that all endpoints have sent together. */
  get segmentCount(): number {
    return this.#segmentCount;
  }

  /** The user who receives a flow. */
  receiver(flow: number): BulkReceiver {
    return this.#receivers[flow]!;
  }

  /** What the sender of a flow says of itself; undefined before it has started. */
  senderInfo(flow: number): TcpInfo | undefined {
    return this.#senders[flow]?.connection?.tcpInfo();
  }

  /** Both links serve at another rate from now on. */
  changeRate(rateMbit: number): void {
    this.forward.changeRate(rateMbit);
    this.backward.changeRate(rateMbit);
  }

  /** Lets everything happen that is due up to the instant `end`, which is then the time. */
  runUntil(end: Instant): void {
    let turns = 0;
    for (;;) {
      const next = this.#nextIndex();
      const at = this.#dueAt[next]!;
      if (at > end) break;
      turns = at > this.#now ? 0 : turns + 1;
      if (turns > TURNS_PER_INSTANT_LIMIT) throw new InvariantError(`no rest at ${this.#now}`);
      if (at > this.#now) this.#now = at;
      this.#happen(next);
    }
    this.#now = Math.max(this.#now, end);
  }

  #nextIndex(): number {
    const due = this.#dueAt;
    let next = 0;
    for (let index = 1; index < due.length; index += 1) if (due[index]! < due[next]!) next = index;
    return next;
  }

  #happen(index: number): void {
    const hostCount = this.#hosts.length;
    if (index >= 2 * hostCount) {
      this.#dueAt[index] = NEVER;
      const flow = index - 2 * hostCount;
      this.#senders[flow]!.connect(this.#now, this.#flows[flow]!.profile);
      this.#settle(2 * flow, this.#hosts[2 * flow]!);
      return;
    }
    const hostIndex = index >> 1;
    const host = this.#hosts[hostIndex]!;
    if ((index & 1) === 0) this.#deliver(hostIndex, host);
    else host.endpoint.handleTimeout(this.#now);
    this.#settle(hostIndex, host);
  }

  #deliver(index: number, { arriving, endpoint }: Host): void {
    const { slot, length } = arriving;
    arriving.dropFirst();
    this.#dueAt[2 * index] = arriving.nextAt;
    const batch: { -readonly [Key in keyof DatagramBatch]: DatagramBatch[Key] } = this.#batch;
    batch.buffer = this.#store.view(slot);
    batch.strideBytes = length;
    batch.lastBytes = length;
    endpoint.handleBatch(this.#now, batch);
    this.#store.release(slot);
  }

  /** The user hears what happened and acts, the endpoint sends, until neither has anything left. */
  #settle(index: number, host: Host): void {
    const { endpoint, user } = host;
    do {
      for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent())
        user.heard(event);
    } while (this.#transmit(host));
    this.#dueAt[2 * index + 1] = this.#ticked(endpoint.nextTimeout());
  }

  #ticked(at: Instant): Instant {
    if (this.#tickMs === 0 || at === NEVER) return at;
    return Math.ceil(at / this.#tickMs) * this.#tickMs;
  }

  #transmit(host: Host): boolean {
    let hasSent = false;
    for (;;) {
      this.#target.out = this.#store.out;
      const burst = host.endpoint.pollTransmit(this.#now, this.#target);
      if (burst === undefined) return hasSent;
      hasSent = true;
      for (let i = 0; i < burst.count; i += 1) {
        this.#send(host, i * burst.strideBytes, i === burst.count - 1 ? burst.lastBytes : burst.strideBytes);
      }
    }
  }

  #send(host: Host, start: number, length: number): void {
    this.#segmentCount += 1;
    const leftAt = host.link.admit(this.#now, length + UDP_IP_HEADER_BYTES);
    if (leftAt === NOT_ADMITTED) return;
    const peer = this.#hosts[host.peer]!;
    peer.arriving.push(leftAt + peer.latencyMs, this.#store.keep(start, length), length);
    this.#dueAt[2 * host.peer] = peer.arriving.nextAt;
  }
}
