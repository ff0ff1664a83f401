import { expect } from 'chai';
import { pattern, type ScriptedPeer, type SeenSegment } from '../../support/scripted-peer.ts';
import { established, listening, synSent } from '../../support/scripted-states.ts';

const MSS = 1000;

/** ESTABLISHED with `segments` full segments in flight, SEQ 1 the first. */
function inFlight(segments: number): ScriptedPeer {
  const peer = established({ peerOptions: { mss: MSS } });
  peer.connection.write(pattern(segments * MSS));
  expect(peer.drain()).to.have.lengthOf(segments);
  return peer;
}

/** The right edge that `segment` tells the peer, counted from its ISN. */
function rightEdge(segment: SeenSegment, shift: number): number {
  return segment.ack + segment.window * 2 ** shift;
}

describe('a shrinking send window', () => {
  it('may leave a negative usable window (RFC 9293 §3.8.6, MUST-34)', () => {
    const peer = inFlight(4);

    peer.inject({ seq: 1, ack: 1 + MSS, window: 500 });
    peer.connection.write(pattern(MSS));
    peer.expectNothing();
    peer.inject({ seq: 1, ack: 1 + 4 * MSS, window: 5000 });

    peer.expect({ seq: 1 + 4 * MSS, length: MSS });
  });

  it('holds new text back (RFC 9293 §3.8.6, SHLD-15)', () => {
    const peer = inFlight(3);
    peer.connection.write(pattern(3 * MSS));
    peer.drain();

    peer.inject({ seq: 1, ack: 1, window: 2 * MSS });
    peer.connection.write(pattern(MSS));

    peer.expectNothing();
  });

  it('has old text inside it sent again, and none beyond it (RFC 9293 §3.8.6, SHLD-16, MAY-7)', () => {
    const peer = inFlight(4);
    peer.inject({ seq: 1, ack: 1, window: 2 * MSS });

    peer.at(200);
    peer.expect({ seq: 1, length: MSS });
    peer.inject({ seq: 1, ack: 1 + MSS, window: MSS });
    peer.expect({ seq: 1 + MSS, length: MSS });
    peer.pass(100);

    peer.expectNothing();
  });

  it('does not end a connection whose peer answers (RFC 9293 §3.8.6, SHLD-17)', () => {
    const peer = inFlight(4);
    peer.inject({ seq: 1, ack: 1 + MSS, window: 0 });

    for (let minute = 0; minute < 60; minute += 1) {
      peer.pass(60_000);
      for (const probe of peer.drain()) {
        expect(probe.seq).to.equal(1 + MSS);
        peer.inject({ seq: 1, ack: 1 + MSS, window: 0 });
      }
    }

    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.inject({ seq: 1, ack: 1 + 4 * MSS, window: 9000 });
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
  });

  it('is not believed from a segment that was overtaken (RFC 9293 §3.10.7.4, SND.WL1)', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    peer.inject({ seq: 6, ack: 1, payload: 'later', window: 9000 });

    peer.inject({ seq: 1, ack: 1, payload: 'early', window: 0 });

    expect(peer.connection.readableBytes).to.equal(10);
    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(9000);
  });

  it('is believed from the next segment with the same sequence number (RFC 9293 §3.10.7.4, SND.WL2)', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    peer.inject({ seq: 1, ack: 1, window: 9000 });

    peer.inject({ seq: 1, ack: 1, window: 7 });

    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(7);
  });
});

describe('a window that comes with text sent again', () => {
  it('is believed where its ACK is new, or the ACK would move the right edge on (RFC 9293 §3.10.7.4)', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    peer.inject({ seq: 1001, ack: 1, payload: 'later', window: 2 * MSS });
    peer.drain();
    peer.connection.write(pattern(3 * MSS));
    expect(peer.drain()).to.have.lengthOf(2);

    peer.inject({ seq: 1, ack: 1 + 2 * MSS, payload: pattern(1000), window: 0 });

    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(0);
    for (const { length } of peer.drain()) expect(length, 'nothing beyond what was promised').to.equal(0);
  });

  it('does not make those forget that came with what followed it (RFC 9293 §3.10.7.4, SND.WL1)', () => {
    const peer = established({ peerOptions: { mss: MSS } });
    peer.inject({ seq: 1001, ack: 1, payload: 'later', window: 9000 });
    peer.connection.write(pattern(MSS));
    peer.inject({ seq: 1, ack: 1 + MSS, payload: pattern(500), window: 8000 });

    peer.inject({ seq: 501, ack: 1 + MSS, payload: pattern(500), window: 7000 });

    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(8000);
  });
});

