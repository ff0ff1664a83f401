// Bulk flows of one endpoint to another through one link with a queue of one bandwidth-delay product.
import { Prng } from '../../lib/bytes/prng.ts';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';

const PORT = 49_153;
const STEP_MS = 20;

export interface Bottleneck {
  /** One for each flow. */
  readonly controllers: readonly Profile['congestion'][];
  readonly rateMbit: number;
  readonly rttMs: number;
  /** How much later each flow begins than the one before. */
  readonly beginEveryMs?: number;
  /** Goodput counts from here to the end. */
  readonly measureFromMs: number;
  readonly endMs: number;
  readonly profile?: Partial<Profile>;
}

export interface Shares {
  /** Bytes each flow's reader got in the measured time. */
  readonly goodputs: readonly number[];
  /** All of them, of what the rate allows, headers included. */
  readonly link: number;
  /** Datagrams that found the queue full, from the beginning. */
  readonly queueDropped: number;
}

/** Lets the flows run and says who got how much. */
export function shareOfBottleneck(options: Bottleneck): Shares {
  const { controllers, rateMbit, rttMs, beginEveryMs = 0, measureFromMs, endMs } = options;
  const client = new PtcpEndpoint({ entropy: new Prng('client'), profile: options.profile ?? {} });
  const server = new PtcpEndpoint({ entropy: new Prng('server') });
  server.listen(PORT);
  const received = new Map<number, number>();
  let now = 0;
  const network = new EndpointNetwork([client, server], {
    link: { latencyMs: rttMs / 2 },
    logLimit: 1,
    onEvent: (event, endpoint) => {
      if (endpoint !== 1 || event.type !== 'readable') return;
      const { connection } = event;
      const count = connection.read(1e9).length;
      if (now < measureFromMs) return;
      const port = connection.remotePseudoPort;
      received.set(port, (received.get(port) ?? 0) + count);
    },
  });
  network.link(0, 1).change({ rateMbit, queueBytes: rateMbit * 125 * rttMs });
  const connections: Connection[] = [];
  for (; now < endMs; now += STEP_MS) {
    const due = beginEveryMs === 0 ? controllers.length : Math.floor(now / beginEveryMs) + 1;
    while (connections.length < Math.min(due, controllers.length))
      connections.push(
        client.connect(1, PORT, { profile: { congestion: controllers[connections.length]! } }),
      );
    for (const connection of connections) connection.write(WRITTEN);
    network.runUntil(now + STEP_MS);
  }
  const goodputs = connections.map(({ localPseudoPort }) => received.get(localPseudoPort) ?? 0);
  const total = goodputs.reduce((sum, bytes) => sum + bytes, 0);
  return {
    goodputs,
    link: total / (rateMbit * 125 * (endMs - measureFromMs)),
    queueDropped: network.link(0, 1).stats.queueDropped,
  };
}

const WRITTEN = new Uint8Array(1_000_000);

/** 1 when all have the same, 1 / n when one has everything. */
export function jainIndex(shares: readonly number[]): number {
  const total = shares.reduce((sum, share) => sum + share, 0);
  return total ** 2 / (shares.length * shares.reduce((sum, share) => sum + share ** 2, 0));
}
