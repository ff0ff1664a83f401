import { expect } from 'chai';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, type StateOptions } from '../../support/scripted-states.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** ESTABLISHED; the peer's window has closed, and five bytes wait for it. */
function closedWindow(options: StateOptions = {}): ScriptedPeer {
  const peer = established({ ...options, peerOptions: { mss: 1000, ...options.peerOptions } });
  peer.inject({ seq: 1, ack: 1, window: 0 });
  peer.connection.write(new TextEncoder().encode('hello'));
  peer.expectNothing();
  return peer;
}

/** Answers every probe at once until `end`, window still closed. Returns when probes came. */
function answerProbes(peer: ScriptedPeer, end: number): number[] {
  const at: number[] = [];
  for (let dueAt = peer.endpoint.nextTimeout(); dueAt <= end; dueAt = peer.endpoint.nextTimeout()) {
    peer.at(dueAt);
    for (const probe of peer.drain()) {
      expect(probe).to.include({ seq: 1, length: 1, text: 'h' });
      at.push(probe.sentAt);
      peer.inject({ seq: 1, ack: 1, window: 0 });
    }
  }
  peer.at(end);
  return at;
}

describe('a closed window', () => {
  it('is probed with one octet, first after an RTO (RFC 9293 §3.8.6.1, MUST-35, MUST-36, SHLD-29)', () => {
    const peer = closedWindow();

    peer.at(199);
    peer.expectNothing();
    peer.at(200);

    peer.expect({ seq: 1, length: 1, text: 'h' });
  });

  it('does not hold a connection whose user has closed for longer than r2 answered probes (RFC 6429 §3)', () => {
    const peer = closedWindow({ profile: { r2: 5 } });
    peer.connection.close();

    const at: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      peer.at(peer.endpoint.nextTimeout());
      at.push(peer.expect({ seq: 1, length: 1 }).sentAt);
      peer.inject({ seq: 1, ack: 1, window: 0 });
    }
    peer.at(peer.endpoint.nextTimeout());

    expect(at).to.deep.equal([200, 600, 1400, 3000, 6200]);
    peer.expect({ flags: 'R.' });
    expect(peer.connection.closeReason).to.equal('timeout');
    expect(peer.endpoint.memory.usedBytes).to.equal(0);
  });

  it('is probed half as often each time, down to once in rtoMaxMs (RFC 9293 §3.8.6.1, SHLD-30)', () => {
    const peer = closedWindow();

    const at = answerProbes(peer, 4 * MINUTE_MS);

    expect(at).to.deep.equal([200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 102_200, 162_200, 222_200]);
  });

  it('is found open ten minutes later though the opening ACK was lost (RFC 9293 §3.8.6.1, MUST-36)', () => {
    const peer = closedWindow();
    answerProbes(peer, 10 * MINUTE_MS);

    // It has opened, and nobody told us; the next probe fits and is taken.
    peer.at(peer.endpoint.nextTimeout());
    peer.expect({ seq: 1, length: 1 });
    peer.inject({ seq: 1, ack: 2, window: 65_535 });

    peer.expect({ seq: 2, text: 'ello', flags: 'P.' });
  });

  it('teaches nothing about the RTT, however late the probed octet is taken (RFC 6298 §3, MUST-18)', () => {
    const peer = closedWindow();
    answerProbes(peer, 10 * MINUTE_MS);
    peer.at(peer.endpoint.nextTimeout());

    peer.inject({ seq: 1, ack: 2, window: 65_535 });

    expect(peer.connection.tcpInfo().rttUs).to.equal(0);
    expect(peer.connection.tcpInfo().rtoUs).to.equal(200_000);
  });

  it('keeps the connection for 24 hours of answered probes (RFC 9293 §3.8.6.1, MUST-37)', () => {
    const peer = closedWindow();

    const at = answerProbes(peer, 24 * HOUR_MS);
    expect(at).to.have.lengthOf.above(1400);
    peer.inject({ seq: 1, ack: 1, window: 65_535 });

    peer.expect({ seq: 1, text: 'h' });
    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.expectEvents();
  });

  it('does not end the connection for one probe or two that went unanswered (RFC 9293 §3.8.6.1, MUST-37)', () => {
    const peer = closedWindow();
    answerProbes(peer, HOUR_MS);

    peer.pass(3 * MINUTE_MS);

    expect(peer.drain()).to.have.lengthOf(3);
    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.inject({ seq: 1, ack: 1, window: 0 });
    answerProbes(peer, 2 * HOUR_MS);
    expect(peer.connection.state).to.equal('ESTABLISHED');
  });

  it('ends it when nobody answers for R2, and tells of the path at R1 (RFC 9293 §3.8.3, MUST-20)', () => {
    const peer = closedWindow({ profile: { r1: 3, r2: 5 } });

    peer.at(2999);
    peer.expectEvents();
    peer.at(3000);
    peer.expectEvents('pathSuspect');
    peer.at(HOUR_MS);

    peer.expectEvents('closed timeout');
    expect(peer.drain().at(-1)!.sentAt).to.be.within(51_000, 162_200);
  });

  it('makes the path suspect anew after an answer and as much silence (RFC 9293 §3.8.3, SHLD-9)', () => {
    const peer = closedWindow({ profile: { r1: 1 } });
    peer.at(600);
    peer.expectEvents('pathSuspect');
    peer.inject({ seq: 1, ack: 1, window: 0 });

    peer.at(1400);
    peer.expectEvents();
    peer.at(3000);

    peer.expectEvents('pathSuspect');
  });

  it('is no congestion either when it shuts over what is in flight (RFC 9293 §3.8.6, SHLD-17)', () => {
    const peer = established({ peerOptions: { mss: 1000 } });
    peer.connection.write(pattern(3000));
    peer.drain();
    const before = peer.connection.tcpInfo();

    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.at(1400);

    expect(peer.drain().map(({ seq, sentAt }) => [seq, sentAt])).to.deep.equal([
      [1, 200],
      [1, 600],
      [1, 1400],
    ]);
    expect(peer.connection.tcpInfo().sndCwndSegments).to.equal(before.sndCwndSegments);
    expect(peer.connection.tcpInfo().rtoUs).to.equal(before.rtoUs);
  });

  it('is no congestion and no loss: probes leave cwnd alone (RFC 9293 §3.8.6.1)', () => {
    for (const sack of [false, true]) {
      const peer = closedWindow({ profile: { sack }, peerOptions: { sackPermitted: sack } });
      const before = peer.connection.tcpInfo();

      const at = answerProbes(peer, 30_000);

      expect(at).to.deep.equal([200, 600, 1400, 3000, 6200, 12_600, 25_400]);
      expect(peer.connection.tcpInfo().sndCwndSegments).to.equal(before.sndCwndSegments);
      expect(peer.connection.tcpInfo().sndSsthreshSegments).to.equal(before.sndSsthreshSegments);
    }
  });

  it('lets everything go at once when the opening ACK does arrive (RFC 9293 §3.8.6.1)', () => {
    const peer = closedWindow();
    peer.at(700);
    peer.drain();

    peer.inject({ seq: 1, ack: 1, window: 65_535 });

    peer.expect({ seq: 1, text: 'h' });
    peer.inject({ seq: 1, ack: 2, window: 65_535 });
    peer.expect({ seq: 2, text: 'ello' });
  });

  it('is probed by a FIN when there is no text (RFC 9293 §3.8.6.1)', () => {
    const peer = established();
    peer.inject({ seq: 1, ack: 1, window: 0 });
    peer.connection.shutdown();
    peer.expectNothing();

    peer.at(200);

    peer.expect({ flags: 'F.', seq: 1, length: 0 });
  });

  it('is probed with what is in flight already, when it shut over that (RFC 9293 §3.8.6, MUST-35)', () => {
    const peer = established({ peerOptions: { mss: 1000 } });
    peer.connection.write(pattern(2000));
    peer.drain();
    peer.inject({ seq: 1, ack: 1001, window: 0 });

    peer.at(200);

    peer.expect({ seq: 1001, length: 1000 });
  });

  it('is probed with no more than the path still carries (RFC 9293 §3.7.1, MUST-16)', () => {
    const peer = established({ profile: { maxDatagramBytes: 1472 }, peerOptions: { mss: 1452 } });
    peer.connection.write(pattern(1452));
    peer.expect({ length: 1452 });
    peer.endpoint.handlePathError(peer.now, 3, 'EMSGSIZE');
    peer.inject({ seq: 1, ack: 1, window: 0 });

    peer.at(200);

    peer.expect({ seq: 1, length: 1180 });
  });

  it('stays shut for ever on our side if the user never reads, and says so (RFC 9293 §3.8.6.1, MAY-8)', () => {
    const peer = established({ profile: { receiveBufferBytes: 2000, receiveBufferMaxBytes: 2000 } });
    peer.inject({ seq: 1, ack: 1, payload: pattern(1000) });
    peer.inject({ seq: 1001, ack: 1, payload: pattern(1000) });
    expect(peer.drain().at(-1)).to.include({ ack: 2001, window: 0 });

    for (let probe = 0; probe < 50; probe += 1) {
      peer.pass(MINUTE_MS);
      peer.inject({ seq: 2001, ack: 1, payload: 'x' });
      peer.expect({ flags: '.', ack: 2001, window: 0 });
    }

    peer.connection.read(2000);
    peer.expect({ ack: 2001, window: 2000 });
  });
});
