import {
  CancelledError,
  SchedulerStopped,
  TaskDone,
  TaskFailed,
  type TaskFinished,
  TaskStopped,
  toError,
  UsageError,
} from '../errors.ts';
import type { Clock, DelayedCall, Instant } from '../time/clock.ts';
import { maybeDeferred } from './combinators.ts';
import { Deferred, type Eventual, isThenable } from './deferred.ts';

/** Fires after `delayMs` with what `call` returns, or with undefined. Cancelling takes the call back. */
export function deferLater(clock: Clock, delayMs: number): Deferred<void>;
export function deferLater<T>(clock: Clock, delayMs: number, call: () => Eventual<T>): Deferred<T>;
export function deferLater(clock: Clock, delayMs: number, call: () => unknown = ignore): Deferred<unknown> {
  const later = new Deferred<void>(() => timer.cancel());
  const timer = clock.callLater(delayMs, () => later.callback());
  return later.addCallback(call);
}

/**
 * Calls again and again on a fixed grid of times, never while the call before is not through.
 *
 * Times that pass meanwhile are skipped; the grid does not drift.
 */
export class LoopingCall {
  readonly #clock: Clock;
  readonly #call: () => unknown;
  #intervalMs = 0;
  #startedAt: Instant = 0;
  // Places on the grid are counted from 0 at `#startedAt`.
  #lastPlace = 0;
  #count = 0;
  #timer: DelayedCall | undefined;
  #stopped: Deferred<this> | undefined;

  constructor(clock: Clock, call: () => unknown) {
    this.#clock = clock;
    this.#call = call;
  }

