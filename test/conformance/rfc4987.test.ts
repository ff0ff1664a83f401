import { expect } from 'chai';
import type { Injected, ScriptedPeer } from '../support/scripted-peer.ts';
import { listening, synReceived } from '../support/scripted-states.ts';

/** Bytes of a datagram that carries `segment`. */
function sizeOf(peer: ScriptedPeer, segment: Injected): number {
  return peer.encode(segment).length;
}

function optionBytes(options: object): number {
  const sizes: Record<string, number> = {
    mss: 4,
    windowScale: 3,
    sackPermitted: 2,
    timestamps: 10,
    ptcp: 13,
  };
  const total = Object.keys(options).reduce((sum, name) => sum + (sizes[name] ?? 0), 0);
  return Math.ceil(total / 4) * 4;
}

const RICH = { timestamps: true, sack: true, windowScale: 7, ptcpOption: true, crc32: true } as const;

describe('RFC 4987: SYN flooding', () => {
  it('sends at most three times the bytes it got to an address not proven (RFC 9000 §8.1)', () => {
    const syns = [
      {},
      { mss: 1_460 },
      { mss: 1_460, sackPermitted: true, timestamps: [1, 0] as const, windowScale: 7 },
      { mss: 1_460, sackPermitted: true, timestamps: [1, 0] as const, windowScale: 7, ptcp: 1 },
      { ptcp: 1 },
    ];
    for (const options of syns) {
      const peer = listening({ profile: RICH });
      const syn = { flags: 'S', seq: 0, options };

      peer.inject(syn);
      peer.at(300_000);

      const out = peer.drain().reduce((sum, answer) => sum + 20 + optionBytes(answer.options), 0);
      expect(out, JSON.stringify(options)).to.be.within(1, 3 * sizeOf(peer, syn));
    }
  });

  it('keeps to that however often the SYN comes', () => {
    const peer = listening({ profile: RICH });
    const syn = { flags: 'S', seq: 0 };

    for (let n = 0; n < 20; n += 1) {
      peer.inject(syn);
      peer.pass(700);
    }
    peer.at(300_000);

    const out = peer.drain().reduce((sum, answer) => sum + 20 + optionBytes(answer.options), 0);
    expect(out).to.be.below(3 * 20 * sizeOf(peer, syn));
  });

  it('sends the SYN-ACK again twice and forgets in silence (RFC 9293 §3.8.3)', () => {
    const peer = synReceived({ peerOptions: { mss: 1_460 } });

    peer.at(300_000);

    expect(peer.drain().map(({ flags, sentAt }) => [flags, sentAt])).to.deep.equal([
      ['S.', 1_000],
      ['S.', 3_000],
    ]);
    peer.expectEvents();
    expect(peer.endpoint.connectionCount).to.equal(0);
  });

  it('drops SYNs in silence while the backlog is full, and takes them again after (RFC 4987 §3.1)', () => {
    const peer = listening({ profile: { backlog: 3 } });
    const syn = (n: number): Injected => ({ flags: 'S', seq: 0, srcPort: 50_100 + n });

    for (let n = 0; n < 5; n += 1) peer.inject(syn(n));
    expect(peer.drain()).to.have.length(3);
    expect(peer.endpoint.stats.droppedSyns).to.equal(2);

    peer.inject({ seq: 1, ack: 1, srcPort: 50_100 });
    peer.inject(syn(3));
    peer.expect({ flags: 'S.', dstPort: 50_103 });
    peer.inject({ flags: 'R', seq: 1, srcPort: 50_101 });
    peer.inject(syn(4));
    peer.expect({ flags: 'S.', dstPort: 50_104 });

    peer.inject(syn(5));
    peer.expectNothing();
    peer.at(300_000);
    peer.drain();
    peer.inject(syn(5));
    peer.expect({ flags: 'S.', dstPort: 50_105 });
  });

  it('lets the oldest half-open connection make way once it has had 3 s (RFC 4987 §3.2)', () => {
    const peer = listening({ profile: { backlog: 3 } });
    for (let n = 0; n < 3; n += 1) {
      peer.inject({ flags: 'S', seq: 0, srcPort: 50_100 + n });
      peer.pass(100);
    }
    peer.drain();

    peer.at(2_999);
    peer.inject({ flags: 'S', seq: 0, srcPort: 50_200 });
    expect(peer.endpoint.stats.droppedSyns, 'too early').to.equal(1);
    peer.at(3_001);
    peer.drain();
    peer.inject({ flags: 'S', seq: 0, srcPort: 50_200 });
    peer.expect({ flags: 'S.', dstPort: 50_200 });

    peer.inject({ seq: 1, ack: 1, srcPort: 50_100 });
    peer.expect({ flags: 'R', dstPort: 50_100 });
    expect(peer.endpoint.connectionCount).to.equal(3);
  });

  it('has a backlog for each listener', () => {
    const peer = listening({ profile: { backlog: 1 } });
    peer.endpoint.listen(50_900);

    peer.inject({ flags: 'S', srcPort: 50_100 });
    peer.inject({ flags: 'S', srcPort: 50_101 });
    peer.inject({ flags: 'S', srcPort: 50_102, dstPort: 50_900 });

    peer.expectAll([{ dstPort: 50_100 }, { dstPort: 50_102 }]);
  });

  it('keeps what a flood of SYNs costs small', () => {
    const peer = listening({ profile: { backlog: 100 } });

    for (let path = 0; path < 5_000; path += 1) peer.inject({ flags: 'S', path, payload: 'x'.repeat(100) });

    expect(peer.endpoint.connectionCount).to.equal(100);
    expect(peer.endpoint.memory.freeBytes).to.be.above(1024 ** 3 - 100 * 1_024);
    expect(peer.drain()).to.have.length(100);
  });
});
