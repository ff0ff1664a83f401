import { expect } from 'chai';
import { Cubic } from '../../lib/ptcp/core/congestion/cubic.ts';
import { NewReno } from '../../lib/ptcp/core/congestion/newreno.ts';
import { AckClock, MSS } from '../support/ack-clock.ts';
import { jainIndex, shareOfBottleneck } from '../support/bottleneck.ts';
import { ack, bulkSender, sent, ssthresh } from '../support/bulk-sender.ts';

/** RFC 9438 §4.2, equations 1 and 2, in segments and seconds, with the arithmetic of the engine. */
const C = 0.4;
const BETA = 0.7;
const kOf = (wMax: number, cwndEpoch: number): number => Math.cbrt((wMax - cwndEpoch) / C);
const wCubic = (t: number, k: number, wMax: number): number => C * (t - k) ** 3 + wMax;

/** A flow that has lost from a window of `segments` and repaired that; the curve begins at the next ACK. */
function afterLossAt(segments: number, rttMs: number): AckClock {
  const flow = new AckClock(new Cubic(MSS, 10), rttMs);
  flow.slowStartTo(segments);
  flow.lose();
  return flow;
}

/** Where the window is after each of `count` round trips. */
function windows(flow: AckClock, count: number): number[] {
  return Array.from({ length: count }, () => {
    flow.run(flow.rttMs);
    return flow.cwnd;
  });
}

describe('RFC 9438: the curve', () => {
  it('goes through W_max after K and follows W(t) before and after (RFC 9438 §4.2)', () => {
    const flow = afterLossAt(1000, 100);
    flow.ack();
    const start = flow.now;
    const k = kOf(1000, 700);

    for (const seconds of [1, 3, 6, 9, k, 10, 12, 15]) {
      flow.run(start + 1000 * seconds - flow.now);
      // The window is on its way to W(t + RTT) and was told so over the last round trip.
      const t = (flow.now - start) / 1000;
      expect(flow.cwnd, `after ${t} s`).to.be.within(wCubic(t, k, 1000) - 1, wCubic(t + 0.1, k, 1000) + 1);
    }
  });

  it('takes the next target from W(t + RTT) (RFC 9438 §4.2)', () => {
    const flow = afterLossAt(1000, 200);
    flow.ack();
    const start = flow.now;
    flow.run(2000);
    const before = flow.cwnd;

    flow.ack();

    const target = wCubic((flow.now - start) / 1000 + 0.2, kOf(1000, 700), 1000);
    expect(flow.cwnd - before).to.be.closeTo((target - before) / before, 1e-6);
  });

  it('grows by less and less below W_max (RFC 9438 §4.4)', () => {
    const flow = afterLossAt(1000, 100);

    const seen = windows(flow, 80);
    const steps = seen.slice(1).map((window, i) => window - seen[i]!);

    expect(seen.at(-1)).to.be.below(1000);
    for (const [i, step] of steps.slice(2).entries()) expect(step).to.be.below(steps[i + 1]! + 0.3);
    expect(steps[0]! / steps.at(-1)!).to.be.above(10);
  });

  it('grows by more and more above W_max (RFC 9438 §4.5)', () => {
    const flow = afterLossAt(1000, 100);
    flow.run(1000 * kOf(1000, 700) + 1000);

    const seen = windows(flow, 60);
    const steps = seen.slice(1).map((window, i) => window - seen[i]!);

    expect(seen[0]).to.be.above(1000);
    for (const [i, step] of steps.slice(1).entries()) expect(step).to.be.above(steps[i]! - 0.3);
    expect(steps.at(-1)! / steps[0]!).to.be.above(10);
  });

  it('never asks for more than half as much again in a round trip (RFC 9438 §4.2)', () => {
    const flow = afterLossAt(20, 4000);

    let before = flow.cwnd;
    for (const window of windows(flow, 12)) {
      expect(window / before).to.be.below(Math.exp(0.5) + 0.02);
      before = window;
    }
    flow.ack({ ackedBytes: flow.controller.cwndBytes });
    expect(flow.cwnd / before).to.be.closeTo(1.5, 1e-9);
  });

  it('counts bytes, so that dividing or stretching ACKs changes next to nothing (RFC 9438 §4.1, RFC 3465)', () => {
    const [whole, divided, stretched] = [1, 1 / 10, 20].map((segments) => {
      const flow = afterLossAt(200, 100);
      for (let acked = 0; acked < 5000; acked += segments) {
        const at = flow.now + (flow.rttMs * segments) / flow.cwnd;
        flow.ack({ now: at, ackedBytes: segments * MSS });
        flow.now = at;
      }
      return flow.cwnd;
    });

    expect(divided! / whole!).to.be.closeTo(1, 0.01);
    expect(stretched! / whole!).to.be.closeTo(1, 0.02);
  });
});

