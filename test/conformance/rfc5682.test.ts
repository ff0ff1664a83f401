import { expect } from 'chai';
import { ack, bulkSender, cwnd, RTT_MS, range, sent, ssthresh } from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

/** SACK, and no timestamps that would tell sooner. */
const SACK = { sack: true } as const;

/** The first flight, 0–9, is out; nothing is heard until the RTO. 10 was the tail probe. Returns what the time-out sent. */
function timedOut(segments = 1000): ScriptedPeer {
  const peer = bulkSender({ profile: SACK, segments });
  expect(sent(peer)).to.deep.equal(range(0, 10));
  peer.pass(2 * RTT_MS);
  sent(peer);
  peer.pass(1000);
  expect(sent(peer)).to.deep.equal([0]);
  expect(cwnd(peer)).to.equal(1);
  return peer;
}

describe('RFC 5682: F-RTO', () => {
  it('restores the window after a delay of 3 s, though there are no timestamps (RFC 5682 §3.1, §4)', () => {
    const peer = timedOut();
    peer.pass(1900);

    // The originals were only late, and so are their ACKs.
    ack(peer, 2);
    expect(sent(peer), 'two new segments').to.deep.equal([11, 12]);
    ack(peer, 4);

    expect(cwnd(peer)).to.be.at.least(10);
    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
    const out = sent(peer);
    for (let n = 5; n <= 11; n += 1) {
      ack(peer, n);
      out.push(...sent(peer));
    }
    expect(Math.min(...out), 'nothing but 0 was ever sent again').to.be.above(12);
  });

  it('takes the time-out for real when only what left after it is SACKed (RFC 5682 §3.1, step 3a)', () => {
    const peer = timedOut();
    ack(peer, 1);
    expect(sent(peer)).to.deep.equal([11, 12]);
    peer.pass(RTT_MS);

    ack(peer, 1, [11, 12]);

    expect(sent(peer)[0], 'the repair goes on').to.equal(1);
    expect(ssthresh(peer)).to.equal(5);
  });

  it('takes it for real at a duplicate ACK that SACKs nothing new (RFC 5682 §3.1, step 3a)', () => {
    const peer = timedOut();
    ack(peer, 1);
    sent(peer);

    ack(peer, 1);

    expect(sent(peer)[0]).to.equal(1);
    ack(peer, 5);
    expect(ssthresh(peer)).to.equal(5);
  });

  it('takes a SACK of what left before the time-out for its proof (RFC 5682 §3.1, step 3b)', () => {
    const peer = timedOut();
    ack(peer, 1);
    sent(peer);

    ack(peer, 1, [5, 6]);

    expect(cwnd(peer)).to.be.at.least(10);
    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('waits for the window to move, whatever is SACKed before (RFC 5682 §3.1, step 2)', () => {
    const peer = timedOut();
    ack(peer, 0, [3, 4]);
    expect(ssthresh(peer)).to.equal(5);

    ack(peer, 1, [3, 4]);
    ack(peer, 2, [3, 4]);

    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('learns nothing from an ACK for all that was out (RFC 5682 §3.1, step 2a)', () => {
    const peer = timedOut();

    ack(peer, 11);

    expect(ssthresh(peer)).to.equal(5);
    expect(sent(peer).every((n) => n >= 11)).to.equal(true);
  });

  it('goes on with the repair where there is nothing new to send (RFC 5682 §3.1, step 2b)', () => {
    const peer = timedOutWithout();

    ack(peer, 1);

    expect(sent(peer)).to.deep.equal([1, 2]);
  });

  it('may begin again when the RTO runs out once more for the same segment (RFC 5682 §3.1, §3.2)', () => {
    const peer = timedOut();
    peer.pass(2000);
    expect(sent(peer)).to.deep.equal([0]);

    ack(peer, 2);
    ack(peer, 4);

    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('has no say when a repair is under way already (RFC 5682 §3.1, step 1)', () => {
    const peer = bulkSender({ profile: SACK, segments: 10 });
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 4]);
    expect(sent(peer)).to.include(0);
    peer.connection.write(new Uint8Array(20_000));
    sent(peer);
    const halved = ssthresh(peer);
    peer.pass(1500);
    expect(sent(peer)).to.include(0);

    ack(peer, 4);
    ack(peer, 6);

    expect(ssthresh(peer)).to.be.at.most(halved);
  });
});

/** As `timedOut`, with no data beyond the first flight. */
function timedOutWithout(): ScriptedPeer {
  const peer = bulkSender({ profile: SACK, segments: 10 });
  sent(peer);
  peer.pass(2 * RTT_MS);
  expect(sent(peer), 'the tail probe').to.deep.equal([9]);
  peer.pass(1000);
  expect(sent(peer)).to.deep.equal([0]);
  return peer;
}
