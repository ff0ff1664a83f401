import { expect } from 'chai';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, listening, type StateOptions } from '../../support/scripted-states.ts';

const MSS = 1000;

function open(options: StateOptions = {}): ScriptedPeer {
  return established({ ...options, peerOptions: { mss: MSS } });
}

describe('the silly window at the sender', () => {
  it('is no reason to send: small openings wait (RFC 9293 §3.8.6.2.1, MUST-38)', () => {
    const peer = open({ window: 10_000 });
    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.connection.write(pattern(3 * MSS));

    for (let window = 1; window < 90; window += 1) peer.inject({ seq: 1, ack: 1, window });
    peer.expectNothing();
    peer.inject({ seq: 1, ack: 1, window: MSS });

    peer.expect({ seq: 1, length: MSS });
  });

  it('ends with half of the largest window ever offered (RFC 9293 §3.8.6.2.1, item 3)', () => {
    const peer = open({ window: 600 });
    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.connection.write(pattern(3 * MSS));

    peer.inject({ seq: 1, ack: 1, window: 299 });
    // The SYN's window counts as well.
    peer.expectNothing();
    peer.inject({ seq: 1, ack: 1, window: 300 });

    peer.expect({ seq: 1, length: 300 });
  });

  it('is measured by the largest window of the SYN and of all that came after (RFC 9293 §3.8.6.2.1)', () => {
    const peer = listening();
    peer.inject({ flags: 'S', window: 1700, options: { mss: MSS } });
    peer.inject({ seq: 1, ack: 1, window: 600 });
    peer.drain();
    peer.connection.write(pattern(3 * MSS));
    peer.expectNothing();

    peer.inject({ seq: 1, ack: 1, window: 850 });
    peer.expect({ seq: 1, length: 850 });
    peer.inject({ seq: 1, ack: 851, window: 1900 });
    peer.expect({ seq: 851, length: MSS });
    peer.inject({ seq: 1, ack: 1851, window: 900 });

    peer.expectNothing();
  });

  it('ends with everything there is (RFC 9293 §3.8.6.2.1, item 2)', () => {
    const peer = open({ window: 10_000 });
    peer.inject({ seq: 1, ack: 1, window: 60 });

    peer.connection.write(pattern(50));

    peer.expect({ length: 50 });
  });

  it('ends with the override timeout of 0.1 to 1 s (RFC 9293 §3.8.6.2.1, item 4)', () => {
    for (const [rtoMinMs, overrideMs] of [
      [1, 100],
      [300, 300],
      [5000, 1000],
    ] as const) {
      const peer = open({ window: 10_000, profile: { rtoMinMs } });
      peer.inject({ seq: 1, ack: 1, window: 60 });
      peer.connection.write(pattern(MSS));

      peer.at(overrideMs - 1);
      peer.expectNothing();
      peer.at(overrideMs);

      peer.expect({ seq: 1, length: 60 });
    }
  });

  it('makes no small segments of a slow reader (RFC 9293 §3.8.6.2.1, MUST-38)', () => {
    const peer = open({ window: 4000 });
    peer.connection.write(pattern(40 * MSS));
    let acked = 1;
    let right = 4001;
    while (acked < 20 * MSS) {
      for (const { seq, length } of peer.drain()) {
        expect(length, `segment at ${seq}`).to.equal(MSS);
        acked = seq + length;
      }
      right += 37;
      peer.inject({ seq: 1, ack: acked, window: right - acked });
    }
  });
});

describe('the silly window at the receiver', () => {
  it('is avoided: reading octet by octet gives few updates (RFC 9293 §3.8.6.2.2, MUST-39)', () => {
    const peer = open({ profile: { receiveBufferBytes: 10_000, receiveBufferMaxBytes: 10_000 } });
    for (let seq = 1; seq < 10_000; seq += MSS) peer.inject({ seq, ack: 1, payload: pattern(MSS) });
    peer.drain();

    const windows: number[] = [];
    for (let i = 0; i < 10_000; i += 1) {
      peer.connection.read(1);
      windows.push(...peer.drain().map((update) => update.window));
    }

    expect(windows).to.have.lengthOf.within(3, 10);
    for (const window of windows) expect(window).to.be.at.least(MSS);
  });

  it('steps by half the buffer where that is less than a segment (RFC 9293 §3.8.6.2.2, MUST-39)', () => {
    const peer = open({ profile: { receiveBufferBytes: 800, receiveBufferMaxBytes: 800 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(800) });
    expect(peer.drain().at(-1)).to.include({ ack: 801, window: 0 });

    peer.connection.read(399);
    peer.expectNothing();
    peer.connection.read(1);

    peer.expect({ ack: 801, window: 400 });
  });

  it('does not stay shut: the update comes when the reader has caught up (RFC 9293 §3.8.6.2.2)', () => {
    const peer = open({ profile: { receiveBufferBytes: 3000, receiveBufferMaxBytes: 3000 } });
    for (let seq = 1; seq < 3000; seq += MSS) peer.inject({ seq, ack: 1, payload: pattern(MSS) });
    expect(peer.drain().at(-1)).to.include({ window: 0 });

    peer.connection.read(3000);

    peer.expect({ ack: 3001, window: 3000 });
  });
});
