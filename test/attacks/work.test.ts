import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
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

/** The least time of a few: what the machine does beside only adds. */
function leastMs(play: () => number): number {
  return Math.min(play(), play(), play());
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
    const small = leastMs(() => ackEach(50));
    const large = leastMs(() => ackEach(1000));

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
    const honest = leastMs(() => blocksOf(inOrder));
    const hostile = leastMs(() => blocksOf(shuffled.map(([, index]) => index)));

    console.log(
      `      in order ${honest.toFixed(0)} ms, shuffled ${hostile.toFixed(0)} ms for ${count} SACKs`,
    );
    expect(hostile / honest).to.be.below(2);
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
