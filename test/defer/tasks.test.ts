import { expect } from 'chai';
import sinon from 'sinon';
import { Deferred } from '../../lib/defer/deferred.ts';
import { Cooperator, deferLater, LoopingCall } from '../../lib/defer/tasks.ts';
import { setUnhandledFailureHook } from '../../lib/defer/unhandled.ts';
import {
  CancelledError,
  SchedulerStopped,
  TaskDone,
  TaskFailed,
  TaskStopped,
  TimeoutError,
  UsageError,
} from '../../lib/errors.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { resultOf, thrown } from '../support/results.ts';

const failure = new Error('failure');
let clock = new VirtualClock();

function useFreshClock(): void {
  beforeEach(() => {
    clock = new VirtualClock();
  });

  afterEach(() => {
    expect(clock.pending).to.equal(0);
  });
}

describe('deferLater', () => {
  useFreshClock();

  it('fires after the delay with what the call returns', () => {
    const later = deferLater(clock, 10, () => Deferred.succeed(clock.now()));
    clock.advance(9);
    expect(resultOf(later)).to.equal('nothing yet');
    clock.advance(1);
    expect(resultOf(later)).to.equal(10);
  });

  it('fires with undefined when there is nothing to call, and fails with what the call throws', () => {
    const bare = deferLater(clock, 10);
    const failing = deferLater(clock, 10, () => {
      throw failure;
    });
    clock.advance(10);

    expect(resultOf(bare)).to.equal(undefined);
    expect(resultOf(failing)).to.equal(failure);
  });

  it('takes the call back when it is cancelled', () => {
    const call = sinon.spy();
    const later = deferLater(clock, 10, call);
    later.cancel();

    expect(clock.pending).to.equal(0);
    expect(call.callCount).to.equal(0);
    expect(resultOf(later)).to.be.instanceOf(CancelledError);
  });
});

