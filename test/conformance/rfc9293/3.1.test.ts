import { expect } from 'chai';
import { flightSize } from '../../../lib/ptcp/core/tcb.ts';
import { pattern } from '../../support/scripted-peer.ts';
import { established, finWait1 } from '../../support/scripted-states.ts';

/** Kinds that nobody has given a meaning, and one with a body that looks like an MSS. */
const UNKNOWN = [200, 6, 2, 4, 5, 180, 77, 2];

describe('options behind the SYN', () => {
  it('are taken on text, and do it no harm (RFC 9293 §3.1, MUST-5)', () => {
    const peer = established();

    peer.inject({ seq: 1, ack: 1, payload: 'abc', options: { raw: UNKNOWN } });

    expect(new TextDecoder().decode(peer.connection.read(10))).to.equal('abc');
  });

  it('are taken on an ACK, a FIN and a reset (RFC 9293 §3.1, MUST-5)', () => {
    const acked = finWait1();
    acked.inject({ seq: 1, ack: 2, options: { raw: UNKNOWN } });
    expect(acked.connection.state).to.equal('FIN-WAIT-2');
    acked.inject({ flags: 'F.', seq: 1, ack: 2, options: { raw: UNKNOWN } });
    acked.expect({ ack: 2 });

    const reset = established();
    reset.inject({ flags: 'R', seq: 1, options: { raw: UNKNOWN } });
    expect(reset.connection.closeReason).to.equal('reset');
  });

  it('that say something are heard: SACK on text, not only on a bare ACK (RFC 9293 §3.1, MUST-5)', () => {
    const peer = established({
      profile: { sack: true, congestion: 'none' },
      peerOptions: { sackPermitted: true, mss: 1000 },
    });
    peer.connection.write(pattern(3000));
    peer.drain();

    peer.inject({ seq: 1, ack: 1, payload: 'abc', options: { sack: [[1001, 3001]] } });

    expect(peer.connection.tcpInfo().sackedBytes).to.equal(2000);
  });
});

describe('the variables of the send sequence space', () => {
  it('keep SND.UNA <= SND.NXT, and between them what is outstanding (RFC 9293 §3.3.1, §3.4)', () => {
    const peer = established({ peerOptions: { mss: 1000 } });
    const { tcb } = peer.connection;
    peer.connection.write(pattern(2500));
    peer.drain();
    expect(flightSize(tcb)).to.equal(2000);

    for (const ack of [1, 1001, 500, 2001, 9000]) {
      peer.inject({ seq: 1, ack });
      peer.drain();
      const outstanding = tcb.sent.all.reduce((sum, { length }) => sum + length, 0);
      expect(flightSize(tcb)).to.equal(outstanding).and.to.be.at.least(0);
    }
    expect(flightSize(tcb)).to.equal(500);
  });
});
