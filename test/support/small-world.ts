// Two endpoints and every order in which a few datagrams can be delivered, lost, doubled or overtaken by a timer.
import { Prng } from '../../lib/bytes/prng.ts';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import { NEVER } from '../../lib/time/clock.ts';

export type Side = 0 | 1;
export const SIDES = [0, 1] as const;

/** What happens to the world first, and what the user of a side does with what it is told. */
export interface Scenario {
  readonly profile?: Partial<Profile>;
  /** How many datagrams are delivered in order before anything may go wrong. */
  readonly calmSteps?: number;
  readonly begin: (world: SmallWorld) => void;
  readonly onEvent: (event: PtcpEvent, side: Side, world: SmallWorld) => void;
}

/** What becomes of a datagram. A delayed one arrives behind the next that is not. */
export const FATES = ['delivered', 'lost', 'doubled', 'delayed'] as const;
export type Fate = (typeof FATES)[number];

interface InFlight {
  readonly to: Side;
  readonly bytes: Uint8Array;
}

/** More steps than this after the faults have stopped mean that the two never come to rest. */
const STEPS_LIMIT = 2_000;

/** Two endpoints, and the datagrams under way between them in the order in which they were sent. */
export class SmallWorld {
  readonly endpoints: readonly [PtcpEndpoint, PtcpEndpoint];
  readonly connections: (Connection | undefined)[] = [undefined, undefined];
  /** 'established', 'closed done' and so on, of each side. */
  readonly told: readonly [string[], string[]] = [[], []];
  readonly received: [string, string] = ['', ''];
  now = 0;
  #inFlight: InFlight[] = [];
  readonly #scenario: Scenario;
  readonly #out = new Uint8Array(4_096);

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const make = (name: string): PtcpEndpoint =>
      new PtcpEndpoint({ entropy: new Prng(name), profile: { lingerMs: 5_000, ...scenario.profile } });
    this.endpoints = [make('left'), make('right')];
    scenario.begin(this);
    this.settle();
  }

  /** How many things can happen next: each datagram may be delivered, lost or doubled, or the next timer run out. */
  get choiceCount(): number {
    return 3 * this.#inFlight.length + (this.#nextTimeout() === NEVER ? 0 : 1);
  }

  choose(choice: number): void {
    const index = Math.floor(choice / 3);
    const datagram = this.#inFlight[index];
    if (datagram === undefined) this.#wait();
    else {
      const fate = (['delivered', 'lost', 'doubled'] as const)[choice % 3];
      if (fate !== 'doubled') this.#inFlight.splice(index, 1);
      if (fate !== 'lost') this.#deliver(datagram);
    }
    this.settle();
  }

  /** Delivers what is on the way, and the answers to that, until nothing is: no timer runs out. */
  calm(): void {
    while (this.#inFlight.length > 0) this.choose(0);
  }

  /** The next datagrams to be sent, by whichever side, meet `fates` one after the other, timers running out between. */
  meet(fates: readonly Fate[]): void {
    const held: InFlight[] = [];
    for (const fate of fates) {
      const datagram = this.#nextDatagram();
      if (datagram === undefined) break;
      if (fate === 'delayed') held.push(datagram);
      else this.#suffer(datagram, fate, held);
    }
    const next = held.length > 0 ? this.#nextDatagram() : undefined;
    if (next !== undefined) this.#suffer(next, 'delivered', held);
    for (const datagram of held) this.#deliver(datagram);
    this.settle();
  }

  #suffer(datagram: InFlight, fate: Fate, held: InFlight[]): void {
    if (fate !== 'lost') this.#deliver(datagram);
    this.settle();
    if (fate === 'doubled') this.#deliver(datagram);
    for (const late of held.splice(0)) this.#deliver(late);
    this.settle();
  }

  /** The next one on the way, if need be after some timers; undefined when nobody will send anything any more. */
  #nextDatagram(): InFlight | undefined {
    while (this.#inFlight.length === 0) {
      if (this.#nextTimeout() === NEVER) return undefined;
      this.#wait();
      this.settle();
    }
    return this.#inFlight.shift();
  }

  /** From here on nothing is lost. Returns whether both sides came to rest, TIME-WAIT included. */
  finish(): boolean {
    for (let steps = 0; steps < STEPS_LIMIT; steps += 1) {
      const datagram = this.#inFlight.shift();
      if (datagram !== undefined) this.#deliver(datagram);
      else if (this.#nextTimeout() === NEVER) return true;
      else this.#wait();
      this.settle();
    }
    return false;
  }

  #nextTimeout(): number {
    return Math.min(this.endpoints[0].nextTimeout(), this.endpoints[1].nextTimeout());
  }

  #wait(): void {
    this.now = Math.max(this.now, this.#nextTimeout());
    for (const endpoint of this.endpoints) endpoint.handleTimeout(this.now);
  }

  #deliver({ to, bytes }: InFlight): void {
    this.endpoints[to].handleDatagram(this.now, bytes, 0);
  }

  /** Sends and tells what there is, after the users did something from outside. */
  settle(): void {
    for (const side of SIDES) {
      const endpoint = this.endpoints[side];
      for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
        this.#tell(event, side);
      }
      const target = { out: this.#out };
      for (
        let burst = endpoint.pollTransmit(this.now, target);
        burst !== undefined;
        burst = endpoint.pollTransmit(this.now, target)
      ) {
        const to = side === 0 ? 1 : 0;
        this.#inFlight.push({ to, bytes: this.#out.slice(0, burst.lastBytes) });
      }
    }
  }

  #tell(event: PtcpEvent, side: Side): void {
    this.told[side].push(event.type === 'closed' ? `closed ${event.reason}` : event.type);
    if (event.type !== 'pathCandidate') this.connections[side] = event.connection;
    if (event.type === 'readable')
      this.received[side] += new TextDecoder().decode(event.connection.read(100_000));
    this.#scenario.onEvent(event, side, this);
  }
}

