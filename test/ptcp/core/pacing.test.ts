import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { resolveProfile } from '../../../lib/ptcp/core/config.ts';
import type { ControllerOptions } from '../../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../../lib/ptcp/core/congestion/newreno.ts';
import { nextPacedAt, paceSent, pacingAllowance } from '../../../lib/ptcp/core/pacing.ts';
import { createPath, type Path } from '../../../lib/ptcp/core/path.ts';
import { NEVER } from '../../../lib/time/clock.ts';

const MSS = 1000;

/** A path whose controller asks for `rate` bytes a millisecond. */
function pathAt(rate: number, pacing = true): Path {
  const congestion = ({ mssBytes, initialWindowSegments }: ControllerOptions): NewReno => {
    const controller = new NewReno(mssBytes, initialWindowSegments);
    controller.pacingRate = rate;
    return controller;
  };
  const sizes = { startBytes: 1020, baseBytes: 1020, maxBytes: 1020 };
  return createPath(0, resolveProfile({ congestion, pacing }), sizes, new Prng(1));
}

/** Instants at which `count` segments leave as soon as they may. */
function departures(path: Path, count: number): number[] {
  const left: number[] = [];
  let now = 0;
  while (left.length < count) {
    if (pacingAllowance(path, MSS, now) > 0) {
      paceSent(path, MSS);
      left.push(now);
    } else {
      const next = nextPacedAt(path, MSS);
      expect(next, 'time goes on').to.be.above(now);
      now = next;
    }
  }
  return left;
}

describe('pacing', () => {
  it('lets the initial window go at once, and then the rate (RFC 6928)', () => {
    const left = departures(pathAt(100), 31);

    expect(left.filter((at) => at === 0)).to.have.length(10);
    expect(left[30]).to.be.closeTo((31 * MSS - 10 * MSS) / 100, 2 * (MSS / 100));
  });

  it('keeps to the rate over any stretch, a bucket aside', () => {
    for (const rate of [1, 37, 1000, 125_000]) {
      const left = departures(pathAt(rate), 2000);
      const bucket = Math.max(10 * MSS, 2 * rate) + MSS;

      for (let first = 0; first < left.length; first += 97) {
        for (let last = first; last < left.length; last += 103)
          expect((last - first) * MSS).to.be.at.most((left[last]! - left[first]!) * rate + bucket);
      }
    }
  });

  it('fills the bucket while nothing is sent, and no further', () => {
    const path = pathAt(100);
    departures(path, 20);

    expect(pacingAllowance(path, MSS, 1_000_000)).to.equal(10 * MSS);
  });

  it('lets a segment go each second, however long a clock that jumped made the round trip seem', () => {
    const left = departures(pathAt(0.001), 15);

    expect(left.slice(0, 10).every((at) => at === 0)).to.equal(true);
    for (let n = 11; n < 15; n += 1) expect(left[n]! - left[n - 1]!).to.be.closeTo(1000, 1);
  });

  it('wakes up once a millisecond at a high rate, not for each segment', () => {
    const left = departures(pathAt(125_000), 12_500);
    const wakeUps = new Set(left).size;

    expect(wakeUps).to.be.below(110);
  });

  it('holds nothing back without a rate, nor where the profile does not want it', () => {
    for (const path of [pathAt(Number.POSITIVE_INFINITY), pathAt(100, false)]) {
      expect(departures(path, 50).every((at) => at === 0)).to.equal(true);
      expect(nextPacedAt(path, MSS)).to.equal(-NEVER);
    }
  });
});
