import { expect } from 'chai';
import { PEER_ISS, pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, finWait1 } from '../../support/scripted-states.ts';

/** Where the urgent data that was reported last ends, counted from the peer's ISN; undefined when none was. */
function urgentUntil(peer: ScriptedPeer): number | undefined {
  const event = peer.takeEvents().findLast(({ type }) => type === 'urgent');
  return event?.type === 'urgent' ? (event.until - PEER_ISS) >>> 0 : undefined;
}

describe('urgent data', () => {
  it('is told before the text can be read, and stays in line (RFC 9293 §3.8.5, MUST-30, MUST-32, MUST-62)', () => {
    const peer = established();

    peer.inject({ flags: 'U.', seq: 1, ack: 1, urgentPointer: 3, payload: 'abcdef' });

    const events = peer.takeEvents();
    expect(events.map(({ type }) => type)).to.deep.equal(['urgent', 'readable']);
    expect(events[0]).to.include({ until: (PEER_ISS + 4) >>> 0 });
    expect(new TextDecoder().decode(peer.connection.read(10))).to.equal('abcdef');
  });

  it('is told of again only when the pointer advances (RFC 9293 §3.8.5, MUST-32)', () => {
    const peer = established();
    peer.inject({ flags: 'U.', seq: 1, ack: 1, urgentPointer: 100, payload: 'abc' });
    expect(urgentUntil(peer)).to.equal(101);

    peer.inject({ flags: 'U.', seq: 4, ack: 1, urgentPointer: 97, payload: 'def' });
    expect(urgentUntil(peer)).to.equal(undefined);
    peer.inject({ flags: 'U.', seq: 7, ack: 1, urgentPointer: 200, payload: 'ghi' });

    expect(urgentUntil(peer)).to.equal(207);
  });

  it('may be of any length: pointers follow on each other (RFC 9293 §3.8.5, MUST-31)', () => {
    const peer = established({
      profile: { receiveBufferBytes: 400_000, windowScale: 3 },
      peerOptions: { windowScale: 0 },
    });
    let seq = 1;
    while (seq < 200_000) {
      peer.inject({ flags: 'U.', seq, ack: 1, urgentPointer: 65_535, payload: pattern(1400) });
      seq += 1400;
      expect(urgentUntil(peer)).to.equal(seq - 1400 + 65_535);
    }
    expect(peer.connection.readableBytes).to.equal(seq - 1);
  });

  it('is told while the text before it is unread, though it has come (RFC 9293 §3.10.7.4, sixth step)', () => {
    const peer = established();
    peer.inject({ seq: 1, ack: 1, payload: 'abcdef' });
    peer.takeEvents();

    peer.inject({ flags: 'U.', seq: 4, ack: 1, urgentPointer: 2, payload: 'def' });
    peer.inject({ flags: 'U.', seq: 7, ack: 1, urgentPointer: 0 });

    expect(urgentUntil(peer)).to.equal(7);
  });

  it('is none where everything before the pointer was read (RFC 9293 §3.10.7.4, sixth step)', () => {
    const peer = established();
    peer.inject({ seq: 1, ack: 1, payload: 'abcdef' });
    peer.connection.read(6);
    peer.takeEvents();

    peer.inject({ flags: 'U.', seq: 7, ack: 1, urgentPointer: 0 });

    expect(urgentUntil(peer)).to.equal(undefined);
  });

  it('is heard through a closed window (RFC 9293 §3.4, MUST-66)', () => {
    const peer = established({ profile: { receiveBufferBytes: 100, receiveBufferMaxBytes: 100 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(100) });
    expect(peer.drain().at(-1)).to.include({ window: 0 });
    peer.takeEvents();

    peer.inject({ flags: 'U.', seq: 101, ack: 1, urgentPointer: 5, payload: 'x' });

    expect(urgentUntil(peer)).to.equal(106);
    expect(peer.connection.readableBytes).to.equal(100);
  });

  it('is acknowledged at a closed window, which its text does not enter (RFC 9293 §3.10.7.4, first step)', () => {
    const peer = established({ profile: { receiveBufferBytes: 100, receiveBufferMaxBytes: 100 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(100) });
    peer.drain();

    peer.inject({ flags: 'U.', seq: 101, ack: 1, urgentPointer: 5, payload: 'x' });

    peer.expect({ flags: '.', ack: 101, window: 0 });
  });

  it('changes nothing in the stream, wherever the pointer leads (RFC 9293 §3.8.5, CVE-2019-12255)', () => {
    for (const build of [established, finWait1]) {
      for (const urgentPointer of [0, 1, 6, 7, 65_535]) {
        const peer = build();
        const ack = build === established ? 1 : 2;

        peer.inject({ flags: 'U.', seq: 1, ack, urgentPointer, payload: 'abcdef' });

        expect(new TextDecoder().decode(peer.connection.read(10))).to.equal('abcdef');
      }
    }
  });

  it('is no place for the pointer where a CRC-32 is: URG is not looked at (RFC 9293 §3.8.5)', () => {
    const peer = established({
      profile: { ptcpOption: true, crc32: true },
      peerOptions: { ptcp: 1 },
    });

    peer.inject({ flags: 'U.', seq: 1, ack: 1, payload: 'abcdef' });

    expect(urgentUntil(peer)).to.equal(undefined);
    expect(peer.connection.readableBytes).to.equal(6);
  });
});