describe('RFC 9438: the Reno-friendly region', () => {
  it('is AIMD with 0.53 segments a round trip, and with one from cwnd_prior on (RFC 9438 §4.3)', () => {
    const flow = afterLossAt(30, 10);
    const alpha = (3 * (1 - BETA)) / (1 + BETA);

    const seen = windows(flow, 40);

    let wEst = 21;
    for (const [i, window] of seen.entries()) {
      expect(window, `round ${i}`).to.be.closeTo(wEst + (wEst < 30 ? alpha : 1), 0.15);
      wEst = window;
    }
    expect(wEst).to.be.above(45);
  });

  it('is where W(t), not W(t + RTT), is below Reno: so at first, after every loss (RFC 9438 §4.3)', () => {
    const flow = afterLossAt(1000, 200);

    flow.ack();

    expect(flow.cwnd - 700).to.be.closeTo((3 * (1 - BETA)) / (1 + BETA) / 700, 1e-9);
  });

  for (const [lossRate, rttMs, table] of [
    [1e-2, 100, 12],
    [1e-3, 100, 38],
    [1e-4, 100, 187],
    [1e-2, 10, 12],
    [1e-3, 10, 38],
    [1e-4, 10, 120],
  ] as const) {
    it(`has the average window of the tables at a loss rate of ${lossRate} and ${rttMs} ms (RFC 9438 §5.1)`, () => {
      const flow = afterLossAt(2 * table, rttMs);
      let weighted = 0;
      let elapsed = 0;
      for (let acks = 1; acks <= 40 / lossRate; acks += 1) {
        const before = flow.now;
        flow.ack();
        if (acks > 10 / lossRate) {
          weighted += flow.cwnd * (flow.now - before);
          elapsed += flow.now - before;
        }
        if (acks % Math.round(1 / lossRate) === 0) flow.lose();
      }

      expect(weighted / elapsed / table).to.be.within(0.9, 1.15);
    });
  }

  it('is never below a Reno that loses as often (RFC 9438 §4.3)', () => {
    for (const rttMs of [5, 50]) {
      const averages = [new Cubic(MSS, 10), new NewReno(MSS, 10)].map((controller) => {
        const flow = new AckClock(controller, rttMs);
        flow.slowStartTo(40);
        let weighted = 0;
        const start = flow.now;
        for (let acks = 1; acks <= 40_000; acks += 1) {
          const before = flow.now;
          flow.ack();
          weighted += flow.cwnd * (flow.now - before);
          if (acks % 1000 === 0) flow.lose();
        }
        return weighted / (flow.now - start);
      });

      expect(averages[0]! / averages[1]!, `${rttMs} ms`).to.be.above(0.9);
    }
  });
});