describe('LoopingCall', () => {
  useFreshClock();

  let calledAt: number[] = [];

  beforeEach(() => {
    calledAt = [];
  });

  const note = () => {
    calledAt.push(clock.now());
  };

  it('calls now and then every interval, until it is stopped', () => {
    const looping = new LoopingCall(clock, note);
    const stopped = looping.start(10);
    expect(looping.running).to.equal(true);
    clock.advance(25);
    expect(resultOf(stopped)).to.equal('nothing yet');
    looping.stop();
    clock.advance(100);

    expect(calledAt).to.deep.equal([0, 10, 20]);
    expect(resultOf(stopped)).to.equal(looping);
    expect(looping.running).to.equal(false);
  });

  it('waits for the first interval when told to', () => {
    const looping = new LoopingCall(clock, note);
    looping.start(10, false);
    clock.advance(20);
    looping.stop();

    expect(calledAt).to.deep.equal([10, 20]);
  });

  it('never has two calls at once, skips what passes meanwhile, and stays on its grid', () => {
    let running = new Deferred<void>();
    const looping = new LoopingCall(clock, () => {
      note();
      running = new Deferred<void>();
      return running;
    });
    looping.start(10);
    clock.advance(34);
    running.callback();
    clock.advance(6);
    running.callback();
    clock.advance(10);
    const stopped = looping.running;
    looping.stop();
    running.callback();

    expect(stopped).to.equal(true);
    expect(calledAt).to.deep.equal([0, 40, 50]);
  });

  it('counts the places of the grid that were skipped', () => {
    const counts: number[] = [];
    let running = new Deferred<void>();
    const looping = LoopingCall.withCount(clock, (count) => {
      counts.push(count);
      running = new Deferred<void>();
      return running;
    });
    looping.start(10);
    clock.advance(30);
    running.callback();
    clock.advance(10);
    running.callback();
    clock.advance(10);
    looping.stop();
    running.callback();

    expect(counts).to.deep.equal([1, 4, 1]);
  });

  it('counts 1 for the first call of a delayed start', () => {
    const counts: number[] = [];
    const looping = LoopingCall.withCount(clock, (count) => counts.push(count));
    looping.start(10, false);
    clock.advance(20);
    looping.stop();

    expect(counts).to.deep.equal([1, 1]);
  });

  it('comes exactly once at each place when the interval is no exact float', () => {
    for (const [interval, startAt] of [
      [0.1, 0],
      [0.3, 0.7],
      [1 / 3, 1e9],
      [1.1, 12_345.678],
    ] as const) {
      clock = new VirtualClock(startAt);
      const counts: number[] = [];
      const looping = LoopingCall.withCount(clock, (count) => counts.push(count));
      looping.start(interval);
      for (let step = 0; step < 1_000; step++) clock.advance(interval);
      clock.advance(interval / 2);
      looping.stop();

      expect(new Set(counts)).to.deep.equal(new Set([1]));
      expect(counts).to.have.lengthOf(1_001);
    }
  });

  it('calls again as soon as it can with an interval of 0, counting 1', () => {
    const counts: number[] = [];
    const looping = LoopingCall.withCount(clock, (count) => {
      counts.push(count);
      if (counts.length === 3) looping.stop();
    });
    looping.start(0);
    clock.advance(0);

    expect(counts).to.deep.equal([1, 1, 1]);
  });

  it('can be stopped by its first call, and fires when that is through', () => {
    const looping: LoopingCall = new LoopingCall(clock, () => looping.stop());

    expect(resultOf(looping.start(10))).to.equal(looping);
  });

  it('fires after the call that is not through when it is stopped', () => {
    const running = new Deferred<void>();
    const looping = new LoopingCall(clock, () => running);
    const stopped = looping.start(10);
    looping.stop();
    expect(resultOf(stopped)).to.equal('nothing yet');
    expect(looping.running).to.equal(false);
    running.callback();

    expect(resultOf(stopped)).to.equal(looping);
  });

  it('stops with the first failure, thrown or later', () => {
    const throwing = new LoopingCall(clock, () => {
      throw failure;
    });
    expect(resultOf(throwing.start(10))).to.equal(failure);
    expect(throwing.running).to.equal(false);

    const running = new Deferred<void>();
    const failing = new LoopingCall(clock, () => running);
    const stopped = failing.start(10);
    running.errback(failure);
    expect(resultOf(stopped)).to.equal(failure);
    expect(failing.running).to.equal(false);
  });

  it('skips the next call and starts a new grid on reset', () => {
    const looping = new LoopingCall(clock, note);
    looping.start(10);
    clock.advance(4);
    looping.reset();
    clock.advance(20);
    looping.stop();

    expect(calledAt).to.deep.equal([0, 14, 24]);
  });

  it('ignores a reset while a call is not through', () => {
    const running = new Deferred<void>();
    const looping = new LoopingCall(clock, () => {
      note();
      return calledAt.length === 1 ? running : undefined;
    });
    looping.start(10);
    clock.advance(4);
    looping.reset();
    running.callback();
    clock.advance(6);
    looping.stop();

    expect(calledAt).to.deep.equal([0, 10]);
  });

  it('is stopped by cancelling what start returned', () => {
    const looping = new LoopingCall(clock, note);
    const stopped = looping.start(10);
    stopped.cancel();
    clock.advance(20);

    expect(calledAt).to.deep.equal([0]);
    expect(looping.running).to.equal(false);
    expect(resultOf(stopped)).to.be.instanceOf(CancelledError);
  });

  it('can be started again, even from the call that stopped it', () => {
    let restarted: Deferred<unknown> | undefined;
    const looping: LoopingCall = new LoopingCall(clock, () => {
      note();
      if (clock.now() !== 10) return;
      looping.stop();
      restarted = looping.start(7, false);
    });
    const first = looping.start(10);
    clock.advance(18);

    expect(resultOf(first)).to.equal(looping);
    expect(calledAt).to.deep.equal([0, 10, 17]);
    looping.stop();
    expect(resultOf(restarted as Deferred<unknown>)).to.equal(looping);
  });

  it('refuses what makes no sense', () => {
    const looping = new LoopingCall(clock, note);
    for (const interval of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => looping.start(interval)).to.throw(UsageError);
    }
    expect(() => looping.stop()).to.throw(UsageError);
    expect(() => looping.reset()).to.throw(UsageError);
    looping.start(10);
    expect(() => looping.start(10)).to.throw(UsageError);
    looping.stop();
  });
});

