import { expect } from 'chai';
import { ack, bulkSender, cwnd, range, sent, ssthresh } from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

const RTT_MS = 50;

function duplicates(peer: ScriptedPeer, n: number, count: number): void {
  for (let i = 0; i < count; i += 1) ack(peer, n);
}

describe('RFC 6582: NewReno without SACK', () => {
  it('sends the next hole again at each partial ACK, at once (RFC 6582 §3.2, step 3)', () => {
    const peer = bulkSender();
    sent(peer);

    // Of 0–9, 0, 3 and 6 are lost: seven arrive, and release 10 and 11.
    duplicates(peer, 0, 7);
    expect(sent(peer)).to.deep.equal([10, 11, 0]);
    peer.pass(RTT_MS);
    ack(peer, 3);
    expect(sent(peer)).to.include(3);
    peer.pass(RTT_MS);
    ack(peer, 6);

    expect(sent(peer)).to.include(6);
  });

  it('sends nothing twice while it repairs several losses of one window (RFC 6582 §3.2)', () => {
    const peer = bulkSender({ segments: 12 });
    sent(peer);
    duplicates(peer, 0, 7);
    const again = sent(peer);
    for (const hole of [3, 6]) {
      peer.pass(RTT_MS);
      ack(peer, hole);
      again.push(...sent(peer));
    }
    peer.pass(RTT_MS);
    ack(peer, 12);

    expect(again).to.deep.equal([10, 11, 0, 3, 6]);
    expect(sent(peer)).to.deep.equal([]);
  });

  it('halves the window once for all the losses in it (RFC 6582 §3.2)', () => {
    const peer = bulkSender();
    sent(peer);
    duplicates(peer, 0, 7);
    peer.pass(RTT_MS);
    ack(peer, 3);
    peer.pass(RTT_MS);
    ack(peer, 12);

    expect([cwnd(peer), ssthresh(peer)]).to.deep.equal([5, 5]);
  });

  it('takes out of the window what a partial ACK says has left, and adds a segment back (RFC 6582 §3.2, step 3)', () => {
    const peer = bulkSender();
    sent(peer);
    duplicates(peer, 0, 9);
    // cwnd 5 + 9 = 14: segments 0–13 are out.
    expect(sent(peer)).to.deep.equal([10, 11, 0, 12, 13]);
    peer.pass(RTT_MS);

    // 14 - 5 + 1 = 10 from segment 5 on: one more than before.
    ack(peer, 5);

    expect(sent(peer)).to.deep.equal([5, 14]);
  });

  it('restarts the retransmission timer at a partial ACK (RFC 6298 §5.3)', () => {
    const peer = bulkSender();
    sent(peer);
    duplicates(peer, 0, 7);
    sent(peer);
    peer.pass(900);
    ack(peer, 3);
    expect(sent(peer)).to.include(3);

    peer.pass(900);

    expect(sent(peer)).to.deep.equal([]);
    expect(peer.connection.tcpInfo().retransmits).to.equal(0);
  });

  it('does not repair again for duplicates of what left before the end of the repair (RFC 6582 §4.1)', () => {
    const peer = bulkSender();
    sent(peer);
    peer.pass(1500);
    expect(sent(peer), 'the time-out').to.deep.equal([0]);

    // The ACKs of the nine others come late.
    duplicates(peer, 0, 9);

    expect(sent(peer)).to.deep.equal([]);
    expect([cwnd(peer), ssthresh(peer)]).to.deep.equal([1, 5]);
  });

  it('sends each segment of a lost window again exactly once after the time-out (RFC 5681 §3.1)', () => {
    const peer = bulkSender({ segments: 10 });
    sent(peer);
    peer.pass(1500);
    const again: number[] = sent(peer);
    for (let acked = 1; acked <= 10; acked += 1) {
      peer.pass(RTT_MS);
      ack(peer, acked);
      again.push(...sent(peer));
    }

    expect(again).to.deep.equal(range(0, 10));
  });

  it('repairs a loss in the window after the first (RFC 6582 §3.2, step 1)', () => {
    const peer = bulkSender();
    sent(peer);
    duplicates(peer, 0, 3);
    peer.pass(RTT_MS);
    ack(peer, 12);
    expect(sent(peer).slice(-5)).to.deep.equal(range(12, 17));

    duplicates(peer, 12, 3);

    expect(sent(peer)).to.include(12);
    expect(ssthresh(peer)).to.be.below(5);
  });
});
