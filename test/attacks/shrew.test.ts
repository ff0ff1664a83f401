import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';

const PORT = 49_153;
const RATE_MBIT = 10;
const SECONDS = 60;

/** The share of the link that a transfer gets while all is lost for `floodMs` of every `periodMs`. */
function shareUnderFlood(congestion: 'newreno' | 'cubic' | 'bbr', floodMs: number, periodMs: number): number {
  const endpoints = ['left', 'right'].map(
    (name) => new PtcpEndpoint({ entropy: new Prng(name), profile: { congestion } }),
  );
  const content = new Uint8Array(65_536);
  let receivedBytes = 0;
  const network = new EndpointNetwork(endpoints, {
    link: { rateMbit: RATE_MBIT, latencyMs: 20, queueBytes: 50_000 },
    logLimit: 0,
    onEvent: (event, side) => {
      if (event.type === 'pathCandidate') return;
      if (side === 0 && (event.type === 'established' || event.type === 'writable'))
        while (event.connection.write(content) > 0);
      if (event.type === 'readable') receivedBytes += event.connection.read(1e7).length;
    },
  });
  endpoints[1]!.listen(PORT);
  endpoints[0]!.connect(1, PORT);
  for (let at = 0; at < SECONDS * 1000; at += periodMs) {
    network.link(0, 1).change({ loss: 1 });
    network.runUntil(at + floodMs);
    network.link(0, 1).change({ loss: 0 });
    network.runUntil(at + periodMs);
  }
  return (receivedBytes * 8) / (SECONDS * RATE_MBIT * 1e6);
}

describe('a link that is flooded for 100 ms in every second (shrew)', () => {
  for (const congestion of ['newreno', 'cubic', 'bbr'] as const)
    it(`still carries ${congestion} at more than 30 % of its rate: what is lost is seen before the RTO (RFC 8985 §7.3, RFC 6298 §5)`, () => {
      const share = shareUnderFlood(congestion, 100, 1000);

      console.log(`      ${(100 * share).toFixed(0)} % of the link`);
      expect(share).to.be.above(0.3);
    });
});
