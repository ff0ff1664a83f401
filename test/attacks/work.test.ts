import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { heapUsedBytes } from '../support/heap-used.ts';
import { PATH, pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import { established, listening } from '../support/scripted-states.ts';

const MSS = 1000;

/** A sender with `segments` segments in flight that nobody has acknowledged. */
function sender(segments: number): ScriptedPeer {
  const bytes = segments * MSS;
  const peer = listening({
    profile: {
      sack: true,
      windowScale: 7,
      initialWindowSegments: 1000,
      sendBufferBytes: bytes,
      sendBufferMaxBytes: bytes,
    },
    maxSegments: 64,
  });
  const options = { mss: MSS, sackPermitted: true, windowScale: 14 };
  peer.inject({ flags: 'S', seq: 0, options });
  peer.drain();
  // The round trip: what comes back sooner answers nothing that was sent again (RFC 8985 §6.2).
  peer.pass(50);
  peer.inject({ seq: 1, ack: 1, window: 65_535 });
  peer.connection.write(new Uint8Array(bytes));
  peer.drain();
  return peer;
}

const ROUNDS = 5;

/** The least time of a few for each of two, in turns: what the machine does beside only adds, and to both. */
function leastMs(first: () => number, second: () => number): [number, number] {
  const least: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round += 1) {
    least[0] = Math.min(least[0], first());
    least[1] = Math.min(least[1], second());
  }
  return least;
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

describe('work that a peer can cause', () => {
  it('by acknowledging every byte grows with the bytes, not with what is in flight', () => {
    const acks = 20_000;
    const ackEach = (segments: number): number => {
      const peer = sender(segments);
      return timed(() => {
        for (let ack = 2; ack < acks; ack += 1) peer.inject({ seq: 1, ack });
      });
    };
    const [small, large] = leastMs(
      () => ackEach(50),
      () => ackEach(1000),
    );

    console.log(
      `      ${((1000 * large) / acks).toFixed(1)} µs for each ACK of one byte, 1000 segments in flight`,
    );
    expect(large / small, 'with twenty times as much in flight').to.be.below(4);
  });

  it('by SACKing every other segment, shuffled, is less than twice that of an honest peer and the logarithm (CVE-2019-11477, CVE-2019-11478)', () => {
    const count = 500;
    const blocksOf = (order: readonly number[]): number => {
      const peer = sender(2 * count);
      return timed(() => {
        for (const index of order) {
          const left = 1 + MSS * (2 * index + 1);
          peer.inject({ seq: 1, ack: 1, options: { sack: [[left, left + MSS]] } });
          peer.pass(0.1);
          peer.drain();
        }
      });
    };
    const inOrder = Array.from({ length: count }, (_, index) => index);
    const random = new Prng('shuffle');
    const shuffled = inOrder.map((index) => [random.nextU32(), index] as const).sort(([a], [b]) => a - b);
    const [honest, hostile] = leastMs(
      () => blocksOf(inOrder),
      () => blocksOf(shuffled.map(([, index]) => index)),
    );

    console.log(
      `      in order ${honest.toFixed(0)} ms, shuffled ${hostile.toFixed(0)} ms for ${count} SACKs`,
    );
    expect(hostile / honest).to.be.below(2);
  });

  it('by a flood of ACKs of a byte each is a small share of a second for 10^5, duplicates and all (RFC 9293 §3.10.7.4)', () => {
    const flood = 100_000;
    const play = (isAdvancing: boolean): number => {
      const peer = sender(1000);
      const acks = Array.from({ length: flood }, (_, i) =>
        peer.encode({ seq: 1, ack: isAdvancing ? 2 + i : 1 }),
      );
      const out = new Uint8Array(65_536);
      return timed(() => {
        for (const bytes of acks) {
          peer.endpoint.handleDatagram(peer.now, bytes, PATH);
          while (peer.endpoint.pollTransmit(peer.now, { out }) !== undefined);
        }
      });
    };
    const [partial, duplicate] = leastMs(
      () => play(true),
      () => play(false),
    );

    const perAck = (ms: number): string => ((1000 * ms) / flood).toFixed(2);
    console.log(
      `      ${perAck(partial)} µs for each ACK of one byte, ${perAck(duplicate)} µs for each duplicate`,
    );
    expect(Math.max(partial, duplicate), 'ms for 10^5').to.be.below(1000);
  });

  it('by SACKing one octet in the middle of each segment grows with the logarithm of their number (CVE-2019-11478, CVE-2019-5599)', () => {
    const playMs = (count: number): number => {
      const peer = sender(count);
      const random = new Prng('octets');
      const order = Array.from({ length: count }, (_, index) => [random.nextU32(), index] as const)
        .sort(([a], [b]) => a - b)
        .map(([, index]) => 1 + MSS * index + MSS / 2);
      const acks = order.map((left) =>
        peer.encode({ seq: 1, ack: 1, options: { sack: [[left, left + 1]] } }),
      );
      const startedAt = peer.now;
      return (
        timed(() => {
          for (const bytes of acks) peer.endpoint.handleDatagram(startedAt, bytes, PATH);
        }) / count
      );
    };
    const [small, large] = leastMs(
      () => playMs(250),
      () => playMs(1000),
    );

    console.log(
      `      ${(1000 * small).toFixed(2)} µs for each SACK with 250 isles, ${(1000 * large).toFixed(2)} µs with 1000`,
    );
    expect(large / small, 'with four times as many').to.be.below(3);
  });

  it('by 10^5 crumbs out of order grows as they do, and holds what the window is worth (CVE-2018-5390, CVE-2018-6922)', () => {
    const window = 2 ** 20;
    let mostBytes = 0;
    const playMs = (count: number): number => {
      const peer = established({
        profile: { sack: true, windowScale: 7, receiveBufferBytes: window },
        peerOptions: { sackPermitted: true, windowScale: 7 },
      });
      peer.inject({ seq: 1, ack: 1 });
      const random = new Prng('crumbs');
      const crumbs = Array.from({ length: count }, (_, i) => {
        const place = i % 2 === 0 ? 2 * i : 2 * random.below(count);
        return peer.encode({ seq: 3 + place, ack: 1, payload: 'x' });
      });
      const out = new Uint8Array(65_536);
      const took = timed(() => {
        for (const bytes of crumbs) {
          peer.endpoint.handleDatagram(peer.now, bytes, PATH);
          peer.endpoint.pollTransmit(peer.now, { out });
        }
      });
      mostBytes = Math.max(mostBytes, peer.endpoint.memory.usedBytes);
      return took;
    };
    const [small, large] = leastMs(
      () => playMs(25_000),
      () => playMs(100_000),
    );

    console.log(
      `      25,000 crumbs ${small.toFixed(0)} ms, 100,000 ${large.toFixed(0)} ms; ${mostBytes} bytes held at most`,
    );
    expect(large / small, 'with four times as many').to.be.below(8);
    expect(mostBytes).to.be.at.most(window);
  });

  it('by asking for segments of a byte holds no more than twice what is accounted for (CVE-2019-11479)', () => {
    const bytes = 4 * 1024 * 1024;
    const heldBytes = (mss: number): { held: number; accounted: number; segments: number } => {
      const peer = listening({
        profile: { windowScale: 7, congestion: 'none', sendBufferBytes: bytes, sendBufferMaxBytes: bytes },
      });
      peer.inject({ flags: 'S', seq: 0, options: { mss, windowScale: 14 } });
      peer.inject({ seq: 1, ack: 1, window: 65_535 });
      const { connection, endpoint, now } = peer;
      connection.write(new Uint8Array(bytes));
      const out = new Uint8Array(65_536);
      const before = heapUsedBytes();
      while (endpoint.pollTransmit(now, { out, maxSegments: 64 }) !== undefined);
      const held = heapUsedBytes() - before;
      return { held, accounted: endpoint.memory.usedBytes, segments: connection.tcb.sent.count };
    };
    heldBytes(1);

    const { held, accounted, segments } = heldBytes(1);

    console.log(
      `      ${segments} segments in flight take ${(held / 2 ** 20).toFixed(1)} MiB beside the ` +
        `${(accounted / 2 ** 20).toFixed(1)} MiB of their text`,
    );
    expect(held).to.be.at.most(accounted);
    expect(segments).to.be.within(10_000, 20_000);
  });

  it('by a window of 2^30 and reading byte by byte is bounded in announcements (RFC 9293 §3.8.6.2.2, MUST-39)', () => {
    const peer = established({ profile: { receiveBufferBytes: 65_536 }, peerOptions: { mss: MSS } });
    for (let seq = 1; seq < 60_000; seq += MSS) peer.inject({ seq, ack: 1, payload: pattern(MSS) });
    peer.pass(1000);
    peer.drain();

    let updates = 0;
    for (let read = 0; read < 60_000; read += 1) {
      peer.connection.read(1);
      peer.pass(0);
      updates += peer.drain().length;
    }

    expect(updates).to.be.at.most(60);
  });

  it('by shutting and opening its window for every byte sends no confetti (RFC 9293 §3.8.6.2.1, MUST-38)', () => {
    const peer = sender(20);
    peer.inject({ seq: 1, ack: 1 + 20 * MSS, window: 0 });
    peer.connection.write(pattern(10 * MSS));
    let segments = 0;
    let bytes = 0;
    for (let round = 0; round < 1000; round += 1) {
      peer.inject({ seq: 1, ack: 1 + 20 * MSS + bytes, window: round % 2 });
      for (const { length } of peer.drain()) {
        segments += 1;
        bytes += length;
      }
      peer.pass(1);
    }

    // Once a second at most the override may send what a small window takes.
    expect(segments).to.be.at.most(20);
  });
});
