import { expect } from 'chai';
import sinon from 'sinon';
import { Deferred } from '../../lib/defer/deferred.ts';
import { AlreadyCalledError, CancelledError, TimeoutError, UsageError } from '../../lib/errors.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { resultOf } from '../support/results.ts';

const failure = new Error('failure');

describe('Deferred.cancel', () => {
  describe('without a canceller', () => {
    it('fails at once and ignores exactly one fire that comes later', () => {
      for (const late of ['callback', 'errback']) {
        const deferred = new Deferred<number>();
        const fire = () => (late === 'callback' ? deferred.callback(1) : deferred.errback(failure));
        deferred.cancel();
        expect(resultOf(deferred)).to.be.instanceOf(CancelledError);

        fire();
        expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
        expect(fire).to.throw(AlreadyCalledError);
      }
    });

    it('may be repeated, and still ignores only one fire', () => {
      const deferred = new Deferred<number>();
      deferred.cancel();
      deferred.cancel();
      deferred.callback(1);

      expect(() => deferred.callback(2)).to.throw(AlreadyCalledError);
      expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
    });

    it('does nothing once the result is there', () => {
      const deferred = Deferred.succeed(1);
      deferred.cancel();

      expect(resultOf(deferred)).to.equal(1);
      expect(() => deferred.callback(2)).to.throw(AlreadyCalledError);
    });
  });

  describe('with a canceller', () => {
    it('gives it the Deferred, once, and fails when it does not fire', () => {
      const canceller = sinon.spy();
      const deferred = new Deferred<number>(canceller);
      deferred.cancel();
      deferred.cancel();

      expect(canceller.args).to.deep.equal([[deferred]]);
      expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
      expect(() => deferred.callback(1)).to.throw(AlreadyCalledError);
    });

    it('takes the value or the failure it fires', () => {
      const succeeding = new Deferred<string>((deferred) => deferred.callback('partly done'));
      const failing = new Deferred<string>((deferred) => deferred.errback(failure));
      succeeding.cancel();
      failing.cancel();

      expect(resultOf(succeeding)).to.equal('partly done');
      expect(resultOf(failing)).to.equal(failure);
    });

    it('is not called after the result', () => {
      const canceller = sinon.spy();
      const deferred = new Deferred<number>(canceller);
      deferred.callback(1);
      deferred.cancel();

      expect(canceller.callCount).to.equal(0);
    });

    it('fails with what the canceller throws', () => {
      const deferred = new Deferred<number>(() => {
        throw failure;
      });
      deferred.cancel();

      expect(resultOf(deferred)).to.equal(failure);
    });

    it('survives a canceller that cancels', () => {
      const deferred = new Deferred<number>((self) => self.cancel());
      deferred.cancel();

      expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
    });
  });

  describe('of a Deferred that waits', () => {
    it('cancels the one it waits for, however far down', () => {
      const canceller = sinon.spy();
      const innermost = new Deferred<number>(canceller);
      const inner = Deferred.succeed(0).addCallback(() => innermost);
      const outer = Deferred.succeed(0).addCallback(() => inner);

      outer.cancel();

      expect(canceller.callCount).to.equal(1);
      expect(resultOf(outer)).to.be.instanceOf(CancelledError);
    });

    it('goes on with what the inner makes of it', () => {
      const inner = new Deferred<string>((self) => self.callback('saved'));
      const outer = Deferred.succeed(0).addCallback(() => inner);
      outer.cancel();

      expect(resultOf(outer)).to.equal('saved');
    });

    it('reaches through a chain of 100,000', () => {
      const canceller = sinon.spy();
      let deferred = new Deferred<number>(canceller);
      for (let depth = 0; depth < 100_000; depth++) {
        const inner = deferred;
        deferred = Deferred.succeed(0).addCallback(() => inner);
      }
      deferred.cancel();

      expect(canceller.callCount).to.equal(1);
      expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
    });

    it('leaves alone a target of chainDeferred when the source is cancelled through it', () => {
      const source = new Deferred<number>();
      const target = new Deferred<number>();
      source.chainDeferred(target);

      target.cancel();
      expect(source.called).to.equal(false);
      source.callback(1);
      expect(resultOf(source)).to.equal(undefined);
      expect(resultOf(target)).to.be.instanceOf(CancelledError);
    });

    it('stops waiting for a promise at once, and ignores its result', async () => {
      let settle = (_value: number) => {};
      const promise = new Promise<number>((resolve) => {
        settle = resolve;
      });
      const deferred = Deferred.succeed(0).addCallback(() => promise);
      deferred.cancel();
      expect(resultOf(deferred)).to.be.instanceOf(CancelledError);

      settle(1);
      await promise;
      expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
    });
  });
});

