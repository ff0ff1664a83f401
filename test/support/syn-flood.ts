// A server under forged SYNs, each from an address of its own, and honest clients that connect meanwhile.
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileInput } from '../../lib/ptcp/core/config.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { EndpointStats } from '../../lib/ptcp/core/stats.ts';
import { encodeLiteral } from './literal-segment.ts';

const PORT = 49_153;
/** The honest client's; forged SYNs come from all the others. */
const HONEST_PATH = 0;
const MAX_PATHS = 2 ** 20;

/** What a flood did. */
export interface FloodReport {
  /** How long each honest client took to be established, in round trips. */
  readonly openedInRounds: readonly number[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections, half-open ones included, at most. */
  readonly mostConnections: number;
  readonly memoryUsedBytes: number;
  readonly stats: EndpointStats;
}

/** Plays `synCount` forged SYNs, `perMs` each millisecond, with `clientCount` clients spread over them. */
export function playFlood(options: {
  readonly synCount: number;
  readonly perMs: number;
  readonly clientCount: number;
  readonly profile?: ProfileInput;
}): FloodReport {
  return new Flood(options).play();
}

class Flood {
  readonly #options: Parameters<typeof playFlood>[0];
  readonly #server: PtcpEndpoint;
  readonly #client = new PtcpEndpoint({ entropy: new Prng('honest') });
  readonly #out = new Uint8Array(4096);
  readonly #startedAt: number[] = [];
  readonly #openedInRounds: number[] = [];
  /** Datagrams on their way: they take half a round trip. */
  readonly #underWay: { readonly at: number; readonly toServer: boolean; readonly bytes: Uint8Array }[] = [];
  #now = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #mostConnections = 0;

  constructor(options: Parameters<typeof playFlood>[0]) {
    this.#options = options;
    const { profile } = options;
    this.#server = new PtcpEndpoint({
      entropy: new Prng('flooded'),
      ...(profile === undefined ? {} : { profile }),
    });
    this.#server.listen(PORT);
  }

  play(): FloodReport {
    const { synCount, perMs, clientCount } = this.#options;
    const random = new Prng('forger');
    for (let sent = 0; sent < synCount; sent += 1) {
      if (sent % perMs === 0) this.#turn();
      if (sent % Math.floor(synCount / clientCount) === 0) this.#connect();
      this.#forge(random);
    }
    for (let rest = 0; rest < 4 * ROUND_MS; rest += 1) this.#turn();
    return {
      openedInRounds: this.#openedInRounds,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      mostConnections: this.#mostConnections,
      memoryUsedBytes: this.#server.memory.usedBytes,
      stats: this.#server.stats,
    };
  }

  #connect(): void {
    this.#client.handleTimeout(this.#now);
    const connection = this.#client.connect(HONEST_PATH, PORT);
    connection.context = this.#startedAt.push(this.#now) - 1;
  }

  #forge(random: Prng): void {
    const view = new DataView(FORGED.buffer);
    view.setUint16(0, 1 + random.below(65_535));
    view.setUint32(4, random.nextU32());
    this.#bytesIn += FORGED.length;
    this.#server.handleDatagram(this.#now, FORGED, 1 + random.below(MAX_PATHS - 1));
    this.#drain(this.#server);
  }

  /** A millisecond passes. */
  #turn(): void {
    this.#now += 1;
    while (this.#underWay[0] !== undefined && this.#underWay[0].at <= this.#now) {
      const { toServer, bytes } = this.#underWay.shift()!;
      const to = toServer ? this.#server : this.#client;
      to.handleDatagram(this.#now, bytes, HONEST_PATH);
    }
    for (const endpoint of [this.#server, this.#client]) {
      if (endpoint.nextTimeout() <= this.#now) endpoint.handleTimeout(this.#now);
      this.#drain(endpoint);
    }
    this.#mostConnections = Math.max(this.#mostConnections, this.#server.connectionCount);
  }

  #drain(endpoint: PtcpEndpoint): void {
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type !== 'established' || endpoint !== this.#client) continue;
      const took = this.#now - this.#startedAt[event.connection.context as number]!;
      this.#openedInRounds.push(took / ROUND_MS);
    }
    const target = { out: this.#out };
    for (
      let burst = endpoint.pollTransmit(this.#now, target);
      burst !== undefined;
      burst = endpoint.pollTransmit(this.#now, target)
    ) {
      if (endpoint === this.#server && burst.path !== HONEST_PATH) this.#bytesOut += burst.lastBytes;
      else if (burst.path === HONEST_PATH)
        this.#underWay.push({
          at: this.#now + ROUND_MS / 2,
          toServer: endpoint === this.#client,
          bytes: this.#out.slice(0, burst.lastBytes),
        });
    }
  }
}

const ROUND_MS = 40;

/** A SYN of which the source port and the sequence number are drawn anew each time. */
const FORGED = encodeLiteral({
  srcPort: 1,
  dstPort: PORT,
  seq: 0,
  ack: 0,
  flags: 'S',
  window: 65_535,
  checkField: 0,
  options: { mss: 1460, sackPermitted: true, timestamps: [1, 0], windowScale: 7 },
  payload: new Uint8Array(0),
});
