import { expect } from 'chai';
import { Prng } from '../../../../../lib/bytes/prng.ts';
import type { AckSample } from '../../../../../lib/ptcp/core/congestion/controller.ts';
import { BbrRounds, BDP, MSS, RATE, RTT_MS } from '../../../../support/bbr-rounds.ts';

function cruising(): BbrRounds {
  const path = new BbrRounds();
  path.reachCruise();
  return path;
}

function probingUp(): BbrRounds {
  const path = cruising();
  path.reach('probe-bw-up');
  return path;
}

describe('BBR in ProbeBW', () => {
  it('goes from CRUISE by REFILL to UP, to DOWN and to CRUISE again (draft-ietf-ccwg-bbr §5.1.1, §5.3.3)', () => {
    const path = cruising();
    const seen = ['probe-bw-cruise'];
    for (let i = 0; i < 120 && seen.length < 6; i += 1) {
      // While it slows down there is still a queue in flight.
      path.round({ inFlightBytes: path.state === 'probe-bw-up' ? 1.5 * BDP : BDP });
      if (path.state !== seen.at(-1)) seen.push(path.state);
    }

    expect(seen).to.deep.equal([
      'probe-bw-cruise',
      'probe-bw-refill',
      'probe-bw-up',
      'probe-bw-down',
      'probe-bw-cruise',
      'probe-bw-refill',
    ]);
  });

  it('has the pace of each state, a hundredth less (draft-ietf-ccwg-bbr §5.6.1, §5.6.2)', () => {
    const path = cruising();
    const pace = new Map<string, number>();
    for (let i = 0; i < 100; i += 1) {
      path.round({ inFlightBytes: path.state === 'probe-bw-up' ? 1.5 * BDP : BDP });
      if (!pace.has(path.state)) pace.set(path.state, path.bbr.pacingRate / RATE);
    }

    for (const [state, gain] of [
      ['probe-bw-cruise', 1],
      ['probe-bw-refill', 1],
      ['probe-bw-up', 1.25],
      ['probe-bw-down', 0.9],
    ] as const)
      expect(pace.get(state), state).to.be.closeTo(0.99 * gain, 1e-9);
  });

  it('keeps two products in flight, and a quarter more while it goes up (draft-ietf-ccwg-bbr §5.3.3.5, §5.6.4.2)', () => {
    // ACKs that come at the rate: nothing is acknowledged beyond it.
    const even: Partial<AckSample> = { deliveredBytes: BDP };
    const path = new BbrRounds();
    for (let i = 0; i < 40; i += 1) path.round(even);
    const slack = path.bbr.cwndBytes - 2 * BDP;
    path.reach('probe-bw-up', 100, even);
    for (let i = 0; i < 2; i += 1) path.round(even);

    expect(slack).to.be.within(0, BDP);
    expect(path.bbr.cwndBytes).to.equal(2.25 * BDP + slack + 2 * MSS);
  });

  it('waits two to three seconds, drawn at random, before it probes again (draft-ietf-ccwg-bbr §5.3.3.8.3)', () => {
    const waits = Array.from({ length: 20 }, (_, seed) => {
      const path = new BbrRounds({ random: new Prng(seed) });
      path.reachCruise();
      return path.bbr.model.bwProbeWaitMs;
    });

    for (const wait of waits) expect(wait).to.be.within(2000, 3000);
    expect(new Set(waits).size).to.be.above(15);
    const path = cruising();
    const { cycleStamp, bwProbeWaitMs } = path.bbr.model;
    path.reach('probe-bw-refill');
    expect(path.now - cycleStamp).to.be.within(bwProbeWaitMs, bwProbeWaitMs + RTT_MS);
  });

  it('probes after as many rounds as Reno would need, at most 63, where that is sooner (draft-ietf-ccwg-bbr §5.3.3.8.3)', () => {
    const roundsAt = (rate: number, rttMs: number): number => {
      const path = new BbrRounds();
      path.rate = rate;
      path.rttMs = rttMs;
      path.reachCruise();
      return path.reach('probe-bw-refill');
    };

    // Products of 20 and of 500 segments.
    expect(roundsAt(2000, 10)).to.be.within(18, 20);
    expect(roundsAt(50_000, 10)).to.be.within(61, 63);
  });

  it('stays in REFILL for a round, so that the pipe is full when it goes up (draft-ietf-ccwg-bbr §5.3.3.3)', () => {
    const path = cruising();
    path.reach('probe-bw-refill');
    for (let i = 0; i < 5; i += 1) path.ack({ deliveredBytes: MSS });
    expect(path.state).to.equal('probe-bw-refill');
    path.round();

    expect(path.state).to.equal('probe-bw-up');
  });

  it('forgets in REFILL what losses said for the short term (draft-ietf-ccwg-bbr §5.3.3.3)', () => {
    const path = cruising();
    path.round({ deliveryRate: 0.5 * RATE });
    path.lose(10);
    path.round({ deliveryRate: 0.5 * RATE });
    expect(path.bbr.model.bwShortterm).to.be.below(RATE);
    path.reach('probe-bw-refill');

    expect(path.bbr.model.bwShortterm).to.equal(Number.POSITIVE_INFINITY);
    expect(path.bbr.model.inflightShorttermBytes).to.equal(Number.POSITIVE_INFINITY);
  });

  it('goes down after three rounds without more (draft-ietf-ccwg-bbr §5.3.3.7)', () => {
    const path = probingUp();

    // The ACKs of the first round are still those of REFILL.
    expect(path.reach('probe-bw-down', 10, { inFlightBytes: 1.5 * BDP })).to.equal(3);
  });

  it('goes down when too much is lost, and keeps in mind at how much in flight (draft-ietf-ccwg-bbr §5.3.3.7, §5.5.10.2)', () => {
    const path = probingUp();
    path.lose(3, { txInFlightBytes: 2 * BDP });

    expect(path.state).to.equal('probe-bw-down');
    // 99 segments were in flight before the third, which is the one that passes 2 %: (0.02 * 99 - 2) / 0.98 of it are too many.
    expect(path.bbr.model.inflightLongtermBytes).to.be.closeTo(99 * MSS - 20.41, 0.01);
  });

  it('never takes less for safe than 0.7 of what it aims at (draft-ietf-ccwg-bbr §5.5.10.2)', () => {
    const path = probingUp();
    path.lose(1, { txInFlightBytes: 10 * MSS });

    expect(path.bbr.model.inflightLongtermBytes).to.equal(0.7 * BDP);
  });

  it('takes up to 2 % of losses for the price of probing (draft-ietf-ccwg-bbr §5.5.10.2)', () => {
    const path = probingUp();
    path.lose(2, { txInFlightBytes: 2 * BDP });

    expect(path.state).to.equal('probe-bw-up');
    expect(path.bbr.model.inflightLongtermBytes).to.equal(Number.POSITIVE_INFINITY);
  });

  it('reacts once to a probe, and not at all to what a user with little to send has lost (draft-ietf-ccwg-bbr §5.5.10.2)', () => {
    const path = probingUp();
    path.lose(3, { txInFlightBytes: 2 * BDP });
    path.lose(20, { txInFlightBytes: BDP });
    const idle = probingUp();
    idle.lose(5, { txInFlightBytes: 2 * BDP, isAppLimited: true });

    expect(path.bbr.model.inflightLongtermBytes).to.be.closeTo(99 * MSS, 100);
    expect(idle.bbr.model.inflightLongtermBytes).to.equal(Number.POSITIVE_INFINITY);
  });

  it('leaves 15 % of what is safe to others while it cruises (draft-ietf-ccwg-bbr §5.3.3.1, §5.6.4.7)', () => {
    const path = probingUp();
    path.lose(3, { txInFlightBytes: 1.1 * BDP });
    const { inflightLongtermBytes } = path.bbr.model;
    path.round({ inFlightBytes: 0.9 * inflightLongtermBytes });
    expect([path.state, path.bbr.cwndBytes]).to.deep.equal(['probe-bw-down', inflightLongtermBytes]);
    path.round({ inFlightBytes: 0.85 * inflightLongtermBytes - 1 });

    expect([path.state, path.bbr.cwndBytes]).to.deep.equal(['probe-bw-cruise', 0.85 * inflightLongtermBytes]);
  });

  it('stops the probe after a bad one where that was bad, and probes on if all went well (draft-ietf-ccwg-bbr §5.3.3.6)', () => {
    const path = probingUp();
    path.lose(3, { txInFlightBytes: 1.5 * BDP });
    path.reach('probe-bw-up', 100);
    path.round({ priorInFlightBytes: 2 * BDP, inFlightBytes: 1.4 * BDP });
    expect([path.state, path.bbr.model.prevProbePrecautionary]).to.deep.equal(['probe-bw-down', true]);
    path.round({ inFlightBytes: 1.4 * BDP });

    // No cruise in between.
    expect(path.state).to.equal('probe-bw-refill');
    path.reach('probe-bw-up');
    path.round({ priorInFlightBytes: 2 * BDP, inFlightBytes: 1.4 * BDP });
    expect(path.state).to.equal('probe-bw-up');
  });

  it('raises what is safe by 1, 2, 4 segments in the rounds of UP that fill it (draft-ietf-ccwg-bbr §5.3.3.5, §5.3.3.9)', () => {
    const path = probingUp();
    path.lose(3, { txInFlightBytes: 1.5 * BDP });
    // All goes well from here on, twice, so that the probe is not cut short.
    path.reach('probe-bw-up', 100);
    path.round({ priorInFlightBytes: 2 * BDP });
    path.reach('probe-bw-up', 100);
    const raises: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const before = path.bbr.model.inflightLongtermBytes;
      path.round({ deliveredBytes: path.bbr.cwndBytes, priorInFlightBytes: path.bbr.cwndBytes });
      raises.push((path.bbr.model.inflightLongtermBytes - before) / MSS);
    }

    expect(raises.map(Math.round)).to.deep.equal([1, 2, 4]);
  });

  it('takes what arrived safely from more in flight for safe (draft-ietf-ccwg-bbr §5.3.3.9)', () => {
    const path = probingUp();
    path.lose(3, { txInFlightBytes: 1.2 * BDP });
    path.round({ txInFlightBytes: 1.7 * BDP });

    expect(path.bbr.model.inflightLongtermBytes).to.equal(1.7 * BDP);
  });
});
