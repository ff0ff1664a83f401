import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { decodeLiteral } from '../support/literal-segment.ts';
import { LOCAL_PORT, pattern } from '../support/scripted-peer.ts';

const TOTAL_BYTES = 60_000;

/** Reads a little now and then through a small window, on a bad path. Returns what was read, and the windows offered. */
function readSlowly(seed: number): { bytes: Uint8Array; edges: number[]; shift: number } {
  const random = new Prng(`slow reader ${seed}`);
  const shift = random.below(12);
  const bufferBytes = 500 + random.below(8000);
  const profile = { receiveBufferBytes: bufferBytes, receiveBufferMaxBytes: bufferBytes, windowScale: shift };
  const server = new PtcpEndpoint({ entropy: new Prng(1), profile: { ...profile, sack: seed % 2 === 0 } });
  const client = new PtcpEndpoint({
    entropy: new Prng(2),
    profile: { windowScale: 0, timestamps: seed % 3 !== 0 },
  });
  server.listen(LOCAL_PORT);
  let accepted: Connection | undefined;
  const network = new EndpointNetwork([client, server], {
    link: { latencyMs: 30, loss: 0.15, duplicate: 0.1, reorder: { probability: 0.1, extraMs: 40 } },
    seed,
    onEvent: (event) => {
      if (event.type === 'accepted') accepted = event.connection;
    },
  });
  const connection = client.connect(1, LOCAL_PORT);
  let written = 0;
  const bytes: number[] = [];
  while (bytes.length < TOTAL_BYTES && network.now < 3 * 3_600_000) {
    if (written < TOTAL_BYTES)
      written += connection.write(pattern(Math.min(9000, TOTAL_BYTES - written), written));
    network.runUntil(network.now + random.below(random.below(4) === 0 ? 20_000 : 300));
    if (accepted !== undefined) bytes.push(...accepted.read(1 + random.below(3000)));
  }
  const edges: number[] = [];
  for (const { from, bytes: datagram } of network.sent) {
    const { flags, ack, window } = decodeLiteral(datagram);
    if (from === 1 && !flags.includes('S')) edges.push((ack + window * 2 ** shift) >>> 0);
  }
  return { bytes: Uint8Array.from(bytes), edges, shift };
}

describe('a slow reader behind a small window on a bad path', () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    it(`gets everything, and the right edge moves left by rounding only: seed ${seed} (RFC 9293 §3.8.6, SHLD-14)`, () => {
      const { bytes, edges, shift } = readSlowly(seed);

      expect(bytes.length).to.equal(TOTAL_BYTES);
      expect(bytes).to.deep.equal(pattern(TOTAL_BYTES));
      let right = edges[0]!;
      for (const edge of edges) {
        const gain = (edge - right) | 0;
        expect(gain).to.be.above(-(2 ** shift));
        if (gain > 0) right = edge;
      }
    });
  }
});
