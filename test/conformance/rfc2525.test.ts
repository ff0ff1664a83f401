import { expect } from 'chai';
import { DEFAULT_PROFILE, PRESETS } from '../../lib/ptcp/core/config.ts';
import { ack, bulkSender, cwnd, RTT_MS, range, sent, ssthresh } from '../support/bulk-sender.ts';
import { pattern } from '../support/scripted-peer.ts';
import { closeWait, established, finWait2, listening, synSent } from '../support/scripted-states.ts';

const MSS = 1000;
const MINUTE_MS = 60_000;

/** The known problems of TCPs, one test for each: that it is not one of ours. */
describe('RFC 2525: known problems', () => {
  it('No initial slow start (RFC 2525 §2.1)', () => {
    const peer = bulkSender();

    expect(sent(peer), 'the initial window of RFC 6928, whatever the peer would take').to.have.length(10);
    peer.pass(RTT_MS);
    expect(sent(peer)).to.deep.equal([]);
    ack(peer, 1);
    expect(sent(peer)).to.deep.equal([10, 11]);
  });

  it('No slow start after retransmission timeout (RFC 2525 §2.2)', () => {
    const peer = bulkSender();
    sent(peer);
    peer.pass(1500);
    expect([sent(peer), cwnd(peer)]).to.deep.equal([[0], 1]);

    peer.pass(RTT_MS);
    ack(peer, 1);
    expect(sent(peer)).to.deep.equal([1, 2]);
    peer.pass(RTT_MS);
    ack(peer, 3);

    expect(sent(peer)).to.deep.equal([3, 4, 5, 6]);
  });

  it('Uninitialized CWND, where the SYN was lost or the peer offers no MSS (RFC 2525 §2.3)', () => {
    const lost = synSent();
    lost.pass(1500);
    lost.drain();
    const bare = synSent();
    const windows = [lost, bare].map((peer) => {
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });
      peer.drain();
      peer.connection.write(pattern(40_000));
      const lengths = peer.drain().map(({ length }) => length);
      expect(new Set(lengths)).to.deep.equal(new Set([536]));
      return lengths.length;
    });

    expect(windows).to.deep.equal([1, 10]);
  });

  it('Inconsistent retransmission: what is sent again is what was sent (RFC 2525 §2.4)', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    const text = pattern(3500);
    peer.connection.write(text);
    const first = peer.drain();

    // Partly acknowledged, in the middle of a segment, and then lost again and again.
    peer.inject({ seq: 1, ack: 1 + 500 });
    peer.pass(MINUTE_MS);

    const again = peer.drain();
    expect(again.length).to.be.above(3);
    for (const { seq, payload } of [...first, ...again])
      expect(payload).to.deep.equal(text.subarray(seq - 1, seq - 1 + payload.length));
  });

  it('Failure to retain above-sequence data (RFC 2525 §2.5)', () => {
    const peer = established();
    for (const n of [2, 3, 4]) {
      peer.inject({ seq: 1 + n * 10, ack: 1, payload: pattern(10, n * 10) });
      peer.expect({ flags: '.', ack: 1 });
    }

    peer.inject({ seq: 1, ack: 1, payload: pattern(20) });

    peer.expect({ flags: '.', ack: 51 });
    expect(peer.connection.read(100)).to.deep.equal(pattern(50));
  });

  it('Extra additive constant in congestion avoidance (RFC 2525 §2.6)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 40 } });
    sent(peer);
    for (let i = 0; i < 3; i += 1) ack(peer, 0);
    sent(peer);
    let acked = 42;
    ack(peer, acked);
    const windows = range(0, 16).map(() => {
      const flight = sent(peer);
      peer.pass(RTT_MS);
      for (const _segment of flight) ack(peer, (acked += 1));
      return flight.length;
    });

    // One segment a round trip, and not an eighth of one for each ACK on top of it.
    expect(windows).to.deep.equal(range(20, 36));
  });

  it('Initial RTO too low (RFC 2525 §2.7)', () => {
    for (const preset of [DEFAULT_PROFILE, ...Object.values(PRESETS)])
      expect({ ...DEFAULT_PROFILE, ...preset }.rtoInitialMs).to.be.at.least(1000);
    const peer = synSent();

    peer.pass(999);

    peer.expectNothing();
  });

  it('Failure of window deflation after loss recovery (RFC 2525 §2.8)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 20 } });
    sent(peer);
    for (let i = 0; i < 19; i += 1) ack(peer, 0);
    const inRecovery = sent(peer);
    expect(inRecovery).to.include(0);

    ack(peer, Math.max(...inRecovery) + 1);

    expect(cwnd(peer)).to.equal(ssthresh(peer)).and.to.equal(10);
    expect(sent(peer)).to.have.length(10);
  });

  it('Excessively short keepalive connection timeout (RFC 2525 §2.9)', () => {
    const peer = established({ profile: { keepAlive: true } });

    // Two hours, and then nine probes: each that went unanswered may have been lost.
    peer.at(120 * MINUTE_MS + 8 * 75_000);
    expect(peer.drain()).to.have.length(9);
    peer.expectEvents();
    peer.pass(75_000);

    peer.expectEvents('closed timeout');
  });

  it('Failure to back off retransmission timeout (RFC 2525 §2.10)', () => {
    const peer = bulkSender({ segments: 1 });
    const [begin] = peer.drain().map(({ sentAt }) => sentAt);

    peer.pass(40_000);

    expect(peer.drain().map(({ sentAt }) => Math.round((sentAt - begin!) / 1000))).to.deep.equal([
      1, 3, 7, 15, 31,
    ]);
  });

  it('Insufficient interval between keepalives (RFC 2525 §2.11)', () => {
    const peer = established({ profile: { keepAlive: true } });
    const probes: number[] = [];
    for (let day = 0; day < 12; day += 1) {
      peer.pass(120 * MINUTE_MS);
      probes.push(...peer.drain().map(({ sentAt }) => sentAt));
      peer.inject({ seq: 1, ack: 1 });
    }

    expect(probes.length).to.be.above(5);
    for (const [i, sentAt] of probes.entries())
      expect(sentAt - (probes[i - 1] ?? 0)).to.be.at.least(120 * MINUTE_MS);
  });

  it('Window probe deadlock: a probe of a window that is a little open does not shut it for good (RFC 2525 §2.12)', () => {
    const peer = established({ profile: { receiveBufferBytes: 100, receiveBufferMaxBytes: 100 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(100) });
    peer.expect({ flags: '.', ack: 101, window: 0 });
    // One octet of room is too little to be told of; the probe may take it, or be refused, but must be answered.
    expect(peer.connection.read(1)).to.have.length(1);
    peer.drain();
    peer.inject({ seq: 101, ack: 1, payload: 'x' });
    const [answer] = peer.drain();
    expect(answer!.ack).to.be.within(101, 102);
    expect(answer!.window).to.be.within(0, 1);

    expect(peer.connection.read(1000).length).to.equal(answer!.ack - 2);

    const { ack: next, window } = peer.drain()[0]!;
    expect([next, window]).to.deep.equal([answer!.ack, 100]);
  });

  it('Stretch ACK violation (RFC 2525 §2.13)', () => {
    const peer = established({ peerOptions: { mss: MSS }, profile: { quickAckCount: 0 } });
    const acks: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      peer.inject({ seq: 1 + n * MSS, ack: 1, payload: pattern(MSS) });
      acks.push(...peer.drain().map(({ ack: number }) => (number - 1) / MSS));
      peer.connection.read(MSS);
    }

    expect(new Set(acks)).to.deep.equal(new Set(range(1, 11).map((n) => 2 * n)));
  });

  it('Retransmission sends multiple packets (RFC 2525 §2.14)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 20 } });
    sent(peer);
    peer.pass(1500);
    expect(sent(peer), 'after a time-out').to.deep.equal([0]);
    const other = bulkSender({ profile: { initialWindowSegments: 20 } });
    sent(other);
    for (let i = 0; i < 3; i += 1) ack(other, 0);

    expect(
      sent(other).filter((n) => n < 20),
      'at the third duplicate',
    ).to.deep.equal([0]);
  });

  it('Failure to send FIN notification promptly (RFC 2525 §2.15)', () => {
    const idle = established();
    idle.connection.shutdown();
    idle.expect({ flags: 'F.', seq: 1 });
    const passive = closeWait();
    passive.connection.shutdown();
    passive.expect({ flags: 'F.', seq: 1, ack: 2 });
    const busy = established({ peerOptions: { mss: MSS } });
    busy.connection.write(pattern(1500));
    busy.connection.shutdown();

    // Nagle does not keep the rest waiting for an ACK, and the FIN rides on it.
    busy.expectAll([
      { flags: '.', seq: 1, length: MSS },
      { flags: 'FP.', seq: 1 + MSS, length: 500 },
    ]);
  });

  it('Failure to send a RST after Half Duplex Close (RFC 2525 §2.16)', () => {
    for (const [lingerMs, waitMs] of [
      [0, 0],
      [5000, 5000],
    ] as const) {
      const peer = finWait2({ closeBy: 'close', profile: { lingerMs } });
      peer.inject({ flags: 'P.', seq: 1, ack: 2, payload: 'late' });
      peer.pass(waitMs);

      expect(peer.drain().at(-1), `lingerMs ${lingerMs}`).to.include({ flags: 'R.', seq: 2 });
    }
  });

  it('Failure to RST on close with data pending (RFC 2525 §2.17)', () => {
    const peer = established({ profile: { lingerMs: 0 } });
    peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'unread' });
    peer.drain();

    peer.connection.close();

    peer.expect({ flags: 'R.', seq: 1 });
  });

  it('Options missing from TCP MSS calculation (RFC 2525 §2.18)', () => {
    const peer = listening({ profile: { timestamps: true, maxDatagramBytes: 1400 } });
    peer.inject({ flags: 'S', seq: 0, options: { mss: MSS, timestamps: [1, 0] } });
    const { options } = peer.drain()[0]!;
    expect(options.mss, 'ours says what we take, options not subtracted').to.equal(1452);
    peer.usualOptions = { timestamps: [1, 0] };
    peer.inject({ seq: 1, ack: 1 });
    peer.connection.write(pattern(5000));

    const lengths = peer.drain().map(({ length }) => length);

    expect(Math.max(...lengths), 'the peer takes 1000 with the 12 bytes of timestamps').to.equal(988);
  });
});
