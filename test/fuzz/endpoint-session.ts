import { crc32 } from '../../lib/bytes/crc32.ts';
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { TRANSITIONS } from '../../lib/ptcp/core/state.ts';
import { type Aim, InputMaker } from './inputs.ts';
import { FuzzFailure, require, type Session } from './session.ts';

const PORT = 49_153;
const PATH = 1;
const BACKLOG = 16;
const MEMORY_BYTES = 4_000_000;
/** Segments that one datagram may set free at most: what waited for its ACK, and a few more. */
const MOST_ANSWERS = 400;
const CONTENT = new Uint8Array(20_000);

/**
 * One endpoint that listens and has connections in some state to a real peer, shot at by someone who sees them all.
 *
 * Whatever comes: no throw, no due time in the past, bounded connections and memory, at most one answer where nothing
 * waits to be sent, no answer to what is no segment, no reset for a reset, and no change by what cannot be decoded.
 */
export class EndpointSession implements Session {
  readonly #random: Prng;
  readonly #inputs: InputMaker;
  readonly #victim: PtcpEndpoint;
  readonly #peer: PtcpEndpoint;
  readonly #connections: Connection[] = [];
  readonly #out = new Uint8Array(65_536);
  /** What the peer really sent, for those who change it a little. */
  readonly #recorded: Uint8Array[] = [];
  #last = new Uint8Array(0);
  #now = 1000;

