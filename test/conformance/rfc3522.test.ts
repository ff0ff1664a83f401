import { expect } from 'chai';
import { ack, bulkSender, cwnd, RTT_MS, sent, ssthresh } from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

/** A peer that echoes the timestamp of what came last in order: `at` says when that left. */
function echo(peer: ScriptedPeer, sentAt: number): void {
  peer.usualOptions = { timestamps: [1, sentAt] };
}

function sender(): ScriptedPeer {
  const peer = bulkSender({ profile: { sack: true, timestamps: true } });
  echo(peer, 0);
  sent(peer);
  return peer;
}

describe('RFC 3522 and RFC 4015: a repair that was needless', () => {
  it('costs nothing when segments only came in another order (RFC 3522 §3.2, RFC 4015 §3.2)', () => {
    const peer = sender();
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 4]);
    expect(sent(peer)).to.deep.equal([0]);
    expect(ssthresh(peer)).to.equal(5);

    // The original of 0 comes after all: its own time is echoed, not that of the repair.
    peer.pass(5);
    echo(peer, RTT_MS);
    ack(peer, 4);

    expect(cwnd(peer)).to.be.at.least(10);
    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('is kept when the ACK is for the retransmission (RFC 3522 §3.2)', () => {
    const peer = sender();
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 4]);
    sent(peer);
    peer.pass(RTT_MS);

    echo(peer, 2 * RTT_MS);
    ack(peer, 10);

    expect([cwnd(peer), ssthresh(peer)]).to.deep.equal([5, 5]);
  });

  it('is kept when what was sent again in the recovery before is acknowledged in this one (RFC 3522 §3.2)', () => {
    const peer = sender();
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 10]);
    const fresh = sent(peer).filter((n) => n >= 10);
    expect(fresh.length, 'sent beyond the recovery point').to.be.at.least(4);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 10], [11, 14]);
    expect(sent(peer), 'in the first recovery').to.include(10);
    peer.pass(RTT_MS);
    echo(peer, 2 * RTT_MS);
    ack(peer, 10, [11, 14]);
    const reduced = ssthresh(peer);
    echo(peer, 3 * RTT_MS);
    ack(peer, 14);

    expect(ssthresh(peer)).to.equal(reduced);
  });

  it('costs nothing when the time-out was only a delay (RFC 4015 §3.2)', () => {
    const peer = sender();
    peer.pass(1500);
    expect(sent(peer), 'a tail probe, and the time-out').to.deep.equal([10, 0]);
    expect(cwnd(peer)).to.equal(1);

    echo(peer, RTT_MS);
    ack(peer, 1);

    expect(cwnd(peer)).to.be.at.least(10);
    expect(sent(peer), 'nothing is sent again; there is room for new').not.to.include.members([1]);
  });

  it('is kept when a tail probe before the time-out is acknowledged, undone when the original is (RFC 3522 §3.2)', () => {
    const probedAt = 6 * RTT_MS;
    for (const echoed of [RTT_MS, probedAt]) {
      const profile = { sack: true, timestamps: true, rtoMinMs: 200 };
      const peer = bulkSender({ profile, segments: 1 });
      expect(sent(peer)).to.deep.equal([0]);
      peer.at(probedAt);
      expect(sent(peer), 'the probe').to.deep.equal([0]);
      peer.pass(200);
      expect(sent(peer), 'the time-out').to.deep.equal([0]);

      echo(peer, echoed);
      ack(peer, 1);

      expect(ssthresh(peer)).to.equal(echoed === probedAt ? 2 : Number.POSITIVE_INFINITY);
    }
  });

  it('is not undone without timestamps: nothing tells the two apart (RFC 3522 §3)', () => {
    const peer = bulkSender({ profile: { sack: true } });
    sent(peer);
    peer.pass(1500);
    sent(peer);

    ack(peer, 1);

    expect(ssthresh(peer)).to.equal(5);
  });

  it('is undone once, by the first ACK that tells (RFC 3522 §3.2)', () => {
    const peer = sender();
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 4]);
    sent(peer);
    peer.pass(RTT_MS);
    echo(peer, 2 * RTT_MS);
    ack(peer, 4);

    echo(peer, RTT_MS);
    ack(peer, 5);

    expect(ssthresh(peer)).to.equal(5);
  });
});
