import { expect } from 'chai';
import { BbrRounds, BDP, MSS, RATE, RTT_MS } from '../../../../support/bbr-rounds.ts';

function cruising(options: ConstructorParameters<typeof BbrRounds>[0] = {}): BbrRounds {
  const path = new BbrRounds(options);
  path.reachCruise();
  return path;
}

function maxBw({ bbr }: BbrRounds): number {
  return Math.max(bbr.model.maxBwBefore, bbr.model.maxBwNow);
}

describe('what BBR takes for the bandwidth', () => {
  it('is the most of this cycle and the one before (draft-ietf-ccwg-bbr §5.5.2–5.5.3, §5.5.5–5.5.6)', () => {
    const path = cruising({ lossTolerance: 0.06 });
    path.round({ deliveryRate: 1.3 * RATE });
    const seen: number[] = [];
    for (let cycle = 0; cycle < 3; cycle += 1) {
      path.reach('probe-bw-up');
      path.reach('probe-bw-down', 20, { inFlightBytes: 1.5 * BDP });
      path.reachCruise();
      path.round();
      seen.push(maxBw(path) / RATE);
    }

    expect(seen).to.deep.equal([1.3, 1, 1]);
  });

  it('is not lowered by a user with little to send, but raised (draft-ietf-ccwg-bbr §5.5.4)', () => {
    const path = cruising();
    for (let i = 0; i < 300; i += 1) path.round({ isAppLimited: true, deliveryRate: RATE / 10 });
    expect(maxBw(path)).to.equal(RATE);
    path.round({ isAppLimited: true, deliveryRate: 2 * RATE });

    expect(maxBw(path)).to.equal(2 * RATE);
  });
});

describe('a round trip of BBR', () => {
  it('ends with the ACK of what left after it had begun, however many ACKs come (draft-ietf-ccwg-bbr §5.5.1)', () => {
    const path = new BbrRounds();
    path.round();
    const { roundCount } = path.bbr.model;
    const before = path.delivered - 1;
    for (let i = 0; i < 10; i += 1) path.ack({ deliveredBytes: MSS, priorDelivered: before });
    expect(path.bbr.model.roundCount).to.equal(roundCount);
    path.round();

    expect(path.bbr.model.roundCount).to.equal(roundCount + 1);
  });

  it('does not end with an ACK that covers nothing (draft-ietf-ccwg-bbr §5.5.1)', () => {
    const path = new BbrRounds();
    path.round();
    const { roundCount } = path.bbr.model;
    path.ack({ txInFlightBytes: 0, priorDelivered: path.delivered, deliveryRate: 0 });

    expect(path.bbr.model.roundCount).to.equal(roundCount);
  });
});

