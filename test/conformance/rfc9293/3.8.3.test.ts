import { expect } from 'chai';
import { NEVER } from '../../../lib/time/clock.ts';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import {
  closeWait,
  established,
  finWait2,
  listening,
  type StateOptions,
  synSent,
} from '../../support/scripted-states.ts';

/** ESTABLISHED with ten bytes out that nobody will acknowledge. The RTO is 200 ms at first. */
function unheard(options: StateOptions = {}): ScriptedPeer {
  const peer = established(options);
  peer.connection.write(pattern(10));
  peer.expect({ seq: 1, length: 10 });
  return peer;
}

/** When the connection ended, if it did before `limit`. */
function endedAt(peer: ScriptedPeer, limit: number): number {
  peer.pass(0);
  while (peer.connection.closeReason === undefined && peer.endpoint.nextTimeout() <= limit) {
    peer.at(peer.endpoint.nextTimeout());
  }
  return peer.now;
}

describe('retransmissions without an answer', () => {
  it('are told after R1, once (RFC 9293 §3.8.3, MUST-20, SHLD-9, SHLD-10)', () => {
    const peer = unheard();

    peer.at(1399);
    expect(peer.drain()).to.have.lengthOf(2);
    peer.expectEvents();
    peer.at(1400);
    expect(peer.drain()).to.have.lengthOf(1);
    peer.expectEvents('pathSuspect');
    peer.at(30_000);

    peer.expectEvents();
  });

  it('are told again when the path has worked in between (RFC 9293 §3.8.3, SHLD-9)', () => {
    const peer = unheard({ profile: { r1: 1 } });
    peer.at(200);
    peer.expectEvents('pathSuspect');
    peer.inject({ seq: 1, ack: 11 });

    peer.connection.write(pattern(10));
    peer.pass(10_000);

    peer.expectEvents('pathSuspect');
  });

  it('end the connection at R2 (RFC 9293 §3.8.3, MUST-20)', () => {
    const peer = unheard({ profile: { r2: 9 } });

    const at = endedAt(peer, 3_600_000);

    // 9 retransmissions, the last 102.2 s after the start, and as long again as the RTO then was, 60 s.
    expect(at).to.equal(162_200);
    expect(peer.drain()).to.have.lengthOf(9);
    peer.expectEvents('pathSuspect', 'closed timeout');
  });

  it('do not end it before 100 s, however few R2 allows (RFC 9293 §3.8.3, SHLD-11)', () => {
    const peer = unheard({ profile: { r2: 1 } });

    expect(endedAt(peer, 3_600_000)).to.equal(102_200);
  });

  it('have a default R2 of 15, some thirteen minutes (RFC 9293 §3.8.3, SHLD-11)', () => {
    const peer = unheard();

    const at = endedAt(peer, 3_600_000);

    expect(peer.drain()).to.have.lengthOf(15);
    expect(at).to.be.within(100_000, 15 * 60_000);
  });

  it('count anew after each sign of progress (RFC 9293 §3.8.3)', () => {
    const peer = established({ peerOptions: { mss: 1000 }, profile: { r2: 3 } });
    peer.connection.write(pattern(8000));
    for (let acked = 1001; acked <= 5001; acked += 1000) {
      peer.pass(90_000);
      expect(peer.connection.state).to.equal('ESTABLISHED');
      peer.inject({ seq: 1, ack: acked });
    }
    peer.pass(90_000);

    expect(peer.connection.state).to.equal('ESTABLISHED');
  });

  it('of a SYN are told at R1, too (RFC 9293 §3.8.3, MUST-22)', () => {
    const peer = synSent();

    peer.at(6999);
    peer.expectEvents();
    peer.at(7000);

    peer.expectEvents('pathSuspect');
  });

  it('of a SYN go on for three minutes (RFC 9293 §3.8.3, MUST-22, MUST-23)', () => {
    const peer = synSent();

    expect(endedAt(peer, 3_600_000)).to.equal(183_000);

    expect(peer.drain().map((syn) => syn.sentAt)).to.deep.equal([
      1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000,
    ]);
    peer.expectEvents('pathSuspect', 'closed timeout');
    expect(peer.endpoint.connectionCount).to.equal(0);
    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
  });

  it('of a SYN-ACK are few, and nobody hears of them (RFC 9293 §3.8.3, RFC 9000 §8.1)', () => {
    const peer = listening();
    peer.inject({ flags: 'S', options: { mss: 1000 } });

    peer.at(3_600_000);

    expect(peer.drain().map((segment) => segment.sentAt)).to.deep.equal([0, 1000, 3000]);
    peer.expectEvents();
    expect(peer.endpoint.connectionCount).to.equal(0);
  });
});

describe('the user timeout', () => {
  it('takes the place of R2 (RFC 9293 §3.8.3, MUST-21, §3.9.1.1)', () => {
    for (const userTimeoutMs of [1, 5000, 7_200_000]) {
      const peer = unheard({ profile: { userTimeoutMs } });

      expect(endedAt(peer, 10_000_000)).to.equal(userTimeoutMs);

      expect(peer.connection.closeReason).to.equal('timeout');
    }
  });

  it('counts from when the oldest text wanted an answer (RFC 9293 §3.10.8)', () => {
    const peer = established({ profile: { userTimeoutMs: 5000 }, peerOptions: { mss: 1000 } });
    peer.pass(60_000);
    peer.connection.write(pattern(2000));
    peer.pass(4000);
    peer.inject({ seq: 1, ack: 1001 });
    peer.pass(4999);
    expect(peer.connection.state).to.equal('ESTABLISHED');

    peer.pass(1);

    expect(peer.connection.closeReason).to.equal('timeout');
  });

  it('holds in every state that waits for an ACK (RFC 9293 §3.10.8)', () => {
    const profile = { userTimeoutMs: 5000 };
    const connecting = synSent({ profile });
    expect(endedAt(connecting, 100_000)).to.equal(5000);
    const closing = established({ profile });
    closing.connection.shutdown();
    expect(endedAt(closing, 100_000)).to.equal(5000);
    const lastAck = closeWait({ profile });
    lastAck.connection.write(pattern(10));
    lastAck.connection.shutdown();
    expect(endedAt(lastAck, 100_000)).to.equal(5000);
  });

  it('does not run while nothing is outstanding (RFC 9293 §3.10.8)', () => {
    for (const build of [established, finWait2, closeWait]) {
      const peer = build({ profile: { userTimeoutMs: 5000 } });
      peer.pass(25);
      expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
    }
  });

  it('counts a closed window only while nobody answers (RFC 9293 §3.8.6.1, MUST-37)', () => {
    const peer = established({ profile: { userTimeoutMs: 70_000 } });
    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.connection.write(pattern(10));
    for (let minute = 0; minute < 60; minute += 1) {
      peer.pass(60_000);
      if (peer.drain().length > 0) peer.inject({ seq: 1, ack: 1, window: 0 });
    }
    expect(peer.connection.state).to.equal('ESTABLISHED');

    peer.pass(70_000);

    expect(peer.connection.closeReason).to.equal('timeout');
  });
});
