import type { Transport } from '../../lib/interfaces/transport.ts';
import { ClientFactory, Factory } from '../../lib/protocol/factory.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import type { MemoryReactor } from '../../lib/testing/memory-reactor.ts';

/** The ends between which a Middle stands. */
export type Side = 'client' | 'server';

/**
 * A stranger between a client and a server, in memory: connect to `name`, and it connects to the server. Everything
 * passes unless a test says otherwise.
 */
export class Middle {
  readonly name: string;
  /** What has passed, or would have, by who sent it. */
  readonly seen: Record<Side, Uint8Array[]> = { client: [], server: [] };
  /** What becomes of bytes; `send` and `end` pass things on. */
  onBytes: (from: Side, bytes: Uint8Array) => void = (from, bytes) => this.send(other(from), bytes);
  /** What becomes of the end of a direction. */
  onEnd: (from: Side) => void = (from) => this.end(other(from));
  readonly #ends: Partial<Record<Side, Transport>> = {};
  #early: Uint8Array[] = [];

  constructor(reactor: MemoryReactor, serverName: string) {
    this.name = `middle-of-${serverName}`;
    const listening = new Factory();
    listening.buildProtocol = () => new End(this, 'client');
    reactor.listenMemory(this.name, listening);
    const connecting = new ClientFactory();
    connecting.buildProtocol = () => new End(this, 'server');
    this.#connect = () => reactor.connectMemory(serverName, connecting);
  }

  readonly #connect: () => void;

  get seenBytes(): Record<Side, number> {
    const sum = (chunks: readonly Uint8Array[]): number =>
      chunks.reduce((all, { length }) => all + length, 0);
    return { client: sum(this.seen.client), server: sum(this.seen.server) };
  }

  send(to: Side, bytes: Uint8Array): void {
    if (to === 'server' && this.#ends.server === undefined) this.#early.push(bytes);
    else this.#ends[to]?.write(bytes.slice());
  }

  /** Byte by byte. */
  sendSlowly(to: Side, bytes: Uint8Array): void {
    for (const byte of bytes) this.send(to, Uint8Array.of(byte));
  }

  end(to: Side): void {
    this.#ends[to]?.loseWriteConnection();
  }

  /** Ends both connections without a word. */
  vanish(): void {
    for (const end of Object.values(this.#ends)) end.loseConnection();
  }

  reset(to: Side): void {
    this.#ends[to]?.abortConnection();
  }

  /** @internal */
  made(side: Side, transport: Transport): void {
    this.#ends[side] = transport;
    if (side === 'client') this.#connect();
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.send('server', bytes);
  }
}

class End extends Protocol {
  readonly #middle: Middle;
  readonly #side: Side;

  constructor(middle: Middle, side: Side) {
    super();
    this.#middle = middle;
    this.#side = side;
  }

  override connectionMade(): void {
    this.#middle.made(this.#side, this.transport);
  }

  override dataReceived(bytes: Uint8Array): void {
    this.#middle.seen[this.#side].push(bytes.slice());
    this.#middle.onBytes(this.#side, bytes);
  }

  override readConnectionLost(): void {
    this.#middle.onEnd(this.#side);
  }
}

function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
