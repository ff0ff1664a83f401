import { expect } from 'chai';
import type { AckSample } from '../../../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../../../lib/ptcp/core/congestion/newreno.ts';
import { ackSample } from '../../../support/ack-sample.ts';

const MSS = 1000;

/** One segment acknowledged after 50 ms, of a window of ten. */
function sample(fields: Partial<AckSample> = {}): AckSample {
  return ackSample({
    ackedBytes: MSS,
    deliveredBytes: MSS,
    priorInFlightBytes: 10 * MSS,
    inFlightBytes: 9 * MSS,
    rttMs: 50,
    ...fields,
  });
}

describe('NewReno', () => {
  it('keeps its window in a recovery, and while it was not what held the sender back (RFC 7661)', () => {
    const reno = new NewReno(MSS, 10);

    reno.onAck(sample({ isInRecovery: true }));
    reno.onAck(sample({ isCwndLimited: false }));

    expect(reno.cwndBytes).to.equal(10 * MSS);
  });

  it('paces at twice a window a round trip in slow start, and a quarter above it afterwards', () => {
    const reno = new NewReno(MSS, 10);
    reno.onAck(sample({ ackedBytes: 0 }));
    expect(reno.pacingRate).to.equal((2 * 10 * MSS) / 50);

    reno.onCongestion(0, 10 * MSS);
    reno.onAck(sample({ isInRecovery: true }));

    expect(reno.pacingRate).to.equal((1.25 * 5 * MSS) / 50);
  });

  it('does not pace before it knows a round trip', () => {
    expect(new NewReno(MSS, 10).pacingRate).to.equal(Number.POSITIVE_INFINITY);
  });

  it('goes back to what it was before a loss that was none (RFC 4015 §3.2)', () => {
    const reno = new NewReno(MSS, 10);
    const before = reno.save();
    reno.onTimeout(0, 10 * MSS, true);
    expect([reno.cwndBytes, reno.ssthreshBytes]).to.deep.equal([MSS, 5 * MSS]);

    reno.undo(before);

    expect([reno.cwndBytes, reno.ssthreshBytes]).to.deep.equal([10 * MSS, Number.POSITIVE_INFINITY]);
  });

  it('takes the initial window anew when the segment size becomes known (RFC 6928 §2)', () => {
    const reno = new NewReno(MSS, 10);

    reno.setMss(500);

    expect(reno.cwndBytes).to.equal(5000);
  });

  it('keeps one segment after a lost SYN, however small segments turn out (RFC 5681 §3.1)', () => {
    const reno = new NewReno(MSS, 10);
    reno.onSynLost();

    reno.setMss(500);

    expect(reno.cwndBytes).to.equal(500);
  });

  it('never has less than a segment, nor an ssthresh of less than two (RFC 5681 §3.1)', () => {
    const reno = new NewReno(MSS, 10);
    reno.onTimeout(0, MSS, true);

    reno.setMss(1400);

    expect([reno.cwndBytes, reno.ssthreshBytes]).to.deep.equal([1400, 2 * 1400]);
  });

  it('keeps its windows in segments when those shrink, and in bytes when they grow', () => {
    const reno = new NewReno(MSS, 10);
    reno.onCongestion(0, 20 * MSS);

    reno.setMss(MSS / 2);
    expect([reno.cwndBytes, reno.ssthreshBytes]).to.deep.equal([5 * MSS, 5 * MSS]);
    reno.setMss(MSS);

    expect([reno.cwndBytes, reno.ssthreshBytes]).to.deep.equal([5 * MSS, 5 * MSS]);
  });
});
