import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { ack, at, bulkSender, cwnd, range, SEGMENT_BYTES, sent, ssthresh } from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

const RTT_MS = 50;

/** RFC 5681 §3.1 in a few lines, in bytes, with nothing lost. */
class ReferenceReno {
  cwnd: number;
  readonly #ssthresh: number;
  #acked = 0;

  constructor(cwnd: number, ssthresh: number) {
    this.cwnd = cwnd;
    this.#ssthresh = ssthresh;
  }

  acknowledge(bytes: number): void {
    const slow = Math.min(bytes, Math.max(0, this.#ssthresh - this.cwnd));
    this.cwnd += slow;
    this.#acked += bytes - slow;
    while (this.#acked >= this.cwnd) {
      this.#acked -= this.cwnd;
      this.cwnd += SEGMENT_BYTES;
    }
  }
}

/** Loses the first segment of a window of `segments` and repairs it; then nothing is in flight but what `sent` says. */
function afterLossOf(segments: number): ScriptedPeer {
  const peer = bulkSender({ profile: { initialWindowSegments: segments } });
  sent(peer);
  for (let i = 0; i < 3; i += 1) ack(peer, 0);
  expect(sent(peer)).to.deep.equal([segments, segments + 1, 0]);
  peer.pass(RTT_MS);
  ack(peer, segments + 2);
  return peer;
}

describe('RFC 5681: congestion control', () => {
  it('sends the initial window and no more (RFC 5681 §3.1)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 4 } });

    expect(sent(peer)).to.deep.equal(range(0, 4));
    peer.pass(RTT_MS);
    expect(sent(peer)).to.deep.equal([]);
  });

  it('doubles the window each round trip in slow start (RFC 5681 §3.1)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 2 } });
    const flights: number[] = [];
    let acked = 0;
    for (let round = 0; round < 6; round += 1) {
      const flight = sent(peer);
      flights.push(flight.length);
      peer.pass(RTT_MS);
      for (const _segment of flight) ack(peer, (acked += 1));
    }

    expect(flights).to.deep.equal([2, 4, 8, 16, 32, 64]);
  });

  it('grows by one segment a round trip in congestion avoidance (RFC 5681 §3.1, MUST-19)', () => {
    const peer = afterLossOf(20);
    let acked = 22;
    const windows = range(0, 8).map(() => {
      const flight = sent(peer);
      peer.pass(RTT_MS);
      for (const _segment of flight) ack(peer, (acked += 1));
      return flight.length;
    });

    expect(windows).to.deep.equal([10, 11, 12, 13, 14, 15, 16, 17]);
  });

  it('keeps to a model of slow start and avoidance, whatever the ACKs cover (RFC 5681 §3.1)', () => {
    const random = new Prng('acks');
    const peer = afterLossOf(64);
    const model = new ReferenceReno(32_000, 32_000);
    let acked = 66;
    let flight = sent(peer).length;
    for (let step = 0; step < 300; step += 1) {
      const count = Math.min(1 + random.below(4), flight);
      acked += count;
      peer.pass(1);
      ack(peer, acked);
      model.acknowledge(count * SEGMENT_BYTES);
      flight += sent(peer).length - count;

      expect(cwnd(peer), `cwnd after ACK ${step}`).to.equal(Math.floor(model.cwnd / SEGMENT_BYTES));
      expect(flight, `flight after ACK ${step}`).to.equal(Math.floor(model.cwnd / SEGMENT_BYTES));
    }
  });

  it('gains nothing from an ACK that is divided (RFC 5681 §3.1, RFC 3465)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 4 } });
    sent(peer);
    peer.pass(RTT_MS);

    for (let byte = 50; byte <= 2 * SEGMENT_BYTES; byte += 50) peer.inject({ seq: 1, ack: 1 + byte });

    expect(cwnd(peer)).to.equal(6);
    expect(sent(peer)).to.deep.equal(range(4, 8));
  });

  it('does not grow while the window is not what holds it back (RFC 9293 §3.8.2, RFC 7661)', () => {
    const peer = bulkSender({ segments: 2 });
    for (let round = 0; round < 10; round += 1) {
      sent(peer);
      peer.pass(RTT_MS);
      ack(peer, 2 * (round + 1));
      peer.connection.write(new Uint8Array(2 * SEGMENT_BYTES));
    }

    expect(cwnd(peer)).to.equal(10);
  });

  it('sends the first segment again at the third duplicate ACK, not before (RFC 5681 §3.2)', () => {
    const peer = bulkSender();
    sent(peer);

    ack(peer, 0);
    ack(peer, 0);
    expect(sent(peer)).to.deep.equal([10, 11]);
    ack(peer, 0);

    expect(sent(peer)).to.deep.equal([0]);
  });

