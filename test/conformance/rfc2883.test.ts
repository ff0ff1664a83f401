import { expect } from 'chai';
import { ack, bulkSender, cwnd, sent } from '../support/bulk-sender.ts';
import { pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import { established } from '../support/scripted-states.ts';

const PERMITTED = { profile: { sack: true }, peerOptions: { sackPermitted: true } };

function receiver(): ScriptedPeer {
  return established(PERMITTED);
}

/** Bytes [from, to) of the stream arrive, counted from the peer's ISN; returns the blocks of the ACK that answers. */
function arrive(peer: ScriptedPeer, from: number, to: number): readonly (readonly [number, number])[] {
  peer.inject({ seq: from, ack: 1, payload: pattern(to - from, from) });
  return peer.drain().at(-1)?.options.sack ?? [];
}

describe('RFC 2883: duplicate SACK', () => {
  it('reports a segment that came twice, below the acknowledged (RFC 2883 §4.1)', () => {
    const peer = receiver();
    arrive(peer, 1, 501);

    expect(arrive(peer, 1, 501)).to.deep.equal([[1, 501]]);
  });

  it('reports each duplicate once (RFC 2883 §4)', () => {
    const peer = receiver();
    arrive(peer, 1, 501);
    arrive(peer, 1, 501);

    expect(arrive(peer, 701, 801)).to.deep.equal([[701, 801]]);
  });

  it('reports it before the blocks that are held (RFC 2883 §4)', () => {
    const peer = receiver();
    arrive(peer, 1, 501);
    arrive(peer, 1001, 1501);

    expect(arrive(peer, 1, 501)).to.deep.equal([
      [1, 501],
      [1001, 1501],
    ]);
  });

  it('reports a duplicate beyond the gap, and then the block that it lies in (RFC 2883 §4.1.2)', () => {
    const peer = receiver();
    arrive(peer, 1001, 1501);
    arrive(peer, 1501, 2001);

    expect(arrive(peer, 1001, 1501)).to.deep.equal([
      [1001, 1501],
      [1001, 2001],
    ]);
  });

  it('reports the block that it lies in second, were it reported long ago (RFC 2883 §4)', () => {
    const peer = receiver();
    for (let from = 1001; from < 7001; from += 1000) arrive(peer, from, from + 500);

    expect(arrive(peer, 1001, 1101).slice(0, 2)).to.deep.equal([
      [1001, 1101],
      [1001, 1501],
    ]);
  });

  it('reports the part that came twice of a segment that is new in part (RFC 2883 §4.2)', () => {
    const peer = receiver();
    arrive(peer, 1, 501);
    arrive(peer, 1001, 1501);

    expect(arrive(peer, 301, 701)).to.deep.equal([
      [301, 501],
      [1001, 1501],
    ]);
  });

  it('says nothing of duplicates without SACK (RFC 2883 §2)', () => {
    const peer = established();
    arrive(peer, 1, 501);

    expect(arrive(peer, 1, 501)).to.deep.equal([]);
  });

  it('takes a report of a duplicate for no SACK and no duplicate ACK (RFC 2883 §5)', () => {
    const peer = bulkSender({ profile: { sack: true } });
    sent(peer);
    ack(peer, 4);
    const out = sent(peer).length;
    expect(out).to.be.above(0);

    for (let i = 0; i < 5; i += 1) ack(peer, 4, [1, 2]);

    expect(sent(peer)).to.deep.equal([]);
    expect(peer.connection.tcpInfo().sackedBytes).to.equal(0);
    expect(cwnd(peer)).to.equal(14);
  });

  it('takes a report of a duplicate beyond the gap by the block around it (RFC 2883 §4)', () => {
    const peer = bulkSender({ profile: { sack: true } });
    sent(peer);

    ack(peer, 0, [2, 3], [1, 3]);

    expect(peer.connection.tcpInfo().sackedBytes).to.equal(2000);
    ack(peer, 0, [2, 3], [1, 3]);
    expect(peer.connection.tcpInfo().sackedBytes).to.equal(2000);
  });

  it('does not take the echo of a duplicate for a round trip (RFC 7323 §4.1)', () => {
    const peer = bulkSender({ profile: { sack: true, timestamps: true }, segments: 1 });
    sent(peer);
    peer.pass(40);
    peer.usualOptions = { timestamps: [2, 40] };
    ack(peer, 1);
    const { rttUs } = peer.connection.tcpInfo();
    peer.connection.write(new Uint8Array(1000));
    sent(peer);
    peer.pass(400);

    // The duplicate of segment 0, long after, still echoes its time.
    ack(peer, 1, [0, 1]);

    expect(peer.connection.tcpInfo().rttUs).to.equal(rttUs);
  });
});
