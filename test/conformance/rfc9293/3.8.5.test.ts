import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import { resolveProfile } from '../../../lib/ptcp/core/config.ts';
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

const URGENT = { profile: { urgentData: true } } as const;

describe('urgent data that is sent', () => {
  it('is pointed at by every segment before its end, and by none after (RFC 9293 §3.8.5, MUST-30, MUST-62)', () => {
    const peer = established({ profile: { urgentData: true, nagle: false }, peerOptions: { mss: 50 } });

    peer.connection.writeUrgent(pattern(100));
    peer.connection.write(pattern(20));

    const seen = peer.drain();
    expect(seen.map(({ seq, flags }) => [seq, flags.includes('U')])).to.deep.equal([
      [1, true],
      [51, true],
      [101, false],
    ]);
    expect(seen.map(({ checkField }) => checkField)).to.deep.equal([100, 50, 0]);
  });

  it('points as far as 16 bits reach where the end is farther (RFC 9293 §3.8.5, MUST-31)', () => {
    const peer = established({
      profile: { urgentData: true, sendBufferBytes: 200_000, windowScale: 3, congestion: 'none' },
      peerOptions: { windowScale: 7, mss: 1000 },
    });

    peer.inject({ seq: 1, ack: 1, window: 4000 });
    peer.connection.writeUrgent(pattern(150_000));

    const seen = peer.drain();
    const farthest = seen.filter(({ seq }) => seq + 65_535 < 150_001);
    expect(farthest.length).to.be.above(10);
    for (const { checkField } of farthest) expect(checkField).to.equal(65_535);
    for (const { seq, checkField } of seen.slice(farthest.length)) expect(seq + checkField).to.equal(150_001);
  });

  it('is told of at once where the window holds the text back (RFC 9293 §3.8.5, MUST-30)', () => {
    const peer = established(URGENT);
    peer.inject({ seq: 1, ack: 1, window: 0 });

    peer.connection.writeUrgent(pattern(5));

    const told = peer.expect({ seq: 1, length: 0, checkField: 5 });
    expect(told.flags).to.contain('U');
  });

  it('is over once it is acknowledged (RFC 9293 §3.8.5, MUST-62)', () => {
    const peer = established(URGENT);
    peer.connection.writeUrgent(pattern(5));
    peer.expect({ seq: 1, checkField: 5 });
    peer.inject({ seq: 1, ack: 6 });

    peer.connection.write(pattern(5));

    expect(peer.expect({ seq: 6, checkField: 0 }).flags).not.to.contain('U');
  });

  it('needs an option that nobody has by default (RFC 9293 §3.8.5, SHLD-13)', () => {
    const peer = established();

    expect(() => peer.connection.writeUrgent(pattern(5))).to.throw(UsageError, 'urgentData');
    peer.expectNothing();
  });

  it('is not possible beside the CRC, which has its place in the header', () => {
    expect(() => resolveProfile({ urgentData: true, crc32: true })).to.throw(UsageError, 'exclude');
    expect(resolveProfile({ urgentData: true, ptcpOption: false }).urgentData).to.equal(true);
  });
});

describe('urgent data that was told of', () => {
  it('is counted down as it is read, what has not come yet included (RFC 9293 §3.8.5, MUST-33)', () => {
    const peer = established();
    expect(peer.connection.urgentBytes).to.equal(0);

    peer.inject({ flags: 'U.', seq: 1, ack: 1, urgentPointer: 10, payload: 'abcdef' });
    expect(peer.connection.urgentBytes).to.equal(10);
    peer.connection.read(4);
    expect(peer.connection.urgentBytes).to.equal(6);
    peer.inject({ seq: 7, ack: 1, payload: 'ghijklm' });
    peer.connection.read(100);

    expect(peer.connection.urgentBytes).to.equal(0);
  });

  it('is forgotten once it is read, or it would lie ahead again half way round (RFC 9293 §3.4, §3.8.5)', () => {
    const peer = established();
    const { tcb } = peer.connection;
    peer.inject({ flags: 'U.', seq: 1, ack: 1, urgentPointer: 3, payload: 'abcdef' });
    expect(urgentUntil(peer)).to.equal(4);
    peer.connection.read(10);

    // As if as much had come since.
    tcb.rcvNxt = (tcb.rcvNxt + 2 ** 31 + 1000) >>> 0;
    tcb.rcvAdv = (tcb.rcvAdv + 2 ** 31 + 1000) >>> 0;

    expect(peer.connection.urgentBytes).to.equal(0);
    peer.inject({ flags: 'U.', seq: 7 + 2 ** 31 + 1000, ack: 1, urgentPointer: 3, payload: 'ghijkl' });
    expect(urgentUntil(peer)).to.equal((10 + 2 ** 31 + 1000) >>> 0);
  });
});
