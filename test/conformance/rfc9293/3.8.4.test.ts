import { expect } from 'chai';
import { NEVER } from '../../../lib/time/clock.ts';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { closeWait, established, finWait2 } from '../../support/scripted-states.ts';

const HOUR_MS = 3_600_000;
const PROBED = { keepAlive: true, keepAliveIdleMs: 10_000, keepAliveIntervalMs: 1000, keepAliveProbes: 3 };

function expectProbe(peer: ScriptedPeer): void {
  peer.expect({ flags: '.', seq: 0, ack: 1, length: 0 });
}

describe('keep-alive', () => {
  it('is off unless asked for (RFC 9293 §3.8.4, MUST-25)', () => {
    const peer = established();

    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
    peer.pass(24 * HOUR_MS);
    peer.expectNothing();
  });

  it('asks first after two hours by default (RFC 9293 §3.8.4, MUST-28)', () => {
    for (const role of ['active', 'passive'] as const) {
      const peer = established({ role, profile: { keepAlive: true } });
      expect(peer.endpoint.nextTimeout(), role).to.equal(2 * HOUR_MS);

      peer.at(2 * HOUR_MS - 1);
      peer.expectNothing();
      peer.at(2 * HOUR_MS);
      expectProbe(peer);
    }
  });

  it('asks without text, with an octet that was acknowledged before (RFC 9293 §3.8.4, SHLD-12)', () => {
    const peer = established({ profile: PROBED });
    peer.connection.write(pattern(10));
    peer.inject({ seq: 1, ack: 11 });
    peer.drain();

    peer.pass(10_000);

    peer.expect({ flags: '.', seq: 10, ack: 1, length: 0 });
  });

  it('can be switched on and off for one connection (RFC 9293 §3.8.4, MUST-24, MAY-5)', () => {
    const peer = established({ profile: { ...PROBED, keepAlive: false } });
    peer.connection.setKeepAlive(true);
    peer.at(10_000);
    expectProbe(peer);

    peer.connection.setKeepAlive(false);

    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
    peer.pass(HOUR_MS);
    peer.expectNothing();
  });

  it('asks at once when it is switched on after a long silence, and never in the past (RFC 9293 §3.8.4)', () => {
    const peer = established({ profile: { ...PROBED, keepAlive: false } });
    peer.at(HOUR_MS);

    peer.connection.setKeepAlive(true);
    peer.at(HOUR_MS);

    expectProbe(peer);
    expect(peer.endpoint.nextTimeout()).to.equal(HOUR_MS + 1000);
  });

  it('waits as long as it is told to (RFC 9293 §3.8.4, MUST-27)', () => {
    const peer = established({ profile: { ...PROBED, keepAliveIdleMs: 777, keepAliveIntervalMs: 55 } });

    peer.at(777 + 2 * 55);

    expect(peer.drain().map((probe) => probe.sentAt)).to.deep.equal([777, 832, 887]);
  });

  it('waits anew after any sign of life (RFC 9293 §3.8.4, MUST-26)', () => {
    const peer = established({ profile: PROBED });
    peer.at(9000);
    peer.inject({ seq: 1, ack: 1, payload: 'x' });
    peer.drain();

    peer.at(18_999);
    peer.expectNothing();
    peer.at(19_000);

    peer.expect({ flags: '.', seq: 0, ack: 2, length: 0 });
  });

  it('does not ask while something is outstanding (RFC 9293 §3.8.4, MUST-26)', () => {
    const peer = established({ profile: { ...PROBED, rtoMinMs: 40_000 } });
    peer.connection.write(pattern(10));
    peer.expect({ seq: 1, length: 10 });

    peer.at(39_999);
    peer.expectNothing();
  });

  it('takes an answer for life, for ever (RFC 9293 §3.8.4, MUST-29)', () => {
    const peer = established({ profile: PROBED });
    for (let round = 0; round < 100; round += 1) {
      peer.pass(10_000);
      expectProbe(peer);
      peer.inject({ seq: 1, ack: 1 });
    }

    expect(peer.connection.state).to.equal('ESTABLISHED');
  });

  it('does not take one lost probe, or two, for death (RFC 9293 §3.8.4, MUST-29)', () => {
    const peer = established({ profile: PROBED });
    for (let round = 0; round < 20; round += 1) {
      peer.pass(12_500);
      expect(peer.drain()).to.have.lengthOf(3);
      peer.inject({ seq: 1, ack: 1 });
    }

    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.expectEvents();
  });

  it('ends the connection after keepAliveProbes without answer (RFC 9293 §3.8.4)', () => {
    const peer = established({ profile: PROBED });

    peer.at(12_999);
    expect(peer.drain()).to.have.lengthOf(3);
    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.at(13_000);

    peer.expectEvents('closed timeout');
    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
  });

  it('works in half-closed connections, too (RFC 9293 §3.8.4)', () => {
    for (const build of [finWait2, closeWait]) {
      const peer = build({ profile: PROBED });

      peer.at(20_000);

      expect(peer.connection.closeReason).to.equal('timeout');
    }
  });

  it('of the peer is answered (RFC 9293 §3.8.4)', () => {
    const peer = established();

    peer.inject({ seq: 0, ack: 1 });
    peer.expect({ flags: '.', seq: 1, ack: 1, length: 0 });
    peer.inject({ seq: 0, ack: 1, payload: 'g' });
    peer.expect({ flags: '.', seq: 1, ack: 1, length: 0 });
  });
});
