import { expect } from 'chai';
import { Deferred } from '../../lib/defer/deferred.ts';
import { DeferredLock, DeferredQueue, DeferredSemaphore } from '../../lib/defer/locks.ts';
import { CancelledError, QueueOverflow, QueueUnderflow, UsageError } from '../../lib/errors.ts';
import { resultOf } from '../support/results.ts';

const failure = new Error('failure');

describe('DeferredLock', () => {
  it('lets one in at a time, first come, first served', () => {
    const lock = new DeferredLock();
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) lock.acquire().addCallback(() => log.push(name));
    expect(log).to.deep.equal(['a']);
    expect(lock.locked).to.equal(true);

    lock.release();
    expect(log).to.deep.equal(['a', 'b']);
    lock.release();
    lock.release();
    expect(log).to.deep.equal(['a', 'b', 'c']);
    expect(lock.locked).to.equal(false);
  });

  it('fires with itself', () => {
    const lock = new DeferredLock();

    expect(resultOf(lock.acquire())).to.equal(lock);
  });

  it('refuses a release without an acquire', () => {
    const lock = new DeferredLock();
    expect(() => lock.release()).to.throw(UsageError);
    lock.acquire();
    lock.release();
    expect(() => lock.release()).to.throw(UsageError);
  });

  it('forgets who is cancelled while waiting, and nobody who is in', () => {
    const lock = new DeferredLock();
    const inside = lock.acquire();
    const cancelled = lock.acquire();
    const next = lock.acquire();
    inside.cancel();
    cancelled.cancel();
    expect(resultOf(inside)).to.equal(lock);
    expect(resultOf(cancelled)).to.be.instanceOf(CancelledError);
    expect(lock.waiting).to.equal(1);

    lock.release();
    expect(resultOf(next)).to.equal(lock);
  });

  it('runs work inside and releases after it, well or not', () => {
    const lock = new DeferredLock();
    const first = new Deferred<string>();
    const log: string[] = [];
    const results = [
      lock.run(() => first),
      lock.run(() => {
        log.push('second began');
        throw failure;
      }),
      lock.run(() => 'third'),
    ];
    expect(log).to.deep.equal([]);
    first.callback('first');

    expect(results.map((result) => resultOf(result))).to.deep.equal(['first', failure, 'third']);
    expect(lock.locked).to.equal(false);
  });

  it('cancels the work of run, or takes it out of the line', () => {
    const lock = new DeferredLock();
    let began = 0;
    const running = lock.run(() => {
      began += 1;
      return new Deferred<void>();
    });
    const waiting = lock.run(() => {
      began += 1;
    });
    waiting.cancel();
    running.cancel();

    expect(resultOf(running)).to.be.instanceOf(CancelledError);
    expect(resultOf(waiting)).to.be.instanceOf(CancelledError);
    expect(began).to.equal(1);
    expect(lock.locked).to.equal(false);
  });

  it('is released at the end of a using block, also after an exception', async () => {
    const lock = new DeferredLock();
    async function fail(): Promise<void> {
      using inside = await lock.acquire();
      expect(inside.locked).to.equal(true);
      throw failure;
    }

    const error = await fail().catch((thrown: unknown) => thrown);

    expect(error).to.equal(failure);
    expect(lock.locked).to.equal(false);
  });

  it('empties a long line at once without growing the stack', () => {
    const lock = new DeferredLock();
    let count = 0;
    lock.acquire();
    for (let index = 0; index < 50_000; index++) lock.run(() => count++);
    lock.release();

    expect(count).to.equal(50_000);
    expect(lock.locked).to.equal(false);
  });
});

describe('DeferredSemaphore', () => {
  it('lets as many in as its limit', () => {
    const semaphore = new DeferredSemaphore(2);
    const acquired = [semaphore.acquire(), semaphore.acquire(), semaphore.acquire()];
    expect(acquired.map((deferred) => deferred.called)).to.deep.equal([true, true, false]);
    expect(semaphore.free).to.equal(0);

    semaphore.release();
    expect(acquired[2]?.called).to.equal(true);
    semaphore.release();
    semaphore.release();
    expect(semaphore.free).to.equal(2);
    expect(() => semaphore.release()).to.throw(UsageError);
  });

  it('keeps the line also for who acquires while it moves', () => {
    const semaphore = new DeferredSemaphore(1);
    const log: string[] = [];
    semaphore.acquire();
    semaphore.acquire().addCallback(() => {
      log.push('second');
      semaphore.release();
      semaphore.acquire().addCallback(() => log.push('fourth'));
    });
    semaphore.acquire().addCallback(() => {
      log.push('third');
      semaphore.release();
    });
    semaphore.release();

    expect(log).to.deep.equal(['second', 'third', 'fourth']);
  });

  it('refuses a limit that lets nobody in', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new DeferredSemaphore(limit)).to.throw(UsageError);
    }
  });
});

describe('DeferredQueue', () => {
  it('gives values out in their order, to those who wait in theirs', () => {
    const queue = new DeferredQueue<number>();
    const early = [queue.get(), queue.get()];
    for (const value of [1, 2, 3, 4]) queue.put(value);

    expect(early.map((wanted) => resultOf(wanted))).to.deep.equal([1, 2]);
    expect(queue.length).to.equal(2);
    expect([resultOf(queue.get()), resultOf(queue.get())]).to.deep.equal([3, 4]);
    expect(queue.length).to.equal(0);
  });

  it('skips who is cancelled while waiting, and leaves alone who has a value', () => {
    const queue = new DeferredQueue<number>();
    const cancelled = queue.get();
    const next = queue.get();
    cancelled.cancel();
    queue.put(1);
    next.cancel();

    expect(resultOf(cancelled)).to.be.instanceOf(CancelledError);
    expect(resultOf(next)).to.equal(1);
    expect(queue.waiting).to.equal(0);
  });

  it('keeps to its limits', () => {
    const queue = new DeferredQueue<number>({ size: 1, backlog: 1 });
    queue.put(1);
    expect(() => queue.put(2)).to.throw(QueueOverflow);
    queue.get();
    const waiting = queue.get();
    expect(resultOf(queue.get())).to.be.instanceOf(QueueUnderflow);
    queue.put(3);

    expect(resultOf(waiting)).to.equal(3);
    expect(() => new DeferredQueue({ size: -1 })).to.throw(UsageError);
    expect(() => new DeferredQueue({ backlog: Number.NaN })).to.throw(UsageError);
  });

  it('refuses a Deferred before anybody who waits is disturbed', () => {
    const queue = new DeferredQueue<unknown>();
    const waiting = queue.get();
    expect(() => queue.put(new Deferred())).to.throw(UsageError);
    queue.put('value');

    expect(resultOf(waiting)).to.equal('value');
  });

  it('stays in order through many values', () => {
    const queue = new DeferredQueue<number>();
    const out: unknown[] = [];
    for (let value = 0; value < 3_000; value++) {
      queue.put(value);
      if (value % 3 === 2) out.push(resultOf(queue.get()));
    }
    while (queue.length > 0) out.push(resultOf(queue.get()));

    expect(out).to.deep.equal(Array.from({ length: 3_000 }, (_, index) => index));
  });
});