describe('Deferred.addTimeout', () => {
  let clock = new VirtualClock();

  beforeEach(() => {
    clock = new VirtualClock();
  });

  afterEach(() => {
    expect(clock.pending).to.equal(0);
  });

  it('leaves a result that comes in time alone, and no timer behind', () => {
    const value = new Deferred<number>();
    const error = new Deferred<number>();
    value.addTimeout(10, clock);
    error.addTimeout(10, clock);
    clock.advance(9);
    value.callback(1);
    error.errback(failure);

    expect(clock.pending).to.equal(0);
    expect(resultOf(value)).to.equal(1);
    expect(resultOf(error)).to.equal(failure);
  });

  it('leaves no timer behind when the result is there already', () => {
    expect(resultOf(Deferred.succeed(1).addTimeout(10, clock))).to.equal(1);
  });

  it('cancels when the time is up and fails with TimeoutError', () => {
    const canceller = sinon.spy();
    const deferred = new Deferred<number>(canceller);
    const timed = deferred.addTimeout(10, clock);
    clock.advance(9.999);
    expect(deferred.called).to.equal(false);
    clock.advance(0.001);

    expect(canceller.callCount).to.equal(1);
    expect(resultOf(timed)).to.be.instanceOf(TimeoutError).with.property('code', 'ERR_TIMEOUT');
  });

  it('shows CancelledError to the errbacks before it and TimeoutError to those after it', () => {
    const seen: Error[] = [];
    const note = (error: Error): never => {
      seen.push(error);
      throw error;
    };
    const timed = new Deferred<number>().addErrback(note).addTimeout(10, clock).addErrback(note);
    clock.advance(10);

    expect(seen[0]).to.be.instanceOf(CancelledError);
    expect(seen[1]).to.be.instanceOf(TimeoutError);
    expect(resultOf(timed)).to.equal(seen[1]);
  });

  it('covers what the callbacks before it wait for, and not what those after it do', () => {
    const inner = new Deferred<number>();
    const covered = Deferred.succeed(0)
      .addCallback(() => inner)
      .addTimeout(10, clock);
    const later = new Deferred<number>();
    const beyond = Deferred.succeed(0)
      .addTimeout(10, clock)
      .addCallback(() => later);
    clock.advance(20);

    expect(resultOf(covered)).to.be.instanceOf(TimeoutError);
    expect(resultOf(beyond)).to.equal('nothing yet');
    later.callback(3);
    expect(resultOf(beyond)).to.equal(3);
  });

  it('keeps what the canceller fires, unless that is CancelledError', () => {
    const value = new Deferred<string>((self) => self.callback('partly')).addTimeout(10, clock);
    const error = new Deferred<string>((self) => self.errback(failure)).addTimeout(10, clock);
    const cancelled = new Deferred<string>((self) => self.errback(new CancelledError())).addTimeout(
      10,
      clock,
    );
    clock.advance(10);

    expect(resultOf(value)).to.equal('partly');
    expect(resultOf(error)).to.equal(failure);
    expect(resultOf(cancelled)).to.be.instanceOf(TimeoutError);
  });

  it('has onTimeout make another result, given the error and the time', () => {
    const onTimeout = sinon.spy(() => 'late');
    const timed = new Deferred<number>().addTimeout(10, clock, onTimeout);
    const failing = new Deferred<number>().addTimeout(10, clock, () => {
      throw failure;
    });
    clock.advance(10);

    expect(resultOf(timed)).to.equal('late');
    expect(onTimeout.firstCall.args).to.have.lengthOf(2);
    expect((onTimeout.firstCall.args as unknown[])[0]).to.be.instanceOf(CancelledError);
    expect((onTimeout.firstCall.args as unknown[])[1]).to.equal(10);
    expect(resultOf(failing)).to.equal(failure);
  });

  it('does not call onTimeout for a failure in time, or for the user cancelling', () => {
    const onTimeout = sinon.spy(() => 'late');
    const failed = new Deferred<number>();
    const cancelled = new Deferred<number>();
    const results = [
      failed.addTimeout(10, clock, onTimeout),
      cancelled.addTimeout(10, clock, onTimeout),
    ] as const;
    failed.errback(failure);
    cancelled.cancel();

    expect(onTimeout.callCount).to.equal(0);
    expect(resultOf(results[0])).to.equal(failure);
    expect(resultOf(results[1])).to.be.instanceOf(CancelledError);
  });

  it('lets the shortest of several timeouts decide', () => {
    const timed = new Deferred<number>().addTimeout(20, clock).addTimeout(10, clock, () => 'outer');
    clock.advance(10);

    expect(resultOf(timed)).to.equal('outer');
  });

  it('refuses a time that is none and adds nothing then', () => {
    const deferred = new Deferred<number>();
    expect(() => deferred.addTimeout(-1, clock)).to.throw(UsageError);
    expect(() => deferred.addTimeout(Number.NaN, clock)).to.throw(UsageError);
    expect(deferred.called).to.equal(false);
  });
});