describe('the window we offer', () => {
  it('is not pulled back by a SYN-ACK that goes again (RFC 9293 §3.8.6, SHLD-14)', () => {
    const profile = { receiveBufferBytes: 500, receiveBufferMaxBytes: 500, windowScale: 7 };
    for (const peer of [synSent({ profile }), listening({ profile })]) {
      peer.inject({ flags: 'S', options: { windowScale: 3 } });
      peer.expect({ flags: 'S.', window: 500 });
      peer.inject({ seq: 5000, ack: 1, payload: 'far off' });
      peer.expect({ flags: '.', ack: 1, window: 4 });

      peer.pass(1000);

      peer.expect({ flags: 'S.', window: 4 * 2 ** 7 });
    }
  });

  it('never pulls its right edge back while the buffer fills (RFC 9293 §3.8.6, SHLD-14)', () => {
    const peer = established({ profile: { receiveBufferBytes: 10_000, receiveBufferMaxBytes: 10_000 } });
    let edge = 1 + 10_000;
    let seq = 1;
    for (const size of [1, 999, 1000, 1460, 7, 1000, 1000, 1000, 1000, 1000, 1000, 533]) {
      peer.inject({ seq, ack: 1, payload: pattern(size) });
      seq += size;
      for (const answer of peer.drain()) {
        expect(rightEdge(answer, 0)).to.be.at.least(edge);
        edge = rightEdge(answer, 0);
      }
    }

    expect(seq - 1).to.equal(10_000);
    expect(edge).to.equal(10_001);
  });

  it('is rounded up when scaled, so that its right edge stays (RFC 9293 §3.8.6, SHLD-14, RFC 7323 §2.4)', () => {
    for (const windowScale of [1, 7, 14]) {
      const peer = established({ profile: { windowScale }, peerOptions: { windowScale: 0 } });
      let edge = 0;
      let seq = 1;
      while (seq < 60_000) {
        const size = 1 + ((seq * 7) % 1459);
        peer.inject({ seq, ack: 1, payload: pattern(size) });
        seq += size;
        for (const answer of peer.drain()) {
          expect(rightEdge(answer, windowScale), `scale ${windowScale}`).to.be.at.least(edge);
          edge = rightEdge(answer, windowScale);
        }
        if (seq % 3 === 0) peer.connection.read(700);
        peer.drain();
      }
    }
  });

  it('is taken as it was promised, though rounding at the end offers less (RFC 7323 §2.4)', () => {
    const peer = established({
      profile: { windowScale: 7, receiveBufferBytes: 2000, receiveBufferMaxBytes: 2000, ackDelayMs: 0 },
      peerOptions: { windowScale: 0 },
    });
    let edge = 0;
    let seq = 1;
    for (let i = 0; i < 20 && seq < 1 + 2000; i += 1) {
      peer.inject({ seq, ack: 1, payload: pattern(101) });
      seq += 101;
      for (const answer of peer.drain()) edge = Math.max(edge, rightEdge(answer, 7));
    }

    peer.inject({ seq, ack: 1, payload: pattern(edge - seq) });

    expect(peer.connection.readableBytes).to.equal(edge - 1);
    const last = peer.drain().at(-1)!;
    expect(rightEdge(last, 7)).to.equal(edge);
    expect(last.window).to.equal(0);
  });

  it('stays within twice the buffer for a peer that sends octet by octet (RFC 9293 §3.8.6)', () => {
    const peer = established({
      profile: { windowScale: 7, receiveBufferBytes: 1000, receiveBufferMaxBytes: 1000, ackDelayMs: 0 },
      peerOptions: { windowScale: 0 },
    });
    let seq = 1;
    for (let window = 1; window > 0 && seq < 5000; seq += 1) {
      peer.inject({ seq, ack: 1, payload: 'x' });
      window = peer.drain().at(-1)?.window ?? 1;
    }

    expect(peer.connection.readableBytes).to.be.within(1000, 2000 + 128);
  });

  it('counts as unsigned and in 32 bits up to 65535 << 14 (RFC 9293 §3.1, MUST-1, REC-1)', () => {
    const peer = established({ profile: { windowScale: 0 }, peerOptions: { mss: MSS, windowScale: 14 } });

    peer.inject({ seq: 1, ack: 1, window: 65_535 });

    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(65_535 * 2 ** 14);
    peer.connection.write(pattern(3 * MSS));
    expect(peer.drain()).to.have.lengthOf(3);
  });
});