/** Plays `scenario` once for each order of the first `depth` things that can happen. Returns how many there are. */
export function playAllOrders(
  scenario: Scenario,
  depth: number,
  check: (world: SmallWorld, order: readonly number[]) => void,
): number {
  const order: number[] = [];
  const limits: number[] = [];
  for (let runs = 1; ; runs += 1) {
    const world = new SmallWorld(scenario);
    for (let step = 0; step < (scenario.calmSteps ?? 0); step += 1) world.choose(0);
    for (let step = 0; step < depth && world.choiceCount > 0; step += 1) {
      limits[step] = world.choiceCount;
      order[step] ??= 0;
      world.choose(order[step]!);
    }
    check(world, order);
    while (order.length > 0 && order.at(-1)! + 1 >= limits[order.length - 1]!) order.pop();
    if (order.length === 0) return runs;
    order[order.length - 1]! += 1;
  }
}

/** Plays `scenario` once, `steps` of it drawn at random: mostly delivery in order, now and then anything. */
export function playSomeOrders(
  scenario: Scenario,
  random: Prng,
  steps: number,
  check: (world: SmallWorld, order: readonly number[]) => void,
): void {
  const world = new SmallWorld(scenario);
  const order: number[] = [];
  for (let step = 0; step < steps && world.choiceCount > 0; step += 1) {
    order.push(random.below(10) < 7 ? 0 : random.below(world.choiceCount));
    world.choose(order[step]!);
  }
  check(world, order);
}

/** Calls `play` with each of the ways in which the first `count` datagrams can fare. Returns how many there are. */
export function forEachFate(count: number, play: (fates: readonly Fate[]) => void): number {
  const total = FATES.length ** count;
  for (let number = 0; number < total; number += 1) {
    play(Array.from({ length: count }, (_, place) => FATES[Math.floor(number / FATES.length ** place) % 4]!));
  }
  return total;
}
