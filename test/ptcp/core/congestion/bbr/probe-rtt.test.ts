import { expect } from 'chai';
import { BbrRounds, BDP, MSS, RATE, RTT_MS } from '../../../../support/bbr-rounds.ts';

/** In CRUISE, and the RTT is a fifth more from now on: nothing confirms the least one. */
function queueing(options: ConstructorParameters<typeof BbrRounds>[0] = {}): BbrRounds {
  const path = new BbrRounds(options);
  path.reachCruise();
  path.rttMs = 1.2 * RTT_MS;
  return path;
}

describe('BBR in ProbeRTT', () => {
  it('looks for the RTT when it has seen none as low for five seconds (draft-ietf-ccwg-bbr §5.3.4, §5.3.4.3)', () => {
    const path = queueing();
    const { probeRttMinStamp } = path.bbr.model;
    path.reach('probe-rtt');

    expect(path.now - probeRttMinStamp).to.be.within(5000, 5000 + path.rttMs);
  });

  it('keeps half a product in flight, paced at the bandwidth (draft-ietf-ccwg-bbr §5.6.4.5, §5.6.1)', () => {
    const path = queueing();
    path.reach('probe-rtt');

    expect(path.bbr.cwndBytes).to.equal(0.5 * BDP);
    expect(path.bbr.pacingRate).to.be.closeTo(0.99 * RATE, 1e-6);
    expect(path.bbr.isHoldingBack).to.equal(true);
  });

  it('stays for 200 ms and a round from when that little is in flight (draft-ietf-ccwg-bbr §5.3.4.3)', () => {
    const path = queueing();
    path.reach('probe-rtt');
    for (let i = 0; i < 10; i += 1) path.round({ inFlightBytes: BDP });
    expect(path.state).to.equal('probe-rtt');
    const low = { inFlightBytes: 0.5 * BDP };
    path.round(low);
    const from = path.now;
    while (path.state === 'probe-rtt') path.round(low);

    expect(path.now - from).to.be.within(200, 200 + path.rttMs);
    const slow = queueing();
    slow.reach('probe-rtt');
    slow.ack({ deliveredBytes: MSS, ...low });
    slow.now += 1000;
    slow.ack({ deliveredBytes: MSS, ...low });
    expect(slow.state, 'no round yet').to.equal('probe-rtt');
  });

  it('cruises afterwards, with the window it had and without short-term bounds (draft-ietf-ccwg-bbr §5.3.4.4)', () => {
    const path = queueing();
    const { cwndBytes } = path.bbr;
    path.reach('probe-rtt');
    path.lose(1);
    while (path.state === 'probe-rtt') path.round({ inFlightBytes: 0.5 * BDP });

    expect(path.state).to.equal('probe-bw-cruise');
    expect(path.bbr.cwndBytes).to.be.at.least(cwndBytes);
    expect(path.bbr.model.bwShortterm).to.equal(Number.POSITIVE_INFINITY);
    expect(path.bbr.isHoldingBack).to.equal(false);
  });

  it('goes back to Startup if the pipe was never full (draft-ietf-ccwg-bbr §5.3.4.4)', () => {
    const path = new BbrRounds();
    path.round();
    path.rttMs = 1.2 * RTT_MS;
    const little = { isAppLimited: true, inFlightBytes: MSS };
    path.reach('probe-rtt', 200, little);

    expect(path.reach('startup', 20, little)).to.be.at.least(4);
  });

  it('does not look while samples are as low as the least, for half a minute at most (draft-ietf-ccwg-bbr §5.3.4.2)', () => {
    const path = new BbrRounds({ lossTolerance: 0.06 });
    path.reachCruise();
    const from = path.now;
    path.reach('probe-rtt', 1000);

    expect(path.now - from).to.be.within(30_000, 36_000);
  });

  it('looks every five seconds where it takes no loss for chance, as the draft has it (draft-ietf-ccwg-bbr §5.3.4.2)', () => {
    const path = new BbrRounds();
    path.reachCruise();
    for (let times = 0; times < 3; times += 1) {
      const from = path.now;
      path.reach('probe-rtt', 1000);
      expect(path.now - from).to.be.at.most(5000 + RTT_MS);
      path.reach('probe-bw-cruise', 20, { inFlightBytes: MSS });
    }
  });
});

describe('the least RTT of BBR', () => {
  it('follows a shorter path at once and a longer one after ten seconds (draft-ietf-ccwg-bbr §5.5.7, §5.5.7.2)', () => {
    const path = new BbrRounds();
    path.reachCruise();
    path.rttMs = RTT_MS / 2;
    path.round();
    expect(path.bbr.model.minRttMs).to.equal(RTT_MS / 2);
    path.rttMs = 2 * RTT_MS;
    const from = path.now;
    while (path.bbr.model.minRttMs !== path.rttMs)
      path.round({ inFlightBytes: path.state === 'probe-rtt' ? MSS : BDP });

    expect(path.now - from).to.be.within(10_000, 10_000 + 6 * path.rttMs);
  });

  it('takes no sample from an ACK without one (draft-ietf-ccwg-bbr §5.3.4.3)', () => {
    const path = new BbrRounds();
    path.reachCruise();
    for (let i = 0; i < 300; i += 1) path.round({ rttMs: Number.NaN });

    expect(path.bbr.model.minRttMs).to.equal(RTT_MS);
  });
});

describe('BBR after a pause', () => {
  it('goes on at exactly the bandwidth, with the window it had (draft-ietf-ccwg-bbr §5.4.1, §5.4.2)', () => {
    const path = new BbrRounds();
    path.reachCruise();
    path.reach('probe-bw-up');
    const { cwndBytes } = path.bbr;
    path.now += 1000;
    path.bbr.onIdle();
    path.bbr.onRestart(path.now);

    expect(path.bbr.pacingRate).to.be.closeTo(0.99 * RATE, 1e-6);
    expect(path.bbr.cwndBytes).to.equal(cwndBytes);
  });

  it('does not look for the RTT: the pause has emptied the queue (draft-ietf-ccwg-bbr §5.3.4.2)', () => {
    const path = queueing();
    path.now += 60_000;
    path.bbr.onRestart(path.now);
    path.round();

    expect(path.state).to.not.equal('probe-rtt');
    expect(path.bbr.model.probeRttMinDelayMs).to.equal(path.rttMs);
  });

  it('is done with ProbeRTT if that was due to end (draft-ietf-ccwg-bbr §5.4.1)', () => {
    const path = queueing();
    path.reach('probe-rtt');
    path.round({ inFlightBytes: MSS });
    path.now += 300;
    path.bbr.onRestart(path.now);

    expect(path.state).to.equal('probe-bw-cruise');
  });

  it('counts no time of the pause when it looks for batches of ACKs (draft-ietf-ccwg-bbr §5.4.1)', () => {
    const path = new BbrRounds();
    path.reachCruise();
    path.now += 10_000;
    path.bbr.onRestart(path.now);

    expect(path.bbr.model.extraAckedIntervalStart).to.equal(path.now);
  });
});
