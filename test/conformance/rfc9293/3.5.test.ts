import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../../lib/testing/endpoint-network.ts';
import { decodeLiteral } from '../../support/literal-segment.ts';
import { ascii, ISS, LOCAL_PORT } from '../../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  listening,
  synReceived,
  synSent,
  timeWait,
} from '../../support/scripted-states.ts';

describe('RFC 9293 §3.5: establishing a connection', () => {
  it('opens actively in three segments (RFC 9293 §3.5, Figure 6)', () => {
    const peer = synSent();

    peer.inject({ flags: 'S.', seq: 0, ack: 1 });

    peer.expect({ flags: '.', seq: 1, ack: 1, length: 0 });
    peer.expectEvents('established');
  });

  it('opens passively in three segments, and tells nobody before the third (RFC 9293 §3.5, Figure 6)', () => {
    const peer = listening();

    peer.inject({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.', seq: 0, ack: 1, length: 0 });
    peer.expectEvents();
    peer.inject({ seq: 1, ack: 1 });

    peer.expectNothing();
    peer.expectEvents('accepted', 'established');
  });

  it('takes text with the ACK that completes the handshake (RFC 9293 §3.10.7.4)', () => {
    const peer = synReceived();

    peer.inject({ flags: 'P.', seq: 1, ack: 1, payload: 'hello' });

    peer.expect({ flags: '.', seq: 1, ack: 6 });
    peer.expectEvents('accepted', 'established', 'readable');
    expect(peer.connection.read(100)).to.deep.equal(ascii('hello'));
  });

  it('takes a FIN with the ACK that completes the handshake (RFC 9293 §3.10.7.4)', () => {
    const peer = synReceived();

    peer.inject({ flags: 'F.', seq: 1, ack: 1 });

    peer.expect({ flags: '.', seq: 1, ack: 2 });
    peer.expectEvents('accepted', 'established', 'peerClosed');
    expect(peer.connection.state).to.equal('CLOSE-WAIT');
  });

  describe('text on a SYN', () => {
    it('is held by a listener until the handshake is over (RFC 9293 §3.5, §3.10.7.2)', () => {
      const peer = listening();

      peer.inject({ flags: 'S', seq: 0, payload: 'early' });
      peer.expect({ flags: 'S.', seq: 0, ack: 6 });
      peer.expectEvents();
      peer.inject({ seq: 6, ack: 1 });

      peer.expectEvents('accepted', 'established', 'readable');
      expect(peer.connection.read(100)).to.deep.equal(ascii('early'));
    });

    it('is held in a simultaneous open too (RFC 9293 §3.10.7.3)', () => {
      const peer = synSent();

      peer.inject({ flags: 'S', seq: 0, payload: 'early' });
      peer.expect({ flags: 'S.', seq: 0, ack: 6 });
      peer.expectEvents();
      expect(peer.connection.read(100)).to.have.length(0);
      peer.inject({ seq: 6, ack: 1 });

      peer.expectEvents('established', 'readable');
      expect(peer.connection.read(100)).to.deep.equal(ascii('early'));
    });

    it('is taken from a SYN-ACK at once (RFC 9293 §3.10.7.3)', () => {
      const peer = synSent();

      peer.inject({ flags: 'S.', seq: 0, ack: 1, payload: 'early' });

      peer.expect({ flags: '.', seq: 1, ack: 6 });
      peer.expectEvents('established', 'readable');
    });

    it('that comes again without it is acknowledged all the same', () => {
      const peer = listening();
      peer.inject({ flags: 'S', seq: 0, payload: 'early' });
      peer.expect({ flags: 'S.', seq: 0, ack: 6 });

      peer.inject({ flags: 'S', seq: 0 });

      peer.expect({ flags: 'S.', seq: 0, ack: 6 });
    });
  });

  describe('simultaneous open', () => {
    it('answers the SYN with a SYN-ACK and is established by the peer’s (RFC 9293 §3.5, Figure 7, MUST-10)', () => {
      const peer = synReceived({ role: 'active' });
      expect(peer.connection.state).to.equal('SYN-RECEIVED');

      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.expectNothing();
      peer.expectEvents('established');
      expect(peer.connection.state).to.equal('ESTABLISHED');
    });

    it('is established by a bare ACK too (RFC 9293 §3.10.7.4, MUST-10)', () => {
      const peer = synReceived({ role: 'active' });

      peer.inject({ seq: 1, ack: 1 });

      peer.expectNothing();
      peer.expectEvents('established');
    });

    it('answers the SYN-ACK of a peer that has not heard ours (RFC 9293 §3.10.7.4, first step, MUST-10)', () => {
      const peer = synReceived({ role: 'active' });
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.expect({ flags: '.', seq: 1, ack: 1 });
    });

    it('takes the window of its SYN-ACK as it is, small ones too: it is not scaled (RFC 7323 §2.2)', () => {
      const peer = synReceived({ role: 'active', peerOptions: { mss: 1460, windowScale: 7 } });

      peer.inject({ flags: 'S.', seq: 0, ack: 1, window: 100 });
      peer.connection.write(ascii('hello'));

      peer.expect({ text: 'hello' });
    });

    it('measures nothing by it, and takes no SYN for lost (RFC 6298 §3, §5.7)', () => {
      const peer = synReceived({ role: 'active' });
      peer.pass(20);
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.connection.write(ascii('x'));
      peer.expect({ text: 'x' });
      peer.at(1_019);
      peer.expectNothing();
      peer.at(1_020);

      peer.expect({ text: 'x' });
    });

    it('sends the SYN-ACK again until it is answered (RFC 6298 §5.4, MUST-10)', () => {
      const peer = synReceived({ role: 'active' });

      peer.at(1_000);
      peer.expect({ flags: 'S.', seq: 0, ack: 1, sentAt: 1_000 });
      peer.at(3_000);
      peer.expect({ flags: 'S.', seq: 0, ack: 1, sentAt: 3_000 });
    });
  });

  describe('old duplicates and half-open connections', () => {
    it('goes back to listening when an old SYN is disowned (RFC 9293 §3.5, Figure 8)', () => {
      const peer = listening();
      peer.inject({ flags: 'S', seq: 90 });
      peer.expect({ flags: 'S.', ack: 91 });

      peer.inject({ flags: 'R', seq: 91 });
      peer.expectNothing();
      peer.inject({ flags: 'S', seq: 200 });

      peer.expect({ flags: 'S.', ack: 201 });
      peer.expectEvents();
    });

    it('disowns the SYN-ACK to an old SYN of ours (RFC 9293 §3.5, Figure 8)', () => {
      const peer = synSent();

      peer.inject({ flags: 'S.', seq: 300, ack: 91 });
      peer.expect({ flags: 'R', seq: 91, ack: 0 });
      peer.inject({ flags: 'S.', seq: 0, ack: 1 });

      peer.expect({ flags: '.', seq: 1, ack: 1 });
      peer.expectEvents('established');
    });

    it('goes back to listening when a new SYN comes in the window of an old one (RFC 9293 §3.10.7.4, fourth step)', () => {
      const peer = listening();
      peer.inject({ flags: 'S', seq: 90 });
      peer.expect({ flags: 'S.', ack: 91 });

      peer.inject({ flags: 'S', seq: 100 });
      peer.expectNothing();
      peer.inject({ flags: 'S', seq: 100 });

      peer.expect({ flags: 'S.', ack: 101 });
    });

    it('finds out that the peer has crashed and begins anew (RFC 9293 §3.5.1, Figure 9)', () => {
      const peer = established();

      peer.inject({ flags: 'S', seq: 5_000 });
      peer.expect({ flags: '.', seq: 1, ack: 1 });
      peer.inject({ flags: 'R', seq: 1 });

      peer.expectNothing();
      peer.expectEvents('closed reset');
      peer.inject({ flags: 'S', seq: 5_000 });
      peer.expect({ flags: 'S.', ack: 5_001 });
    });

    it('resets a peer that sends to a connection we have forgotten (RFC 9293 §3.5.1, Figure 10)', () => {
      const peer = listening();

      peer.inject({ flags: 'P.', seq: 300, ack: 100, payload: 'still there?' });

      peer.expect({ flags: 'R', seq: 100, ack: 0, length: 0 });
    });
  });

  describe('resets sent', () => {
    it('answers an acceptable segment for nobody: group 1, SEQ from its ACK (RFC 9293 §3.5.2)', () => {
      const peer = listening();

      peer.inject({ flags: '.', seq: 5, ack: 77, dstPort: 60_000 });

      peer.expect({ flags: 'R', seq: 77, ack: 0, window: 0, srcPort: 60_000, dstPort: 50_000 });
    });

    it('answers one without ACK: group 1, SEQ 0 and an ACK of all of it (RFC 9293 §3.5.2)', () => {
      const peer = listening();

      peer.inject({ flags: 'FPU', seq: 5, payload: 'abc', dstPort: 60_000 });

      // SEQ is 0 on the wire, so it is not relative to any ISN.
      peer.expect({ flags: 'R.', seq: -ISS >>> 0, ack: 9 });
    });

    it('resets an ACK of what was never sent before it is synchronized: group 2 (RFC 9293 §3.5.2)', () => {
      for (const build of [synSent, synReceived]) {
        const peer = build();

        peer.inject({ seq: 1, ack: 500 });

        peer.expect({ flags: 'R', seq: 500, ack: 0 });
        peer.expectEvents();
      }
    });

    it('answers an unacceptable segment with an ACK once it is synchronized: group 3 (RFC 9293 §3.5.2)', () => {
      const states = [established, finWait1, finWait2, closeWait, closing, lastAck];
      for (const build of states) {
        const peer = build();
        const before = peer.connection.state;
        const seq = before === 'ESTABLISHED' || before === 'CLOSE-WAIT' ? 1 : 2;
        const hasFin = before === 'CLOSE-WAIT' || before === 'CLOSING' || before === 'LAST-ACK';

        peer.inject({ flags: 'P.', seq: 1_000_000, ack: 1, payload: 'lost' });

        peer.expect({ flags: '.', seq, ack: hasFin ? 2 : 1 });
        peer.expectEvents();
        expect(peer.connection.state).to.equal(before);
      }
      const gone = timeWait();
      gone.inject({ flags: 'P.', seq: 1_000_000, ack: 1, payload: 'lost' });
      gone.expect({ flags: '.', seq: 2, ack: 2 });
    });
  });

  describe('resets received', () => {
    it('is refused when the SYN is answered with one (RFC 9293 §3.5.3, §3.10.7.3)', () => {
      const peer = synSent();

      peer.inject({ flags: 'R.', seq: 0, ack: 1 });

      peer.expectNothing();
      peer.expectEvents('closed refused');
    });

    it('takes no notice of one that does not acknowledge the SYN (RFC 9293 §3.5.3, RFC 5961 §3)', () => {
      const peer = synSent();

      peer.inject({ flags: 'R.', seq: 0, ack: 0 });
      peer.inject({ flags: 'R.', seq: 0, ack: 2 });
      peer.inject({ flags: 'R', seq: 0 });

      peer.expectNothing();
      peer.expectEvents();
      expect(peer.connection.state).to.equal('SYN-SENT');
    });

    it('goes back to listening from a passive SYN-RECEIVED, and nobody hears of it (RFC 9293 §3.5.3, MUST-11)', () => {
      const peer = synReceived();

      peer.inject({ flags: 'R', seq: 1 });

      peer.expectEvents();
      expect(peer.endpoint.connectionCount).to.equal(0);
      peer.inject({ flags: 'S', seq: 70 });
      peer.expect({ flags: 'S.', ack: 71 });
    });

    it('is refused in an active SYN-RECEIVED (RFC 9293 §3.5.3, MUST-11)', () => {
      const peer = synReceived({ role: 'active' });

      peer.inject({ flags: 'R', seq: 1 });

      peer.expectEvents('closed refused');
    });

    it('ends a connection in every state after that, with text in it or not (RFC 9293 §3.5.3, SHLD-2)', () => {
      for (const build of [established, finWait1, finWait2, closeWait]) {
        for (const payload of ['', 'why: out of memory']) {
          const peer = build();
          const seq = peer.connection.state === 'CLOSE-WAIT' ? 2 : 1;

          peer.inject({ flags: 'R', seq, payload });

          peer.expectNothing();
          peer.expectEvents('closed reset');
          expect(peer.connection.state).to.equal('CLOSED');
          expect(peer.endpoint.nextTimeout(), 'no timer is left').to.equal(Number.POSITIVE_INFINITY);
        }
      }
    });

    it('ends well when only the ACK of our FIN is missing (RFC 9293 §3.10.7.4, second step)', () => {
      for (const build of [closing, lastAck]) {
        const peer = build();

        peer.inject({ flags: 'R', seq: 2 });

        peer.expectEvents('closed done');
        expect(peer.connection.state).to.equal('CLOSED');
      }
    });
  });

  it('leaves two listeners in peace when an old SYN comes (RFC 9293 §3.5.1, Figure 11)', () => {
    const endpoints = ['a', 'b'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    for (const endpoint of endpoints) endpoint.listen(LOCAL_PORT);
    const network = new EndpointNetwork(endpoints, { link: { latencyMs: 20 } });
    const oldSyn = listening().encode({ flags: 'S', seq: 7, srcPort: LOCAL_PORT });

    endpoints[1]?.handleDatagram(0, oldSyn, 0);
    network.runUntil(500);

    expect(network.sent.map(({ from, bytes }) => [from, decodeLiteral(bytes).flags])).to.deep.equal([
      [1, 'S.'],
      [0, 'R'],
    ]);
    expect(endpoints[1]?.connectionCount).to.equal(0);
    expect(network.events).to.deep.equal([]);
  });

  it('comes to terms when both open at once over a link with delay (RFC 9293 §3.5, MUST-10)', () => {
    const endpoints = ['a', 'b'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    const network = new EndpointNetwork(endpoints, { link: { latencyMs: 20 } });

    endpoints[0]?.connect(1, 50_001, { localPseudoPort: 50_000 });
    endpoints[1]?.connect(0, 50_000, { localPseudoPort: 50_001 });
    network.runUntil(500);

    expect(network.events.map(({ at, endpoint, event }) => [at, endpoint, event.type])).to.deep.equal([
      [40, 0, 'established'],
      [40, 1, 'established'],
    ]);
    expect(network.sent, 'two SYNs and two SYN-ACKs').to.have.length(4);
  });
});
