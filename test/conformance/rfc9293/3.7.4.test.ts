import { expect } from 'chai';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, type StateOptions } from '../../support/scripted-states.ts';

const MSS = 1000;

function open(options: StateOptions = {}): ScriptedPeer {
  return established({ ...options, peerOptions: { mss: MSS } });
}

describe('the Nagle algorithm', () => {
  it('sends a small segment at once when nothing is unacknowledged (RFC 9293 §3.7.4, SHLD-7)', () => {
    const peer = open();

    peer.connection.write(pattern(10));

    peer.expect({ seq: 1, length: 10 });
  });

  it('holds small segments back until everything is acknowledged (RFC 9293 §3.7.4, SHLD-7)', () => {
    const peer = open();
    peer.connection.write(pattern(10));
    peer.expect({ seq: 1 });

    for (let i = 0; i < 5; i += 1) peer.connection.write(pattern(10));
    peer.expectNothing();
    peer.inject({ seq: 1, ack: 11 });

    peer.expect({ seq: 11, length: 50 });
  });

  it('lets full segments go, and keeps only the rest (RFC 9293 §3.7.4)', () => {
    const peer = open();

    peer.connection.write(pattern(2 * MSS + 1));

    peer.expectAll([
      { seq: 1, length: MSS },
      { seq: 1 + MSS, length: MSS },
    ]);
    peer.inject({ seq: 1, ack: 1 + MSS });
    peer.expectNothing();
    peer.inject({ seq: 1, ack: 1 + 2 * MSS });
    peer.expect({ length: 1 });
  });

  it('holds back what only a small window cuts short, too (RFC 9293 §3.8.6.2.1, item 3)', () => {
    const peer = open({ window: 900 });
    peer.connection.write(pattern(10));
    peer.drain();

    peer.connection.write(pattern(2 * MSS));
    peer.expectNothing();
    peer.inject({ seq: 1, ack: 11, window: 900 });

    peer.expect({ seq: 11, length: 900 });
  });

  it('does not hold back the end of the stream (RFC 9293 §3.7.4)', () => {
    const peer = open();
    peer.connection.write(pattern(10));
    peer.drain();

    peer.connection.write(pattern(10));
    peer.connection.shutdown();

    peer.expect({ flags: 'FP.', seq: 11, length: 10 });
  });

  it('can be switched off, and on again, for one connection (RFC 9293 §3.7.4, MUST-17)', () => {
    const peer = open();
    peer.connection.write(pattern(10));
    peer.drain();
    peer.connection.write(pattern(10));
    peer.expectNothing();

    peer.connection.setNagle(false);
    peer.expect({ seq: 11, length: 10 });
    peer.connection.write(pattern(10));
    peer.expect({ seq: 21, length: 10 });

    peer.connection.setNagle(true);
    peer.connection.write(pattern(10));
    peer.expectNothing();
  });
});

describe('the push flag', () => {
  it('marks the last segment of what there is to send, and no other (RFC 9293 §3.9.1.2, MUST-61, SHLD-27)', () => {
    const peer = open();

    peer.connection.write(pattern(3 * MSS));

    peer.expectAll([{ flags: '.' }, { flags: '.' }, { flags: 'P.' }]);
  });

  it('is there again when the last segment is sent again (RFC 9293 §3.9.1.2, MUST-61)', () => {
    const peer = open();
    peer.connection.write(pattern(2 * MSS));
    peer.drain();

    peer.inject({ seq: 1, ack: 1 + MSS });
    peer.pass(400);

    peer.expect({ seq: 1 + MSS, flags: 'P.' });
  });

  it('is one for several writes that leave together (RFC 9293 §3.9.1.2, SHLD-27)', () => {
    const peer = open();
    for (let i = 0; i < 6; i += 1) peer.connection.write(pattern(MSS / 2));

    peer.expectAll([{ flags: '.' }, { flags: '.' }, { flags: 'P.', length: MSS }]);
  });

  it('is not waited for: no write stays behind for ever (RFC 9293 §3.9.1.2, MUST-60)', () => {
    const peer = open();
    peer.connection.write(pattern(1));
    peer.expect({ length: 1, flags: 'P.' });
    peer.connection.write(pattern(1));

    peer.inject({ seq: 1, ack: 2 });

    peer.expect({ length: 1, flags: 'P.' });
  });

  it('goes with segments of full size but for the last (RFC 9293 §3.9.1.2, SHLD-28)', () => {
    const peer = open();

    peer.connection.write(pattern(4321));
    peer.inject({ seq: 1, ack: 1 + 4000 });

    expect(peer.drain().map((segment) => segment.length)).to.deep.equal([MSS, MSS, MSS, MSS, 321]);
  });
});

describe('the cork', () => {
  it('keeps small writes together until it is taken out (RFC 9293 §3.9.1.2, MAY-15, MAY-16)', () => {
    const peer = open();
    peer.connection.setCork(true);
    for (let i = 0; i < 5; i += 1) peer.connection.write(pattern(10));
    peer.expectNothing();

    peer.connection.setCork(false);

    peer.expect({ seq: 1, length: 50, flags: 'P.' });
  });

  it('lets full segments go (RFC 9293 §3.9.1.2, MAY-16)', () => {
    const peer = open();
    peer.connection.setCork(true);

    peer.connection.write(pattern(2 * MSS + 1));

    peer.expectAll([{ length: MSS }, { length: MSS }]);
  });

  it('holds back neither the end of the stream nor a writer whose buffer is full (RFC 9293 §3.9.1.2, MUST-60)', () => {
    const ended = open();
    ended.connection.setCork(true);
    ended.connection.write(pattern(10));
    ended.connection.shutdown();
    ended.expect({ seq: 1, length: 10, flags: 'FP.' });

    const full = open({ profile: { sendBufferBytes: 10, sendBufferMaxBytes: 10 } });
    full.connection.setCork(true);
    full.connection.write(pattern(20));

    full.expect({ seq: 1, length: 10 });
  });
});
