import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { pattern, type ScriptedPeer } from '../../support/scripted-peer.ts';
import { established, type StateOptions } from '../../support/scripted-states.ts';

const MSS = 1000;

/** ESTABLISHED, and one full segment has come and is acknowledged: the peer's segment size is known. */
function open(profile: StateOptions['profile'] = {}): ScriptedPeer {
  const peer = established({ profile: { quickAckCount: 0, ...profile } });
  peer.inject({ seq: 1, ack: 1, payload: pattern(MSS) });
  peer.pass(500);
  peer.drain();
  peer.connection.read(MSS);
  peer.drain();
  return peer;
}

function full(segment: number): { seq: number; ack: number; payload: Uint8Array } {
  return { seq: 1 + segment * MSS, ack: 1, payload: pattern(MSS) };
}

describe('delayed acknowledgements', () => {
  it('wait for ackDelayMs, and not longer (RFC 9293 §3.8.6.3, MUST-40, SHLD-18)', () => {
    for (const ackDelayMs of [1, 25, 40, 499]) {
      const peer = open({ ackDelayMs });
      const start = peer.now;
      peer.inject(full(1));

      expect(peer.endpoint.nextTimeout()).to.equal(start + ackDelayMs);
      peer.pass(ackDelayMs - 0.5);
      peer.expectNothing();
      peer.at(start + ackDelayMs);
      peer.expect({ flags: '.', ack: 1 + 2 * MSS });
    }
  });

  it('do not wait at all when ackDelayMs is 0 (RFC 9293 §3.8.6.3)', () => {
    const peer = open({ ackDelayMs: 0 });

    peer.inject({ seq: 1001, ack: 1, payload: 'x' });

    peer.expect({ flags: '.', ack: 1002 });
  });

  it('come for every second full segment (RFC 9293 §3.8.6.3, SHLD-19)', () => {
    const peer = open();

    peer.inject(full(1));
    peer.expectNothing();
    peer.inject(full(2));

    peer.expect({ flags: '.', ack: 1 + 3 * MSS });
  });

  it('come for as many octets in small segments (RFC 9293 §3.8.6.3, SHLD-19)', () => {
    const peer = open();
    for (let i = 0; i < 19; i += 1) peer.inject({ seq: 1001 + 100 * i, ack: 1, payload: pattern(100) });
    peer.expectNothing();

    peer.inject({ seq: 2901, ack: 1, payload: pattern(100) });

    peer.expect({ flags: '.', ack: 3001 });
  });

  it('come for every ackEverySegments full segments (RFC 9293 §3.8.6.3)', () => {
    for (const ackEverySegments of [1, 2, 4]) {
      const peer = open({ ackEverySegments });
      for (let i = 1; i < ackEverySegments; i += 1) peer.inject(full(i));
      peer.expectNothing();

      peer.inject(full(ackEverySegments));

      peer.expect({ flags: '.', ack: 1 + (ackEverySegments + 1) * MSS });
    }
  });

  it('ride on text that goes the other way (RFC 9293 §3.8.6.3)', () => {
    const peer = open();
    peer.inject(full(1));
    peer.expectNothing();

    peer.connection.write(pattern(5));

    peer.expect({ ack: 1 + 2 * MSS, length: 5 });
    peer.inject({ seq: 1 + 2 * MSS, ack: 6 });
    peer.pass(1000);
    peer.expectNothing();
  });

  it('are none for the first quickAckCount segments (RFC 9293 §3.8.6.3)', () => {
    const peer = established({ profile: { quickAckCount: 3 } });
    for (let i = 0; i < 3; i += 1) {
      peer.inject(full(i));
      peer.expect({ flags: '.', ack: 1 + (i + 1) * MSS });
    }

    peer.inject(full(3));

    peer.expectNothing();
  });

  it('never leave two full segments unacknowledged, nor anything for long (RFC 9293 §3.8.6.3)', () => {
    const random = new Prng('acks');
    const peer = open();
    let seq = 1001;
    let acked = 1001;
    let oldestAt = peer.now;
    for (let i = 0; i < 300; i += 1) {
      const size = 1 + random.below(MSS);
      if (acked === seq) oldestAt = peer.now;
      peer.inject({ seq, ack: 1, payload: pattern(size) });
      seq += size;
      peer.pass(random.below(20));
      for (const answer of peer.drain()) {
        acked = Math.max(acked, answer.ack);
        expect(answer.sentAt - oldestAt).to.be.at.most(25);
        oldestAt = answer.sentAt;
      }
      expect(seq - acked).to.be.below(2 * MSS);
      peer.connection.read(size);
    }
  });
});

describe('acknowledging a batch', () => {
  it('takes one ACK for all that arrived together (RFC 9293 §3.10.7.4, MUST-58, MUST-59)', () => {
    const peer = open();

    peer.injectBatch([1, 2, 3, 4, 5, 6, 7, 8].map(full));

    peer.expect({ flags: '.', ack: 1 + 9 * MSS });
  });

  it('takes one also where segments are quickly acknowledged (RFC 9293 §3.10.7.4, MUST-58)', () => {
    const peer = established();

    peer.injectBatch([0, 1, 2, 3].map(full));

    peer.expect({ flags: '.', ack: 1 + 4 * MSS });
  });

  it('takes one for datagrams handed over one by one before the poll (RFC 9293 §3.10.7.4, MUST-59)', () => {
    const peer = open();

    for (const i of [1, 2, 3, 4, 5]) peer.endpoint.handleDatagram(peer.now, peer.encode(full(i)), 3);

    peer.expect({ flags: '.', ack: 1 + 6 * MSS });
  });

  it('tells of the text of the batch and its FIN at once (RFC 9293 §3.10.7.4, MUST-59)', () => {
    const peer = open();

    peer.injectBatch([full(1), full(2), { seq: 3001, ack: 1, flags: 'F.', payload: 'end' }]);

    peer.expect({ flags: '.', ack: 3005 });
    peer.expectEvents('readable', 'readable', 'peerClosed');
  });
});
