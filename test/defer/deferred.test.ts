import { expect } from 'chai';
import { setDeferredDebugging } from '../../lib/defer/debugging.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { AlreadyCalledError, NotAnError, trap, UsageError } from '../../lib/errors.ts';
import { resultOf, thrown } from '../support/results.ts';

const failure = new Error('failure');

describe('Deferred', () => {
  describe('firing', () => {
    it('runs callbacks at once and in order, each with what the one before returned', () => {
      const log: unknown[] = [];
      const deferred = new Deferred<number>();
      deferred
        .addCallback((value) => {
          log.push(value);
          return value * 2;
        })
        .addCallback((value) => {
          log.push(value);
          return 'end';
        });

      deferred.callback(21);

      expect(log).to.deep.equal([21, 42]);
      expect(resultOf(deferred)).to.equal('end');
    });

    it('runs a callback that is added later before addCallback returns', () => {
      expect(resultOf(Deferred.succeed(1).addCallback((value) => value + 1))).to.equal(2);
    });

    it('sends what a callback throws to the next errback, never to its own pair', () => {
      const log: string[] = [];
      const deferred = Deferred.succeed(1).addCallbacks(
        (): number => {
          throw failure;
        },
        () => {
          log.push('own errback');
          return 0;
        },
      );

      deferred.addCallback(() => log.push('callback after a failure'));
      deferred.addErrback((error) => {
        expect(error).to.equal(failure);
        return 'recovered';
      });

      expect(log).to.deep.equal([]);
      expect(resultOf(deferred)).to.equal('recovered');
    });

    it('passes values by errbacks and failures by callbacks', () => {
      const passed = Deferred.succeed(1).addErrback(() => 2);
      const failed = Deferred.fail(failure).addCallback(() => 2);

      expect(resultOf(passed)).to.equal(1);
      expect(resultOf(failed)).to.equal(failure);
    });

    it('runs addBoth for values and failures', () => {
      const seen: unknown[] = [];
      Deferred.succeed(1).addBoth((result) => seen.push(result));
      Deferred.fail(failure).addBoth((result) => seen.push(result));

      expect(seen).to.deep.equal([1, failure]);
    });

    it('takes an Error that a callback returns for a value', () => {
      const deferred = Deferred.succeed(1).addCallbacks(() => failure);
      let value: unknown;
      deferred.addCallback((result) => {
        value = result;
      });

      expect(value).to.equal(failure);
    });

    it('wraps what is thrown and is no Error', () => {
      const deferred = Deferred.succeed(1).addCallback(() => {
        throw 'a string';
      });

      const error = resultOf(deferred);
      expect(error).to.be.instanceOf(NotAnError);
      expect((error as Error).cause).to.equal('a string');
    });

    for (const [first, second] of ['cc', 'ce', 'ec', 'ee']) {
      it(`fires only once (${first} then ${second})`, () => {
        const deferred = new Deferred<number>();
        const fire = (how: string | undefined) =>
          how === 'c' ? deferred.callback(1) : deferred.errback(failure);
        fire(first);

        expect(() => fire(second)).to.throw(AlreadyCalledError);
        expect(resultOf(deferred)).to.equal(first === 'c' ? 1 : failure);
      });
    }

    it('says where it was fired first when debugging is on, and only then', () => {
      function firstFire(deferred: Deferred<void>): void {
        deferred.callback();
      }
      const plain = new Deferred<void>();
      firstFire(plain);
      const previous = setDeferredDebugging(true);
      const debugged = new Deferred<void>();
      firstFire(debugged);
      setDeferredDebugging(previous);

      expect(thrown(() => plain.callback()).cause).to.equal(undefined);
      const cause = thrown(() => debugged.callback()).cause as Error;
      expect(cause.stack).to.contain('firstFire');
      expect((cause.cause as Error).stack).to.contain('deferred.test.ts');
    });

    it('refuses to fire with a Deferred or a promise', () => {
      const deferred = new Deferred<unknown>();

      expect(() => deferred.callback(new Deferred())).to.throw(UsageError);
      expect(() => deferred.callback(Promise.resolve())).to.throw(UsageError);
      expect(deferred.called).to.equal(false);
    });

    it('refuses to fail with what is no Error', () => {
      const deferred = new Deferred<unknown>();

      expect(() => deferred.errback('text' as unknown as Error)).to.throw(UsageError);
      expect(() => deferred.errback(undefined as unknown as Error)).to.throw(UsageError);
      expect(deferred.called).to.equal(false);
    });

    it('lets an errback trap the errors it knows', () => {
      const known = Deferred.fail(new RangeError('far')).addErrback(
        (error) => trap(error, RangeError).message,
      );
      const unknown = Deferred.fail(failure).addErrback(
        (error) => trap(error, RangeError, TypeError).message,
      );

      expect(resultOf(known)).to.equal('far');
      expect(resultOf(unknown)).to.equal(failure);
    });
  });

  describe('callbacks added by callbacks', () => {
    it('run after the running one, never inside it', () => {
      const log: string[] = [];
      const deferred = Deferred.succeed(0);
      deferred.pause();
      deferred.addCallback(() => {
        deferred.addCallback(() => log.push('added'));
        log.push('running');
      });
      deferred.addCallback(() => log.push('there before'));

      deferred.unpause();

      expect(log).to.deep.equal(['running', 'there before', 'added']);
    });

    it('run also when the running one throws', () => {
      const deferred = Deferred.succeed(0);
      deferred.addCallback(() => {
        deferred.addErrback((error) => [error]);
        throw failure;
      });

      expect(resultOf(deferred)).to.deep.equal([failure]);
    });
  });

  describe('pausing', () => {
    it('holds callbacks back until it was unpaused as often', () => {
      const deferred = new Deferred<number>().addCallback((value) => value + 1);
      deferred.pause();
      deferred.pause();
      (deferred as Deferred<number>).callback(1);
      let seen: unknown;
      deferred.addCallback((value) => {
        seen = value;
      });

      deferred.unpause();
      expect(seen).to.equal(undefined);
      deferred.unpause();
      expect(seen).to.equal(2);
      expect(() => deferred.unpause()).to.throw(UsageError);
    });

    it('from inside of a callback stops before the next', () => {
      const log: number[] = [];
      const deferred = new Deferred<number>();
      deferred.addCallback(() => {
        log.push(1);
        deferred.pause();
      });
      deferred.addCallback(() => log.push(2));

      deferred.callback(0);
      expect(log).to.deep.equal([1]);
      deferred.unpause();
      expect(log).to.deep.equal([1, 2]);
    });
  });

  describe('returning a Deferred', () => {
    it('that has fired goes on with its result at once', () => {
      const inner = Deferred.succeed('inner');
      const outer = Deferred.succeed(1).addCallback(() => inner);

      expect(resultOf(outer)).to.equal('inner');
      expect(resultOf(inner)).to.equal(undefined);
    });

    it('that has not fired makes the outer wait for it', () => {
      const inner = new Deferred<string>();
      const outer = Deferred.succeed(1)
        .addCallback(() => inner)
        .addCallback((value) => `${value} and outer`);
      expect(resultOf(outer)).to.equal('nothing yet');

      inner.callback('inner');

      expect(resultOf(outer)).to.equal('inner and outer');
    });

    it('runs what was added to the inner before, then the outer, then what was added after', () => {
      const log: string[] = [];
      const inner = new Deferred<string>();
      inner.addCallback((value) => `${value} 1`);
      const outer = Deferred.succeed(0).addCallback(() => inner);
      inner.addCallback((value) => log.push(`inner after: ${value}`));
      outer.addCallback((value) => log.push(`outer: ${value}`));

      inner.callback('result');

      expect(log).to.deep.equal(['outer: result 1', 'inner after: undefined']);
    });

    it('takes a failure over: the inner is left without', () => {
      const inner = new Deferred<never>();
      const outer = Deferred.succeed(0).addCallback(() => inner);
      inner.errback(failure);

      expect(resultOf(outer)).to.equal(failure);
      expect(resultOf(inner)).to.equal(undefined);
    });

    it('waits for a paused one, fired before or not', () => {
      for (const fireFirst of [true, false]) {
        const inner = new Deferred<string>();
        inner.pause();
        if (fireFirst) inner.callback('inner');
        const outer = Deferred.succeed(0).addCallback(() => inner);
        if (!fireFirst) inner.callback('inner');
        expect(resultOf(outer)).to.equal('nothing yet');

        inner.unpause();
        expect(resultOf(outer)).to.equal('inner');
      }
    });

    it('leaves a paused outer paused, and does not hold up the inner for it', () => {
      const log: string[] = [];
      const inner = new Deferred<string>();
      const outer = Deferred.succeed(0).addCallback(() => inner);
      inner.addCallback(() => log.push('inner goes on'));
      outer.pause();
      outer.addCallback((value) => log.push(`outer: ${value}`));

      inner.callback('result');
      expect(log).to.deep.equal(['inner goes on']);
      outer.unpause();
      expect(log).to.deep.equal(['inner goes on', 'outer: result']);
    });

    it('works from an errback', () => {
      const outer = Deferred.fail(failure).addErrback(() => Deferred.succeed('recovered'));

      expect(resultOf(outer)).to.equal('recovered');
    });

    it('that waits itself ends with the innermost result', () => {
      const innermost = new Deferred<string>();
      const inner = Deferred.succeed(0).addCallback(() => innermost);
      const outer = Deferred.succeed(0).addCallback(() => inner);

      innermost.callback('innermost');

      expect(resultOf(outer)).to.equal('innermost');
      expect(resultOf(inner)).to.equal(undefined);
    });

    it('whose callback is running waits for that callback', () => {
      const inner = new Deferred<string>();
      const trigger = new Deferred<void>();
      const outer = trigger.addCallback(() => inner);
      inner.addCallback((value) => {
        trigger.callback();
        return `${value} changed`;
      });

      inner.callback('inner');

      expect(resultOf(outer as Deferred<unknown>)).to.equal('inner changed');
    });

    it('fails when it is the same one', () => {
      const deferred: Deferred<unknown> = new Deferred<unknown>();
      deferred.addCallback(() => deferred);
      deferred.callback(1);

      expect(resultOf(deferred)).to.be.instanceOf(UsageError);
    });

    it('fails when each waits for the other', () => {
      const a: Deferred<unknown> = new Deferred<unknown>();
      const b: Deferred<unknown> = new Deferred<unknown>();
      a.addCallback(() => b);
      b.addCallback(() => a);
      a.callback(1);
      b.callback(1);

      expect(resultOf(a)).to.be.instanceOf(UsageError);
    });

    it('waits for a promise as well', async () => {
      const resolved = Deferred.succeed(1).addCallback(async (value) => value + 1);
      const rejected = Deferred.succeed(1).addCallback(() => Promise.reject(failure));
      expect(resultOf(resolved)).to.equal('nothing yet');

      expect(await resolved).to.equal(2);
      expect(await rejected.addErrback((error) => error)).to.equal(failure);
    });

    it('fails with what a broken thenable throws', async () => {
      const broken = Object.defineProperty({}, 'then', {
        get() {
          throw failure;
        },
      });
      const deferred = Deferred.succeed(1).addCallback(() => broken);

      expect(resultOf(deferred)).to.equal(failure);
    });
  });

  describe('long chains', () => {
    const LENGTH = 100_000;

    function chain(): Deferred<number>[] {
      const all = Array.from({ length: LENGTH }, () => new Deferred<number>());
      all.forEach((deferred, index) => {
        const next = all[index + 1];
        if (next !== undefined) deferred.addCallback(() => next);
      });
      return all;
    }

    it('fire from the outermost to the innermost without growing the stack', () => {
      const all = chain();
      for (const [index, deferred] of all.entries()) deferred.callback(index);

      expect(resultOf(all[0] as Deferred<number>)).to.equal(LENGTH - 1);
    });

    it('fire from the innermost to the outermost without growing the stack', () => {
      const all = chain();
      for (let index = LENGTH - 1; index >= 0; index--) all[index]?.callback(index);

      expect(resultOf(all[0] as Deferred<number>)).to.equal(LENGTH - 1);
    });

    it('fire in any order without growing the stack', () => {
      const all = chain();
      // 7919 is prime to the length, so each comes exactly once.
      for (let index = 0; index < LENGTH; index++) all[(index * 7919) % LENGTH]?.callback(index);

      expect(resultOf(all[0] as Deferred<number>)).to.be.a('number');
    });

    it('go on in each of them after the result was handed over', () => {
      const all = chain();
      let count = 0;
      for (const [index, deferred] of all.entries()) deferred.callback(index);
      for (const deferred of all) deferred.addCallback(() => count++);

      expect(count).to.equal(LENGTH);
    });

    it('made with chainDeferred do not grow the stack', () => {
      const all = Array.from({ length: LENGTH }, () => new Deferred<number>());
      all.forEach((deferred, index) => {
        const next = all[index + 1];
        if (next !== undefined) deferred.chainDeferred(next);
      });

      all[0]?.callback(7);

      expect(resultOf(all.at(-1) as Deferred<number>)).to.equal(7);
    });

    it('of fired Deferreds inside of each other do not grow the stack', () => {
      let deferred: Deferred<number> = Deferred.succeed(0);
      for (let count = 0; count < LENGTH; count++) {
        const inner = deferred;
        deferred = Deferred.succeed(0).addCallback(() => inner.addCallback((value) => value + 1));
      }

      expect(resultOf(deferred)).to.equal(LENGTH);
    });
  });

  describe('chainDeferred', () => {
    it('fires the other with the value or the failure and keeps undefined', () => {
      for (const result of [5, failure]) {
        const source = new Deferred<number>();
        const target = new Deferred<number>();
        const rest = source.chainDeferred(target);
        if (typeof result === 'number') source.callback(result);
        else source.errback(result);

        expect(resultOf(target)).to.equal(result);
        expect(resultOf(rest)).to.equal(undefined);
      }
    });

    it('fails itself when the other was fired already', () => {
      const target = Deferred.succeed(1);
      const rest = Deferred.succeed(2).chainDeferred(target);

      expect(resultOf(rest)).to.be.instanceOf(AlreadyCalledError);
      expect(resultOf(target)).to.equal(1);
    });
  });

  describe('await', () => {
    it('gives the value, as often as one likes, and leaves it there', async () => {
      const deferred = new Deferred<number>();
      const early = (async () => (await deferred) + (await deferred))();
      deferred.callback(4);

      expect(await early).to.equal(8);
      expect(await deferred).to.equal(4);
      expect(resultOf(deferred)).to.equal(4);
    });

    it('throws the failure, as often as one likes', async () => {
      const deferred = Deferred.fail(failure);
      for (let time = 0; time < 2; time++) {
        expect(await deferred.then(undefined, (error) => error)).to.equal(failure);
      }
      expect(resultOf(deferred)).to.equal(failure);
    });

    it('sees the result after the callbacks added so far', async () => {
      const deferred = Deferred.succeed(1).addCallback((value) => value + 1);
      const seen = deferred.toPromise();
      const end = deferred.addCallback((value) => value * 10);

      expect(await seen).to.equal(2);
      expect(await end).to.equal(20);
    });

    it('resumes after the callbacks, in a microtask', async () => {
      const log: string[] = [];
      const deferred = new Deferred<void>();
      const waiting = deferred.then(() => log.push('then'));
      deferred.addCallback(() => log.push('callback'));

      deferred.callback();
      log.push('fired');
      await waiting;

      expect(log).to.deep.equal(['callback', 'fired', 'then']);
    });

    it('of many fired Deferreds in a row needs no stack', async () => {
      let sum = 0;
      for (let index = 0; index < 2_000; index++) sum += await Deferred.succeed(1);

      expect(sum).to.equal(2_000);
    });
  });
});
