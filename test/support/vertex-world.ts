// One of our endpoints and one Vertex, joined by links in virtual time.
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import { Link, type LinkOptions } from '../../lib/testing/link.ts';
import {
  decodeVertexPacket,
  type VertexConnection,
  type VertexOptions,
  type VertexPacket,
  VertexPeer,
} from './vertex-peer.ts';

const PATH = 3;
const ROUNDS_LIMIT = 100_000;

export interface VertexWorldOptions {
  readonly link?: LinkOptions;
  readonly seed?: number;
  readonly profile?: ProfileOptions;
  /** Datagrams longer than this are cut to it, both ways. */
  readonly cutBytes?: number;
  readonly vertex?: VertexOptions;
  /** Called for what our endpoint reports. */
  readonly onEvent?: (event: PtcpEvent, world: VertexWorld) => void;
}

/** A datagram of ours that was sent. */
export interface SentPacket extends VertexPacket {
  readonly at: number;
}

/** Our end and Vertex, and what became of them. */
export class VertexWorld {
  readonly endpoint: PtcpEndpoint;
  readonly vertex: VertexPeer;
  readonly told: string[] = [];
  /** What our side sent and Vertex can read. */
  readonly sent: SentPacket[] = [];
  connection: Connection | undefined = undefined;
  received: Uint8Array[] = [];
  now = 0;
  readonly #options: VertexWorldOptions;
  readonly #toVertex: Link;
  readonly #toUs: Link;
  readonly #out = new Uint8Array(65_536);

  constructor(role: 'client' | 'server', options: VertexWorldOptions = {}) {
    const random = new Prng(options.seed ?? 1);
    this.#options = options;
    this.#toVertex = new Link({ ...options.link, random: random.split('to vertex') });
    this.#toUs = new Link({ ...options.link, random: random.split('to us') });
    this.endpoint = new PtcpEndpoint({
      entropy: random.split('ours'),
      profile: { wire: 'vertex', ...options.profile },
    });
    this.vertex = new VertexPeer(role === 'client', options.vertex);
    if (role === 'client') this.connection = this.endpoint.connect(PATH, 1);
    else {
      this.endpoint.listen(1);
      this.vertex.connect();
    }
  }

  /** Vertex's end of the first connection. */
  get theirs(): VertexConnection {
    const [connection] = this.vertex.all;
    if (connection === undefined) throw new Error('Vertex has no connection');
    return connection;
  }

  get ours(): Connection {
    if (this.connection === undefined) throw new Error('we have no connection');
    return this.connection;
  }

  get content(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.received));
  }

  /** A datagram comes to us now, whatever the links do. */
  inject(bytes: Uint8Array): void {
    this.endpoint.handleDatagram(this.now, bytes, PATH);
    this.#settle();
  }

  /** From now on nothing arrives but what is injected. */
  silence(): void {
    this.#toVertex.change({ loss: 1 });
    this.#toUs.change({ loss: 1 });
  }

  runUntil(end: number): void {
    this.#settle();
    for (let at = this.#nextAt(); at <= end; at = this.#nextAt()) {
      this.now = Math.max(this.now, at);
      this.#settle();
    }
    this.now = Math.max(this.now, end);
  }

  /** Returns whether all came to rest within `limitMs`. */
  runUntilIdle(limitMs = 600_000): boolean {
    const end = this.now + limitMs;
    this.#settle();
    for (let at = this.#nextAt(); at <= end; at = this.#nextAt()) {
      if (at === Number.POSITIVE_INFINITY) return true;
      this.now = Math.max(this.now, at);
      this.#settle();
    }
    return this.#nextAt() === Number.POSITIVE_INFINITY;
  }

  #nextAt(): number {
    const { endpoint, vertex } = this;
    return Math.min(endpoint.nextTimeout(), vertex.dueAt, this.#toVertex.nextAt(), this.#toUs.nextAt());
  }

  #settle(): void {
    for (let rounds = 0; this.#turn(); rounds += 1)
      if (rounds > ROUNDS_LIMIT) throw new Error(`no rest at ${this.now}`);
  }

  #turn(): boolean {
    let happened = false;
    this.#toVertex.deliverDue(this.now, (bytes) => {
      happened = true;
      this.vertex.datagramArrives(this.now, bytes);
    });
    this.#toUs.deliverDue(this.now, (bytes) => {
      happened = true;
      this.endpoint.handleDatagram(this.now, bytes, PATH);
    });
    if (this.vertex.dueAt <= this.now) {
      happened = true;
      this.vertex.run(this.now);
    }
    if (this.endpoint.nextTimeout() <= this.now) {
      happened = true;
      this.endpoint.handleTimeout(this.now);
    }
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
      happened = true;
      this.#report(event);
    }
    return this.#transmit() || happened;
  }

  #report(event: PtcpEvent): void {
    this.told.push(event.type === 'closed' ? `closed ${event.reason}` : event.type);
    if (event.type !== 'pathCandidate') this.connection = event.connection;
    if (this.#options.onEvent !== undefined) this.#options.onEvent(event, this);
    else this.read();
  }

  /** Takes what our side can read. */
  read(): void {
    const bytes = this.connection?.read(1_000_000);
    if (bytes !== undefined && bytes.length > 0) this.received.push(bytes);
  }

  #transmit(): boolean {
    const target = { out: this.#out, maxSegments: 16 };
    let happened = false;
    for (
      let burst = this.endpoint.pollTransmit(this.now, target);
      burst !== undefined;
      burst = this.endpoint.pollTransmit(this.now, target)
    ) {
      happened = true;
      for (let i = 0; i < burst.count; i += 1) {
        const start = i * burst.strideBytes;
        this.#send(
          this.#out.slice(start, start + (i === burst.count - 1 ? burst.lastBytes : burst.strideBytes)),
        );
      }
    }
    for (const bytes of this.vertex.takeSent()) {
      happened = true;
      this.#toUs.send(this.now, this.#cut(bytes));
    }
    return happened;
  }

  #send(bytes: Uint8Array): void {
    const packet = decodeVertexPacket(bytes);
    if (typeof packet !== 'string') this.sent.push({ ...packet, at: this.now });
    this.#toVertex.send(this.now, this.#cut(bytes));
  }

  #cut(bytes: Uint8Array): Uint8Array {
    return bytes.slice(0, this.#options.cutBytes ?? bytes.length);
  }
}
