import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import type { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import type { Instant } from '../../lib/time/clock.ts';

const PORT = 49_153;
/** All there is to each endpoint: the host at the other end. */
const PATH = 0;
/** What all senders write, over and over. */
const BLOCK = new Uint8Array(262_144);
/** Where all receivers read to: nobody looks at it. */
const SINK = new Uint8Array(262_144);

/** A user that writes whenever there is room, without end or so many bytes, and then closes. */
export class BulkSender {
  readonly #endpoint: PtcpEndpoint;
  #leftBytes: number;
  #connection: Connection | undefined = undefined;

  constructor(endpoint: PtcpEndpoint, bytes = Number.POSITIVE_INFINITY) {
    this.#endpoint = endpoint;
    this.#leftBytes = bytes;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  connect(now: Instant, profile: ProfileOptions): void {
    this.#endpoint.handleTimeout(now);
    this.#connection = this.#endpoint.connect(PATH, PORT, { profile });
    this.#fill(this.#connection);
  }

  heard(event: PtcpEvent): void {
    if (event.type === 'writable') this.#fill(event.connection);
  }

  #fill(connection: Connection): void {
    while (this.#leftBytes > 0) {
      const wanted = Math.min(BLOCK.length, this.#leftBytes);
      const accepted = connection.write(wanted === BLOCK.length ? BLOCK : BLOCK.subarray(0, wanted));
      this.#leftBytes -= accepted;
      if (accepted < wanted) return;
    }
    connection.close();
  }
}

/** A user that reads at once whatever has come, and closes when the peer does. */
export class BulkReceiver {
  readonly #endpoint: PtcpEndpoint;
  #readBytes = 0;
  #lastReadAt: Instant = 0;

  constructor(endpoint: PtcpEndpoint) {
    this.#endpoint = endpoint;
    endpoint.listen(PORT);
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  get lastReadAt(): Instant {
    return this.#lastReadAt;
  }

  heard(event: PtcpEvent): void {
    if (event.type === 'peerClosed') event.connection.close();
    if (event.type !== 'readable') return;
    const { connection } = event;
    while (connection.readableBytes > 0) this.#readBytes += connection.readInto(SINK);
    this.#lastReadAt = this.#endpoint.now;
  }
}
