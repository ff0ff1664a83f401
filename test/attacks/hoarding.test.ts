import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';

const PORT = 49_153;
const LINK = { latencyMs: 1 };

interface Pair {
  readonly network: EndpointNetwork;
  readonly server: PtcpEndpoint;
  readonly client: PtcpEndpoint;
  /** The server's side of what was accepted. */
  readonly accepted: Connection[];
}

function pair(limits: object, onEvent: (event: PtcpEvent, isServer: boolean) => void = () => {}): Pair {
  const server = new PtcpEndpoint({ entropy: new Prng('server'), ...limits });
  const client = new PtcpEndpoint({ entropy: new Prng('client') });
  const accepted: Connection[] = [];
  const network = new EndpointNetwork([client, server], {
    link: LINK,
    logLimit: 0,
    onEvent: (event, side) => {
      if (event.type === 'accepted') accepted.push(event.connection);
      onEvent(event, side === 1);
    },
  });
  server.listen(PORT);
  return { network, server, client, accepted };
}

describe('10^4 peers that hoard', () => {
  it('by keeping their windows shut get no more memory than the limit (CVE-2008-4609, RFC 6429 §3)', () => {
    const memoryLimitBytes = 32 * 1024 * 1024;
    const { network, server, client, accepted } = pair({ memoryLimitBytes });
    const content = new Uint8Array(65_536);

    for (let batch = 0; batch < 100; batch += 1) {
      for (let peer = 0; peer < 100; peer += 1) client.connect(1, PORT);
      network.runUntil(network.now + 20);
      // Nobody over there reads.
      for (const connection of accepted.splice(0)) connection.write(content);
      network.runUntil(network.now + 20);
    }
    const { freeBytes } = server.memory;
    network.runUntil(network.now + 600_000);

    console.log(
      `      ${server.connectionCount} peers: ${((memoryLimitBytes - freeBytes) / 2 ** 20).toFixed(1)} MiB of ` +
        `${memoryLimitBytes / 2 ** 20} held`,
    );
    expect(freeBytes).to.be.at.least(0);
    expect(server.memory.freeBytes).to.be.at.least(0);
  });

  it('by keeping their windows shut make way for an honest one after a minute (RFC 6429 §3, CVE-2008-4609)', () => {
    const hoarders = 1000;
    const memoryLimitBytes = 32 * 1024 * 1024;
    const content = new Uint8Array(1_000_000);
    let servedBytes = 0;
    const server = new PtcpEndpoint({
      entropy: new Prng('server'),
      memoryLimitBytes,
      maxConnections: hoarders,
    });
    const [hostile, honest] = ['hostile', 'honest'].map(
      (name) => new PtcpEndpoint({ entropy: new Prng(name) }),
    );
    const written = new Map<Connection, number>();
    const network = new EndpointNetwork([server, hostile!, honest!], {
      link: LINK,
      logLimit: 0,
      onEvent: (event, side) => {
        if (event.type === 'pathCandidate') return;
        const { connection } = event;
        if (side === 0 && (event.type === 'accepted' || event.type === 'writable')) {
          const before = written.get(connection) ?? 0;
          written.set(connection, before + connection.write(content.subarray(before)));
        }
        if (side === 2 && event.type === 'readable') servedBytes += connection.read(1e6).length;
      },
    });
    server.listen(PORT);
    for (let peer = 0; peer < hoarders; peer += 1) hostile!.connect(0, PORT);
    network.runUntil(5000);
    const before = [server.connectionCount, server.memory.freeBytes];
    expect(before[0], 'the table is full').to.equal(hoarders);
    expect(before[1], 'and so is the memory').to.be.below(memoryLimitBytes / 100);
    network.runUntil(66_000);

    const startedAt = network.now;
    honest!.connect(0, PORT);
    while (servedBytes < content.length && network.now < startedAt + 60_000)
      network.runUntil(network.now + 10);

    const { shutWindowsAborted } = server.stats;
    console.log(
      `      of ${hoarders} hoarders ${shutWindowsAborted} made way; 1 MB came in ${network.now - startedAt} ms`,
    );
    expect(servedBytes).to.equal(content.length);
    expect(network.now - startedAt).to.be.below(5000);
    expect(server.memory.usedBytes).to.be.at.most(memoryLimitBytes);
    expect(server.connectionCount).to.be.at.most(hoarders);
  });

  it('by one byte in a minute hold their own connections and nothing else (Slowloris)', () => {
    const maxConnections = 2000;
    const { network, server, client, accepted } = pair({ maxConnections });
    const dripping: Connection[] = [];
    for (let peer = 0; peer < 4000; peer += 1) {
      dripping.push(client.connect(1, PORT));
      if (peer % 100 === 99) network.runUntil(network.now + 20);
    }

    for (let minute = 0; minute < 5; minute += 1) {
      for (const connection of dripping)
        if (connection.state === 'ESTABLISHED') connection.write(new Uint8Array(1));
      network.runUntil(network.now + 60_000);
    }

    expect(server.connectionCount).to.be.at.most(maxConnections);
    expect(accepted.length).to.be.at.most(maxConnections);
    expect(server.memory.freeBytes).to.be.above(1024 ** 3 - maxConnections * 8192);
  });
});