  /** One whose call is told how many places of the grid have come since the call before: 1, or more if some were skipped. */
  static withCount(clock: Clock, call: (count: number) => unknown): LoopingCall {
    const looping: LoopingCall = new LoopingCall(clock, () => call(looping.#count));
    return looping;
  }

  get running(): boolean {
    return this.#stopped !== undefined;
  }

  /**
   * Starts calling every `intervalMs`, the first time now unless `now` is false. With 0, again as soon as it can be.
   *
   * Fires with this once it was stopped and the last call is through; fails, and stops, with the first failure of a
   * call. Cancelling stops. UsageError while it is running.
   */
  start(intervalMs: number, now = true): Deferred<this> {
    if (this.running) throw new UsageError('the looping call is running already');
    if (!(intervalMs >= 0 && Number.isFinite(intervalMs)))
      throw new UsageError(`cannot call every ${intervalMs} ms`);
    const stopped = new Deferred<this>(() => {
      if (this.#stopped === stopped) this.#halt();
    });
    this.#stopped = stopped;
    this.#intervalMs = intervalMs;
    this.#startedAt = this.#clock.now();
    this.#lastPlace = now ? -1 : 0;
    if (now) this.#callAt(0);
    else this.#schedule();
    return stopped;
  }

  /** Calls no more. What `start` returned fires, after the running call if there is one. UsageError if not running. */
  stop(): void {
    const stopped = this.#requireRunning();
    if (this.#halt()) stopped.callback(this);
  }

  /** Skips the next call and starts a new grid from now. Does nothing while a call is not through. */
  reset(): void {
    this.#requireRunning();
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#startedAt = this.#clock.now();
    this.#lastPlace = 0;
    this.#schedule();
  }

  #requireRunning(): Deferred<this> {
    if (this.#stopped === undefined) throw new UsageError('the looping call is not running');
    return this.#stopped;
  }

  /** Returns whether a call was still to come; otherwise one is not through. */
  #halt(): boolean {
    this.#stopped = undefined;
    const timer = this.#timer;
    this.#timer = undefined;
    timer?.cancel();
    return timer !== undefined;
  }

  #schedule(): void {
    const now = this.#clock.now();
    const place = Math.max(this.#placeAt(now), this.#lastPlace) + 1;
    this.#timer = this.#clock.callLater(Math.max(0, this.#dueAt(place) - now), () => {
      this.#timer = undefined;
      // Adding floats may have put the clock a hair before the place.
      this.#callAt(Math.max(place, this.#placeAt(this.#clock.now())));
    });
  }

  #callAt(place: number): void {
    const stopped = this.#stopped as Deferred<this>;
    this.#count = place - this.#lastPlace;
    this.#lastPlace = place;
    maybeDeferred(this.#call).addCallbacks(
      () => {
        // Stopped meanwhile, and perhaps started anew: then the calls of now are not of this run.
        if (this.#stopped === stopped) this.#schedule();
        else if (!stopped.called) stopped.callback(this);
      },
      (error) => {
        if (this.#stopped === stopped) this.#stopped = undefined;
        if (stopped.called) throw error;
        stopped.errback(error);
      },
    );
  }

  #dueAt(place: number): Instant {
    return this.#startedAt + place * this.#intervalMs;
  }

  /** The last place that is not after `now`. Settled with the sum that made the due time: a quotient may round. */
  #placeAt(now: Instant): number {
    if (this.#intervalMs === 0) return this.#lastPlace;
    const place = Math.floor((now - this.#startedAt) / this.#intervalMs);
    if (this.#dueAt(place) > now) return place - 1;
    return this.#dueAt(place + 1) <= now ? place + 1 : place;
  }
}

/** How a Cooperator shares the time. */
export interface CooperatorOptions {
  /** How long steps are made before everybody else gets a turn: 10 ms unless given. */
  readonly sliceMs?: number;
  /** Whether it works from the beginning: true unless given. */
  readonly isStarted?: boolean;
}

/** What a Cooperator steps through. A Deferred or promise it yields is waited for; what else it yields is ignored. */
export type Work<T> = Iterator<unknown, T>;

/** Steps through several iterators in turn, in slices of time with room for everything else between them. */
export class Cooperator {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  // In the order of their turns: who made a step goes to the end.
  readonly #ready = new Set<CooperativeTask<unknown>>();
  readonly #unfinished = new Set<CooperativeTask<unknown>>();
  #isStarted: boolean;
  #isStopped = false;
  #slice: DelayedCall | undefined;

  constructor(clock: Clock, options: CooperatorOptions = {}) {
    this.#clock = clock;
    this.#sliceMs = options.sliceMs ?? 10;
    this.#isStarted = options.isStarted ?? true;
    if (!(this.#sliceMs >= 0)) throw new UsageError(`a slice cannot last ${this.#sliceMs} ms`);
  }

  get running(): boolean {
    return this.#isStarted && !this.#isStopped;
  }

  /** Begins to step through `work`. Once the Cooperator was stopped, the task ends at once with SchedulerStopped. */
  cooperate<T>(work: Work<T>): CooperativeTask<T> {
    const task: CooperativeTask<T> = new CooperativeTask(work, (isReady) => this.#taskChanged(task, isReady));
    this.#unfinished.add(task);
    if (this.#isStopped) task.abandon(new SchedulerStopped('the cooperator was stopped'));
    else this.#taskChanged(task, true);
    return task;
  }

  /** `cooperate`, for those who only want to know what `work` returns. Cancelling stops the task. */
  coiterate<T>(work: Work<T>): Deferred<T> {
    const task = this.cooperate(work);
    const done = new Deferred<T>((self) => {
      self.errback(new CancelledError());
      task.stop();
    });
    task.whenDone().observe(
      (value) => done.callback(value),
      (error) => done.called || done.errback(error),
    );
    return done;
  }

  /** Makes steps, if it was not started or was stopped before. */
  start(): void {
    this.#isStarted = true;
    this.#isStopped = false;
    this.#scheduleSlice();
  }

  /** Ends every task with SchedulerStopped, and those that come later, until `start`. */
  stop(): void {
    this.#isStopped = true;
    for (const task of this.#unfinished) task.abandon(new SchedulerStopped('the cooperator was stopped'));
    this.#slice?.cancel();
    this.#slice = undefined;
  }

  #taskChanged(task: CooperativeTask<unknown>, isReady: boolean): void {
    if (task.isFinished) this.#unfinished.delete(task);
    if (isReady) {
      this.#ready.add(task);
      this.#scheduleSlice();
      return;
    }
    this.#ready.delete(task);
    if (this.#ready.size > 0) return;
    this.#slice?.cancel();
    this.#slice = undefined;
  }

  #scheduleSlice(): void {
    if (!this.running || this.#slice !== undefined || this.#ready.size === 0) return;
    this.#slice = this.#clock.callLater(0, () => {
      this.#slice = undefined;
      this.#runSlice();
      this.#scheduleSlice();
    });
  }

  #runSlice(): void {
    const endAt = this.#clock.now() + this.#sliceMs;
    do {
      const [task] = this.#ready;
      if (task === undefined) return;
      this.#ready.delete(task);
      this.#ready.add(task);
      task.step();
    } while (this.#clock.now() < endAt);
  }
}

/** One iterator in a Cooperator. */
export class CooperativeTask<T> {
  readonly #work: Work<T>;
  readonly #changed: (isReady: boolean) => void;
  readonly #outcome: Deferred<T> = new Deferred<T>();
  #pauses = 0;
  #isWaiting = false;
  #end: TaskFinished | undefined;

  /** @internal */
  constructor(work: Work<T>, changed: (isReady: boolean) => void) {
    this.#work = work;
    this.#changed = changed;
  }

  get isFinished(): boolean {
    return this.#end !== undefined;
  }

  /** Makes no step until `resume` was called as often. Throws the TaskFinished that tells how it ended, if it has. */
  pause(): void {
    this.#requireUnfinished();
    this.#pauses += 1;
    this.#changed(false);
  }

  /** Takes one `pause` back; UsageError when there is none. Throws as `pause` does. */
  resume(): void {
    this.#requireUnfinished();
    if (this.#pauses === 0) throw new UsageError('the task is not paused');
    this.#pauses -= 1;
    this.#goOn();
  }

  /** Ends it with TaskStopped. Its iterator is not told. Throws as `pause` does. */
  stop(): void {
    this.#requireUnfinished();
    this.abandon(new TaskStopped('the task was stopped'));
  }

  /** What the iterator returns; fails with what it throws, or with TaskStopped or SchedulerStopped. */
  whenDone(): Deferred<T> {
    const done: Deferred<T> = new Deferred<T>();
    this.#outcome.observe(
      (value) => done.callback(value),
      (error) => done.errback(error),
    );
    return done;
  }

  /** @internal */
  abandon(reason: TaskFinished): void {
    // Whoever stops it knows; nobody else has to hear of it.
    this.#outcome.observe(ignore, ignore);
    this.#finish(reason);
    this.#outcome.errback(reason);
  }

  /** @internal */
  step(): void {
    try {
      const { done, value } = this.#work.next();
      // It may have been stopped from inside of `next`.
      if (this.isFinished) return;
      if (done === true) this.#succeed(value);
      else if (isThenable(value)) this.#waitFor(Deferred.from(value));
    } catch (thrown) {
      this.#fail(toError(thrown));
    }
  }

  #succeed(value: T): void {
    this.#finish(new TaskDone('the task is done'));
    this.#outcome.callback(value);
  }

  #fail(error: Error): void {
    if (this.isFinished) {
      // Nobody waits for what comes of a stopped task: this reports it.
      Deferred.fail(error);
      return;
    }
    this.#finish(new TaskFailed(`the task failed: ${error.message}`, { cause: error }));
    this.#outcome.errback(error);
  }

  #finish(end: TaskFinished): void {
    this.#end = end;
    this.#changed(false);
  }

  #waitFor(yielded: Deferred<unknown>): void {
    this.#isWaiting = true;
    this.#changed(false);
    yielded.observe(
      () => {
        this.#isWaiting = false;
        this.#goOn();
      },
      (error) => this.#fail(error),
    );
  }

  #goOn(): void {
    if (this.#pauses === 0 && !this.#isWaiting && !this.isFinished) this.#changed(true);
  }

  #requireUnfinished(): void {
    if (this.#end !== undefined) throw this.#end;
  }
}

function ignore(): void {}