describe('losses while BBR does not probe', () => {
  it('draw bandwidth and in-flight data towards what was delivered, by 30 % in a round at most (draft-ietf-ccwg-bbr §5.5.10.3)', () => {
    const path = cruising();
    const { cwndBytes } = path.bbr;
    path.round({ deliveryRate: 0.9 * RATE, deliveredBytes: 0.9 * BDP });
    path.lose(1);
    path.round({ deliveryRate: 0.9 * RATE, deliveredBytes: 0.9 * BDP });
    expect(path.bbr.model.bwShortterm).to.equal(0.9 * RATE);
    expect(path.bbr.model.inflightShorttermBytes).to.equal(Math.max(0.9 * BDP, 0.7 * cwndBytes));
    path.round({ deliveryRate: RATE / 10, deliveredBytes: BDP / 10 });
    path.lose(1);
    path.round({ deliveryRate: RATE / 10, deliveredBytes: BDP / 10 });

    expect(path.bbr.model.bwShortterm).to.be.closeTo(0.7 * 0.9 * RATE, 1e-9);
    expect(path.bbr.pacingRate).to.be.closeTo(0.99 * 0.63 * RATE, 1e-6);
  });

  it('count once in a round (draft-ietf-ccwg-bbr §5.5.10.3)', () => {
    const path = cruising();
    path.round({ deliveryRate: RATE / 10 });
    path.lose(1);
    path.round({ deliveryRate: RATE / 10 });
    for (let i = 0; i < 5; i += 1) {
      path.lose(1);
      path.ack({ deliveredBytes: MSS, deliveryRate: RATE / 10 });
    }

    expect(path.bbr.model.bwShortterm).to.equal(0.7 * RATE);
  });

  it('are chance up to the tolerance, and are answered beyond it (draft-ietf-ccwg-bbr §5.5.10.3)', () => {
    const path = cruising({ lossTolerance: 0.06 });
    path.round();
    path.lose(3);
    path.round();
    expect(path.bbr.model.bwShortterm, '3 of 53').to.equal(Number.POSITIVE_INFINITY);
    path.lose(4);
    path.round({ deliveryRate: 0.9 * RATE });

    expect(path.bbr.model.bwShortterm, '4 of 54').to.be.below(Number.POSITIVE_INFINITY);
  });

  it('are no chance where the RTT shows a queue (draft-ietf-ccwg-bbr §5.5.10.3)', () => {
    const bound = (rttMs: number, state = 'probe-bw-cruise'): number => {
      const path = cruising({ lossTolerance: 0.06 });
      path.round({ rttMs, deliveryRate: 0.9 * RATE });
      path.bbr.model.state = state as typeof path.bbr.model.state;
      path.lose(1);
      path.round({ rttMs, deliveryRate: 0.9 * RATE, inFlightBytes: 2 * BDP });
      return path.bbr.model.bwShortterm;
    };

    expect(bound(1.12 * RTT_MS)).to.equal(Number.POSITIVE_INFINITY);
    expect(bound(1.13 * RTT_MS)).to.equal(0.9 * RATE);
    // There the queue is our own, and it is being drained.
    expect(bound(1.13 * RTT_MS, 'probe-bw-down')).to.equal(Number.POSITIVE_INFINITY);
  });

  it('may be as many as the tolerance says while BBR probes too (draft-ietf-ccwg-bbr §5.5.10.2)', () => {
    const path = cruising({ lossTolerance: 0.06 });
    path.reach('probe-bw-up');
    path.lose(6, { txInFlightBytes: 2 * BDP });
    expect(path.state).to.equal('probe-bw-up');
    path.lose(1, { txInFlightBytes: 2 * BDP, lostSinceSentBytes: 7 * MSS });

    expect(path.state).to.equal('probe-bw-down');
    const queued = cruising({ lossTolerance: 0.06 });
    queued.reach('probe-bw-up');
    queued.round({ rttMs: 1.5 * RTT_MS });
    queued.lose(3, { txInFlightBytes: 2 * BDP });
    expect(queued.state, '3 of 100 with a queue').to.equal('probe-bw-down');
  });

  it('end an RTO with a window of a segment, which is as before when all is repaired (draft-ietf-ccwg-bbr §5.6.4.4)', () => {
    const path = cruising();
    const { cwndBytes } = path.bbr;
    path.bbr.onTimeout(path.now, cwndBytes, true);
    expect(path.bbr.cwndBytes).to.equal(MSS);
    path.ack({ deliveredBytes: MSS, isAfterTimeout: true });
    // The least that keeps a pipe going, and then what arrives.
    expect(path.bbr.cwndBytes).to.equal(4 * MSS);
    path.ack({ deliveredBytes: MSS, isAfterTimeout: true });
    expect(path.bbr.cwndBytes).to.equal(5 * MSS);
    path.ack({ deliveredBytes: MSS });

    expect(path.bbr.cwndBytes).to.equal(cwndBytes + MSS);
  });

  it('leave the window alone when a recovery begins and ends (draft-ietf-ccwg-bbr §5.6.4.4)', () => {
    const path = cruising();
    const { cwndBytes } = path.bbr;
    path.bbr.onCongestion(path.now, cwndBytes);
    expect(path.bbr.cwndBytes).to.equal(cwndBytes);
    path.bbr.onRecovered(path.now, cwndBytes);

    expect(path.bbr.cwndBytes).to.equal(cwndBytes);
  });
});

