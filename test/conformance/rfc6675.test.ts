import { expect } from 'chai';
import { ack, bulkSender, cwnd, RTT_MS, range, sent, ssthresh } from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

const SACK = { sack: true, rack: false } as const;

/** Segments up to `n` are acknowledged, and 1, 2, 3 … after it SACKed one ACK at a time; returns what was sent. */
function sackOneByOne(peer: ScriptedPeer, n: number, first: number, end: number): number[] {
  const out: number[] = [];
  for (let last = first + 1; last <= end; last += 1) {
    ack(peer, n, [first, last]);
    out.push(...sent(peer));
  }
  return out;
}

describe('RFC 6675: recovery with SACK', () => {
  it('takes a segment for lost when more than two segments above it are SACKed (RFC 6675 §2, §4, IsLost)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);

    ack(peer, 0, [1, 3]);
    expect(sent(peer)).to.deep.equal([10, 11]);
    ack(peer, 0, [1, 4]);

    expect(sent(peer)).to.deep.equal([0]);
  });

  it('or when three separate pieces are, however small (RFC 6675 §2, §4, IsLost)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);

    ack(peer, 0, [2, 3], [4, 5]);
    expect(sent(peer)).not.to.include(0);
    ack(peer, 0, [6, 7], [4, 5], [2, 3]);

    expect(sent(peer)).to.include(0);
  });

  it('sends all that one ACK shows to be lost, as the pipe allows (RFC 6675 §5, step 4.3 and C)', () => {
    const peer = bulkSender({ profile: SACK, segments: 10 });
    sent(peer);

    // 4–9 are here: 0–3 are lost, nothing is in flight, and the window is five.
    ack(peer, 0, [4, 10]);

    expect(sent(peer)).to.deep.equal([0, 1, 2, 3]);
  });

  it('prefers what is lost to new data, and waits until the pipe is below cwnd (RFC 6675 §4, NextSeg rules 1–2)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);

    // 0 and 1 are lost; ssthresh is 5, and seven are in the pipe at the third SACK.
    expect(sackOneByOne(peer, 0, 2, 5)).to.deep.equal([10, 11, 0]);
    expect(sackOneByOne(peer, 0, 2, 8), 'pipe 8 to 5').to.deep.equal([]);
    expect(sackOneByOne(peer, 0, 2, 9), 'pipe 4: rule 1').to.deep.equal([1]);

    expect(sackOneByOne(peer, 0, 2, 10), 'rule 2').to.deep.equal([12]);
  });

  it('sends a hole that is not yet lost when there is nothing new (RFC 6675 §4, NextSeg rule 3)', () => {
    const peer = bulkSender({ profile: SACK, segments: 6 });
    sent(peer);
    expect(sackOneByOne(peer, 0, 1, 4)).to.deep.equal([0]);

    ack(peer, 0, [5, 6], [1, 4]);

    expect(sent(peer)).to.deep.equal([4]);
  });

  it('sends the last segment once to be rescued from a time-out (RFC 6675 §4, NextSeg rule 4)', () => {
    const peer = bulkSender({ profile: SACK, segments: 6 });
    sent(peer);
    expect(sackOneByOne(peer, 0, 1, 4)).to.deep.equal([0]);

    ack(peer, 0, [1, 5]);
    expect(sent(peer)).to.deep.equal([5]);
    peer.pass(RTT_MS);
    ack(peer, 5);

    expect(sent(peer), 'once').to.deep.equal([]);
  });

  it('sends holes below what is SACKed also after the rescue (RFC 6675 §4, NextSeg rule 4: HighRxt stays)', () => {
    const peer = bulkSender({ profile: SACK, segments: 10 });
    sent(peer);
    expect(sackOneByOne(peer, 0, 1, 7)).to.deep.equal([0, 9]);

    ack(peer, 0, [8, 9], [1, 7]);

    expect(sent(peer)).to.deep.equal([7]);
  });

  it('takes what was only rescued for no loss: the window is not halved again (RFC 6675 §4, NextSeg rule 4, §5)', () => {
    const peer = bulkSender({ profile: { ...SACK, initialWindowSegments: 20 }, segments: 14 });
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 4]);
    const reduced = ssthresh(peer);
    peer.connection.write(new Uint8Array(2000));
    for (let end = 5; end <= 12; end += 1) ack(peer, 0, [1, end]);
    expect(sent(peer)).to.deep.equal([0, 14, 15, 15]);

    // All that was out as the repair began; 14 and 15 are still on their way.
    ack(peer, 14);

    expect(peer.connection.tcpInfo().caState).to.equal('open');
    expect(ssthresh(peer)).to.equal(reduced);
    ack(peer, 16);
    expect(peer.connection.tcpInfo().lostBytes).to.equal(0);
  });

  it('halves the window once for each window, whatever more is lost in it (RFC 6675 §5, step 4.2)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);
    sackOneByOne(peer, 0, 1, 4);
    ack(peer, 0, [5, 10], [1, 4]);
    peer.pass(RTT_MS);
    sent(peer);
    ack(peer, 4, [5, 12]);
    ack(peer, 12);

    expect([cwnd(peer), ssthresh(peer)]).to.deep.equal([5, 5]);
  });

  it('halves again for a loss among what left during the repair (RFC 6675 §5, step A)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);
    expect(sackOneByOne(peer, 0, 1, 10)).to.include.members([0, 10, 11, 12, 13]);
    peer.pass(RTT_MS);

    // The repair of 0 arrives, 1–11 with it; 12 is lost, 13–15 are not.
    ack(peer, 12);
    const more = sent(peer);
    const last = Math.max(...more) + 1;
    ack(peer, 12, [13, last]);

    expect(sent(peer)).to.include(12);
    expect(ssthresh(peer)).to.be.below(5);
  });

  it('reacts when the repair is over to what was found lost beyond it (RFC 6675 §5)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);
    expect(sackOneByOne(peer, 0, 1, 4)).to.deep.equal([10, 11, 0]);
    // 12 to 15 leave during the repair of 0, whose end is 12; 12 is lost, and that is seen before 0 is repaired.
    expect(sackOneByOne(peer, 0, 1, 12)).to.deep.equal(range(12, 16));
    peer.pass(RTT_MS);
    ack(peer, 0, [13, 16], [1, 12]);
    expect(sent(peer), 'sent again in the same repair').to.include(12);
    expect(ssthresh(peer)).to.equal(5);

    ack(peer, 12, [13, 16]);

    expect(ssthresh(peer)).to.be.below(5);
  });

  it('keeps the pipe equal to what is neither SACKed nor lost, plus what was sent again (RFC 6675 §4, SetPipe)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);
    const inFlight = (): number => peer.connection.tcpInfo().inFlightBytes / 1000;

    expect(inFlight()).to.equal(10);
    ack(peer, 0, [1, 3]);
    expect(inFlight(), '12 out, 2 SACKed').to.equal(10);
    ack(peer, 0, [1, 4]);
    expect(inFlight(), '12 out, 3 SACKed, 1 lost and sent again').to.equal(9);
    ack(peer, 4);

    expect(inFlight(), '8 out').to.equal(8);
  });

  it('takes everything that is not SACKed for lost after a time-out, and repairs only that (RFC 6675 §5.1)', () => {
    const peer = bulkSender({ profile: SACK, segments: 10 });
    sent(peer);
    ack(peer, 0, [4, 6]);
    sent(peer);
    peer.pass(1500);
    const again = sent(peer);
    for (const n of [1, 2, 3]) {
      peer.pass(RTT_MS);
      ack(peer, n, [4, 6]);
      again.push(...sent(peer));
    }
    peer.pass(RTT_MS);
    ack(peer, 6);
    again.push(...sent(peer));

    expect(again).to.deep.equal([0, 1, 2, 3, 6, 7, 8, 9]);
  });

  for (const rack of [false, true]) {
    const how = rack ? 'RACK' : 'no RACK';
    it(`believes no block that lies: beyond SND.NXT, below SND.UNA, upside down, empty (RFC 2018 §5, ${how})`, () => {
      const peer = bulkSender({ profile: { ...SACK, rack } });
      sent(peer);
      ack(peer, 2);
      const out = sent(peer);
      const lies = [
        [30, 40],
        [5, 1000],
        [0, 1],
        [8, 4],
        [6, 6],
        [2, 5],
      ] as const;
      for (const lie of lies) {
        // The first block may be a D-SACK, so each lie is told second too.
        ack(peer, 2, lie);
        ack(peer, 2, [30, 40], lie);
      }

      expect(peer.connection.tcpInfo().sackedBytes).to.equal(0);
      expect(sent(peer)).to.deep.equal([]);
      ack(peer, 2 + 8 + out.length);
      expect(peer.connection.tcpInfo().unackedBytes / 1000, 'and goes on').to.equal(sent(peer).length);
    });
  }

  it('takes no cut segment for SACKed (RFC 6675 §4: what is not wholly there is sent again)', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);

    peer.inject({ seq: 1, ack: 1, options: { sack: [[1501, 4501]] } });

    expect(peer.connection.tcpInfo().sackedBytes).to.equal(2000);
  });

  it('puts pieces of a segment that were SACKed one after the other together', () => {
    const peer = bulkSender({ profile: SACK });
    sent(peer);

    peer.inject({ seq: 1, ack: 1, options: { sack: [[1001, 1501]] } });
    peer.inject({ seq: 1, ack: 1, options: { sack: [[1501, 2001]] } });

    expect(peer.connection.tcpInfo().sackedBytes).to.equal(1000);
  });

  it('remembers no more pieces than there are segments, however finely a peer cuts them (CVE-2019-11478)', () => {
    const peer = bulkSender({ profile: SACK, segments: 10 });
    sent(peer);

    for (let byte = 1001; byte < 5001; byte += 2) {
      peer.inject({ seq: 1, ack: 1, options: { sack: [[byte, byte + 1]] } });
    }

    expect(peer.connection.tcb.scoreboard?.ranges.count).to.be.at.most(10);
    ack(peer, 10);
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
  });

  it('does no more work for each ACK when every other segment is SACKed (CVE-2019-11478)', () => {
    const perAck = [400, 2400].map((count) => {
      const peer = bulkSender({ profile: { ...SACK, congestion: 'none' }, segments: count });
      sent(peer);
      const startedAt = process.cpuUsage().user;
      for (let n = count - 1; n > 0; n -= 2) ack(peer, 0, [n, n + 1]);
      const spent = process.cpuUsage().user - startedAt;
      sent(peer);
      return spent / (count / 2);
    });

    // Six times as many: quadratic work would be six times as dear for each ACK.
    expect(perAck[1]).to.be.below(3 * perAck[0]! + 20);
  });
});
