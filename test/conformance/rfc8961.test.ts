import { expect } from 'chai';
import { ack, bulkSender, cwnd, RTT_MS, sent, ssthresh } from '../support/bulk-sender.ts';
import { established, synSent } from '../support/scripted-states.ts';

/** Both ways of finding losses: the RTO is the last resort of either. */
const PROFILES = { 'with RACK-TLP': { sack: true }, 'without SACK': { sack: false } } as const;

describe('RFC 8961: requirements for time-based loss detection', () => {
  for (const [name, profile] of Object.entries(PROFILES)) {
    it(`waits a second while nothing is known of the path, ${name} (RFC 8961 §4, requirement 1)`, () => {
      const peer = synSent({ profile });

      peer.pass(999);
      peer.expectNothing();
      peer.pass(1);

      peer.expect({ flags: 'S' });
    });

    it(`measures while data is exchanged and follows a path that slows down, ${name} (RFC 8961 §4, requirement 2)`, () => {
      const peer = bulkSender({ profile: { ...profile, rtoMinMs: 50 } });
      const before = peer.connection.tcpInfo().rtoUs;
      for (let round = 0, end = 10; round < 20; round += 1) {
        const out = sent(peer);
        end = Math.max(end, ...out.map((n) => n + 1));
        // Ever slower, but never so suddenly that a timer runs out.
        peer.pass(RTT_MS + 2 * round);
        ack(peer, end);
      }

      expect(peer.connection.tcpInfo().rttUs).to.be.above(50_000);
      expect(peer.connection.tcpInfo().rtoUs).to.be.above(peer.connection.tcpInfo().rttUs);
      expect(before).to.be.above(0);
    });

    it(`takes no RTT from what was sent twice, ${name} (RFC 8961 §4, requirement 2d)`, () => {
      const peer = bulkSender({ profile, segments: 1 });
      sent(peer);
      const { rttUs } = peer.connection.tcpInfo();
      peer.pass(1100);
      expect(sent(peer).length).to.be.above(0);

      ack(peer, 1);

      expect(peer.connection.tcpInfo().rttUs).to.equal(rttUs);
    });

    it(`waits twice as long after each time-out, up to a minute at least, ${name} (RFC 8961 §4, requirement 3)`, () => {
      const peer = bulkSender({ profile, segments: 1 });
      sent(peer);
      const at: number[] = [];
      while (at.length < 12) {
        const dueAt = peer.endpoint.nextTimeout();
        peer.at(dueAt);
        if (sent(peer).length > 0 && peer.connection.tcpInfo().retransmits > 0) at.push(dueAt);
      }
      const waits = at.slice(1).map((each, i) => each - at[i]!);

      expect(waits.slice(0, 5)).to.deep.equal([2000, 4000, 8000, 16_000, 32_000]);
      expect(Math.max(...waits)).to.equal(60_000);
    });

    it(`ends the backing off when a new RTT is measured, ${name} (RFC 8961 §4, requirement 3)`, () => {
      const peer = bulkSender({ profile, segments: 1 });
      sent(peer);
      peer.pass(8000);
      sent(peer);
      ack(peer, 1);
      peer.connection.write(new Uint8Array(1000));
      sent(peer);
      peer.pass(RTT_MS);

      ack(peer, 2);

      expect(peer.connection.tcpInfo().rtoUs).to.equal(1_000_000);
    });

    it(`takes each loss for congestion, ${name} (RFC 8961 §4, requirement 4)`, () => {
      const peer = bulkSender({ profile, segments: 10 });
      sent(peer);

      peer.pass(1500);

      expect(cwnd(peer)).to.equal(1);
      expect(ssthresh(peer)).to.equal(5);
    });
  }

  it('takes what the reordering timer finds lost for congestion, too (RFC 8961 §4, requirement 4; RFC 8985 §6.2)', () => {
    const peer = bulkSender({ profile: { sack: true }, segments: 10 });
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 2]);

    peer.pass(RTT_MS / 4);

    expect(sent(peer)).to.deep.equal([0]);
    expect(ssthresh(peer)).to.equal(5);
  });

  it('asks about a tail of a peer that answers nothing no more than once before the RTO (RFC 8961 §4, requirement 3)', () => {
    const peer = bulkSender({ profile: { sack: true }, segments: 3 });
    sent(peer);
    const out: number[] = [];
    for (let ms = 0; ms < 1080; ms += 1) {
      peer.pass(1);
      out.push(...sent(peer));
    }

    expect(out).to.deep.equal([2, 0]);
  });

  it('keeps the RTO where every ACK is lost and nothing else can tell (RFC 8961 §3, S.2)', () => {
    const peer = established({ profile: { sack: true }, peerOptions: { sackPermitted: true } });
    peer.connection.write(new Uint8Array(1));
    peer.drain();

    peer.pass(10_000);

    expect(peer.connection.tcpInfo().retransmits).to.be.above(3);
  });
});