describe('losses that were none', () => {
  it('give back the bounds and the window (draft-ietf-ccwg-bbr §5.5.11, §5.5.11.1)', () => {
    const path = cruising();
    const { cwndBytes } = path.bbr;
    const saved = path.bbr.save();
    path.bbr.onCongestion(path.now, cwndBytes);
    path.round({ deliveryRate: RATE / 2, deliveredBytes: BDP / 2 });
    path.lose(1);
    path.round({ deliveryRate: RATE / 2, deliveredBytes: BDP / 2 });
    expect(path.bbr.model.bwShortterm).to.be.below(RATE);
    path.bbr.undo(saved);

    expect(path.bbr.model.bwShortterm).to.equal(Number.POSITIVE_INFINITY);
    expect(path.bbr.model.inflightShorttermBytes).to.equal(Number.POSITIVE_INFINITY);
    expect(path.bbr.cwndBytes).to.equal(cwndBytes);
  });

  it('take it back into Startup (draft-ietf-ccwg-bbr §5.5.11.2)', () => {
    const path = new BbrRounds();
    path.round();
    path.lose(6);
    path.round({ isInRecovery: true, lostSinceSentBytes: 6 * MSS, inFlightBytes: 3 * BDP });
    expect(path.state).to.equal('drain');
    path.bbr.undo(path.bbr.save());

    expect([path.state, path.bbr.model.fullBwReached]).to.deep.equal(['startup', false]);
  });

  it('take it back to probing for bandwidth (draft-ietf-ccwg-bbr §5.5.11.2)', () => {
    const path = cruising();
    path.reach('probe-bw-up');
    path.lose(3, { txInFlightBytes: 2 * BDP });
    expect(path.state).to.equal('probe-bw-down');
    path.bbr.undo(path.bbr.save());

    expect(path.state).to.equal('probe-bw-refill');
    expect(path.bbr.model.inflightLongtermBytes).to.equal(Number.POSITIVE_INFINITY);
  });
});

describe('ACKs that come in batches', () => {
  it('make room for what is acknowledged at once (draft-ietf-ccwg-bbr §5.5.9)', () => {
    // The same rate, in one ACK for each round and in fifty.
    const windowWith = (acks: number): number => {
      const path = new BbrRounds();
      for (let round = 0; round < 40; round += 1) {
        const priorDelivered = path.delivered;
        for (let ack = 0; ack < acks; ack += 1) {
          path.now += RTT_MS / acks;
          path.ack({ deliveredBytes: BDP / acks, priorDelivered: ack === 0 ? priorDelivered : -1 });
        }
      }
      return path.bbr.cwndBytes;
    };

    expect(windowWith(50)).to.be.within(2 * BDP, 2 * BDP + 2 * MSS);
    expect(windowWith(1)).to.be.within(3 * BDP - MSS, 3 * BDP);
  });

  it('are forgotten after ten rounds without (draft-ietf-ccwg-bbr §5.5.9)', () => {
    const path = new BbrRounds();
    for (let round = 0; round < 20; round += 1) path.round();
    const batched = path.bbr.cwndBytes;
    for (let round = 0; round < 20; round += 1) {
      const priorDelivered = path.delivered;
      for (let ack = 0; ack < 50; ack += 1) {
        path.now += 1.2;
        path.ack({ deliveredBytes: MSS, priorDelivered: ack === 0 ? priorDelivered : -1 });
      }
    }

    expect(path.bbr.cwndBytes).to.be.below(batched - 0.9 * BDP);
  });
});

describe('the window of BBR', () => {
  it('is never less than four segments (draft-ietf-ccwg-bbr §5.6.4.3)', () => {
    const path = new BbrRounds();
    path.rate = 10;
    path.reachCruise();
    for (let i = 0; i < 10; i += 1) {
      path.lose(2);
      path.round({ deliveryRate: 0.1, deliveredBytes: 100 });
    }

    expect(path.bbr.cwndBytes).to.be.at.least(4 * MSS);
  });

  it('grows by no more than what was delivered (draft-ietf-ccwg-bbr §5.6.4.6)', () => {
    const path = cruising();
    path.bbr.onTimeout(path.now, 0, true);
    path.ack({ deliveredBytes: 10 * MSS, isAfterTimeout: true });

    expect(path.bbr.cwndBytes).to.equal(11 * MSS);
  });

  it('allows three send quanta even where the product is less (draft-ietf-ccwg-bbr §5.5.8.1, §5.6.3)', () => {
    const path = new BbrRounds();
    path.rate = 20_000;
    path.rttMs = 0.5;
    path.reachCruise();
    for (let i = 0; i < 40; i += 1) path.round({ deliveredBytes: MSS });

    const { sendQuantumBytes } = path.bbr.model;
    expect(sendQuantumBytes).to.equal(path.bbr.pacingRate);
    expect(path.bbr.cwndBytes).to.be.at.least(3 * sendQuantumBytes);
    expect(3 * sendQuantumBytes).to.be.above(4 * MSS);
  });

  it('is one segment after a lost SYN, and follows the segment size before data is sent (RFC 5681 §3.1, RFC 6928 §2)', () => {
    const { bbr } = new BbrRounds();
    bbr.setMss(1400);
    expect(bbr.cwndBytes).to.equal(14_000);
    bbr.onSynLost();

    expect(bbr.cwndBytes).to.equal(1400);
  });
});
