import { expect } from 'chai';
import sinon from 'sinon';
import { deferredList, gatherResults, maybeDeferred, race } from '../../lib/defer/combinators.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { setUnhandledFailureHook, type UnhandledFailureHook } from '../../lib/defer/unhandled.ts';
import {
  AllFailed,
  CancelledError,
  FirstError,
  NotAnError,
  TimeoutError,
  UsageError,
} from '../../lib/errors.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { resultOf } from '../support/results.ts';

const failure = new Error('failure');

describe('combinators', () => {
  let reported: Error[] = [];
  let previous: UnhandledFailureHook;

  beforeEach(() => {
    reported = [];
    previous = setUnhandledFailureHook((error) => reported.push(error));
  });

  afterEach(() => {
    setUnhandledFailureHook(previous);
  });

  /** Three Deferreds and how often each was cancelled. */
  function three() {
    const cancellers = [sinon.spy(), sinon.spy(), sinon.spy()] as const;
    const deferreds = cancellers.map((canceller) => new Deferred<number>(canceller));
    const [a, b, c] = deferreds as [Deferred<number>, Deferred<number>, Deferred<number>];
    return { a, b, c, cancels: () => cancellers.map((canceller) => canceller.callCount) };
  }

  describe('gatherResults', () => {
    it('has all values in the order of the sources, typed as a tuple', () => {
      const { a } = three();
      const text = new Deferred<string>();
      const gathered = gatherResults([a, text, true]);
      gathered satisfies Deferred<[number, string, boolean]>;
      // @ts-expect-error the second one is a string.
      gathered satisfies Deferred<[number, number, boolean]>;
      text.callback('text');
      expect(resultOf(gathered)).to.equal('nothing yet');
      a.callback(1);

      expect(resultOf(gathered)).to.deep.equal([1, 'text', true]);
    });

    it('fires at once for no sources', () => {
      expect(resultOf(gatherResults([]))).to.deep.equal([]);
    });

    it('waits for promises as well', async () => {
      expect(await gatherResults([Promise.resolve(1), Deferred.succeed(2)])).to.deep.equal([1, 2]);
    });

    it('fails with the first failure and its place, and cancels the others', () => {
      const { a, b, c, cancels } = three();
      const gathered = gatherResults([a, b, c]);
      a.callback(1);
      b.errback(failure);

      const error = resultOf(gathered) as FirstError;
      expect(error).to.be.instanceOf(FirstError);
      expect(error.index).to.equal(1);
      expect(error.cause).to.equal(failure);
      expect(error.code).to.equal('ERR_FIRST_FAILURE');
      expect(cancels()).to.deep.equal([0, 0, 1]);
    });

    it('cancels also those that come after one that had failed before', () => {
      const { a, b, cancels } = three();
      const gathered = gatherResults([a, Deferred.fail(failure), b]);

      expect((resultOf(gathered) as FirstError).index).to.equal(1);
      expect(cancels()).to.deep.equal([1, 1, 0]);
    });

    it('lets late results pass in silence, and leaves every source its own', async () => {
      const stubborn = new Deferred<number>((self) => self.callback(3));
      const failing = new Deferred<number>((self) => self.errback(new Error('while cancelled')));
      const first = new Deferred<number>();
      const gathered = gatherResults([stubborn, failing, first]);
      first.errback(failure);
      await new Promise((resolve) => setImmediate(resolve));

      expect(reported.map((error) => error.name)).to.deep.equal(['FirstError']);
      expect(resultOf(gathered)).to.be.instanceOf(FirstError);
      expect(resultOf(stubborn)).to.equal(3);
      expect(resultOf(first)).to.equal(failure);
    });

    it('cancels every source when it is cancelled or times out', () => {
      const clock = new VirtualClock();
      const cancelled = three();
      const gathered = gatherResults([cancelled.a, cancelled.b]);
      gathered.cancel();
      expect(cancelled.cancels()).to.deep.equal([1, 1, 0]);
      expect(resultOf(gathered)).to.be.instanceOf(CancelledError);

      const { a, b, cancels } = three();
      const timed = gatherResults([a, b]).addTimeout(10, clock);
      clock.advance(10);
      expect(cancels()).to.deep.equal([1, 1, 0]);
      expect(resultOf(timed)).to.be.instanceOf(TimeoutError);
      expect(clock.pending).to.equal(0);
    });

    it('may be given the same source twice', () => {
      const { a } = three();
      const gathered = gatherResults([a, a]);
      a.callback(1);

      expect(resultOf(gathered)).to.deep.equal([1, 1]);
    });
  });

  describe('deferredList', () => {
    it('tells of every source, in their order', () => {
      const { a, b } = three();
      const list = deferredList([a, b, 'now']);
      list satisfies Deferred<
        [unknown, unknown, { success: true; value: string } | { success: false; error: Error }]
      >;
      b.errback(failure);
      expect(resultOf(list)).to.equal('nothing yet');
      a.callback(1);

      expect(resultOf(list)).to.deep.equal([
        { success: true, value: 1 },
        { success: false, error: failure },
        { success: true, value: 'now' },
      ]);
    });

    it('fires at once for no sources, and tells of one given twice', () => {
      const failed = Deferred.fail(failure);

      expect(resultOf(deferredList([]))).to.deep.equal([]);
      expect(resultOf(deferredList([failed, failed]))).to.deep.equal([
        { success: false, error: failure },
        { success: false, error: failure },
      ]);
    });

    it('counts failures as heard', async () => {
      deferredList([Deferred.fail(failure)]);
      await new Promise((resolve) => setImmediate(resolve));

      expect(reported).to.deep.equal([]);
    });

    it('cancels every source when it is cancelled, and says what became of them', () => {
      const { a, b, cancels } = three();
      a.callback(1);
      const list = deferredList([a, b]);
      list.cancel();
      const [first, second] = resultOf(list) as [unknown, { error: Error }];

      expect(cancels()).to.deep.equal([0, 1, 0]);
      expect(first).to.deep.equal({ success: true, value: 1 });
      expect(second.error).to.be.instanceOf(CancelledError);
    });

    it('fails with CancelledError when a source does not come to an end even so', () => {
      const { a } = three();
      const list = deferredList([a]);
      a.pause();
      list.cancel();
      expect(resultOf(list)).to.be.instanceOf(CancelledError);

      a.unpause();
      expect(resultOf(list)).to.be.instanceOf(CancelledError);
    });
  });

  describe('race', () => {
    it('is won by the first value, and cancels the others', () => {
      const { a, b, c, cancels } = three();
      const won = race([a, b, c]);
      won satisfies Deferred<{ index: number; value: number }>;
      a.errback(failure);
      b.callback(5);

      expect(resultOf(won)).to.deep.equal({ index: 1, value: 5 });
      expect(cancels()).to.deep.equal([0, 0, 1]);
    });

    it('is won by one that had fired before', () => {
      const { a, c, cancels } = three();

      expect(resultOf(race([a, Deferred.succeed(5), c]))).to.deep.equal({ index: 1, value: 5 });
      expect(cancels()).to.deep.equal([1, 0, 1]);
    });

    it('fails with all errors, in the order of the sources, when all fail', () => {
      const { a, b } = three();
      const won = race([a, b]);
      const second = new Error('second');
      b.errback(second);
      expect(resultOf(won)).to.equal('nothing yet');
      a.errback(failure);

      const error = resultOf(won) as AllFailed;
      expect(error).to.be.instanceOf(AllFailed);
      expect(error.code).to.equal('ERR_ALL_FAILED');
      expect(error.errors).to.deep.equal([failure, second]);
    });

    it('fails at once without sources', () => {
      expect(resultOf(race([]))).to.be.instanceOf(UsageError);
    });

    it('lets the results of the losers pass in silence', async () => {
      const loser = new Deferred<number>((self) => self.errback(failure));
      const late = new Deferred<number>((self) => self.callback(9));
      const winner = new Deferred<number>();
      const won = race([loser, late, winner]);
      winner.callback(1);
      await new Promise((resolve) => setImmediate(resolve));

      expect(resultOf(won)).to.deep.equal({ index: 2, value: 1 });
      expect(reported).to.deep.equal([]);
    });

    it('cancels every source when it is cancelled', () => {
      const { a, b, cancels } = three();
      const won = race([a, b]);
      won.cancel();

      expect(cancels()).to.deep.equal([1, 1, 0]);
      expect(resultOf(won)).to.be.instanceOf(CancelledError);
    });
  });

  describe('maybeDeferred', () => {
    it('makes a Deferred of a value, and passes the arguments', () => {
      const sum = maybeDeferred((x: number, y: number) => x + y, 1, 2);
      sum satisfies Deferred<number>;

      expect(resultOf(sum)).to.equal(3);
    });

    it('returns the Deferred that is returned', () => {
      const deferred = new Deferred<number>();

      expect(maybeDeferred(() => deferred)).to.equal(deferred);
    });

    it('fails with what is thrown', () => {
      const thrown = maybeDeferred((): number => {
        throw failure;
      });
      const odd = maybeDeferred((): number => {
        throw 'text';
      });

      expect(resultOf(thrown)).to.equal(failure);
      expect(resultOf(odd)).to.be.instanceOf(NotAnError);
    });

    it('waits for an async function', async () => {
      expect(await maybeDeferred(async () => 5)).to.equal(5);
      const failing = maybeDeferred(async () => {
        throw failure;
      });
      expect(await failing.addErrback((error) => error)).to.equal(failure);
    });
  });
});
