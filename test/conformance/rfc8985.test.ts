import { expect } from 'chai';
import {
  ack,
  type BulkOptions,
  bulkSender,
  cwnd,
  encodedAck,
  RTT_MS,
  range,
  sent,
  ssthresh,
} from '../support/bulk-sender.ts';
import { PATH, type ScriptedPeer } from '../support/scripted-peer.ts';
import { established } from '../support/scripted-states.ts';

const SACK = { sack: true } as const;
/** The reordering window that RACK begins with. */
const REO_WND_MS = RTT_MS / 4;

/** The first flight, 0–9, has been out for a round trip. */
function afterRoundTrip(segments = 1000): ScriptedPeer {
  const peer = bulkSender({ profile: SACK, segments });
  expect(sent(peer)).to.deep.equal(range(0, 10));
  peer.pass(RTT_MS);
  return peer;
}

/** 0 comes after 1 and 2, within the window: from here on segments are known to change places. Returns what was sent. */
function reordered(peer: ScriptedPeer): number[] {
  ack(peer, 0, [1, 3]);
  peer.pass(5);
  ack(peer, 3);
  peer.pass(RTT_MS - 5);
  return sent(peer);
}

/** A segment is lost and sent again, `arrives` with the answer to that; SND.UNA moves by one. */
function spuriousRecovery(peer: ScriptedPeer, n: number, isDuplicate: boolean): number {
  ack(peer, n, [n + 1, n + 2]);
  peer.pass(RTT_MS);
  const out = sent(peer);
  expect(out, `${n} again`).to.include(n);
  const next = Math.max(n + 2, ...out) + 1;
  if (isDuplicate) ack(peer, next, [n, n + 1]);
  else ack(peer, next);
  sent(peer);
  peer.pass(RTT_MS);
  return next;
}

/** The number of segments sent so far. */
function sentEnd(peer: ScriptedPeer): number {
  const { sndNxt, iss } = peer.connection.tcb;
  return ((sndNxt - iss - 1) >>> 0) / 1000;
}

/** When segment `n` is sent again. */
function waitFor(peer: ScriptedPeer, n: number): number {
  for (let waits = 0; waits < 500; waits += 1) {
    if (sent(peer).includes(n)) break;
    peer.pass(1);
  }
  return peer.now;
}

function recoveries(peer: ScriptedPeer): number {
  return peer.connection.tcpInfo().totalRetransSegments;
}

