import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { AckSample } from '../../lib/ptcp/core/congestion/controller.ts';
import { Cubic } from '../../lib/ptcp/core/congestion/cubic.ts';
import { NewReno } from '../../lib/ptcp/core/congestion/newreno.ts';
import { AckClock, MSS } from '../support/ack-clock.ts';
import { ackSample } from '../support/ack-sample.ts';
import { type Bottleneck, shareOfBottleneck } from '../support/bottleneck.ts';

const KINDS = { newreno: NewReno, cubic: Cubic } as const;
type Kind = keyof typeof KINDS;
const RTT_MS = 100;

/** Segments lost at a queue of one bandwidth-delay product until slow start is over and repaired. */
function lostInSlowStart(
  kind: Kind,
  rateMbit: number,
  options: { pacing: boolean; isPlain: boolean },
): number {
  const { pacing, isPlain } = options;
  const world: Bottleneck = {
    controllers: [
      ({ mssBytes, initialWindowSegments }) => {
        const controller = new KINDS[kind](mssBytes, initialWindowSegments, pacing);
        return isPlain ? withoutRtt(controller) : controller;
      },
    ],
    rateMbit,
    rttMs: RTT_MS,
    measureFromMs: 0,
    endMs: 2200,
    profile: { pacing },
  };
  return shareOfBottleneck(world).queueDropped;
}

/** Slow start of RFC 5681: HyStart++ gets no sample. */
function withoutRtt(controller: NewReno | Cubic): NewReno | Cubic {
  const onAck = controller.onAck.bind(controller);
  controller.onAck = (sample: AckSample) => onAck({ ...sample, rttMs: Number.NaN });
  return controller;
}

describe('RFC 9406: HyStart++', () => {
  // A window doubles from round to round, so what is lost depends on where in a doubling the path's capacity is.
  for (const kind of ['newreno', 'cubic'] as const)
    for (const pacing of [true, false])
      for (const rateMbit of kind === 'newreno' ? [5, 6.5, 8.5] : [8])
        it(`loses less than half of what plain slow start does at ${rateMbit} Mbit/s and ${RTT_MS} ms, ${kind} ${
          pacing ? 'paced' : 'in bursts'
        } (RFC 9406 §4.2)`, () => {
          const plain = lostInSlowStart(kind, rateMbit, { pacing, isPlain: true });
          const hystart = lostInSlowStart(kind, rateMbit, { pacing, isPlain: false });

          expect(plain).to.be.above(80);
          expect(hystart / plain, `${hystart} of ${plain}`).to.be.below(0.5);
        });

  for (const pacing of [true, false])
    for (const jitterMs of [5, 30])
      it(`does not leave slow start for ${jitterMs} ms of jitter, ${
        pacing ? 'paced' : 'in bursts'
      } (RFC 9406 §4.2)`, () => {
        const flow = new AckClock(new NewReno(MSS, 10, pacing), RTT_MS);
        const random = new Prng(jitterMs);

        for (let rounds = 0; rounds < 12 && flow.cwnd < 2000; rounds += 1) {
          for (let acks = Math.round(flow.cwnd); acks > 0; acks -= 1)
            flow.ack({ rttMs: RTT_MS + random.nextFloat() * jitterMs });
        }

        expect(flow.ssthresh).to.equal(Number.POSITIVE_INFINITY);
        expect(flow.cwnd).to.be.above(2000);
      });

  it('goes on doubling after a delay that passes, and keeps no ssthresh of it (RFC 9406 §4.2)', () => {
    const flow = new AckClock(new NewReno(MSS, 10), RTT_MS);
    const windows: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (let acks = Math.round(flow.cwnd); acks > 0; acks -= 1)
        flow.ack({ rttMs: round === 3 ? 150 : RTT_MS });
      windows.push(flow.cwnd);
    }

    expect(flow.ssthresh).to.equal(Number.POSITIVE_INFINITY);
    expect(windows[3]! / windows[2]!, 'slowed down').to.be.below(1.8);
    expect(windows[9]! / windows[8]!, 'again as before').to.be.closeTo(2, 0.01);
  });

  it('ends slow start where it is after five conservative rounds (RFC 9406 §4.2, §4.3)', () => {
    const flow = new AckClock(new NewReno(MSS, 16), RTT_MS);
    const growths: number[] = [];
    for (let round = 0; round < 12 && flow.ssthresh === Number.POSITIVE_INFINITY; round += 1) {
      const before = flow.cwnd;
      for (let acks = Math.round(flow.cwnd); acks > 0; acks -= 1)
        flow.ack({ rttMs: RTT_MS + (round < 2 ? 0 : 40) });
      growths.push(flow.cwnd / before);
    }

    expect(flow.ssthresh).to.be.below(Number.POSITIVE_INFINITY);
    expect(growths.slice(0, 2), 'doubling').to.deep.equal([2, 2]);
    // The round of the entry is the first of the five.
    for (const growth of growths.slice(3, 7)) expect(growth).to.be.closeTo(1.25, 0.02);
    expect(growths.length).to.be.within(7, 8);
  });

  it('counts no more than eight segments of an ACK where nothing is paced (RFC 9406 §4.2, §4.3)', () => {
    const [paced, bursty] = [true, false].map((isPaced) => {
      const controller = new NewReno(MSS, 20, isPaced);
      const before = controller.cwndBytes;
      controller.onAck(ackSample({ ackedBytes: 20 * MSS, priorInFlightBytes: 20 * MSS, rttMs: RTT_MS }));
      return controller.cwndBytes - before;
    });

    expect([paced, bursty]).to.deep.equal([20 * MSS, 8 * MSS]);
  });

  it('does not watch later slow starts, which have an ssthresh to stop at (RFC 9406 §4.3)', () => {
    const flow = new AckClock(new NewReno(MSS, 200), RTT_MS);
    flow.controller.onTimeout(0, 200 * MSS, true);
    for (let acks = 0; acks < 99; acks += 1) flow.ack({ rttMs: RTT_MS + acks });

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([100, 100]);
  });

  it('is over with the first loss (RFC 9406 §4.2)', () => {
    const flow = new AckClock(new NewReno(MSS, 20), RTT_MS);
    flow.run(150, { rttMs: RTT_MS });
    const before = flow.cwnd;

    flow.lose();
    flow.run(1000, { rttMs: 3 * RTT_MS });

    expect(flow.ssthresh).to.equal(before / 2);
    expect(flow.cwnd).to.be.closeTo(before / 2 + 10, 1);
  });
});