describe('Deferred and the platform', () => {
  it('is cancelled by a signal, which keeps no listener afterwards', () => {
    const controller = new AbortController();
    const removed = sinon.spy(controller.signal, 'removeEventListener');
    const canceller = sinon.spy();
    const pending = new Deferred<number>(canceller).withSignal(controller.signal);
    const fired = new Deferred<number>();
    const done = fired.withSignal(controller.signal);
    fired.callback(1);
    expect(removed.callCount).to.equal(1);

    controller.abort();

    expect(removed.callCount).to.equal(2);
    expect(canceller.callCount).to.equal(1);
    expect(resultOf(pending)).to.be.instanceOf(CancelledError);
    expect(resultOf(done)).to.equal(1);
  });

  it('is cancelled at once by a signal that was aborted before', () => {
    expect(resultOf(new Deferred<number>().withSignal(AbortSignal.abort()))).to.be.instanceOf(CancelledError);
  });

  it('aborts the signal of abortable work when it is cancelled, and ignores what comes of it', async () => {
    let aborted: AbortSignal | undefined;
    const deferred = Deferred.fromAbortable<number>(
      (signal) =>
        new Promise((_resolve, reject) => {
          aborted = signal;
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    expect(aborted?.aborted).to.equal(false);

    deferred.cancel();
    await Promise.resolve();

    expect(aborted?.aborted).to.equal(true);
    expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
  });

  it('has the result of abortable work', async () => {
    expect(await Deferred.fromAbortable(() => Promise.resolve(5))).to.equal(5);
    const failing = Deferred.fromAbortable(() => {
      throw failure;
    });
    expect(await failing.addErrback((error) => error)).to.equal(failure);
  });

  it('is made from a value at once, from a promise later, and from a Deferred not at all', async () => {
    const deferred = new Deferred<number>();

    expect(resultOf(Deferred.from(1))).to.equal(1);
    expect(await Deferred.from(Promise.resolve(2))).to.equal(2);
    expect(await Deferred.from(Promise.reject(failure)).addErrback((error) => error)).to.equal(failure);
    expect(Deferred.from(deferred)).to.equal(deferred);
  });

  it('ignores the result of a promise after cancelling', async () => {
    const deferred = Deferred.from(Promise.resolve(1));
    deferred.cancel();
    await Promise.resolve();

    expect(resultOf(deferred)).to.be.instanceOf(CancelledError);
  });
});
