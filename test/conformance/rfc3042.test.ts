import { expect } from 'chai';
import { ack, bulkSender, cwnd, range, sent } from '../support/bulk-sender.ts';

describe('RFC 3042: limited transmit', () => {
  for (const sack of [false, true]) {
    const how = sack ? 'SACK' : 'no SACK';

    it(`sends one new segment for each of the first two duplicate ACKs (RFC 3042 §2, ${how})`, () => {
      const peer = bulkSender({ profile: { sack } });
      sent(peer);

      ack(peer, 0, ...(sack ? ([[1, 2]] as const) : []));
      expect(sent(peer)).to.deep.equal([10]);
      ack(peer, 0, ...(sack ? ([[1, 3]] as const) : []));
      expect(sent(peer)).to.deep.equal([11]);

      expect(cwnd(peer), 'cwnd stays').to.equal(10);
    });

    it(`repairs the loss of a small window without a time-out (RFC 3042 §1, ${how})`, () => {
      const peer = bulkSender({ profile: { sack, initialWindowSegments: 3 } });
      sent(peer);

      // Segment 0 is lost; 1 and 2 arrive, and so does what they release.
      ack(peer, 0, ...(sack ? ([[1, 2]] as const) : []));
      ack(peer, 0, ...(sack ? ([[1, 3]] as const) : []));
      expect(sent(peer)).to.deep.equal([3, 4]);
      ack(peer, 0, ...(sack ? ([[1, 4]] as const) : []));

      expect(sent(peer)).to.include(0);
    });
  }

  it('takes nothing from an ACK that SACKs nothing new where there is SACK (RFC 3042 §2)', () => {
    const peer = bulkSender({ profile: { sack: true } });
    sent(peer);

    for (let i = 0; i < 5; i += 1) ack(peer, 0);

    expect(sent(peer)).to.deep.equal([]);
  });

  it('does not go beyond the window of the peer (RFC 3042 §2)', () => {
    const peer = bulkSender();
    sent(peer);
    // 10 segments of 1000 bytes, scaled by 7.
    const window = Math.ceil(10_000 / 128);
    peer.inject({ seq: 1, ack: 1, window });

    for (let i = 0; i < 2; i += 1) peer.inject({ seq: 1, ack: 1, window });

    expect(sent(peer)).to.deep.equal([]);
  });

  it('has nothing to do with ACKs that are no duplicates', () => {
    const peer = bulkSender({ segments: 12 });
    sent(peer);

    ack(peer, 10);

    expect(sent(peer)).to.deep.equal(range(10, 12));
  });
});