describe('RFC 9438: congestion', () => {
  it('leaves seven tenths of what was in flight (RFC 9438 §4.6)', () => {
    const flow = new AckClock(new Cubic(MSS, 10), 100);
    flow.slowStartTo(100);

    flow.controller.onCongestion(flow.now, 90 * MSS);

    expect(flow.cwnd).to.be.closeTo(63, 1e-9);
    expect(flow.ssthresh).to.equal(flow.cwnd);
  });

  it('leaves two segments at least (RFC 9438 §4.6)', () => {
    const flow = new AckClock(new Cubic(MSS, 2), 100);

    flow.controller.onCongestion(flow.now, 2 * MSS);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([2, 2]);
  });

  it('lowers W_max further when the window had not come back to it (RFC 9438 §4.7)', () => {
    const flow = afterLossAt(1000, 100);
    flow.run(3000);
    const second = flow.cwnd;
    expect(second).to.be.below(1000);
    flow.lose();
    flow.ack();

    const wMax = (second * (1 + BETA)) / 2;
    const k = kOf(wMax, second * BETA);
    flow.run(1000 * k);

    expect(flow.cwnd).to.be.closeTo(wMax, 0.5);
    flow.run(1000);
    expect(flow.cwnd, 'the flat part').to.be.closeTo(wMax, 2);
  });

  it('keeps W_max when the window had passed it (RFC 9438 §4.7)', () => {
    const flow = afterLossAt(1000, 100);
    flow.run(12_000);
    const second = flow.cwnd;
    expect(second).to.be.above(1000);
    flow.lose();
    flow.ack();

    flow.run(1000 * kOf(second, second * BETA));

    expect(flow.cwnd).to.be.closeTo(second, 0.5);
  });

  it('begins with one segment after a time-out, and slow start to seven tenths (RFC 9438 §4.8)', () => {
    const flow = new AckClock(new Cubic(MSS, 10), 100);
    flow.slowStartTo(100);

    flow.controller.onTimeout(flow.now, 100 * MSS, true);
    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([1, 70]);
    flow.controller.onTimeout(flow.now, MSS, false);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([1, 70]);
    for (let acks = 1; acks <= 69; acks += 1) flow.ack();
    expect(flow.cwnd).to.equal(70);
  });

  it('takes K for 0 in the first stage after a time-out (RFC 9438 §4.8)', () => {
    const flow = new AckClock(new Cubic(MSS, 10), 1000);
    flow.slowStartTo(1000);
    flow.controller.onTimeout(flow.now, 100 * MSS, true);
    while (flow.cwnd < 70) flow.ack();
    flow.ack();
    const start = flow.now;

    flow.run(6000);

    const t = (flow.now - start) / 1000;
    expect(flow.cwnd).to.be.within(wCubic(t, 0, 70) - 1, wCubic(t + 1, 0, 70) + 1);
  });

  it('goes back to all it was when the loss was none (RFC 9438 §4.9)', () => {
    const [undone, undisturbed] = [true, false].map((isDisturbed) => {
      const flow = afterLossAt(1000, 100);
      flow.run(3000);
      if (isDisturbed) {
        const saved = flow.controller.save();
        flow.controller.onCongestion(flow.now, flow.controller.cwndBytes);
        flow.controller.undo(saved);
      }
      flow.run(9000);
      return flow;
    });

    expect([undone!.cwnd, undone!.ssthresh]).to.deep.equal([undisturbed!.cwnd, undisturbed!.ssthresh]);
  });

  it('goes back to the old curve though a new one had begun (RFC 9438 §4.9.2)', () => {
    const [undone, undisturbed] = [true, false].map((isDisturbed) => {
      const flow = afterLossAt(1000, 100);
      flow.run(1000);
      const end = flow.now + 9000;
      if (isDisturbed) {
        const saved = flow.controller.save();
        flow.lose();
        flow.run(500);
        flow.controller.undo(saved);
      }
      flow.run(end - flow.now);
      return flow.cwnd;
    });

    expect(undone! / undisturbed!).to.be.closeTo(1, 0.005);
  });

  it('goes back to the old estimate of Reno, too (RFC 9438 §4.9.2)', () => {
    const flow = afterLossAt(30, 10);
    flow.run(300);
    const saved = flow.controller.save();
    const before = flow.cwnd;
    flow.lose();
    flow.run(50);
    flow.controller.undo(saved);

    flow.run(30);

    expect(flow.cwnd - before).to.be.within(2, 4);
  });

  it('goes back after a time-out that was none, too (RFC 9438 §4.9.1)', () => {
    const flow = afterLossAt(1000, 100);
    flow.run(3000);
    const before = [flow.cwnd, flow.ssthresh];
    const saved = flow.controller.save();

    flow.controller.onTimeout(flow.now, flow.controller.cwndBytes, true);
    flow.controller.undo(saved);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal(before);
  });

  it('keeps what it has when it has come further since (RFC 9438 §4.9.2)', () => {
    const flow = afterLossAt(100, 100);
    const saved = flow.controller.save();
    flow.controller.onCongestion(flow.now, flow.controller.cwndBytes);
    flow.controller.onRecovered(flow.now, 0);
    flow.run(20_000);
    const before = [flow.cwnd, flow.ssthresh];

    flow.controller.undo(saved);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal(before);
  });
});

