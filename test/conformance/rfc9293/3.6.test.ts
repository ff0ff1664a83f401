import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import { NEVER } from '../../../lib/time/clock.ts';
import { ascii, LOCAL_PORT, type ScriptedPeer } from '../../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  synReceived,
  synSent,
  timeWait,
} from '../../support/scripted-states.ts';

function expectOver(peer: ScriptedPeer): void {
  expect(peer.connection.state).to.equal('CLOSED');
  expect(peer.endpoint.connectionCount).to.equal(0);
  expect(peer.endpoint.nextTimeout(), 'no timer is left').to.equal(NEVER);
}

describe('RFC 9293 §3.6: closing a connection', () => {
  it('closes first, hears the other FIN, and waits (RFC 9293 §3.6, Figure 12, MUST-13)', () => {
    const peer = established();

    peer.connection.close();
    peer.expect({ flags: 'F.', seq: 1, ack: 1 });
    peer.inject({ seq: 1, ack: 2 });
    peer.expectNothing();
    expect(peer.connection.state).to.equal('FIN-WAIT-2');
    peer.inject({ flags: 'F.', seq: 1, ack: 2 });

    peer.expect({ flags: '.', seq: 2, ack: 2 });
    peer.expectEvents('peerClosed', 'closed done');
    expect(peer.connection.state).to.equal('TIME-WAIT');
  });

  it('goes to TIME-WAIT at once when FIN and ACK come in one segment (RFC 9293 §3.6)', () => {
    const peer = finWait1();

    peer.inject({ flags: 'F.', seq: 1, ack: 2 });

    peer.expect({ flags: '.', seq: 2, ack: 2 });
    peer.expectEvents('peerClosed', 'closed done');
    expect(peer.connection.state).to.equal('TIME-WAIT');
  });

  it('closes second and is done with the ACK of its FIN (RFC 9293 §3.6, Figure 12)', () => {
    const peer = closeWait();

    peer.connection.close();
    peer.expect({ flags: 'F.', seq: 1, ack: 2 });
    expect(peer.connection.state).to.equal('LAST-ACK');
    peer.inject({ seq: 2, ack: 2 });

    peer.expectNothing();
    peer.expectEvents('closed done');
    expectOver(peer);
  });

  it('closes at the same time as the peer (RFC 9293 §3.6, Figure 13)', () => {
    const peer = closing();

    peer.inject({ seq: 2, ack: 2 });

    peer.expectNothing();
    peer.expectEvents('closed done');
    expect(peer.connection.state).to.equal('TIME-WAIT');
  });

  it('sends what was written before the FIN, and the FIN with the last of it (RFC 9293 §3.10.4)', () => {
    const peer = established();

    peer.connection.write(ascii('goodbye'));
    peer.connection.close();

    peer.expect({ flags: 'FP.', seq: 1, text: 'goodbye' });
    expect(peer.connection.state).to.equal('FIN-WAIT-1');
  });

  it('sends no FIN while the window has no room for all that was written (RFC 9293 §3.10.4)', () => {
    const peer = established({ window: 4 });

    peer.connection.write(ascii('goodbye'));
    peer.connection.close();
    peer.expect({ flags: '.', seq: 1, text: 'good' });
    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.inject({ seq: 1, ack: 5 });

    peer.expect({ flags: 'FP.', seq: 5, text: 'bye' });
    expect(peer.connection.state).to.equal('FIN-WAIT-1');
  });

  it('sends a lost FIN again (RFC 9293 §3.8.1)', () => {
    for (const build of [finWait1, lastAck]) {
      const peer = build();

      peer.at(200);

      peer.expect({ flags: 'F.', seq: 1, sentAt: 200 });
    }
  });

  it('refuses to write after the user has closed (RFC 9293 §3.10.2)', () => {
    for (const build of [finWait1, finWait2, closing, lastAck]) {
      expect(() => build().connection.write(ascii('more'))).to.throw(UsageError);
    }
  });

  it('refuses to write what are no bytes (RFC 9293 §3.10.2)', () => {
    const { connection } = established();

    for (const wrong of ['text', 5, undefined, [1, 2]])
      expect(() => connection.write(wrong as unknown as Uint8Array)).to.throw(UsageError, 'Uint8Array');
  });

  it('takes a second close for none (RFC 9293 §3.10.4)', () => {
    for (const build of [finWait1, finWait2, closing, lastAck, timeWait]) {
      const peer = build({ closeBy: 'close' });
      const before = peer.connection.state;

      peer.connection.close();
      peer.connection.shutdown();

      peer.expectNothing();
      expect(peer.connection.state).to.equal(before);
    }
  });

  describe('half close', () => {
    it('reads on after its own FIN (RFC 9293 §3.6, MAY-1)', () => {
      const peer = finWait2();

      peer.inject({ flags: 'P.', seq: 1, ack: 2, payload: 'more' });

      peer.expect({ flags: '.', seq: 2, ack: 5 });
      peer.expectEvents('readable');
      expect(peer.connection.read(10)).to.deep.equal(ascii('more'));
    });

    it('writes on after the peer’s FIN (RFC 9293 §3.6)', () => {
      const peer = closeWait();

      peer.connection.write(ascii('more'));

      peer.expect({ flags: 'P.', seq: 1, ack: 2, text: 'more' });
      expect(peer.connection.state).to.equal('CLOSE-WAIT');
    });

    it('may be for ever', () => {
      const peer = finWait2();

      peer.at(86_400_000);

      peer.expectNothing();
      peer.expectEvents();
      expect(peer.connection.state).to.equal('FIN-WAIT-2');
    });

    it('can be followed by a close, whose linger begins then', () => {
      const peer = finWait2();
      peer.at(100_000);

      peer.connection.close();
      peer.at(104_999);
      peer.expectNothing();
      peer.at(105_000);

      peer.expect({ flags: 'R.', seq: 2, ack: 1, sentAt: 105_000 });
      peer.expectEvents('closed linger-expired');
    });
  });

  describe('the linger', () => {
    const close = { closeBy: 'close' } as const;

    it('acknowledges and throws away what still comes (RFC 9293 §3.6.1)', () => {
      const peer = finWait2(close);

      peer.inject({ flags: 'P.', seq: 1, ack: 2, payload: 'late' });

      peer.expect({ flags: '.', seq: 2, ack: 5 });
      peer.expectEvents();
      expect(peer.connection.read(10)).to.have.length(0);
    });

    it('keeps the window open for it, however much comes', () => {
      const peer = finWait2(close);

      for (let seq = 1; seq < 1_000_000; seq += 1_000) {
        peer.inject({ seq, ack: 2, payload: new Uint8Array(1_000) });
        peer.pass(1);
      }

      const last = peer.drain().at(-1);
      expect(last?.ack).to.be.above(990_000);
      expect(last?.window).to.be.above(30_000);
    });

    it('ends well with the peer’s FIN', () => {
      const peer = finWait2(close);
      peer.inject({ flags: 'FP.', seq: 1, ack: 2, payload: 'late' });

      peer.expect({ flags: '.', seq: 2, ack: 6 });
      peer.expectEvents('peerClosed', 'closed done');
    });

    it('begins when the endpoint next hears the time, for `close` is not told it', () => {
      const peer = finWait2();

      peer.connection.close();
      peer.endpoint.pollTransmit(100_000, { out: new Uint8Array(1_500) });

      expect(peer.endpoint.nextTimeout()).to.equal(105_000);
    });

    it('ends in a reset when the peer does not close in time (RFC 9293 §3.6.1, SHLD-3)', () => {
      const peer = finWait2(close);

      peer.at(4_999);
      peer.expectNothing();
      peer.at(5_000);

      peer.expect({ flags: 'R.', seq: 2, ack: 1 });
      peer.expectEvents('closed linger-expired');
      expectOver(peer);
    });

    it('begins when our FIN is acknowledged, not when it is queued', () => {
      const peer = finWait1(close);
      peer.at(20_000);
      peer.drain();
      peer.inject({ seq: 1, ack: 2 });

      peer.at(24_999);
      peer.expectNothing();
      peer.at(25_000);

      peer.expect({ flags: 'R.' });
    });

    it('of 0 resets at once when something comes after all (RFC 9293 §3.6.1, SHLD-3)', () => {
      for (const build of [finWait1, finWait2]) {
        const peer = build({ ...close, profile: { lingerMs: 0 } });

        peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'late' });

        peer.expect({ flags: 'R.', seq: 2, ack: 1 });
        peer.expectEvents('closed aborted');
        expectOver(peer);
      }
    });

    it('of 0 resets at once when something was not read (RFC 9293 §3.6.1, SHLD-3)', () => {
      for (const build of [established, closeWait]) {
        const peer = build === established ? established({ profile: { lingerMs: 0 } }) : unreadCloseWait();
        if (build === established) peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'unread' });
        peer.drain();
        peer.takeEvents();

        peer.connection.close();

        peer.expect({ flags: 'R.', seq: 1 });
        peer.expectEvents('closed aborted');
        expectOver(peer);
      }
    });

    it('of 0 waits for the peer’s FIN while nothing else comes (RFC 9293 §3.6.1)', () => {
      const peer = finWait2({ ...close, profile: { lingerMs: 0 } });

      peer.at(59_999);
      peer.expectNothing();
      peer.inject({ flags: 'F.', seq: 1, ack: 2 });

      peer.expect({ flags: '.', seq: 2, ack: 2 });
      peer.expectEvents('peerClosed', 'closed done');
    });

    it('of 0 does not wait for ever', () => {
      const peer = finWait2({ ...close, profile: { lingerMs: 0 } });

      peer.at(60_000);

      peer.expect({ flags: 'R.', seq: 2, ack: 1 });
      peer.expectEvents('closed linger-expired');
      expectOver(peer);
    });

    it('lets an unread stream end with a FIN when it is not 0', () => {
      const peer = established();
      peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'unread' });
      peer.drain();

      peer.connection.close();

      peer.expect({ flags: 'F.', seq: 1, ack: 7 });
    });
  });

  describe('abort', () => {
    it('resets a peer that may still hope for something (RFC 9293 §3.10.5)', () => {
      for (const build of [established, finWait1, finWait2, closeWait]) {
        const peer = build();
        const seq = build === established || build === closeWait ? 1 : 2;

        peer.connection.abort();

        peer.expect({ flags: 'R.', seq, ack: build === closeWait ? 2 : 1 });
        peer.expectEvents('closed aborted');
        expectOver(peer);
      }
    });

    it('says nothing where both sides have closed (RFC 9293 §3.10.5)', () => {
      for (const build of [closing, lastAck]) {
        const peer = build();

        peer.connection.abort();

        peer.expectNothing();
        peer.expectEvents('closed aborted');
        expectOver(peer);
      }
    });

    it('says nothing before anyone has answered, and a reset in SYN-RECEIVED (RFC 9293 §3.10.5)', () => {
      const early = synSent();
      early.connection.abort();
      early.expectNothing();
      early.expectEvents('closed aborted');
      expectOver(early);

      const later = synReceived({ role: 'active' });
      later.connection.abort();
      later.expect({ flags: 'R.', seq: 1, ack: 1 });
      later.expectEvents('closed aborted');
      expectOver(later);
    });

    it('drops what was written, and sends nothing after the reset', () => {
      const peer = established({ window: 10 });
      peer.connection.write(ascii('0123456789abcdef'));
      peer.expect({ seq: 1, length: 10 });

      peer.connection.abort();
      peer.expect({ flags: 'R.', seq: 11, ack: 1 });
      peer.at(100_000);

      peer.expectNothing();
      expect(peer.connection.unacknowledgedBytes).to.equal(0);
    });

    it('leaves TIME-WAIT alone, which ended well already', () => {
      const peer = timeWait();

      peer.connection.abort();

      peer.expectNothing();
      peer.expectEvents();
      expect(peer.endpoint.timeWaitCount).to.equal(1);
    });
  });

  describe('close before the handshake is over', () => {
    it('forgets a connection in SYN-SENT (RFC 9293 §3.10.4)', () => {
      const peer = synSent();

      peer.connection.close();

      peer.expectNothing();
      peer.expectEvents('closed aborted');
      expectOver(peer);
    });

    it('waits in SYN-RECEIVED until the FIN can go (RFC 9293 §3.10.4)', () => {
      const peer = synReceived({ role: 'active' });

      peer.connection.write(ascii('hi'));
      peer.connection.close();
      peer.expectNothing();
      peer.inject({ seq: 1, ack: 1 });

      peer.expect({ flags: 'FP.', seq: 1, ack: 1, text: 'hi' });
      expect(peer.connection.state).to.equal('FIN-WAIT-1');
    });
  });

  describe('the passive closer', () => {
    it('ended well when the last ACK is lost and the peer has forgotten us (RFC 9293 §3.10.7.4)', () => {
      const peer = lastAck();

      peer.at(200);
      peer.expect({ flags: 'F.', seq: 1, ack: 2 });
      peer.inject({ flags: 'R', seq: 2 });

      peer.expectEvents('closed done');
    });

    it('ended well when the last ACK never comes (RFC 9293 §3.8.3)', () => {
      const peer = lastAck();

      peer.at(1_000_000);

      const fins = peer.drain();
      expect(fins.length).to.be.within(5, 16);
      for (const fin of fins) expect(fin).to.include({ flags: 'F.', seq: 1, ack: 2 });
      peer.expectEvents('pathSuspect', 'closed done');
      expectOver(peer);
    });

    it('did not end well when data was not acknowledged', () => {
      const peer = closeWait();
      peer.connection.write(ascii('important'));
      peer.connection.close();
      peer.expect({ flags: 'FP.' });

      peer.inject({ flags: 'R', seq: 2 });

      peer.expectEvents('closed reset');
    });
  });

  describe('TIME-WAIT', () => {
    it('lasts 2 MSL and then nothing is left (RFC 9293 §3.4.2, §3.6.1, MUST-13)', () => {
      const peer = timeWait({ profile: { timeWaitMs: 240_000 } });

      peer.at(239_999);
      expect(peer.endpoint.timeWaitCount).to.equal(1);
      peer.at(240_000);

      peer.expectNothing();
      peer.expectEvents();
      expect(peer.endpoint.timeWaitCount).to.equal(0);
      expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
    });

    it('acknowledges a FIN that comes again and waits anew (RFC 9293 §3.10.7.4, eighth step)', () => {
      const peer = timeWait();
      peer.at(50_000);

      peer.inject({ flags: 'F.', seq: 1, ack: 2 });

      peer.expect({ flags: '.', seq: 2, ack: 2 });
      peer.at(109_999);
      expect(peer.endpoint.timeWaitCount).to.equal(1);
      peer.at(110_000);
      expect(peer.endpoint.timeWaitCount).to.equal(0);
    });

    it('does not wait anew for anything else', () => {
      const peer = timeWait();
      peer.at(50_000);

      peer.inject({ flags: 'P.', seq: 1, ack: 2, payload: 'old' });
      peer.inject({ flags: 'S', seq: -9_999 });

      peer.expectAll([
        { flags: '.', seq: 2, ack: 2 },
        { flags: '.', seq: 2, ack: 2 },
      ]);
      peer.at(60_000);
      expect(peer.endpoint.timeWaitCount).to.equal(0);
    });

    it('does not answer an ACK', () => {
      const peer = timeWait();

      peer.inject({ seq: 2, ack: 2 });

      peer.expectNothing();
    });

    it('keeps the window it had promised (RFC 9293 §3.8.6, SHLD-14)', () => {
      const peer = finWait2();
      peer.inject({ flags: 'F.', seq: 1, ack: 2 });

      const [ack] = peer.drain();

      // All of the 65,535 that the SYN-ACK promised but the octet of the FIN.
      expect(ack?.window).to.be.within(65_534, 65_535);
    });

    it('tells of its end once, with keep-alive or without', () => {
      const peer = timeWait({ profile: { keepAlive: true } });

      peer.connection.setKeepAlive(true);
      peer.at(100_000_000);

      peer.expectNothing();
      peer.expectEvents();
      expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
    });

    it('keeps a pair of ports from being used again (RFC 9293 §3.10.1)', () => {
      const peer = timeWait();

      expect(() => peer.connect()).to.throw(UsageError, String(LOCAL_PORT));
      peer.at(60_000);
      peer.connect();
      peer.expect({ flags: 'S' });
    });

    it('of no length lets the pair be used again at once', () => {
      const peer = timeWait({ profile: { timeWaitMs: 0 } });
      peer.at(0);

      peer.connect();

      peer.expect({ flags: 'S' });
    });

    it('lets what came before the end be read', () => {
      const peer = finWait2();

      peer.inject({ flags: 'FP.', seq: 1, ack: 2, payload: 'last words' });

      peer.expectEvents('readable', 'peerClosed', 'closed done');
      expect(peer.connection.read(100)).to.deep.equal(ascii('last words'));
    });
  });
});

function unreadCloseWait(): ScriptedPeer {
  const peer = established({ profile: { lingerMs: 0 } });
  peer.inject({ flags: 'FP.', seq: 1, ack: 1, payload: 'unread' });
  return peer;
}