describe('Cooperator', () => {
  useFreshClock();

  let log: string[] = [];
  let cooperator = new Cooperator(clock);

  beforeEach(() => {
    log = [];
    cooperator = new Cooperator(clock);
  });

  function* work(name: string, steps: number): Generator<undefined, string> {
    for (let step = 1; step <= steps; step++) {
      log.push(`${name}${step}`);
      yield;
    }
    return name;
  }

  it('steps through its tasks in turn and fires with what they return', () => {
    const a = cooperator.coiterate(work('a', 3));
    const b = cooperator.coiterate(work('b', 1));
    expect(log).to.deep.equal([]);
    clock.advance(0);

    expect(log).to.deep.equal(['a1', 'b1', 'a2', 'a3']);
    expect(resultOf(a)).to.equal('a');
    expect(resultOf(b)).to.equal('b');
  });

  it('works for a slice of time and then lets others have their turn', () => {
    // Time stands still inside of a call, so that this clock moves it with each step.
    let workedMs = 0;
    const busy = {
      now: () => clock.now() + workedMs,
      callLater: clock.callLater.bind(clock),
      callSoon: clock.callSoon,
    };
    cooperator = new Cooperator(busy);
    cooperator.cooperate(
      (function* () {
        for (let step = 0; step < 9; step++) {
          workedMs += 4;
          log.push('step');
          yield;
        }
      })(),
    );
    clock.callLater(0, () => {
      log.push('other');
      clock.callLater(0, () => log.push('other again'));
    });
    clock.advance(0);

    const turns = log.map((entry) => entry[0]).join('');
    expect(turns).to.equal('sssosssosss');
  });

  it('waits for a Deferred or a promise that is yielded, while others go on', async () => {
    const awaited = new Deferred<void>();
    const task = cooperator.cooperate(
      (function* () {
        yield awaited;
        log.push('deferred');
        yield Promise.resolve();
        log.push('promise');
      })(),
    );
    cooperator.coiterate(work('b', 2));
    clock.advance(0);
    expect(log).to.deep.equal(['b1', 'b2']);
    expect(() => task.resume()).to.throw(UsageError);

    awaited.callback();
    clock.advance(0);
    await Promise.resolve();
    clock.advance(0);
    expect(log).to.deep.equal(['b1', 'b2', 'deferred', 'promise']);
    expect(resultOf(task.whenDone())).to.equal(undefined);
  });

  it('goes on at once after a Deferred that has fired', () => {
    const done = cooperator.coiterate(
      (function* () {
        for (let step = 0; step < 10_000; step++) yield Deferred.succeed(step);
        return 'end';
      })(),
    );
    clock.advance(0);

    expect(resultOf(done)).to.equal('end');
  });

  it('fails with what the iterator throws or the yielded Deferred fails with', () => {
    const yielding = cooperator.cooperate([Deferred.fail(failure)].values());
    const throwing = cooperator.cooperate({
      next() {
        throw failure;
      },
    });
    clock.advance(0);

    expect(resultOf(yielding.whenDone())).to.equal(failure);
    expect(resultOf(throwing.whenDone())).to.equal(failure);
    expect(thrown(() => throwing.pause())).to.be.instanceOf(TaskFailed);
    expect(thrown(() => throwing.stop()).cause).to.equal(failure);
  });

  it('reports a failed task that nobody asks about, and no stopped one', async () => {
    const reported: Error[] = [];
    const previous = setUnhandledFailureHook((error) => reported.push(error));
    cooperator.cooperate([Deferred.fail(failure)].values());
    clock.advance(0);
    cooperator.cooperate(work('a', 1)).stop();
    await new Promise((resolve) => setImmediate(resolve));
    setUnhandledFailureHook(previous);

    expect(reported).to.deep.equal([failure]);
  });

  it('makes no step of a paused task until it was resumed as often', () => {
    const task = cooperator.cooperate(work('a', 1));
    task.pause();
    task.pause();
    task.resume();
    clock.advance(0);
    expect(log).to.deep.equal([]);
    expect(clock.pending).to.equal(0);

    task.resume();
    clock.advance(0);
    expect(log).to.deep.equal(['a1']);
    expect(() => task.resume()).to.throw(TaskDone);
  });

  it('stays paused when the Deferred fires that it waited for as well', () => {
    const awaited = new Deferred<void>();
    const task = cooperator.cooperate([awaited].values());
    clock.advance(0);
    task.pause();
    awaited.callback();
    clock.advance(0);
    expect(task.isFinished).to.equal(false);

    task.resume();
    clock.advance(0);
    expect(task.isFinished).to.equal(true);
  });

  it('ends a stopped task with TaskStopped, also while it waits', () => {
    const awaited = new Deferred<void>();
    const task = cooperator.cooperate([awaited].values());
    const done = task.whenDone();
    clock.advance(0);
    task.stop();
    awaited.callback();
    clock.advance(0);

    expect(resultOf(done)).to.be.instanceOf(TaskStopped);
    expect(resultOf(task.whenDone())).to.be.instanceOf(TaskStopped);
    expect(() => task.stop()).to.throw(TaskStopped);
  });

  it('survives a task that stops itself, or the cooperator, from inside of its step', () => {
    const task = cooperator.cooperate({
      next() {
        task.stop();
        return { done: false, value: undefined };
      },
    });
    clock.advance(0);
    expect(resultOf(task.whenDone())).to.be.instanceOf(TaskStopped);

    const stopper = cooperator.cooperate({
      next() {
        cooperator.stop();
        return { done: true, value: undefined };
      },
    });
    const other = cooperator.cooperate(work('other', 1));
    clock.advance(0);
    expect(resultOf(stopper.whenDone())).to.be.instanceOf(SchedulerStopped);
    expect(resultOf(other.whenDone())).to.be.instanceOf(SchedulerStopped);
    expect(log).to.deep.equal([]);
  });

  it('ends all tasks when it is stopped, and takes no more until it is started', () => {
    const waiting = cooperator.coiterate([new Deferred<void>()].values());
    clock.advance(0);
    const ready = cooperator.coiterate(work('a', 1));
    cooperator.stop();
    expect(clock.pending).to.equal(0);
    expect(resultOf(waiting)).to.be.instanceOf(SchedulerStopped);
    expect(resultOf(ready)).to.be.instanceOf(SchedulerStopped);
    expect(resultOf(cooperator.coiterate(work('b', 1)))).to.be.instanceOf(SchedulerStopped);

    cooperator.start();
    expect(cooperator.running).to.equal(true);
    cooperator.coiterate(work('c', 1));
    clock.advance(0);
    expect(log).to.deep.equal(['c1']);
  });

  it('takes tasks before it is started, and makes no step of them', () => {
    cooperator = new Cooperator(clock, { isStarted: false });
    cooperator.coiterate(work('a', 1));
    clock.advance(0);
    expect(log).to.deep.equal([]);
    cooperator.start();
    clock.advance(0);
    expect(log).to.deep.equal(['a1']);
  });

  it('can be given more work from a callback of the work before', () => {
    const again = cooperator.coiterate(work('a', 1)).addCallback(() => cooperator.coiterate(work('b', 1)));
    clock.advance(0);

    expect(resultOf(again)).to.equal('b');
  });

  it('stops the work when coiterate is cancelled or times out', () => {
    const cancelled = cooperator.coiterate(work('a', 5));
    cancelled.cancel();
    expect(resultOf(cancelled)).to.be.instanceOf(CancelledError);
    expect(clock.pending).to.equal(0);

    const timed = cooperator.coiterate([new Deferred<void>()].values()).addTimeout(10, clock);
    clock.advance(10);
    expect(resultOf(timed)).to.be.instanceOf(TimeoutError);
    expect(log).to.deep.equal([]);
  });
});
