import { expect } from 'chai';
import type { AckSample } from '../../../../lib/ptcp/core/congestion/controller.ts';
import { HyStart, type SlowStartPhase } from '../../../../lib/ptcp/core/congestion/hystart.ts';
import { NewReno } from '../../../../lib/ptcp/core/congestion/newreno.ts';
import { ackSample } from '../../../support/ack-sample.ts';

const MSS = 1000;
const WINDOW = 10 * MSS;

/** Round trips of 50 ms and ten segments, each acknowledged with the RTT that `rttMs` says for it. */
class Rounds {
  #delivered = 0;
  #now = 0;

  *acks(rttMs: (index: number) => number): Generator<AckSample> {
    const priorDelivered = this.#delivered;
    for (let index = 0; index < 10; index += 1) {
      this.#delivered += MSS;
      this.#now += 5;
      yield ackSample({
        now: this.#now,
        priorInFlightBytes: WINDOW,
        ackedBytes: MSS,
        deliveredBytes: MSS,
        delivered: this.#delivered,
        priorDelivered,
        inFlightBytes: WINDOW,
        rttMs: rttMs(index),
      });
    }
  }
}

/** Plays a round and returns what it ended in. */
function play(hystart: HyStart, rounds: Rounds, rttMs: (index: number) => number): SlowStartPhase {
  let phase: SlowStartPhase = 'slow-start';
  for (const sample of rounds.acks(rttMs)) phase = hystart.onAck(sample);
  return phase;
}

describe('HyStart', () => {
  it('stays in slow start while the RTT does (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();

    for (let round = 0; round < 20; round += 1)
      expect(play(hystart, rounds, () => 50)).to.equal('slow-start');
  });

  it('slows down when the smallest RTT of a round is an eighth above the last (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 48);

    expect(
      play(hystart, rounds, () => 48 + 5.9),
      'below an eighth',
    ).to.equal('slow-start');
    expect(
      play(hystart, rounds, () => 48 + 5.9 + 6.8),
      'above an eighth',
    ).to.equal('css');
    expect(hystart.growth(4000)).to.equal(1000);
  });

  it('takes 4 ms at the least and 16 ms at the most for growth (RFC 9406 §4.3)', () => {
    const short = new HyStart();
    const shortRounds = new Rounds();
    play(short, shortRounds, () => 1);
    expect(play(short, shortRounds, () => 4.9)).to.equal('slow-start');

    const long = new HyStart();
    const longRounds = new Rounds();
    play(long, longRounds, () => 600);
    expect(play(long, longRounds, () => 616)).to.equal('css');
  });

  it('wants eight samples before it judges (RFC 9406 §4.3)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 50);

    const phases = [...rounds.acks(() => 90)].map((sample) => hystart.onAck(sample));

    expect(phases.indexOf('css')).to.equal(7);
  });

  it('goes back to slow start when the growth was jitter (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 50);
    expect(play(hystart, rounds, () => 70)).to.equal('css');

    expect(play(hystart, rounds, () => 52)).to.equal('slow-start');
    expect(hystart.growth(4000)).to.equal(4000);
  });

  it('ends slow start after five conservative rounds (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 50);
    expect(play(hystart, rounds, () => 70)).to.equal('css');

    const phases = [1, 2, 3, 4, 5].map(() => play(hystart, rounds, () => 70));

    expect(phases).to.deep.equal(['css', 'css', 'css', 'css', 'done']);
  });
});

describe('HyStart within a round', () => {
  it('slows down within a round whose last eighth of a round trip is slower throughout (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 50);
    const inRound = { priorDelivered: 10 * MSS, delivered: 20 * MSS };

    const phases = [...rounds.acks(() => 50), ...rounds.acks(() => 70)].map((sample) =>
      hystart.onAck({ ...sample, ...inRound }),
    );

    // Eight samples are a stretch here: 0 to 7, 8 to 15 (two of them fast), 16 to 19 and on.
    expect(phases.indexOf('css')).to.equal(-1);
    for (const sample of rounds.acks(() => 70)) phases.push(hystart.onAck({ ...sample, ...inRound }));
    expect(phases.indexOf('css')).to.equal(23);
  });

  it('does not slow down for a delay of less than an eighth of a round trip (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 400);

    // Eight samples in 40 ms, of a round trip of 400.
    const mixed = [0, 10, 20].flatMap((first) => [
      ...rounds.acks((index) => (first + index >= 16 && first + index < 24 ? 500 : 400)),
    ]);
    const phases = mixed.map((sample) =>
      hystart.onAck({ ...sample, priorDelivered: 10 * MSS, delivered: 20 * MSS }),
    );

    expect(phases).not.to.include('css');
  });

  it('does not go back for samples of what left before it slowed down (RFC 9406 §4.2)', () => {
    const hystart = new HyStart();
    const rounds = new Rounds();
    play(hystart, rounds, () => 50);
    const slow = [...rounds.acks(() => 70)];
    for (const sample of slow) hystart.onAck(sample);

    expect(hystart.onAck({ ...slow[9]!, rttMs: 50 }), 'in the same round').to.equal('css');
    expect(
      play(hystart, rounds, () => 52),
      'in the next',
    ).to.equal('slow-start');
  });
});

describe('NewReno with HyStart++', () => {
  it('paces at twice the window a round trip while that doubles, and a quarter above it once it does not (RFC 9406 §4.2)', () => {
    const controller = new NewReno(MSS, 16);
    const rounds = new Rounds();
    const gains = [50, 50, 70, 70].map((rttMs) => {
      for (const sample of rounds.acks(() => rttMs)) controller.onAck(sample);
      return (controller.pacingRate * 50) / controller.cwndBytes;
    });

    expect(gains).to.deep.equal([2, 2, 1.25, 1.25]);
  });

  it('enters congestion avoidance without a loss once the RTT has grown (RFC 9406 §4.2)', () => {
    const controller = new NewReno(MSS, 10);
    const rounds = new Rounds();

    for (const rttMs of [50, 50, 70, 70, 70, 70, 70, 70]) {
      for (const sample of rounds.acks(() => rttMs)) controller.onAck(sample);
    }

    expect(controller.ssthreshBytes).to.be.lessThan(Number.POSITIVE_INFINITY);
    const before = controller.cwndBytes;
    for (const sample of rounds.acks(() => 70)) controller.onAck(sample);
    expect(controller.cwndBytes - before).to.be.at.most(MSS);
  });
});
