import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import type { Connection } from '../../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';

const PORT = 49_153;

interface Crowd {
  readonly client: PtcpEndpoint;
  readonly network: EndpointNetwork;
  readonly connections: readonly Connection[];
  readonly accepted: Connection[];
}

/** `count` established connections from one endpoint to another, and nothing under way. */
function crowd(count: number, profile: ConstructorParameters<typeof PtcpEndpoint>[0]['profile'] = {}): Crowd {
  const client = new PtcpEndpoint({ entropy: new Prng('client'), profile: profile ?? {} });
  const server = new PtcpEndpoint({ entropy: new Prng('server') });
  server.listen(PORT, { backlog: count });
  const accepted: Connection[] = [];
  const network = new EndpointNetwork([client, server], {
    link: { latencyMs: 10 },
    logLimit: 10,
    onEvent: (event) => {
      if (event.type === 'accepted') accepted.push(event.connection);
    },
  });
  const connections = Array.from({ length: count }, () => client.connect(1, PORT));
  network.runUntil(500);
  expect(accepted).to.have.length(count);
  return { client, network, connections, accepted };
}

/** Which connections the bursts of `endpoint` belong to, in order, and their bytes; nothing is delivered. */
function bursts(endpoint: PtcpEndpoint, now: number, maxSegments: number): { port: number; bytes: number }[] {
  const out = new Uint8Array(65_536);
  const seen: { port: number; bytes: number }[] = [];
  for (;;) {
    const burst = endpoint.pollTransmit(now, { out, maxSegments });
    if (burst === undefined) return seen;
    seen.push({
      port: (out[0]! << 8) | out[1]!,
      bytes: (burst.count - 1) * burst.strideBytes + burst.lastBytes,
    });
  }
}

describe('connections of one endpoint', () => {
  it('take turns, a burst each, so that none of fifty waits for another to finish', () => {
    const { client, network, connections } = crowd(50, { congestion: 'none', pacing: false, nagle: false });
    for (const connection of connections) connection.write(new Uint8Array(60_000));

    const order = bursts(client, network.now, 8);

    const rounds = Math.ceil(order.length / 50);
    expect(rounds).to.be.above(3);
    for (let round = 0; round < rounds - 1; round += 1) {
      const ports = order.slice(50 * round, 50 * (round + 1)).map(({ port }) => port);
      expect(new Set(ports).size, `round ${round}`).to.equal(50);
    }
  });

  it('have a quantum of bytes, not of segments: a talker of small segments is not kept waiting', () => {
    const { client, network, connections } = crowd(2, { congestion: 'none', pacing: false, nagle: false });
    connections[0]!.write(new Uint8Array(60_000));
    connections[1]!.write(Uint8Array.of(1));

    const order = bursts(client, network.now, 64);

    expect(order.slice(0, 2).map(({ port }) => port)).to.deep.equal(
      connections.map(({ localPseudoPort }) => localPseudoPort),
    );
    expect(Math.max(...order.map(({ bytes }) => bytes))).to.be.at.most(65_536 + 1200);
  });

  it('share a slow link about evenly', () => {
    const { network, connections, accepted } = crowd(10);
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const)
      network.link(from, to).change({ rateMbit: 10, queueBytes: 100_000 });
    const read = new Map<number, number>();
    for (let at = 520; at <= 8000; at += 20) {
      for (const connection of connections) connection.write(new Uint8Array(20_000));
      network.runUntil(at);
      for (const connection of accepted) {
        const count = connection.read(1e6).length;
        const port = connection.remotePseudoPort;
        read.set(port, (read.get(port) ?? 0) + count);
      }
    }
    const shares = [...read.values()];
    const total = shares.reduce((sum, share) => sum + share, 0);

    // Jain's index: 1 when all have the same.
    const jain = total ** 2 / (shares.length * shares.reduce((sum, share) => sum + share ** 2, 0));
    expect(shares).to.have.length(10);
    expect(jain).to.be.above(0.8);
    expect(total, 'most of 10 Mbit/s').to.be.above(0.8 * 1250 * 7480);
  });

  it('hold no buffers while they are idle, ten thousand of them', function () {
    this.timeout(5000);
    const { client, network, connections, accepted } = crowd(10_000);
    expect(client.memory.usedBytes).to.equal(0);

    for (const connection of connections.slice(0, 100)) connection.write(new Uint8Array(5000));
    network.runUntil(1000);
    for (const connection of accepted) connection.read(10_000);
    network.runUntil(3000);

    expect([client.memory.usedBytes, client.connectionCount]).to.deep.equal([0, 10_000]);
    expect(accepted.reduce((sum, { tcb }) => sum + tcb.recvBuffer.capacityBytes, 0)).to.equal(0);
  });
});