  constructor(seed: string) {
    this.#random = new Prng(seed);
    this.#inputs = new InputMaker(this.#random);
    const profile = this.#profile();
    const make = (name: string): PtcpEndpoint =>
      new PtcpEndpoint({ entropy: this.#random.split(name), profile, memoryLimitBytes: MEMORY_BYTES });
    this.#victim = make('victim');
    this.#peer = make('peer');
    this.#open();
  }

  get last(): Uint8Array {
    return this.#last;
  }

  next(): void {
    const random = this.#random;
    if (random.below(12) === 0) this.#live();
    const input = this.#input();
    this.#last = input.slice();
    const { connectionCount } = this.#victim;
    const before = this.#snapshot();
    const undecodable = this.#undecodableCount();
    const path = random.below(20) === 0 ? random.below(5) : PATH;
    const kind = this.#victim.handleDatagram(this.#now, input, path);
    const isMalformed = this.#undecodableCount() > undecodable || (kind !== 'segment' && kind !== 'vertex');
    if (isMalformed) require(this.#snapshot() === before, 'what cannot be decoded changed a connection');
    const answers = this.#answers(this.#inputs.isReset);
    require(!isMalformed || answers === 0, `${answers} answers to what is no segment`);
    require(answers <= MOST_ANSWERS, `${answers} answers to one datagram`);
    require(this.#victim.connectionCount <= Math.max(connectionCount, 8) + BACKLOG, 'too many connections');
    require(this.#victim.nextTimeout() >= this.#now, 'a due time in the past');
    require(this.#victim.memory.freeBytes <= MEMORY_BYTES, 'memory was given back twice');
  }

  #profile(): ProfileOptions {
    const random = this.#random;
    const isCoin = (): boolean => random.below(2) === 0;
    return {
      timestamps: random.below(4) > 0,
      sack: random.below(4) > 0,
      crc32: random.below(4) === 0,
      windowScale: isCoin() ? 7 : 'off',
      backlog: BACKLOG,
      receiveBufferBytes: isCoin() ? 5000 : 65_536,
      keepAlive: isCoin(),
      keepAliveIdleMs: 5000,
      timeWaitMs: 500,
      ackDelayMs: isCoin() ? 0 : 25,
    };
  }

  /** A few connections, brought into any state. */
  #open(): void {
    const random = this.#random;
    this.#victim.listen(PORT);
    this.#peer.listen(PORT);
    this.#connections.push(this.#victim.connect(PATH, PORT));
    this.#peer.connect(PATH, PORT);
    const rounds = random.below(6);
    for (let round = 0; round < rounds; round += 1) {
      this.#exchange();
      if (round === 2) for (const connection of this.#connections) this.#use(connection);
    }
    this.#answers(false);
  }

  /** What both have to say goes to the other, and time passes. */
  #exchange(): void {
    for (const [from, to] of [
      [this.#victim, this.#peer],
      [this.#peer, this.#victim],
    ] as const) {
      const target = { out: this.#out, maxSegments: 1 };
      let burst = from.pollTransmit(this.#now, target);
      for (let count = 0; burst !== undefined && count < 50; count += 1) {
        const datagram = this.#out.slice(0, burst.lastBytes);
        if (from === this.#peer) this.#recorded.push(datagram);
        to.handleDatagram(this.#now, datagram, PATH);
        burst = from.pollTransmit(this.#now, target);
      }
      this.#takeEvents(to);
    }
    this.#pass(1 + this.#random.below(30));
  }

  #takeEvents(endpoint: PtcpEndpoint): void {
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === 'pathCandidate' || endpoint !== this.#victim) continue;
      const { connection } = event;
      if (event.type === 'accepted' && this.#connections.length < 8) this.#connections.push(connection);
      if (event.type === 'readable' && this.#random.below(4) > 0) connection.read(10_000);
      require(connection.state in TRANSITIONS, `no such state: ${connection.state}`);
    }
  }

  /** The user does something, time passes, or the real peer gets a word in. */
  #live(): void {
    const random = this.#random;
    const connection = this.#connections[random.below(this.#connections.length)]!;
    switch (random.below(4)) {
      case 0:
        this.#use(connection);
        break;
      case 1:
        this.#exchange();
        break;
      default:
        this.#pass(random.below(20) === 0 ? 60_000 : random.below(300));
    }
    this.#answers(false);
  }

  #use(connection: Connection): void {
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
        connection.shutdown();
        break;
      case 1:
        connection.close();
        break;
      case 2:
        if (random.below(4) === 0) connection.abort();
        break;
      case 3:
        connection.read(random.below(3000));
        break;
      default:
        if (!connection.tcb.isFinQueued) connection.write(CONTENT.subarray(0, random.below(CONTENT.length)));
    }
  }

  #pass(ms: number): void {
    this.#now += ms;
    this.#victim.handleTimeout(this.#now);
    this.#peer.handleTimeout(this.#now);
  }

  #input(): Uint8Array {
    const random = this.#random;
    const choice = random.below(16);
    if (choice === 0) return this.#inputs.noise();
    if (choice === 1) return this.#inputs.vertex(this.#aim(), crc32);
    if (choice < 4 && this.#recorded.length > 0) {
      return this.#inputs.mutated(this.#recorded[random.below(this.#recorded.length)]!);
    }
    return this.#inputs.segment(this.#aim());
  }

  #aim(): Aim {
    const random = this.#random;
    const { tcb } = this.#connections[random.below(this.#connections.length)]!;
    return {
      srcPort: tcb.remotePort,
      dstPort: tcb.localPort,
      seq: tcb.rcvNxt,
      ack: random.below(2) === 0 ? tcb.sndNxt : tcb.sndUna,
      tsVal: (tcb.tsRecent + 1) >>> 0,
      tsEcr: (tcb.tsOffset + Math.floor(this.#now)) >>> 0,
    };
  }

  /** The victim's variables, as one number that any change of them changes. */
  #snapshot(): number {
    let sum = this.#victim.connectionCount;
    for (const { tcb } of this.#connections) {
      sum = (sum * 31 + tcb.rcvNxt + tcb.state.length) >>> 0;
      sum = (sum * 31 + tcb.sndUna + tcb.sndNxt) >>> 0;
      sum = (sum * 31 + tcb.sndWnd + tcb.tsRecent) >>> 0;
    }
    return sum;
  }

  #undecodableCount(): number {
    const { undecodable } = this.#victim.stats;
    let sum = 0;
    for (const reason in undecodable) sum += undecodable[reason as keyof typeof undecodable];
    return sum;
  }

  /** How many segments the victim sends now. */
  #answers(isToReset: boolean): number {
    const target = { out: this.#out, maxSegments: 32 };
    let count = 0;
    this.#takeEvents(this.#victim);
    for (let burst = this.#victim.pollTransmit(this.#now, target); burst !== undefined; ) {
      count += burst.count;
      if (count > MOST_ANSWERS) throw new FuzzFailure('it does not stop sending');
      require(!isToReset || (this.#out[13]! & 4) === 0, 'a reset for a reset');
      burst = this.#victim.pollTransmit(this.#now, target);
    }
    this.#takeEvents(this.#victim);
    return count;
  }
}
