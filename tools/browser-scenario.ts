import { PtcpEndpoint } from '../lib/ptcp/core/index.ts';
import { EndpointNetwork } from '../lib/testing/endpoint-network.ts';

const BYTE_COUNT = 100_000;
const PSEUDO_PORT = 49_153;

/** A handshake, a transfer and a close between two endpoints; what came of it, as JSON. */
export function play(): string {
  const server = new PtcpEndpoint({ entropy: countingEntropy(1) });
  const client = new PtcpEndpoint({ entropy: countingEntropy(101) });
  server.listen(PSEUDO_PORT);
  const sent = Uint8Array.from({ length: BYTE_COUNT }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
  const received: number[] = [];
  const reasons: string[] = [];
  let offered = 0;
  const network = new EndpointNetwork([client, server], {
    link: { latencyMs: 20, rateMbit: 10, loss: 0.02 },
    onEvent: (event, endpoint) => {
      if (event.type === 'pathCandidate') return;
      const { connection } = event;
      if (endpoint === 0 && (event.type === 'established' || event.type === 'writable')) {
        offered += connection.write(sent.subarray(offered));
        if (offered === BYTE_COUNT) connection.close();
      }
      if (endpoint === 1 && event.type === 'readable') received.push(...connection.read(BYTE_COUNT));
      if (endpoint === 1 && event.type === 'peerClosed') connection.close();
      if (event.type === 'closed') reasons.push(event.reason);
    },
  });
  client.connect(1, PSEUDO_PORT);
  network.runUntilIdle();
  const isEqual = received.length === BYTE_COUNT && received.every((byte, i) => byte === sent[i]);
  return JSON.stringify({ byteCount: received.length, isEqual, reasons });
}

/** Anything but random: what is shown must not depend on where it runs. */
function countingEntropy(start: number): { fill(out: Uint8Array): void } {
  let next = start;
  return {
    fill: (out) => {
      for (let i = 0; i < out.length; i++) out[i] = next++ * 167;
    },
  };
}