describe('RFC 8985: RACK', () => {
  it('waits a quarter of the smallest RTT before it takes the hole below a SACK for lost (RFC 8985 §6.2, step 5)', () => {
    const peer = afterRoundTrip();

    ack(peer, 0, [1, 2]);
    peer.pass(REO_WND_MS - 0.1);
    expect(sent(peer), 'only new data').to.deep.equal([10]);
    peer.pass(0.1);

    expect(sent(peer)).to.deep.equal([0]);
    expect(peer.connection.tcpInfo().retransmits, 'no time-out').to.equal(0);
  });

  it('sends nothing again that comes within that time (RFC 8985 §6.2)', () => {
    const peer = afterRoundTrip();

    for (let last = 1; last <= 3; last += 1) ack(peer, 0, [1, last]);
    peer.pass(REO_WND_MS - 1);
    ack(peer, 3);
    peer.pass(REO_WND_MS);

    expect(sent(peer)).not.to.include(0);
    expect(ssthresh(peer), 'and takes nothing for congestion').to.equal(Number.POSITIVE_INFINITY);
  });

  it('does not wait when three are SACKed and none was ever seen to change places (RFC 8985 §6.2, step 4)', () => {
    const peer = afterRoundTrip();

    ack(peer, 0, [1, 3]);
    expect(sent(peer)).not.to.include(0);
    ack(peer, 0, [1, 4]);

    expect(sent(peer)).to.include(0);
  });

  it('leaves a peer without SACK to duplicate ACKs (RFC 8985 §4, RFC 6582 §3.2)', () => {
    const peer = bulkSender();
    sent(peer);
    peer.pass(RTT_MS);

    ack(peer, 0);
    peer.pass(RTT_MS);
    expect(sent(peer)).to.deep.equal([10]);
    for (let i = 0; i < 2; i += 1) ack(peer, 0);

    expect(sent(peer)).to.include(0);
  });

  it('waits however many are SACKed once an original came out of order (RFC 8985 §6.2, steps 3 and 4)', () => {
    const peer = afterRoundTrip();
    reordered(peer);

    ack(peer, 3, [4, 10]);
    peer.pass(REO_WND_MS - 0.1);
    expect(sent(peer)).not.to.include(3);
    peer.pass(0.1);

    expect(sent(peer)).to.deep.equal([3]);
  });

  it('takes the blocks of one ACK for no reordering, whatever their order (RFC 8985 §6.2, step 3)', () => {
    const peer = afterRoundTrip();
    // ACKs were lost: two isles are told of at once, the higher one first.
    ack(peer, 0, [4, 5], [1, 3]);

    expect(sent(peer), 'three are SACKed').to.include(0);
  });

  it('takes the ACK of a retransmission for no reordering (RFC 8985 §6.2, step 3)', () => {
    const peer = afterRoundTrip();
    ack(peer, 0, [1, 10]);
    expect(sent(peer)).to.include(0);
    peer.pass(RTT_MS);
    ack(peer, 10);
    const first = Math.min(...sent(peer));
    peer.pass(RTT_MS);

    ack(peer, 10, [11, 14]);

    expect(first).to.be.above(10);
    expect(sent(peer), 'at once').to.include(10);
  });

  it('widens the window by a quarter of the RTT for each round trip with a D-SACK (RFC 8985 §6.2, step 4)', () => {
    const peer = afterRoundTrip();
    const waits: number[] = [];
    let next = 0;
    for (let round = 0; round < 3; round += 1) {
      ack(peer, next, [next + 1, next + 2]);
      const since = peer.now;
      sent(peer);
      waits.push(waitFor(peer, next) - since);
      peer.pass(RTT_MS);
      // The repair was needless: both copies came.
      const before = next;
      next = sentEnd(peer);
      ack(peer, next, [before, before + 1]);
      sent(peer);
      peer.pass(RTT_MS);
    }

    expect(waits).to.deep.equal([REO_WND_MS, 2 * REO_WND_MS, 3 * REO_WND_MS]);
  });

  it('waits no longer than the smoothed RTT, however many D-SACKs come (RFC 8985 §6.2, step 4)', () => {
    const peer = afterRoundTrip();
    let next = 0;
    for (let round = 0; round < 8; round += 1) next = spuriousRecovery(peer, next, true);

    ack(peer, next, [next + 1, next + 2]);
    sent(peer);
    peer.pass(peer.connection.tcpInfo().rttUs / 1000);

    expect(sent(peer)).to.include(next);
  });

  it('forgets what D-SACKs have taught after 16 recoveries without one (RFC 8985 §6.2, step 4)', () => {
    const peer = afterRoundTrip();
    let next = spuriousRecovery(peer, 0, true);
    const early: boolean[] = [];
    for (let round = 0; round < 17; round += 1) {
      ack(peer, next, [next + 1, next + 2]);
      sent(peer);
      peer.pass(REO_WND_MS);
      early.push(sent(peer).includes(next));
      peer.pass(RTT_MS);
      next = sentEnd(peer);
      ack(peer, next);
      sent(peer);
      peer.pass(RTT_MS);
    }

    expect(early.indexOf(true)).to.equal(16);
  });

  it('lets no duplicate that the network made widen the window (RFC 8985 §6.2, step 4)', () => {
    const peer = afterRoundTrip();
    ack(peer, 4);
    for (let i = 0; i < 5; i += 1) ack(peer, 4, [2, 3]);
    sent(peer);
    peer.pass(RTT_MS);

    ack(peer, 4, [5, 8]);

    expect(sent(peer), 'nothing of ours was sent twice: no wait').to.include(4);
  });

  it('repairs a segment that is lost again and again without a time-out (RFC 8985 §6.2, step 5)', () => {
    const peer = afterRoundTrip();
    ack(peer, 0, [1, 10]);
    let out = sent(peer);
    let sackedEnd = 10;
    for (let round = 0; round < 4; round += 1) {
      expect(out, `copy ${round}`).to.include(0);
      peer.pass(RTT_MS);
      // The copy is lost; what left after it arrives.
      sackedEnd = Math.max(...out) + 1;
      ack(peer, 0, [1, sackedEnd]);
      out = sent(peer);
    }

    expect(peer.connection.tcpInfo().retransmits, 'no time-out').to.equal(0);
    peer.pass(RTT_MS);
    ack(peer, Math.max(...out) + 1);
    expect(sent(peer)).not.to.include(0);
  });

  it('does not take the ACK of the original for one of the retransmission (RFC 8985 §6.2, step 2)', () => {
    const peer = afterRoundTrip();
    ack(peer, 0, [3, 8]);
    expect(sent(peer)).to.include.members([0, 1, 2]);
    peer.pass(RTT_MS / 2);

    // Sooner than any copy can come back: the original of 2 was late. It says nothing of the copies of 0 and 1.
    ack(peer, 0, [2, 8]);
    peer.pass(RTT_MS / 4);

    expect(sent(peer)).not.to.include.members([0]);
    expect(recoveries(peer)).to.equal(3);
  });

  it('takes on a time-out only the first for lost, and what left a round trip ago (RFC 8985 §6.3)', () => {
    const { peer, late } = timedOutWithLateOnes();

    expect(late).to.deep.equal([2, 3]);
    const { lostBytes, inFlightBytes } = peer.connection.tcpInfo();
    expect(lostBytes, '0 and 1').to.equal(2000);
    expect(inFlightBytes, '2 and 3, and 0 again').to.equal(3000);
  });

  it('sends the first again at the time-out whatever is in flight beside it (RFC 8985 §6.3, RFC 6298 §5.4)', () => {
    const { peer } = timedOutWithLateOnes();

    expect(cwnd(peer)).to.equal(1);
    expect(sent(peer)).to.deep.equal([0]);
  });
});