describe('RFC 9438: what is not congestion', () => {
  it('begins at the flat part of the curve when slow start ended without a loss (RFC 9438 §4.10)', () => {
    const flow = new AckClock(new Cubic(MSS, 10), 1000);
    flow.slowStartTo(64);
    for (let rounds = 0; rounds < 9 && flow.ssthresh === Number.POSITIVE_INFINITY; rounds += 1) {
      const grown = rounds < 2 ? 0 : 40;
      for (let acks = Math.round(flow.cwnd); acks > 0; acks -= 1) flow.ack({ rttMs: 1000 + grown });
    }
    const wMax = flow.cwnd;
    expect(flow.ssthresh).to.be.closeTo(wMax, 1);
    const start = flow.now;

    flow.run(5000);

    const t = (flow.now - start) / 1000;
    expect(flow.cwnd).to.be.within(wCubic(t - 0.5, 0, wMax) - 1, wCubic(t + 1, 0, wMax) + 1);
  });

  it('does not grow while the window is not in use (RFC 9438 §5.8)', () => {
    const flow = afterLossAt(1000, 100);
    flow.run(1000);
    const before = flow.cwnd;

    flow.run(10_000, { isCwndLimited: false });

    expect(flow.cwnd).to.equal(before);
  });

  it('leaves out of t what was not in use (RFC 9438 §4.2, §5.8)', () => {
    const [paused, busy] = [10_000, 0].map((pauseMs) => {
      const flow = afterLossAt(1000, 100);
      flow.run(2000);
      flow.run(pauseMs, { isCwndLimited: false });
      flow.run(2000);
      return flow.cwnd;
    });

    expect(paused! / busy!).to.be.closeTo(1, 0.005);
  });

  it('leaves out of t what was idle, though the last window was in use (RFC 9438 §4.2, §5.8)', () => {
    const [paused, busy] = [10_000, 0].map((pauseMs) => {
      const flow = afterLossAt(1000, 100);
      flow.run(2000);
      flow.ack({ inFlightBytes: 0 });
      flow.now += pauseMs;
      flow.run(2000);
      return flow.cwnd;
    });

    expect(paused! / busy!).to.be.closeTo(1, 0.005);
  });

  it('does count time when each ACK empties the pipe and the next window follows at once (RFC 9438 §4.2)', () => {
    const flow = afterLossAt(1000, 100);
    for (let round = 0; round < 95; round += 1) {
      flow.now += 100 - 100 / flow.cwnd;
      flow.ack({ ackedBytes: flow.controller.cwndBytes, inFlightBytes: 0 });
    }

    expect(flow.cwnd).to.be.closeTo(1000, 5);
  });

  it('begins the curve anew when segments shrink, and never has less than one (RFC 9438 §4.2)', () => {
    const flow = afterLossAt(100, 100);
    flow.run(1000);
    const before = flow.cwnd;

    flow.controller.setMss(MSS / 2);
    expect(flow.cwnd).to.be.closeTo(before / 2, 1e-9);
    flow.ack();

    expect(flow.cwnd).to.be.within(before / 2, before / 2 + 1);
  });

  it('has W_max shrink with its segments (RFC 9438 §4.1)', () => {
    const flow = afterLossAt(100, 100);
    flow.controller.setMss(MSS / 2);
    flow.ack();

    flow.run(1000 * kOf(100, 70));

    expect(flow.cwnd).to.be.closeTo(50, 0.5);
  });
});

describe('RFC 9438: a connection', () => {
  it('takes CUBIC where its profile says so (RFC 9438 §4.6; RFC 9293 §3.8.2, MAY-18)', () => {
    const peer = bulkSender({ profile: { congestion: 'cubic' } });
    sent(peer);

    for (let i = 0; i < 3; i += 1) ack(peer, 0);

    expect(peer.connection.tcpInfo().congestion).to.equal('cubic');
    expect(ssthresh(peer)).to.equal(7);
  });
});

describe('RFC 9438: fairness', () => {
  it('flows that begin one after another share a bottleneck, Jain above 0.9 (RFC 9438 §3.3, §5.6)', function () {
    this.timeout(8000);
    for (const count of [2, 4]) {
      const { goodputs, link } = shareOfBottleneck({
        controllers: Array.from({ length: count }, () => 'cubic' as const),
        rateMbit: 8,
        rttMs: 40,
        beginEveryMs: 700,
        measureFromMs: 10_000,
        endMs: 40_000,
      });

      expect(jainIndex(goodputs), `of ${count}: ${goodputs.map(Math.round).join(' ')}`).to.be.above(0.9);
      expect(link, 'most of the link').to.be.above(0.9);
    }
  });
});