describe('churn', () => {
  it('of 10^5 connections leaves TIME-WAIT records that end, and nothing else (RFC 9293 §3.6.1)', () => {
    const { network, server, client } = pair({}, (event, isServer) => {
      if (event.type === 'peerClosed' && isServer) event.connection.close();
    });
    let mostTimeWaits = 0;

    for (let batch = 0; batch < 1000; batch += 1) {
      const opened = Array.from({ length: 100 }, () => client.connect(1, PORT));
      network.runUntil(network.now + 10);
      for (const connection of opened) connection.close();
      network.runUntil(network.now + 990);
      mostTimeWaits = Math.max(mostTimeWaits, client.timeWaitCount);
      expect([server.connectionCount, client.connectionCount]).to.deep.equal([0, 0]);
    }

    console.log(`      10^5 connections at 100 a second: ${mostTimeWaits} TIME-WAIT records at most`);
    // 2 MSL of 60 s at 100 a second.
    expect(mostTimeWaits).to.be.within(5900, 6100);
    network.runUntil(network.now + 61_000);
    expect([server.timeWaitCount, client.timeWaitCount]).to.deep.equal([0, 0]);
    expect(client.isPathInUse(1)).to.equal(false);
  });

  it('that fills the table with TIME-WAIT shuts nobody out: the oldest record makes way (RFC 9293 §3.6.1)', () => {
    const { network, server, client } = pair({ maxConnections: 100 }, (event, isServer) => {
      if (event.type === 'established' && isServer) event.connection.close();
      if (event.type === 'peerClosed' && !isServer) event.connection.close();
    });
    for (let opened = 0; opened < 100; opened += 1) client.connect(1, PORT);
    network.runUntil(1000);
    expect(server.timeWaitCount).to.equal(100);

    const late = Array.from({ length: 30 }, () => client.connect(1, PORT));
    network.runUntil(2000);

    expect(late.map(({ closeReason }) => closeReason)).to.deep.equal(late.map(() => 'done'));
    expect([server.connectionCount, server.timeWaitCount]).to.deep.equal([0, 100]);
    network.runUntil(70_000);
    expect([server.timeWaitCount, server.nextTimeout()]).to.deep.equal([0, Number.POSITIVE_INFINITY]);
  });

  it('in FIN-WAIT-2 without a user ends after a minute, however many there are (RFC 9293 §3.6.1)', () => {
    const { network, server, client } = pair({});
    const opened = Array.from({ length: 1000 }, () => client.connect(1, PORT));
    network.runUntil(100);
    // The server's user never closes.
    for (const connection of opened) connection.close();
    network.runUntil(1000);
    expect(opened.filter(({ state }) => state === 'FIN-WAIT-2').length).to.equal(1000);

    network.runUntil(70_000);

    expect(client.connectionCount).to.equal(0);
    expect(server.connectionCount, 'those who were reset').to.equal(0);
  });
});
