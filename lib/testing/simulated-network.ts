import { Prng } from '../bytes/prng.ts';
import { UsageError } from '../errors.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import { type Clock, type DelayedCall, type Instant, NEVER } from '../time/clock.ts';
import { BoundedLog } from './bounded-log.ts';
import { Link, type LinkOptions, type SendFate } from './link.ts';
import { isLoopback } from './port-table.ts';
import { type HostNetwork, type HostOptions, type Route, SimulatedHost } from './simulated-host.ts';

/** A datagram as it was sent into the network. */
export interface TracedDatagram {
  readonly sentAt: Instant;
  readonly from: UdpAddress;
  readonly to: UdpAddress;
  readonly bytes: Uint8Array;
  readonly fate: SendFate | 'partitioned' | 'no-such-host';
}

/** What a network is made with; only `clock` has no default. */
export interface SimulatedNetworkOptions {
  readonly clock: Clock;
  /** Equal seeds give equal faults. 1 when left out. */
  readonly seed?: number | string;
  /** What every link is like that is not told otherwise. Without fault and delay when left out. */
  readonly link?: LinkOptions;
  /** Addresses of names; `localhost` is known. */
  readonly names?: Readonly<Record<string, string | readonly string[]>>;
  /** How many datagrams `trace` remembers. 1000 when left out. */
  readonly traceLimit?: number;
}

interface Envelope {
  readonly from: UdpAddress;
  readonly to: UdpAddress;
  readonly sender: SimulatedHost;
  readonly receiver: SimulatedHost;
}

/**
 * Hosts joined by links with faults, in the time of one clock; with a VirtualClock, whole reactors run in it, always
 * in the same way for the same seed.
 *
 * UDP suffers everything a Link can do to it. TCP knows the latency of links and partitions, and no other fault.
 * Datagrams due at one instant are delivered back to back, and calls made with callSoon run after them.
 */
export class SimulatedNetwork {
  readonly clock: Clock;
  readonly #random: Prng;
  readonly #linkOptions: LinkOptions;
  readonly #names: ReadonlyMap<string, readonly string[]>;
  readonly #trace: BoundedLog<TracedDatagram>;
  readonly #hosts = new Map<string, SimulatedHost>();
  readonly #links = new Map<string, Link<Envelope>>();
  /** Links with something under way. */
  readonly #busyLinks = new Set<Link<Envelope>>();
  #wakeUp: DelayedCall | undefined;
  readonly #partitions = new Set<string>();
  /** Calls of `carry` that wait for the end of a partition, in order. */
  #stalled: { readonly route: Route; readonly call: () => void }[] = [];
  readonly #asSeenByHosts: HostNetwork;

