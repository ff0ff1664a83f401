import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';

const PORT = 49_153;
const BYTES = 300_000;

interface Outcome {
  readonly received: readonly Buffer[];
  readonly sent: readonly Uint8Array[];
  readonly reasons: readonly string[];
  /** Datagrams in which a bit was flipped. */
  readonly flips: number;
  /** Datagrams refused as damaged, and those for nobody: a flipped pseudo-port. */
  readonly refused: number;
  /** Of these the ones for nobody: flipped, or the ACK of a FIN that came twice. Their answers may be flipped in turn, and a reset for nobody is dropped uncounted. */
  readonly answered: number;
}

/** Both sides send BYTES; from the end of the handshake on, one bit is flipped in `share` of the datagrams. */
function exchange(share: number, seed: number): Outcome {
  const random = new Prng(`flips ${seed}`);
  const sent = [0, 1].map(() => new Uint8Array(BYTES));
  for (const content of sent) random.fill(content);
  const parts: Uint8Array[][] = [[], []];
  const offered = [0, 0];
  const reasons: string[] = [];
  const endpoints = ['a', 'b'].map((name) => new PtcpEndpoint({ entropy: random.split(name) }));
  endpoints[1]!.listen(PORT);
  const offer = (connection: Connection, side: number): void => {
    if (offered[side] === BYTES) return;
    offered[side]! += connection.write(sent[side]!.subarray(offered[side]));
    if (offered[side] === BYTES) connection.shutdown();
  };
  const network = new EndpointNetwork(endpoints, {
    seed,
    link: { latencyMs: 5, rateMbit: 50, queueBytes: 100_000 },
    logLimit: 10,
    onEvent: (event, side) => {
      if (event.type === 'established' && side === 1) {
        network.link(0, 1).change({ corrupt: share });
        network.link(1, 0).change({ corrupt: share });
      }
      if (event.type === 'established' || event.type === 'writable') offer(event.connection, side);
      if (event.type === 'readable') parts[side]!.push(event.connection.read(BYTES));
      if (event.type === 'closed') reasons.push(event.reason);
    },
  });
  endpoints[0]!.connect(1, PORT);
  expect(network.runUntilIdle(), 'comes to rest').to.equal(true);
  const refused = endpoints.map(({ stats }) => {
    const { notSegments, undecodable, strayResets } = stats;
    const counts = [...Object.values(notSegments), ...Object.values(undecodable), strayResets];
    return counts.reduce((sum, count) => sum + count, 0);
  });
  return {
    received: parts.map((chunks) => Buffer.concat(chunks)),
    sent,
    reasons,
    flips: network.link(0, 1).stats.corrupted + network.link(1, 0).stats.corrupted,
    refused: refused[0]! + refused[1]!,
    answered: endpoints[0]!.stats.strayResets + endpoints[1]!.stats.strayResets,
  };
}

describe('flipped bits', () => {
  for (const share of [0.01, 0.05]) {
    it(`in ${share * 100} % of all datagrams never reach a stream, and each is counted (RFC 9293 §3.1, MUST-3)`, () => {
      let total = 0;
      for (const seed of [1, 2, 3]) {
        const { received, sent, reasons, flips, refused, answered } = exchange(share, seed);

        expect(received[1]!.equals(sent[0]!), `from a to b, seed ${seed}`).to.equal(true);
        expect(received[0]!.equals(sent[1]!), `from b to a, seed ${seed}`).to.equal(true);
        expect(reasons).to.deep.equal(['done', 'done']);
        expect(refused, `flips counted, seed ${seed}`).to.be.within(flips - answered, flips + answered);
        total += flips;
      }
      expect(total, 'there were some').to.be.above(10);
    });
  }
});
