import { expect } from 'chai';
import { BbrRounds, BDP, MSS, RATE, RTT_MS } from '../../../../support/bbr-rounds.ts';

describe('BBR in Startup', () => {
  it('begins with the initial window and no pace, the RTT being unknown (draft-ietf-ccwg-bbr §5.2.1, §5.6.4.1)', () => {
    const { bbr } = new BbrRounds();

    expect([bbr.cwndBytes, bbr.pacingRate]).to.deep.equal([10 * MSS, Number.POSITIVE_INFINITY]);
    expect(bbr.model.state).to.equal('startup');
  });

  it('paces by 2.77 initial windows in an RTT before it knows a bandwidth (draft-ietf-ccwg-bbr §5.6.2)', () => {
    const path = new BbrRounds();
    path.ack({ deliveredBytes: MSS, deliveryRate: 1 });

    expect(path.bbr.pacingRate).to.be.closeTo((2.77 * 10 * MSS) / RTT_MS, 1e-9);
  });

  it('doubles: its pace is 2.77 times the bandwidth less a hundredth, its window two products (draft-ietf-ccwg-bbr §5.3.1.1, §5.6.1)', () => {
    const path = new BbrRounds();
    for (let i = 0; i < 3; i += 1) path.round();

    expect(path.bbr.pacingRate).to.be.closeTo(2.77 * RATE * 0.99, 1e-6);
    // Two products, and what came acknowledged at once beyond the rate: here a whole window.
    expect(path.bbr.cwndBytes).to.be.within(2 * BDP, 4 * BDP);
  });

  it('never lowers its pace for samples of a user who had little to send (draft-ietf-ccwg-bbr §5.6.2)', () => {
    const path = new BbrRounds();
    path.round();
    const before = path.bbr.pacingRate;
    for (let i = 0; i < 5; i += 1) path.round({ deliveryRate: 1, isAppLimited: true });

    expect(path.bbr.pacingRate).to.equal(before);
  });

  it('ends after three rounds that do not bring a quarter more (draft-ietf-ccwg-bbr §5.3.1.2)', () => {
    const path = new BbrRounds();
    for (const rate of [100, 200, 400, 500, 610, 615]) path.round({ deliveryRate: rate });
    expect(path.state).to.equal('startup');
    path.round({ deliveryRate: 620 });

    expect(path.state).to.not.equal('startup');
    expect(path.bbr.model.fullBwReached).to.equal(true);
  });

  it('counts neither rounds of a user with little to send nor ACKs within a round (draft-ietf-ccwg-bbr §5.3.1.2)', () => {
    const path = new BbrRounds();
    path.round();
    for (let i = 0; i < 10; i += 1) {
      path.round({ isAppLimited: true });
      path.ack({ deliveredBytes: MSS });
    }

    expect(path.state).to.equal('startup');
  });

  it('ends for losses: a round of recovery, more than 2 %, in six places (draft-ietf-ccwg-bbr §5.3.1.3)', () => {
    const lossy = { isInRecovery: true, lostSinceSentBytes: 7 * MSS };
    const ends = (places: number, fields: object): boolean => {
      const path = new BbrRounds();
      path.round();
      path.lose(places);
      path.round({ deliveryRate: 1.5 * RATE, ...lossy, ...fields });
      return path.state !== 'startup';
    };

    expect(ends(6, {})).to.equal(true);
    expect(ends(5, {}), 'five places').to.equal(false);
    expect(ends(6, { lostSinceSentBytes: MSS }), 'exactly 2 %').to.equal(false);
    expect(ends(6, { isInRecovery: false }), 'no recovery').to.equal(false);
    expect(ends(6, { priorDelivered: 0 }), 'before the round is over').to.equal(false);
  });

  it('counts segments lost in a row as one place (draft-ietf-ccwg-bbr §5.3.1.3)', () => {
    const path = new BbrRounds();
    path.round();
    path.lose(1);
    path.lose(20, { beginsRange: false });
    path.round({ deliveryRate: 1.5 * RATE, isInRecovery: true, lostSinceSentBytes: 21 * MSS });

    expect(path.state).to.equal('startup');
  });

  it('ends for any loss where there is no SACK to tell of more (draft-ietf-ccwg-bbr §5.3.1.3)', () => {
    const path = new BbrRounds();
    path.round();
    path.lose(1, { hasSack: false });
    path.ack({ deliveredBytes: MSS, isInRecovery: true, lostSinceSentBytes: MSS, hasSack: false });

    expect(path.state).to.not.equal('startup');
  });

  it('remembers how much was in flight when losses end it (draft-ietf-ccwg-bbr §5.3.1.3)', () => {
    const path = new BbrRounds();
    path.round();
    path.lose(6);
    path.round({ deliveredBytes: 2 * BDP, isInRecovery: true, lostSinceSentBytes: 6 * MSS });

    expect(path.bbr.model.inflightLongtermBytes).to.equal(2 * BDP);
  });
});

describe('BBR in Drain', () => {
  it('paces at half the bandwidth and keeps the window (draft-ietf-ccwg-bbr §5.3.2)', () => {
    const path = new BbrRounds();
    path.reach('drain', 20, { inFlightBytes: 2 * BDP });

    expect(path.bbr.pacingRate).to.be.closeTo(0.5 * 0.99 * RATE, 1e-6);
    expect(path.bbr.cwndBytes).to.be.at.least(2 * BDP);
  });

  it('ends when no more than the product is in flight (draft-ietf-ccwg-bbr §5.3.2)', () => {
    const path = new BbrRounds();
    path.reach('drain', 20, { inFlightBytes: 2 * BDP });
    path.ack({ deliveredBytes: MSS, inFlightBytes: BDP + 1 });
    expect(path.state).to.equal('drain');
    path.ack({ deliveredBytes: MSS, inFlightBytes: BDP });

    // With no more than that in flight there is nothing to take back either: DOWN is passed through (§5.3.3.1).
    expect(path.state).to.equal('probe-bw-cruise');
  });

  it('ends after more than three rounds, whatever is in flight (draft-ietf-ccwg-bbr §5.3.2)', () => {
    const path = new BbrRounds();
    path.reach('drain', 20, { inFlightBytes: 3 * BDP });

    expect(path.reach('probe-bw-down', 20, { inFlightBytes: 3 * BDP })).to.equal(4);
  });
});
