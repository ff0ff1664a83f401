import { expect } from 'chai';
import { Deferred } from '../../lib/defer/deferred.ts';
import { setUnhandledFailureHook, type UnhandledFailureHook } from '../../lib/defer/unhandled.ts';

const failure = new Error('nobody hears this');

describe('a failure that nobody hears', () => {
  let reported: Error[] = [];
  let previous: UnhandledFailureHook;

  beforeEach(() => {
    reported = [];
    previous = setUnhandledFailureHook((error) => reported.push(error));
  });

  afterEach(() => {
    setUnhandledFailureHook(previous);
  });

  function turnEnd(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  it('is reported once, after the turn', async () => {
    Deferred.fail(failure);
    expect(reported).to.deep.equal([]);

    await turnEnd();
    await turnEnd();

    expect(reported).to.deep.equal([failure]);
  });

  it('is reported when a callback threw it, and also when an errback did', async () => {
    const second = new Error('second');
    Deferred.succeed(1).addCallback(() => {
      throw failure;
    });
    Deferred.fail(failure).addErrback(() => {
      throw second;
    });
    await turnEnd();

    expect(reported).to.deep.equal([failure, second]);
  });

  it('is not heard by callbacks alone', async () => {
    Deferred.fail(failure).addCallback(() => {});
    await turnEnd();

    expect(reported).to.deep.equal([failure]);
  });

  it('is not reported when an errback comes before the turn ends', async () => {
    const deferred = Deferred.fail(failure);
    await Promise.resolve();
    deferred.addErrback(() => {});
    await turnEnd();

    expect(reported).to.deep.equal([]);
  });

  it('is not reported when it is awaited', async () => {
    const deferred = Deferred.fail(failure);
    let caught: unknown;
    try {
      await deferred;
    } catch (error) {
      caught = error;
    }
    await turnEnd();

    expect(caught).to.equal(failure);
    expect(reported).to.deep.equal([]);
  });

  it('is not reported twice when it was awaited and passed by callbacks', async () => {
    const deferred = Deferred.fail(failure);
    deferred.then(undefined, () => {});
    deferred.addCallback(() => {});
    await turnEnd();

    expect(reported).to.deep.equal([]);
  });

  it('goes to the outer Deferred with the result, and is reported for that one alone', async () => {
    const inner = new Deferred<never>();
    Deferred.succeed(1).addCallback(() => inner);
    inner.errback(failure);
    await turnEnd();

    expect(reported).to.deep.equal([failure]);
  });

  it('is heard when the Deferred that takes it over has an errback', async () => {
    const fired = Deferred.fail(failure);
    Deferred.succeed(1)
      .addCallback(() => fired)
      .addErrback(() => {});
    const chained = Deferred.fail(failure);
    const target = new Deferred<never>();
    target.addErrback(() => {});
    chained.chainDeferred(target);
    await turnEnd();

    expect(reported).to.deep.equal([]);
  });

  it('is the cancelling, too', async () => {
    new Deferred<number>().cancel();
    await turnEnd();

    expect(reported.map((error) => error.name)).to.deep.equal(['CancelledError']);
  });

  it('is not reported while a pause holds back an errback', async () => {
    const deferred = Deferred.fail(failure);
    deferred.pause();
    deferred.addErrback(() => {});
    await turnEnd();
    expect(reported).to.deep.equal([]);

    deferred.unpause();
    await turnEnd();
    expect(reported).to.deep.equal([]);
  });

  it('is reported again when the report was followed by another failure', async () => {
    const second = new Error('second');
    const deferred = Deferred.fail(failure);
    await turnEnd();
    deferred.addErrback(() => {
      throw second;
    });
    await turnEnd();

    expect(reported).to.deep.equal([failure, second]);
  });

  it('surfaces as an unhandled rejection unless a hook is set, and so does what a hook throws', async () => {
    const broken = new Error('from the hook');
    const listeners = process.rawListeners('unhandledRejection');
    const rejections: unknown[] = [];
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => rejections.push(reason));
    try {
      setUnhandledFailureHook(previous);
      Deferred.fail(failure);
      await turnEnd();
      setUnhandledFailureHook(() => {
        throw broken;
      });
      Deferred.fail(failure);
      Deferred.fail(failure);
      await turnEnd();
      await turnEnd();
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener as () => void);
    }

    expect(rejections).to.deep.equal([failure, broken, broken]);
  });
});
