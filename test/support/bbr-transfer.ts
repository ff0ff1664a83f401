// A transfer whose sender is a BBR that can be looked into, over a link that can be changed.
import { Prng } from '../../lib/bytes/prng.ts';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import { Bbr, type BbrOptions } from '../../lib/ptcp/core/congestion/bbr/bbr.ts';
import type { ControllerFactory } from '../../lib/ptcp/core/congestion/controller.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import type { LinkOptions } from '../../lib/testing/link.ts';

const PORT = 49_153;
const BLOCK = new Uint8Array(65_536);
export const LATENCY_MS = 20;
/** Of the text of full segments on a link of 10 Mbit/s, bytes a millisecond: 1168 of 1228 bytes. */
export const TEXT_RATE = (1250 * 1168) / 1228;

/** 10 Mbit/s, 40 ms and a queue of two bandwidth-delay products, unless `link` says otherwise. */
export class BbrTransfer {
  readonly network: EndpointNetwork;
  readonly connection: Connection;
  readBytes = 0;
  /** Whether the user writes without end. */
  isBulk = true;
  #bbr: Bbr | undefined = undefined;

  constructor(link: LinkOptions = {}, options: Partial<BbrOptions> = {}, profile: Partial<Profile> = {}) {
    const congestion: ControllerFactory = (given) => {
      this.#bbr = new Bbr({ ...given, ...options });
      return this.#bbr;
    };
    const client = new PtcpEndpoint({ entropy: new Prng('client'), profile: { ...profile, congestion } });
    const server = new PtcpEndpoint({ entropy: new Prng('server'), profile });
    server.listen(PORT);
    this.network = new EndpointNetwork([client, server], {
      link: { latencyMs: LATENCY_MS, rateMbit: 10, queueBytes: 100_000, ...link },
      logLimit: 10,
      onEvent: (event, endpoint) => {
        if (endpoint === 1 && event.type === 'readable') this.readBytes += event.connection.read(1e7).length;
        if (endpoint === 0 && (event.type === 'established' || event.type === 'writable')) this.fill();
      },
    });
    this.connection = client.connect(1, PORT);
  }

  get bbr(): Bbr {
    return this.#bbr!;
  }

  /** BBR.max_bw as a share of what the link carries. */
  get bandwidth(): number {
    const { maxBwBefore, maxBwNow } = this.bbr.model;
    return Math.max(maxBwBefore, maxBwNow) / TEXT_RATE;
  }

  fill(): void {
    while (this.isBulk && this.connection.write(BLOCK) === BLOCK.length);
  }

  /** Goes on for `ms`; returns what was read meanwhile as a share of what the link carries. */
  run(ms: number): number {
    const before = this.readBytes;
    this.network.runUntil(this.network.now + ms);
    return (this.readBytes - before) / (TEXT_RATE * ms);
  }

  /** Both directions. */
  change(link: LinkOptions): void {
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const)
      this.network.link(from, to).change(link);
  }
}