/** One round trip is measured; then `count` segments leave and nothing else is to be sent. */
function tail(count: number, profile: BulkOptions['profile'] = {}): ScriptedPeer {
  const peer = bulkSender({ profile: { ...SACK, ...profile }, segments: count });
  expect(sent(peer)).to.deep.equal(range(0, count));
  return peer;
}

describe('RFC 8985: tail loss probes', () => {
  it('sends the last segment again after two round trips of silence (RFC 8985 §7.2, §7.3)', () => {
    const peer = tail(3);

    peer.pass(2 * RTT_MS - 0.1);
    expect(sent(peer)).to.deep.equal([]);
    peer.pass(0.1);

    expect(sent(peer)).to.deep.equal([2]);
    expect(peer.connection.tcpInfo().retransmits, 'that is no time-out').to.equal(0);
  });

  it('repairs the loss of the last segment without a time-out (RFC 8985 §7.4.2)', () => {
    const peer = tail(3);
    peer.pass(RTT_MS);
    ack(peer, 2);

    // Of the one that is left the ACK may be delayed.
    peer.pass(2 * RTT_MS + 200);
    expect(sent(peer)).to.deep.equal([2]);
    peer.pass(RTT_MS);
    ack(peer, 3);

    expect(peer.connection.unacknowledgedBytes).to.equal(0);
    expect(peer.connection.tcpInfo().retransmits).to.equal(0);
  });

  it('repairs the loss of a whole tail by the SACK that the probe brings (RFC 8985 §7.4.1)', () => {
    const peer = tail(6);
    peer.pass(RTT_MS);
    ack(peer, 2);
    peer.pass(2 * RTT_MS);
    expect(sent(peer)).to.deep.equal([5]);
    peer.pass(RTT_MS);
    ack(peer, 2, [5, 6]);
    const again = sent(peer);
    for (let n = 3; n < 6; n += 1) {
      peer.pass(RTT_MS);
      ack(peer, n, [5, 6]);
      again.push(...sent(peer));
    }

    expect(again).to.deep.equal([2, 3, 4]);
    expect(peer.connection.tcpInfo().retransmits).to.equal(0);
  });

  it('probes with no more than the path carries, however much larger the last segment was (RFC 8985 §7.3)', () => {
    const peer = established({
      profile: { sack: true, maxDatagramBytes: 6000 },
      peerOptions: { mss: 5980, sackPermitted: true },
    });
    peer.connection.write(new Uint8Array(5000));
    peer.expect({ length: 5000 });
    peer.endpoint.handlePathError(peer.now, PATH, 'EMSGSIZE');

    peer.pass(1000);

    const lengths = peer.drain().map(({ length }) => length);
    expect(lengths.length).to.be.above(0);
    expect(Math.max(...lengths)).to.be.at.most(1200 - 20);
  });

  it('waits 200 ms more where one segment is out, whose ACK may be delayed (RFC 8985 §7.2)', () => {
    const peer = tail(1);

    peer.pass(2 * RTT_MS + 199.9);
    expect(sent(peer)).to.deep.equal([]);
    peer.pass(0.1);

    expect(sent(peer)).to.deep.equal([0]);
  });

  it('asks at the time of the RTO where that comes sooner, and the RTO begins anew (RFC 8985 §7.2, §7.3)', () => {
    const peer = tail(1, { rtoMinMs: 150 });

    peer.pass(150);
    expect(sent(peer)).to.deep.equal([0]);
    expect(peer.connection.tcpInfo().retransmits).to.equal(0);
    peer.pass(150);

    expect(sent(peer)).to.deep.equal([0]);
    expect(peer.connection.tcpInfo().retransmits).to.equal(1);
  });

  it('waits 10 ms at least: what two batches take (RFC 8985 §7.2)', () => {
    const peer = established({ profile: SACK, peerOptions: { mss: 1000, sackPermitted: true } });
    peer.connection.write(new Uint8Array(3000));
    expect(sent(peer)).to.have.lengthOf(3);

    peer.pass(9.9);
    expect(sent(peer)).to.deep.equal([]);
    peer.pass(0.1);

    expect(sent(peer)).to.deep.equal([2]);
  });

  it('begins to wait anew with each new segment and each ACK (RFC 8985 §7.2)', () => {
    const peer = tail(3);
    peer.pass(2 * RTT_MS - 1);
    peer.connection.write(new Uint8Array(1000));
    expect(sent(peer)).to.deep.equal([3]);
    peer.pass(2 * RTT_MS - 1);
    ack(peer, 1);
    const { rttUs } = peer.connection.tcpInfo();
    expect(sent(peer)).to.deep.equal([]);

    peer.pass((2 * rttUs) / 1000 - 1);
    expect(sent(peer)).to.deep.equal([]);
    peer.pass(1);

    expect(sent(peer)).to.deep.equal([3]);
  });

  it('sends new data instead, if there is any, beyond the congestion window (RFC 8985 §7.3)', () => {
    const peer = bulkSender({ profile: SACK });
    expect(sent(peer)).to.deep.equal(range(0, 10));

    peer.pass(2 * RTT_MS);

    expect(sent(peer)).to.deep.equal([10]);
  });

  it('but nothing beyond the window of the peer (RFC 8985 §7.3)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);
    peer.inject({ seq: 1, ack: 1, window: Math.ceil(10_000 / 128) - 1 });

    peer.pass(2 * RTT_MS);

    expect(sent(peer)).to.deep.equal([9]);
  });

  it('sends one probe, and no other before an RTT was measured; then the RTO is left (RFC 8985 §7.3)', () => {
    const peer = tail(3);
    peer.pass(2 * RTT_MS);
    expect(sent(peer)).to.deep.equal([2]);

    peer.pass(999);
    expect(sent(peer)).to.deep.equal([]);
    peer.pass(1);

    expect(sent(peer)).to.deep.equal([0]);
    expect(peer.connection.tcpInfo().retransmits).to.equal(1);
  });

  it('leaves to RACK what has been SACKed in part, and to a repair what is being repaired (RFC 8985 §7.2)', () => {
    const peer = tail(6);
    peer.pass(RTT_MS);
    ack(peer, 0, [2, 6]);
    expect(sent(peer)).to.deep.equal([0, 1]);

    peer.pass(900);

    expect(sent(peer)).to.deep.equal([]);
  });

  it('keeps the probe back when a SACK comes between its time and its turn to leave (RFC 8985 §7.2, §7.3)', () => {
    const peer = tail(4);
    const blocks = encodedAck(peer, 0, [3, 4]);
    peer.at(peer.connection.tcb.tailProbeAt - 1);

    // As where the socket is blocked or others have their turn: nothing is polled between the two.
    peer.endpoint.handleTimeout(peer.now + 1);
    peer.endpoint.handleDatagram(peer.now + 1, blocks, PATH);
    peer.pass(RTT_MS);

    expect(sent(peer)).to.deep.equal([0]);
    ack(peer, 1, [3, 4]);
    ack(peer, 4);
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
  });

  it('takes the loss that the probe repaired for congestion (RFC 8985 §7.4.2)', () => {
    const peer = tail(8);
    peer.pass(2 * RTT_MS);
    expect(sent(peer)).to.deep.equal([7]);
    peer.pass(RTT_MS);
    ack(peer, 8);
    expect(ssthresh(peer), 'the original may have come').to.equal(Number.POSITIVE_INFINITY);
    peer.connection.write(new Uint8Array(8000));
    sent(peer);
    peer.pass(RTT_MS);

    ack(peer, 10);

    expect(ssthresh(peer)).to.equal(4);
    expect(cwnd(peer)).to.equal(4);
  });

  for (const [how, tell] of [
    ['a D-SACK (case 1)', (peer: ScriptedPeer): void => ack(peer, 8, [7, 8])],
    ['a duplicate ACK without SACK (case 2)', (peer: ScriptedPeer): void => ack(peer, 8)],
  ] as const) {
    it(`but not when both copies came, as ${how} tells (RFC 8985 §7.4.2)`, () => {
      const peer = tail(8);
      peer.pass(2 * RTT_MS);
      sent(peer);
      ack(peer, 8);
      peer.pass(RTT_MS);
      tell(peer);
      peer.connection.write(new Uint8Array(8000));
      sent(peer);
      peer.pass(RTT_MS);

      ack(peer, 10);

      expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
      peer.pass(RTT_MS);
      ack(peer, 10, [12, 15]);
      expect(sent(peer), 'nor is that taken for reordering').to.include(10);
    });
  }

  it('nor when the echoed timestamp is that of the original (RFC 8985 §7.4.2, RFC 3522 §3.2)', () => {
    const peer = tail(1, { timestamps: true });
    peer.pass(RTT_MS);
    peer.usualOptions = { timestamps: [2, RTT_MS] };
    peer.pass(300);
    expect(sent(peer)).to.deep.equal([0]);
    ack(peer, 1);
    peer.connection.write(new Uint8Array(2000));
    sent(peer);
    peer.pass(RTT_MS);
    peer.usualOptions = { timestamps: [2, peer.now - RTT_MS] };

    ack(peer, 3);

    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('nor when the probe was new data (RFC 8985 §7.4.2)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);
    peer.pass(2 * RTT_MS);
    expect(sent(peer)).to.deep.equal([10]);

    ack(peer, 11);
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 14);

    expect(ssthresh(peer)).to.equal(Number.POSITIVE_INFINITY);
  });

  it('forgets the probe when a repair begins (RFC 8985 §7.1)', () => {
    const peer = tail(8);
    peer.pass(2 * RTT_MS);
    expect(sent(peer)).to.deep.equal([7]);
    peer.pass(RTT_MS);
    ack(peer, 4, [7, 8]);
    expect(sent(peer)).to.include(4);
    const before = ssthresh(peer);
    peer.pass(RTT_MS);
    ack(peer, 8);
    peer.connection.write(new Uint8Array(8000));
    sent(peer);
    peer.pass(RTT_MS);

    ack(peer, 10);

    expect(ssthresh(peer), 'once').to.equal(before);
  });

  it('does without where there is no SACK, or no RACK (RFC 8985 §7)', () => {
    for (const profile of [{ sack: false }, { rack: false }]) {
      const peer = tail(3, profile);

      peer.pass(999);

      expect(sent(peer)).to.deep.equal([]);
    }
  });
});

/** 0 and 1 leave at once; 2 and 3, which the user writes late, just before the time-out that 0 runs into. */
function timedOutWithLateOnes(): { readonly peer: ScriptedPeer; readonly late: number[] } {
  const peer = bulkSender({ profile: { ...SACK, initialWindowSegments: 4 }, segments: 2 });
  peer.pass(500);
  sent(peer);
  const rtoAt = peer.connection.tcb.retransmitAt;
  peer.at(rtoAt - 20);
  peer.connection.write(new Uint8Array(2000));
  const late = sent(peer);
  peer.at(rtoAt);
  expect(peer.connection.tcpInfo().retransmits).to.equal(1);
  return { peer, late };
}
