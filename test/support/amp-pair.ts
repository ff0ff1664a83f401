import { StringTransport } from '../../lib/testing/string-transport.ts';
import type { Amp } from '../../protocols/amp/index.ts';

/** Lets microtasks run: what was gathered is written. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The failure of what fails. */
export async function failureOf(deferred: PromiseLike<unknown>): Promise<Error> {
  try {
    await deferred;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** Two Amps and the bytes between them, carried by hand. */
export class AmpPair<A extends Amp = Amp, B extends Amp = Amp> {
  readonly client: A;
  readonly server: B;
  readonly clientSide = new StringTransport();
  readonly serverSide = new StringTransport();
  readonly #closed = new Set<StringTransport>();

  constructor(client: A, server: B) {
    this.client = client;
    this.server = server;
    client.makeConnection(this.clientSide);
    server.makeConnection(this.serverSide);
  }

  /** Carries bytes, and then ends of the connection, both ways until there is nothing left to carry. */
  async flow(): Promise<void> {
    for (let rounds = 0; rounds < 1000; rounds += 1) {
      await turn();
      if (!this.#carry()) return;
    }
    throw new Error('the two never come to rest');
  }

  /** Cuts the connection, as seen by both. */
  lose(reason: Error): void {
    this.#close(this.clientSide, this.client, reason);
    this.#close(this.serverSide, this.server, reason);
  }

  #carry(): boolean {
    const wasCarried = [
      this.#move(this.clientSide, this.serverSide, this.server),
      this.#move(this.serverSide, this.clientSide, this.client),
    ];
    if (wasCarried.includes(true)) return true;
    if (!this.clientSide.disconnecting && !this.serverSide.disconnecting) return false;
    const wasClosed = [this.#close(this.clientSide, this.client), this.#close(this.serverSide, this.server)];
    return wasClosed.includes(true);
  }

  #move(from: StringTransport, to: StringTransport, receiver: Amp): boolean {
    const chunks = from.written;
    from.clear();
    for (const chunk of chunks) if (!to.disconnecting) receiver.dataReceived(chunk);
    return chunks.length > 0;
  }

  #close(transport: StringTransport, amp: Amp, reason?: Error): boolean {
    if (this.#closed.has(transport)) return false;
    this.#closed.add(transport);
    transport.deliverClose(amp, reason);
    return true;
  }
}
