import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';

describe('VirtualClock', () => {
  let clock = new VirtualClock();
  let log: string[] = [];

  beforeEach(() => {
    clock = new VirtualClock();
    log = [];
  });

  afterEach(() => {
    expect(clock.pending).to.equal(0);
  });

  function note(name: string): () => void {
    return () => {
      log.push(`${name}@${clock.now()}`);
    };
  }

  it('makes each call at its own due time and ends exactly where it was told', () => {
    clock.callLater(20, note('b'));
    clock.callLater(10.5, note('a'));
    clock.callLater(31, note('c'));

    clock.advance(30);
    expect(log).to.deep.equal(['a@10.5', 'b@20']);
    expect(clock.now()).to.equal(30);
    expect(clock.pending).to.equal(1);

    clock.advance(1);
    expect(log).to.deep.equal(['a@10.5', 'b@20', 'c@31']);
  });

  it('makes calls scheduled by calls when they are due before the end', () => {
    clock.callLater(10, () => {
      clock.callLater(0, note('at once'));
      clock.callLater(5, note('within'));
      clock.callLater(11, note('beyond'));
    });

    clock.advance(20);
    expect(log).to.deep.equal(['at once@10', 'within@15']);

    clock.advance(1);
    expect(log).to.deep.equal(['at once@10', 'within@15', 'beyond@21']);
  });

  it('starts where it is told to', () => {
    clock = new VirtualClock(1_000);
    clock.callLater(1, note('a'));
    clock.pump([0.5, 0.5]);

    expect(log).to.deep.equal(['a@1001']);
  });

  it('makes soon calls at the same instant, in order, before any later delayed call', () => {
    clock.callLater(1, () => {
      clock.callSoon(note('soon 1'));
      clock.callSoon(() => {
        note('soon 2')();
        clock.callSoon(note('soon 3'));
      });
      note('first')();
    });
    clock.callLater(1, note('second'));

    clock.advance(1);

    expect(log).to.deep.equal(['first@1', 'soon 1@1', 'soon 2@1', 'soon 3@1', 'second@1']);
  });

  it('makes soon calls on advance(0), counts them until then, and never makes one at once', () => {
    clock.callSoon(note('soon'));
    expect(clock.pending).to.equal(1);
    expect(log).to.deep.equal([]);

    clock.advance(0);

    expect(log).to.deep.equal(['soon@0']);
  });

  it('finishes advancing before it throws what a call threw', () => {
    const error = new Error('from a call');
    clock.callLater(1, () => {
      throw error;
    });
    clock.callLater(2, note('after'));

    expect(() => clock.advance(5)).to.throw(error);
    expect(log).to.deep.equal(['after@2']);
    expect(clock.now()).to.equal(5);
  });

  it('throws several errors together', () => {
    const errors = [new Error('first'), new Error('second')];
    for (const error of errors) {
      clock.callSoon(() => {
        throw error;
      });
    }

    expect(() => clock.advance(0))
      .to.throw(AggregateError)
      .with.property('errors')
      .that.deep.equals(errors);
  });

  it('never steps back for a call that was brought forward too far', () => {
    clock.advance(10);
    clock.callLater(5, note('overdue')).delay(-100);

    clock.advance(0);

    expect(log).to.deep.equal(['overdue@10']);
  });

  it('keeps the order of calls reset to one time, outside and inside of calls', () => {
    const a = clock.callLater(1, note('a'));
    const b = clock.callLater(2, note('b'));
    const c = clock.callLater(3, note('c'));
    b.reset(3);
    clock.callLater(0.5, () => a.reset(2.5));

    clock.advance(3);

    expect(log).to.deep.equal(['a@3', 'b@3', 'c@3']);
    expect(c.active).to.equal(false);
  });

  it('does not let a call advance the clock', () => {
    clock.callLater(1, () => clock.advance(1));
    expect(() => clock.advance(1)).to.throw(UsageError);
    expect(clock.now()).to.equal(1);
  });

  it('refuses to go back, or on for ever', () => {
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => clock.advance(ms)).to.throw(UsageError);
      expect(() => clock.runUntilIdle(ms)).to.throw(UsageError);
    }
  });

  it('runs until it is idle and stops at the last call', () => {
    clock.callLater(5, () => clock.callLater(7, note('last')));

    expect(clock.runUntilIdle(1_000)).to.equal(true);
    expect(clock.now()).to.equal(12);
    expect(log).to.deep.equal(['last@12']);
  });

  it('stops at the limit when there is more to come', () => {
    const call = clock.callLater(11, note('beyond'));

    expect(clock.runUntilIdle(10)).to.equal(false);
    expect(clock.now()).to.equal(10);

    call.cancel();
  });

  it('makes a call that is a year away', () => {
    const yearMs = 365 * 24 * 3_600_000;
    clock.callLater(yearMs, note('year'));
    clock.advance(yearMs);

    expect(log).to.deep.equal([`year@${yearMs}`]);
  });

  it('knows for how many calls a process would stay alive', () => {
    const call = clock.callLater(1, note('a'));
    clock.callSoon(note('b'));
    expect(clock.keepAliveCount).to.equal(2);

    call.keepAlive(false);
    expect(clock.keepAliveCount).to.equal(1);
    clock.advance(1);
    expect(clock.keepAliveCount).to.equal(0);
  });
});