  it('halves the window, what limited transmit sent not counted (RFC 5681 §3.2, step 2)', () => {
    const peer = bulkSender();
    sent(peer);

    for (let i = 0; i < 3; i += 1) ack(peer, 0);

    expect(ssthresh(peer)).to.equal(5);
  });

  it('counts each further duplicate as a segment that has left (RFC 5681 §3.2, steps 3–4)', () => {
    const peer = bulkSender();
    sent(peer);
    for (let i = 0; i < 3; i += 1) ack(peer, 0);
    sent(peer);

    // cwnd is 5 + 3; 12 are out: the eighth duplicate makes it 13.
    for (let i = 4; i < 8; i += 1) ack(peer, 0);
    expect(sent(peer)).to.deep.equal([]);
    ack(peer, 0);
    expect(sent(peer)).to.deep.equal([12]);
    ack(peer, 0);

    expect(sent(peer)).to.deep.equal([13]);
  });

  it('deflates the window to half when the loss is repaired (RFC 5681 §3.2, step 6)', () => {
    const peer = bulkSender();
    sent(peer);
    for (let i = 0; i < 10; i += 1) ack(peer, 0);
    sent(peer);

    ack(peer, 15);

    expect(cwnd(peer)).to.equal(5);
    expect(sent(peer)).to.have.length(5);
  });

  it('takes no ACK for a duplicate that carries text or another window, or repeats an old number (RFC 5681 §2)', () => {
    const peer = bulkSender();
    sent(peer);
    ack(peer, 1);
    sent(peer);

    for (let i = 0; i < 4; i += 1) peer.inject({ seq: 1 + i, ack: at(1), payload: 'x' });
    for (let i = 0; i < 4; i += 1) peer.inject({ seq: 5, ack: at(1), window: 60_000 + i });
    for (let i = 0; i < 4; i += 1) peer.inject({ seq: 5, ack: at(0), window: 60_003 });

    expect(sent(peer)).to.deep.equal([]);
    expect(cwnd(peer)).to.equal(11);
  });

  it('begins anew with one segment after a time-out (RFC 5681 §3.1, loss window)', () => {
    const peer = bulkSender();
    sent(peer);

    peer.pass(1500);

    expect(sent(peer)).to.deep.equal([0]);
    expect([cwnd(peer), ssthresh(peer)]).to.deep.equal([1, 5]);
    ack(peer, 1);
    expect(sent(peer), 'slow start').to.deep.equal([1, 2]);
  });

  it('does not halve again when the retransmission times out too (RFC 5681 §3.1)', () => {
    const peer = bulkSender();
    sent(peer);

    peer.pass(10_000);

    expect(new Set(sent(peer))).to.deep.equal(new Set([0]));
    expect(peer.connection.tcpInfo().retransmits).to.be.above(1);
    expect(ssthresh(peer)).to.equal(5);
  });

  it('keeps two segments for ssthresh at least (RFC 5681 §3.1, equation 4)', () => {
    const peer = bulkSender({ segments: 1 });
    sent(peer);

    peer.pass(1500);

    expect(ssthresh(peer)).to.equal(2);
  });

  it('restarts with the initial window after an idle time of more than an RTO (RFC 5681 §4.1)', () => {
    const peer = bulkSender({ segments: 40 });
    let acked = 0;
    while (acked < 40) {
      acked += sent(peer).length;
      peer.pass(RTT_MS);
      ack(peer, acked);
    }
    const grown = cwnd(peer);
    expect(grown).to.be.above(20);

    peer.pass(500);
    peer.connection.write(new Uint8Array(15 * SEGMENT_BYTES));
    expect(sent(peer), 'before an RTO').to.have.length(15);
    peer.pass(RTT_MS);
    ack(peer, 55);
    peer.pass(3000);
    peer.connection.write(new Uint8Array(15 * SEGMENT_BYTES));

    expect(sent(peer), 'after it').to.have.length(10);
  });

  it('lets duplicate ACKs release no more than was out when the repair began, forge them who may (RFC 5681 §3.2, step 4)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 20 } });
    sent(peer);

    for (let i = 0; i < 1000; i += 1) ack(peer, 0);

    // 22 were out with limited transmit: 21 of them can have arrived, and cwnd is 10.
    expect(sent(peer)).to.deep.equal([20, 21, 0, ...range(22, 31)]);
    // A partial ACK takes out of the count what it acknowledges, and a segment comes back (RFC 6582 §3.2, step 3).
    peer.pass(RTT_MS);
    ack(peer, 5);
    for (let i = 0; i < 1000; i += 1) ack(peer, 5);
    expect(sent(peer), 'at most as much as left').to.deep.equal([5, ...range(31, 36)]);
  });

  it('answers an ACK of what was never sent and is not moved by it (RFC 5961 §5, optimistic ACK)', () => {
    const peer = bulkSender();
    sent(peer);

    ack(peer, 100);

    peer.expect({ flags: '.', length: 0 });
    expect(cwnd(peer)).to.equal(10);
  });
});
