import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import { at, bulkSender, RTT_MS, SEGMENT_BYTES } from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

const SEGMENTS = 200;

/** Two edges, as places in the stream. `next` is what the peer really wants, `end` where what was sent ends. */
type Lie = (random: Prng, next: number, end: number) => readonly [number, number];

const LIES: Readonly<Record<string, Lie>> = {
  'beyond what was sent': (random, _next, end) => [end, end + 1 + random.below(100_000)],
  'half way round the sequence space': (random, next) => [
    next + 2 ** 30,
    next + 2 ** 31 + random.below(2 ** 30),
  ],
  'below what is acknowledged': (random, next) => [next - 5000 - random.below(5000), next - random.below(3)],
  'with their edges changed over': (_random, next, end) => [end, next],
  'of nothing': (random, next, end) => {
    const edge = next + random.below(Math.max(1, end - next));
    return [edge, edge];
  },
  'of all that is on its way, lost or not': (_random, next, end) => [next + 1, end],
  'of pieces that never came': (random, next, end) => {
    const left = next + 1 + random.below(Math.max(1, end - next - 1));
    return [left, left + 1 + random.below(3000)];
  },
  'of anything': (random) => [random.nextU32(), random.nextU32()],
};

/** A receiver that loses a segment in ten, acknowledges what it has, and says what `lie` says of the rest. */
function deliver(
  lie: Lie,
  profile: Partial<Profile>,
): { peer: ScriptedPeer; sentCount: number; tookMs: number } {
  const peer = bulkSender({ profile: { sack: true, ...profile }, segments: SEGMENTS });
  const random = new Prng('lies');
  const startedAt = peer.now;
  const received = new Uint8Array(SEGMENTS * SEGMENT_BYTES + 1);
  let next = 1;
  let end = 1;
  let sentCount = 0;
  while (next < at(SEGMENTS) && peer.now < startedAt + 600_000) {
    for (const { seq, length } of peer.drain()) {
      if (length === 0) continue;
      sentCount += 1;
      end = Math.max(end, seq + length);
      if (random.below(10) === 0) continue;
      received.fill(1, seq, seq + length);
      while (next < received.length && received[next] === 1) next += 1;
      const sack = [lie(random, next, end), lie(random, next, end)];
      peer.inject({
        seq: 1,
        ack: next,
        options: { sack: sack.map(([left, right]) => [left >>> 0, right >>> 0]) },
      });
    }
    peer.pass(RTT_MS);
  }
  return { peer, sentCount, tookMs: peer.now - startedAt };
}

describe('a peer that lies about what it holds', () => {
  for (const [name, lie] of Object.entries(LIES))
    for (const rack of [true, false])
      it(`by blocks ${name} gets the stream whole, ${rack ? 'by RACK' : 'by the scoreboard'} (RFC 2018 §8, RFC 6675 §5.1)`, () => {
        const { peer, sentCount } = deliver(lie, { rack });

        expect(peer.connection.unacknowledgedBytes).to.equal(0);
        expect(peer.connection.state).to.equal('ESTABLISHED');
        expect(sentCount, 'and no flood of repetitions').to.be.below(3 * SEGMENTS);
        // The sums are those of what is out: nothing.
        const { sackedBytes, lostBytes, resentBytes } = peer.connection.tcb.sent;
        expect([sackedBytes, lostBytes, resentBytes]).to.deep.equal([0, 0, 0]);
      });
});