  constructor(options: SimulatedNetworkOptions) {
    this.clock = options.clock;
    this.#random = new Prng(options.seed ?? 1);
    this.#linkOptions = options.link ?? {};
    this.#names = new Map(
      Object.entries({ localhost: ['127.0.0.1', '::1'], ...options.names }).map(([name, addresses]) => [
        name,
        typeof addresses === 'string' ? [addresses] : addresses,
      ]),
    );
    this.#trace = new BoundedLog(options.traceLimit ?? 1_000);
    this.#asSeenByHosts = {
      clock: this.clock,
      hostAt: (address) => this.#hosts.get(address),
      addressesOf: (name) => this.#names.get(name),
      sendDatagram: (host, from, to, bytes) => this.#sendDatagram(host, from, to, bytes),
      carry: (route, call) => this.#carry(route, call),
    };
  }

  /** The host with this address; it is made when first asked for, which alone may give options. */
  host(address: string, options?: HostOptions): SimulatedHost {
    const known = this.#hosts.get(address);
    if (known !== undefined) {
      if (options !== undefined) throw new UsageError(`the host ${address} is there already`);
      return known;
    }
    const host = new SimulatedHost(this.#asSeenByHosts, address, options ?? {});
    for (const each of host.addresses) {
      if (this.#hosts.has(each)) throw new UsageError(`two hosts cannot have the address ${each}`);
      this.#hosts.set(each, host);
    }
    return host;
  }

  /** The link from one host to another, that direction only. `changes` hold from now on. */
  link(from: string, to: string, changes?: LinkOptions): Link<unknown> {
    const link = this.#linkBetween(this.#knownHost(from), this.#knownHost(to));
    if (changes !== undefined) link.change(changes);
    return link;
  }

  /** Cuts two hosts off from each other until `heal`. What is under way still arrives. */
  partition(a: string, b: string): void {
    this.#partitions.add(pairKey(this.#knownHost(a), this.#knownHost(b)));
  }

  /** Ends the partition between two hosts, or every one. TCP goes on where it stopped. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) this.#partitions.clear();
    else this.#partitions.delete(pairKey(this.#knownHost(a), this.#knownHost(b)));
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const { route, call } of stalled) this.#carry(route, call);
  }

  /** The datagrams sent last, oldest first, whatever became of them. */
  get trace(): readonly TracedDatagram[] {
    return this.#trace.entries;
  }

  #knownHost(address: string): SimulatedHost {
    const host = this.#hosts.get(address);
    if (host === undefined) throw new UsageError(`there is no host ${address}: make it with network.host()`);
    return host;
  }

  #linkBetween(from: SimulatedHost, to: SimulatedHost): Link<Envelope> {
    const key = `${from.address}>${to.address}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      const options = from === to ? {} : this.#linkOptions;
      link = new Link<Envelope>({ ...options, random: this.#random.split(key) });
      this.#links.set(key, link);
    }
    return link;
  }

  #isPartitioned(a: SimulatedHost, b: SimulatedHost): boolean {
    return this.#partitions.size > 0 && this.#partitions.has(pairKey(a, b));
  }

  #sendDatagram(sender: SimulatedHost, from: UdpAddress, to: UdpAddress, bytes: Uint8Array): void {
    const receiver = isLoopback(to.host) ? sender : this.#hosts.get(to.host);
    const fate =
      receiver === undefined ? 'no-such-host' : this.#launch(bytes, { from, to, sender, receiver });
    this.#trace.add({ sentAt: this.clock.now(), from, to, bytes: bytes.slice(), fate });
  }

  #launch(bytes: Uint8Array, envelope: Envelope): TracedDatagram['fate'] {
    const { sender, receiver } = envelope;
    if (this.#isPartitioned(sender, receiver)) return 'partitioned';
    const link = this.#linkBetween(sender, receiver);
    const fate = link.send(this.clock.now(), bytes, envelope);
    if (fate === 'queued') {
      this.#busyLinks.add(link);
      this.#setWakeUp();
    }
    return fate;
  }

  #setWakeUp(): void {
    let dueAt = NEVER;
    for (const link of this.#busyLinks) dueAt = Math.min(dueAt, link.nextAt());
    if (dueAt === NEVER) return;
    if (this.#wakeUp?.active === true) {
      if (this.#wakeUp.dueAt <= dueAt) return;
      this.#wakeUp.cancel();
    }
    this.#wakeUp = this.clock.callLater(Math.max(0, dueAt - this.clock.now()), () => this.#deliverDue());
  }

  /** What is sent in answer leaves in a later call, even where there is no latency: arrivals come in batches. */
  #deliverDue(): void {
    const now = this.clock.now();
    const arrivals: { readonly bytes: Uint8Array; readonly envelope: Envelope }[] = [];
    for (const link of this.#busyLinks) {
      link.deliverDue(now, (bytes, envelope) => arrivals.push({ bytes, envelope }));
      if (link.nextAt() === NEVER) this.#busyLinks.delete(link);
    }
    this.#setWakeUp();
    for (const { bytes, envelope } of arrivals) {
      try {
        this.#arrive(bytes, envelope);
      } catch (error) {
        // The fault of one owner is not to cost another his datagrams: it reaches the clock on its own.
        this.clock.callLater(0, () => {
          throw error;
        });
      }
    }
  }

  #arrive(bytes: Uint8Array, { from, to, sender, receiver }: Envelope): void {
    const socket = receiver.udpSocketAt(to);
    if (socket !== undefined) {
      socket.datagramArrives(bytes, from);
      return;
    }
    const back: Route = { from: receiver, to: sender, lastDueAt: this.clock.now() };
    this.#carry(back, () => sender.udpSocketAt(from)?.refusalArrives(to));
  }

  #carry(route: Route, call: () => void): void {
    if (this.#isPartitioned(route.from, route.to)) {
      this.#stalled.push({ route, call });
      return;
    }
    const now = this.clock.now();
    const { latencyMs } = this.#linkBetween(route.from, route.to).options;
    route.lastDueAt = Math.max(route.lastDueAt, now + latencyMs);
    this.clock.callLater(route.lastDueAt - now, call);
  }
}

function pairKey(a: SimulatedHost, b: SimulatedHost): string {
  return [a.address, b.address].sort().join('|');
}
