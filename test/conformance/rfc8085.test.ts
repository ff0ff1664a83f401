import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { DEFAULT_PROFILE, PRESETS } from '../../lib/ptcp/core/config.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { jainIndex, shareOfBottleneck } from '../support/bottleneck.ts';
import { bulkSender, sent } from '../support/bulk-sender.ts';
import { PEER_PORT, pattern } from '../support/scripted-peer.ts';
import { established, listening, synSent } from '../support/scripted-states.ts';

const MINUTE_MS = 60_000;

describe('RFC 8085: a guest on UDP', () => {
  it('controls congestion: a bulk transfer overruns a queue by few of its segments (RFC 8085 §3.1)', () => {
    for (const congestion of ['newreno', 'cubic'] as const) {
      const { queueDropped, link, goodputs } = shareOfBottleneck({
        controllers: [congestion, congestion],
        rateMbit: 4,
        rttMs: 50,
        measureFromMs: 2000,
        endMs: 10_000,
      });

      const datagrams = (10_000 * 4 * 125) / 1228;
      expect(queueDropped / datagrams, congestion).to.be.below(0.03);
      expect(link, congestion).to.be.above(0.85);
      expect(jainIndex(goodputs), congestion).to.be.above(0.7);
    }
  });

  it('sends less and less where nothing comes back: at most one datagram at a time (RFC 8085 §3.1.1, §3.1.3)', () => {
    const peer = bulkSender();
    sent(peer);
    const begin = peer.now;

    peer.pass(MINUTE_MS);

    const gaps = peer.drain().map(({ sentAt }) => sentAt - begin);
    expect(gaps).to.have.length.of.at.most(6);
    for (const [i, at] of gaps.entries()) expect(at).to.be.at.least((gaps[i - 1] ?? 500) * 2 - 1);
  });

  it('takes one second for the round trip it does not know (RFC 8085 §3.1.1)', () => {
    const peer = synSent();

    peer.pass(999);
    peer.expectNothing();
    peer.pass(1);

    peer.expect({ flags: 'S' });
  });

  it('sends nothing on a connection on which nothing happens, and with keep-alive no more than one in 15 s (RFC 8085 §3.5)', () => {
    for (const preset of [DEFAULT_PROFILE, ...Object.values(PRESETS)]) {
      const { keepAliveIdleMs, keepAliveIntervalMs } = { ...DEFAULT_PROFILE, ...preset };
      expect(Math.min(keepAliveIdleMs, keepAliveIntervalMs)).to.be.at.least(15_000);
    }
    const [quiet, alive] = [false, true].map((keepAlive) => {
      const peer = established({ profile: { keepAlive } });
      peer.pass(24 * 60 * MINUTE_MS);
      return peer.drain().map(({ sentAt }) => sentAt);
    });

    expect(quiet).to.deep.equal([]);
    expect(alive).not.to.deep.equal([]);
    for (const [i, at] of alive!.entries()) expect(at - (alive![i - 1] ?? 0)).to.be.at.least(15_000);
  });

  it('asks a window that stays shut no more often than the timer does, and ever less often (RFC 8085 §3.1.3)', () => {
    const peer = established({ profile: { rtoMinMs: 1000 } });
    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.connection.write(pattern(5000));
    const probes: number[] = [];

    for (let minute = 0; minute < 10; minute += 1) {
      const end = peer.now + MINUTE_MS;
      while (peer.now < end) {
        peer.pass(500);
        const seen = peer.drain();
        if (seen.length === 0) continue;
        expect(seen).to.have.length(1);
        probes.push(seen[0]!.sentAt);
        peer.inject({ seq: 1, ack: 1, window: 0 });
        peer.drain();
      }
    }

    const gaps = probes.slice(1).map((at, i) => at - probes[i]!);
    for (const [i, gap] of gaps.entries())
      expect(gap, `gap ${i}`).to.be.at.least(Math.min(55_000, (gaps[i - 1] ?? 500) * 1.4));
  });

  it('sends datagrams of 1200 bytes at most where it does not know what the path carries (RFC 8085 §3.2)', () => {
    const peer = synSent({
      profile: { maxDatagramBytes: DEFAULT_PROFILE.maxDatagramBytes, timestamps: true },
    });
    peer.inject({ flags: 'S.', seq: 0, ack: 1, options: { mss: 9000, timestamps: [1, 0] } });
    peer.drain();
    peer.connection.write(pattern(50_000));

    const sizes = peer.drain().map(({ length }) => length + 20 + 12);

    expect(Math.max(...sizes)).to.equal(1200);
  });

  it('covers every byte by a checksum of its own, too, beside that of UDP (RFC 8085 §3.4)', () => {
    const random = new Prng('checksums');
    const [client, server] = ['a', 'b'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    server!.listen(49_153);
    const received: number[] = [];
    const network = new EndpointNetwork([client!, server!], {
      link: { latencyMs: 10, corrupt: 0.2 },
      seed: random.nextU32(),
      onEvent: (event) => {
        if (event.type === 'readable') received.push(...event.connection.read(1e6));
      },
    });
    const bytes = pattern(100_000);
    const connection = client!.connect(1, 49_153);
    connection.write(bytes);
    let written = connection.tcb.sendBuffer.length;
    while (received.length < bytes.length && network.now < 600_000) {
      written += connection.write(bytes.subarray(written));
      network.runUntil(network.now + 50);
    }

    expect(network.link(0, 1).stats.corrupted).to.be.above(10);
    expect(Uint8Array.from(received)).to.deep.equal(bytes);
  });

  it('answers what is for nobody by less than what came, and a reset by nothing (RFC 8085 §3.1, §6)', () => {
    const peer = listening();
    const stray = { dstPort: 50_001, srcPort: PEER_PORT, seq: 5, ack: 7 } as const;

    peer.inject({ ...stray, payload: pattern(500) });
    const [reset] = peer.drain();
    expect(reset).to.include({ flags: 'R', length: 0 });
    peer.inject({ ...stray, flags: 'R' });

    peer.expectNothing();
  });
});
