import { expect } from 'chai';
import { ack, bulkSender, range, sent } from '../support/bulk-sender.ts';
import { PATH, pattern, type ScriptedPeer, type SeenSegment } from '../support/scripted-peer.ts';
import { established } from '../support/scripted-states.ts';

/** Bytes in each piece; piece n begins at 1 + 100 n. */
const PIECE = 100;

function receiver(options: { readonly timestamps?: boolean } = {}): ScriptedPeer {
  const timestamps = options.timestamps === true;
  return established({
    profile: { sack: true, timestamps },
    peerOptions: { sackPermitted: true, ...(timestamps ? { timestamps: [1, 0] as const } : {}) },
  });
}

/** Piece `n` of the stream arrives; returns the one ACK that answers it. */
function arrive(peer: ScriptedPeer, n: number): SeenSegment {
  peer.inject({ seq: 1 + n * PIECE, ack: 1, payload: pattern(PIECE, n * PIECE) });
  return peer.expect({ flags: '.', length: 0 });
}

/** The blocks of `segment` as pieces: [first, after the last]. */
function blocks(segment: SeenSegment): number[][] {
  return (segment.options.sack ?? []).map((edges) => edges.map((edge) => (edge - 1) / PIECE));
}

describe('RFC 2018: selective acknowledgment', () => {
  it('answers each segment out of order at once, with what it holds (RFC 2018 §4, RFC 5681 §4.2, RFC 9293 §3.10.7.4, MAY-13)', () => {
    const peer = receiver();

    expect(blocks(arrive(peer, 1))).to.deep.equal([[1, 2]]);
    expect(blocks(arrive(peer, 2))).to.deep.equal([[1, 3]]);
  });

  it('reports the block that grew last first, then those reported last (RFC 2018 §4)', () => {
    const peer = receiver();
    arrive(peer, 2);
    arrive(peer, 4);
    arrive(peer, 6);

    expect(blocks(arrive(peer, 8))).to.deep.equal([
      [8, 9],
      [6, 7],
      [4, 5],
      [2, 3],
    ]);
    expect(blocks(arrive(peer, 10))).to.deep.equal([
      [10, 11],
      [8, 9],
      [6, 7],
      [4, 5],
    ]);
    expect(blocks(arrive(peer, 3)), 'two become one').to.deep.equal([
      [2, 5],
      [10, 11],
      [8, 9],
      [6, 7],
    ]);
  });

  it('reports older blocks again when there is room for them (RFC 2018 §4)', () => {
    const peer = receiver();
    for (const n of [2, 4, 6, 8, 10]) arrive(peer, n);
    arrive(peer, 9);

    expect(blocks(arrive(peer, 7))).to.deep.equal([
      [6, 11],
      [4, 5],
      [2, 3],
    ]);
  });

  it('has room for three blocks beside timestamps (RFC 2018 §3)', () => {
    const peer = receiver({ timestamps: true });
    for (const n of [2, 4, 6]) arrive(peer, n);

    expect(blocks(arrive(peer, 8))).to.deep.equal([
      [8, 9],
      [6, 7],
      [4, 5],
    ]);
  });

  it('reports nothing that is acknowledged, and nothing at all without a gap (RFC 2018 §4)', () => {
    const peer = receiver();
    arrive(peer, 1);
    arrive(peer, 3);

    const half = arrive(peer, 0);
    expect([half.ack, ...blocks(half)]).to.deep.equal([1 + 2 * PIECE, [3, 4]]);
    const whole = arrive(peer, 2);
    expect([whole.ack, ...blocks(whole)]).to.deep.equal([1 + 4 * PIECE]);
  });

  it('sends blocks only to a peer that permits them (RFC 2018 §2)', () => {
    const peer = established({ profile: { sack: true }, peerOptions: {} });

    expect(blocks(arrive(peer, 1))).to.deep.equal([]);
  });

  it('answers a SYN that permits them with permission, and no other (RFC 2018 §2)', () => {
    const answers = [true, false].map((sackPermitted) => {
      const peer = receiverOfSyn();
      peer.inject({ flags: 'S', seq: 0, options: { sackPermitted } });
      return peer.expect({ flags: 'S.' }).options.sackPermitted;
    });

    expect(answers).to.deep.equal([true, undefined]);
  });

  it('keeps what it has reported: it never goes back on it (RFC 2018 §8)', () => {
    const peer = receiver();
    for (const n of [1, 2, 3, 5]) arrive(peer, n);

    arrive(peer, 0);
    arrive(peer, 4);

    expect([...peer.connection.read(10_000)]).to.deep.equal([...pattern(6 * PIECE)]);
  });

  it('survives a peer that goes back on its word: after the time-out all is sent again (RFC 2018 §8)', () => {
    const peer = bulkSender({ profile: { sack: true }, segments: 10 });
    sent(peer);
    ack(peer, 0, [1, 10]);
    expect(sent(peer)).to.deep.equal([0]);
    // Segment 0 came, and all that was SACKed is gone.
    ack(peer, 1);
    peer.pass(2000);
    const again = sent(peer);
    for (let n = 2; n <= 10; n += 1) {
      peer.pass(50);
      ack(peer, n);
      again.push(...sent(peer));
    }

    expect(again).to.deep.equal(range(1, 10));
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
  });

  it('believes no block beyond what it has sent, be it half way round the sequence space (RFC 2018 §5)', () => {
    const peer = bulkSender({ profile: { sack: true }, segments: 10 });
    sent(peer);

    // Each edge is in order with its neighbour by sequence arithmetic: SND.UNA, left, right, SND.NXT.
    peer.inject({ seq: 1, ack: 1, options: { sack: [[0x6000_0000, 0xa000_0000]] } });

    expect(sent(peer), 'nothing is taken for lost').to.deep.equal([]);
    expect(peer.connection.tcb.scoreboard?.ranges.count ?? 0).to.equal(0);
  });

  it('holds its text until it is acknowledged, SACKed or not (RFC 2018 §8)', () => {
    const peer = bulkSender({ profile: { sack: true }, segments: 10 });
    sent(peer);

    ack(peer, 0, [1, 10]);

    expect(peer.connection.unacknowledgedBytes).to.equal(10_000);
  });

  it('does not send again what was SACKed of a segment that is cut since (RFC 2018 §5.1)', () => {
    const peer = established({
      profile: { sack: true, maxDatagramBytes: 1_472, congestion: 'none' },
      peerOptions: { mss: 1_452, sackPermitted: true },
    });
    peer.connection.write(pattern(4 * 1_452));
    peer.drain();
    peer.endpoint.handlePathError(0, PATH, 'EMSGSIZE');

    peer.inject({ seq: 1, ack: 1, options: { sack: [[1_181, 1 + 4 * 1_452]] } });
    peer.pass(400);

    expect(peer.drain()[0]).to.include({ seq: 1, length: 1_180 });
    expect(peer.connection.tcpInfo().sackedBytes).to.equal(4 * 1_452 - 1_180);
  });

  it('bounds what 100,000 crumbs out of order cost (CVE-2018-5390)', () => {
    const peer = established({
      profile: { sack: true, windowScale: 7, receiveBufferBytes: 1_000_000 },
      peerOptions: { sackPermitted: true, windowScale: 7 },
    });
    peer.inject({ seq: 1, ack: 1 });
    const crumb = peer.encode({ seq: 1, ack: 1, payload: 'x' });
    const view = new DataView(crumb.buffer);
    const first = view.getUint32(4);

    for (let i = 1; i <= 100_000; i += 1) {
      view.setUint32(4, (first + 2 * i) >>> 0);
      peer.endpoint.handleDatagram(peer.now, crumb, 3);
    }

    expect(peer.endpoint.memory.usedBytes).to.be.at.most(2 ** 20);
    expect(blocks(peer.expect({ flags: '.', length: 0 }))).to.have.length(4);
    peer.inject({ seq: 1, ack: 1, payload: 'ab' });
    peer.expect({ ack: 4 });
  });
});

function receiverOfSyn(): ScriptedPeer {
  const peer = established({ profile: { sack: true }, peerOptions: { sackPermitted: true } });
  peer.inject({ flags: 'R', seq: 1 });
  peer.drain();
  return peer;
}
