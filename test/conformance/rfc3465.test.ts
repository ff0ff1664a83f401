import { expect } from 'chai';
import { Cubic } from '../../lib/ptcp/core/congestion/cubic.ts';
import { NewReno } from '../../lib/ptcp/core/congestion/newreno.ts';
import { AckClock, MSS } from '../support/ack-clock.ts';
import { ack, at, bulkSender, cwnd, RTT_MS, range, sent, ssthresh } from '../support/bulk-sender.ts';

const CONTROLLERS = [NewReno, Cubic] as const;
const WINDOW = 50;

/** A flow in slow start, or in congestion avoidance after a loss. */
function flowOf(kind: (typeof CONTROLLERS)[number], isAvoiding: boolean): AckClock {
  const flow = new AckClock(new kind(MSS, isAvoiding ? 2 * WINDOW : WINDOW), 100);
  if (isAvoiding) flow.lose();
  flow.now += 2000;
  return flow;
}

describe('RFC 3465: bytes, not ACKs, let the window grow', () => {
  for (const kind of CONTROLLERS)
    for (const isAvoiding of [false, true])
      it(`${kind.name} gains nothing from ACKs that are divided, ${
        isAvoiding ? 'in congestion avoidance' : 'in slow start'
      } (RFC 3465 §2.1, §2.2)`, () => {
        const [honest, dividing] = [1, 100].map((pieces) => {
          const flow = flowOf(kind, isAvoiding);
          for (let acks = 0; acks < WINDOW * pieces; acks += 1) {
            flow.now = 2000 + (100 * acks) / (WINDOW * pieces);
            const now = flow.now;
            flow.ack({ now, ackedBytes: MSS / pieces, deliveredBytes: MSS / pieces });
            flow.now = now;
          }
          return flow.cwnd;
        });

        expect(honest).to.be.above(isAvoiding ? WINDOW : 2 * WINDOW - 1);
        expect(dividing! / honest!).to.be.closeTo(1, 0.005);
      });

  for (const kind of CONTROLLERS)
    it(`${kind.name} gains nothing from duplicate ACKs, however many (RFC 3465 §2, RFC 5681 §3.2)`, () => {
      for (const isAvoiding of [false, true]) {
        const flow = flowOf(kind, isAvoiding);
        const before = flow.cwnd;

        for (let acks = 0; acks < 1000; acks += 1)
          flow.ack({ ackedBytes: 0, deliveredBytes: acks % 2 === 0 ? MSS : 0 });

        expect(flow.cwnd).to.equal(before);
      }
    });

  it('duplicate ACKs that SACK nothing new release nothing where there is SACK (RFC 5681 §3.2, RFC 6675 §2)', () => {
    const peer = bulkSender({ profile: { sack: true } });
    expect(sent(peer)).to.deep.equal(range(0, 10));
    peer.pass(RTT_MS);
    ack(peer, 2);
    sent(peer);
    const before = peer.connection.tcpInfo();

    for (let i = 0; i < 100; i += 1) ack(peer, 2);
    ack(peer, 2, [5, 6]);
    expect(sent(peer), 'the one SACK').to.have.length.of.at.most(1);
    for (let i = 0; i < 100; i += 1) ack(peer, 2, [5, 6]);

    expect(sent(peer)).to.deep.equal([]);
    expect(cwnd(peer)).to.equal(before.sndCwndSegments);
  });

  it('ACKs of what was not sent earn nothing, those of what is under way what it is worth (RFC 3465 §4, RFC 5961 §5)', () => {
    const peer = bulkSender();
    sent(peer);

    for (let i = 0; i < 100; i += 1) peer.inject({ seq: 1, ack: at(10) + 1 + i });
    expect(cwnd(peer)).to.equal(10);
    peer.drain();
    ack(peer, 10);

    expect(cwnd(peer), 'ten segments, though they cannot have arrived').to.equal(18);
    expect(sent(peer)).to.have.length(18);
  });

  it('an ACK after a time-out does not count for what had arrived before (RFC 3465 §2.3)', () => {
    const peer = bulkSender({ profile: { initialWindowSegments: 20 } });
    sent(peer);
    peer.pass(1500);
    expect(sent(peer)).to.deep.equal([0]);

    ack(peer, 20);

    expect([cwnd(peer), ssthresh(peer)]).to.deep.equal([2, 10]);
    expect(sent(peer)).to.deep.equal([20, 21]);
    ack(peer, 22);
    expect(cwnd(peer), 'and then all counts again').to.equal(4);
  });

  it('an ACK counts for what was SACKed before it, once a time-out is repaired (RFC 3465 §2.2, §2.3)', () => {
    const flow = new AckClock(new NewReno(MSS, 200), 100);
    flow.controller.onTimeout(0, 200 * MSS, true);
    const counts = [true, true, false, false].map((isAfterTimeout) => {
      const before = flow.cwnd;
      flow.ack({ ackedBytes: 10 * MSS, priorInFlightBytes: MSS, isAfterTimeout });
      return flow.cwnd - before;
    });

    expect(counts).to.deep.equal([1, 1, 1, 10]);
  });

  it('an ACK of a whole batch counts for all of it where segments are paced (RFC 9002 §7.3.1, RFC 9406 §4.3)', () => {
    for (const kind of CONTROLLERS) {
      const flow = flowOf(kind, false);

      flow.ack({ ackedBytes: 40 * MSS });

      expect(flow.cwnd).to.equal(WINDOW + 40);
    }
  });
});
