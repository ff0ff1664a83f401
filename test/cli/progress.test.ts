import { expect } from 'chai';
import { describeProgress, ProgressLine, ProgressMeter } from '../../lib/cli/progress.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { KeptOutput } from '../support/command-context.ts';

const MIB = 2 ** 20;

describe('ProgressMeter', () => {
  it('counts neither skipped bytes nor the time before the start', () => {
    const clock = new VirtualClock();
    const meter = new ProgressMeter(clock);
    clock.advance(10_000);

    meter.start(5 * MIB);
    clock.advance(2_000);
    const facts = meter.progress({ event: 'progress', name: 'a', sizeBytes: 10 * MIB, bytes: 7 * MIB });

    expect(facts).to.deep.equal({
      bytes: 7 * MIB,
      sizeBytes: 10 * MIB,
      bytesPerSecond: MIB,
      secondsLeft: 3,
    });
    expect(meter.seconds).to.equal(2);
  });
});

describe('describeProgress', () => {
  const facts = { bytes: 4 * MIB, sizeBytes: 10 * MIB, bytesPerSecond: 2 * MIB, secondsLeft: 3 };

  it('tells rate, time left, round trip and loss', () => {
    const network = { rttUs: 50_000, totalRetransSegments: 3, segsOut: 1000 };

    expect(describeProgress(facts, network)).to.equal('2.0 MiB/s, 3.0 s left, RTT 50.0 ms, 0.3 % resent');
  });

  it('leaves out what does not fit, from the right and as a whole', () => {
    const network = { rttUs: 50_000, totalRetransSegments: 3, segsOut: 1000 };

    expect(describeProgress(facts, network, 42)).to.equal('2.0 MiB/s, 3.0 s left, RTT 50.0 ms');
    expect(describeProgress(facts, network, 3)).to.equal('2.0 MiB/s');
  });

  it('leaves out what is not known', () => {
    const still = { ...facts, bytesPerSecond: 0, secondsLeft: Number.POSITIVE_INFINITY };

    expect(describeProgress(still, undefined)).to.equal('0 B/s');
  });
});

describe('ProgressLine', () => {
  it('writes nothing where no terminal is', () => {
    const output = new KeptOutput(false);
    const line = new ProgressLine(output);

    line.start('a', 10, 0);
    line.stop();

    expect(output.text).to.equal('');
  });

  it('fits a usual line into 80 columns, with room for the echo of ^C', () => {
    const output = new KeptOutput(true, 80);
    const line = new ProgressLine(output);
    const network = { rttUs: 123_400, totalRetransSegments: 3, segsOut: 1000 };

    line.start('holiday.mov', 10, 0);
    line.update({ bytes: 1, sizeBytes: 10, bytesPerSecond: 22 * MIB, secondsLeft: 11 }, network);
    line.stop();

    const [shown] = output.text.match(/holiday\.mov \[=* *\] 10 % 22\.0 MiB.*resent/) ?? [];
    expect(shown).to.have.lengthOf.within(60, 77);
    expect(shown).to.match(/22\.0 MiB\/s, 11 s left, RTT 123\.4 ms, 0\.3 % resent$/);
  });

  it('shows a name that looks like a place to fill as it is, and shortens a long one', () => {
    const output = new KeptOutput(true);
    const line = new ProgressLine(output);

    line.start(`{bar}${'x'.repeat(100)}`, 10, 5);
    line.stop();

    expect(output.text).to.match(/\(bar\)x{18}… \[=+ +\] 50 %/);
  });
});
