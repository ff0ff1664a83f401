import { expect } from 'chai';
import fc from 'fast-check';
import { RttEstimator } from '../../../lib/ptcp/core/rtt.ts';

const INITIAL = 1000;
const MIN = 200;
const MAX = 60_000;

function estimator(...samples: readonly number[]): RttEstimator {
  const rtt = new RttEstimator(INITIAL, MIN, MAX);
  for (const sample of samples) rtt.sample(sample, 1);
  return rtt;
}

describe('RttEstimator', () => {
  it('waits for the initial RTO until there is a sample (RFC 6298 §2.1)', () => {
    expect([estimator().rtoMs, estimator().hasSample]).to.deep.equal([1000, false]);
  });

  it('begins with the first sample and half of it (RFC 6298 §2.2)', () => {
    const rtt = estimator(300);

    expect([rtt.srttMs, rtt.rttvarMs, rtt.rtoMs]).to.deep.equal([300, 150, 900]);
  });

  it('smooths as RFC 6298 §2.3 does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 5000, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (samples) => {
          const rtt = estimator(...samples);
          let srtt = samples[0]!;
          let rttvar = srtt / 2;
          for (const sample of samples.slice(1)) {
            rttvar = 0.75 * rttvar + 0.25 * Math.abs(srtt - sample);
            srtt = 0.875 * srtt + 0.125 * sample;
          }

          expect(rtt.srttMs).to.be.closeTo(srtt, 1e-6);
          expect(rtt.rttvarMs).to.be.closeTo(rttvar, 1e-6);
          expect(rtt.rtoMs).to.be.closeTo(Math.min(Math.max(srtt + Math.max(1, 4 * rttvar), MIN), MAX), 1e-6);
          expect(rtt.minRttMs).to.equal(Math.min(...samples));
        },
      ),
    );
  });

  it('lets many samples of one round trip weigh about what one would (RFC 7323 Appendix G)', () => {
    const many = estimator(100);
    const one = estimator(100);
    for (let i = 0; i < 20; i += 1) many.sample(200, 20);
    one.sample(200, 1);

    expect(many.srttMs).to.be.closeTo(one.srttMs, 2);
    expect(many.rttvarMs).to.be.closeTo(one.rttvarMs, 5);
  });

  it('doubles the RTO up to its maximum (RFC 6298 §5.5, §2.5)', () => {
    const rtt = estimator(300);
    const waits = Array.from({ length: 8 }, () => {
      rtt.backOff();
      return rtt.rtoMs;
    });

    expect(waits).to.deep.equal([1800, 3600, 7200, 14_400, 28_800, 57_600, 60_000, 60_000]);
    rtt.endBackOff();
    expect(rtt.rtoMs).to.equal(900);
  });

  it('takes three seconds at least when the SYN was lost (RFC 6298 §5.7)', () => {
    const rtt = estimator();

    rtt.synWasLost();

    expect(rtt.rtoMs).to.equal(3000);
  });

  it('does not fall below the granularity of the clock (RFC 6298 §2.3)', () => {
    const rtt = new RttEstimator(INITIAL, 1, MAX);
    for (let i = 0; i < 200; i += 1) rtt.sample(10, 1);

    expect(rtt.rtoMs).to.be.closeTo(11, 0.001);
  });
});
