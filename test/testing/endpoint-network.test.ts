import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { InvariantError, UsageError } from '../../lib/errors.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork, type EndpointNetworkOptions } from '../../lib/testing/endpoint-network.ts';

const PSEUDO_PORT = 49_153;
const CLIENT = 0;
const SERVER = 1;

function makePair(options: EndpointNetworkOptions = {}): {
  client: PtcpEndpoint;
  server: PtcpEndpoint;
  network: EndpointNetwork;
} {
  const client = new PtcpEndpoint({ entropy: new Prng('client') });
  const server = new PtcpEndpoint({ entropy: new Prng('server') });
  server.listen(PSEUDO_PORT);
  return { client, server, network: new EndpointNetwork([client, server], options) };
}

/** Sends `total` bytes from the client, reads and closes at the server; returns the bytes that came. */
function transfer(
  total: number,
  options: EndpointNetworkOptions,
): { received: Uint8Array; network: EndpointNetwork } {
  const content = new Uint8Array(total);
  new Prng('content').fill(content);
  const received: Uint8Array[] = [];
  let offered = 0;
  const { client, network } = makePair({
    ...options,
    onEvent: (event, endpoint) => {
      if (event.type === 'pathCandidate') return;
      const { connection } = event;
      if (endpoint === SERVER && event.type === 'readable') received.push(connection.read(total));
      if (endpoint === SERVER && event.type === 'peerClosed') connection.close();
      if (endpoint === CLIENT && (event.type === 'established' || event.type === 'writable')) {
        offered += connection.write(content.subarray(offered));
        if (offered === total) connection.close();
      }
    },
  });
  client.connect(SERVER, PSEUDO_PORT);
  expect(network.runUntilIdle(), 'comes to rest').to.equal(true);
  const all = new Uint8Array(received.reduce((sum, bytes) => sum + bytes.length, 0));
  let at = 0;
  for (const bytes of received) {
    all.set(bytes, at);
    at += bytes.length;
  }
  expect(all, 'what came is what was sent').to.deep.equal(content);
  return { received: all, network };
}

describe('EndpointNetwork', () => {
  it('plays a handshake at the pace of its links', () => {
    const { client, network } = makePair({ link: { latencyMs: 20 } });
    client.connect(SERVER, PSEUDO_PORT);

    network.runUntil(39);
    expect(network.events.filter(({ event }) => event.type === 'established')).to.deep.equal([]);
    network.runUntil(60);

    expect(network.now).to.equal(60);
    expect(network.sent.slice(0, 3).map(({ sentAt, from, to }) => [sentAt, from, to])).to.deep.equal([
      [0, CLIENT, SERVER],
      [20, SERVER, CLIENT],
      [40, CLIENT, SERVER],
    ]);
    expect(
      network.events.map(({ at, endpoint, event }) => [at, endpoint, event.type]),
    ).to.include.deep.members([
      [40, CLIENT, 'established'],
      [60, SERVER, 'established'],
    ]);
  });

  it('carries a stream through every fault at once, and ends it well', () => {
    const { network } = transfer(400_000, {
      seed: 3,
      link: {
        rateMbit: 20,
        latencyMs: 15,
        jitterMs: 2,
        queueBytes: 50_000,
        loss: 0.02,
        reorder: { probability: 0.03, extraMs: 3 },
        duplicate: 0.02,
        corrupt: 0.03,
        truncate: 0.03,
      },
    });

    const { stats } = network.link(CLIENT, SERVER);
    expect(Math.min(stats.lost, stats.reordered, stats.duplicated, stats.corrupted)).to.be.above(0);
    expect(
      network.events.filter(({ event }) => event.type === 'closed').map(({ event }) => event),
    ).to.have.length(2);
    for (const { event } of network.events)
      if (event.type === 'closed') expect(event.reason).to.equal('done');
  });

  it('runs the same for the same seed, byte for byte, and differently for another', () => {
    const run = (seed: number): unknown[] => {
      const link = { latencyMs: 5, loss: 0.05, jitterMs: 1 };
      return transfer(50_000, { seed, link }).network.sent.map(({ sentAt, bytes }) => [sentAt, [...bytes]]);
    };

    expect(run(7)).to.deep.equal(run(7));
    expect(run(7)).not.to.deep.equal(run(8));
  });

  it('shows what was lost to whoever asks, and stops at the time it was given', () => {
    const { client, network } = makePair({ link: { latencyMs: 20, loss: () => true } });
    client.connect(SERVER, PSEUDO_PORT);

    network.runUntil(3_500);

    expect(network.sent.map(({ sentAt, fate }) => [sentAt, fate])).to.deep.equal([
      [0, 'lost'],
      [1_000, 'lost'],
      [3_000, 'lost'],
    ]);
    expect(network.now).to.equal(3_500);
  });

  it('changes a link in mid-run', () => {
    const { client, network } = makePair({ link: { latencyMs: 20, loss: 1 } });
    client.connect(SERVER, PSEUDO_PORT);

    network.runUntil(500);
    network.link(CLIENT, SERVER).change({ loss: 0 });
    network.link(SERVER, CLIENT).change({ loss: 0 });
    network.runUntil(1_100);

    expect(network.events.map(({ event }) => event.type)).to.include('established');
    expect(() => network.link(CLIENT, 2)).to.throw(UsageError);
  });

  it('says so when time is up before anything comes to rest', () => {
    const { client, network } = makePair({ link: { latencyMs: 20, loss: 1 } });
    client.connect(SERVER, PSEUDO_PORT);

    expect(network.runUntilIdle(10_000)).to.equal(false);
    expect(network.now).to.equal(10_000);
  });

  it('throws when endpoints have something to say for ever without time passing', () => {
    const { client, network } = makePair();
    network.runUntil(1);
    client.nextTimeout = () => 1;

    expect(() => network.runUntil(2)).to.throw(InvariantError);
  });

  it('joins more than two', () => {
    const names = ['a', 'b', 'c'];
    const endpoints = names.map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    for (const endpoint of endpoints) endpoint.listen(PSEUDO_PORT);
    const network = new EndpointNetwork(endpoints, { link: { latencyMs: 10 } });

    for (const [index, endpoint] of endpoints.entries()) endpoint.connect((index + 1) % 3, PSEUDO_PORT);
    network.runUntil(100);

    const established = network.events.filter(({ event }) => event.type === 'established');
    expect(established.map(({ endpoint }) => endpoint).sort()).to.deep.equal([0, 0, 1, 1, 2, 2]);
  });
});
