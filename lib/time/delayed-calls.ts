import { AlreadyCalledError, AlreadyCancelledError, UsageError } from '../errors.ts';
import { type DelayedCall, type Instant, NEVER } from './clock.ts';

/**
 * The delayed calls of one clock, earliest first. Holds no timer: the clock asks what is due.
 *
 * Calls due together come out in the order in which they were made, also those moved by `reset` or `delay`.
 */
export class DelayedCalls {
  // A binary heap ordered by (dueAt, sequence). Each call knows its index, so that any can be removed in O(log n).
  readonly #heap: ScheduledCall[] = [];
  readonly #now: () => Instant;
  readonly #changed: () => void;
  #nextSequence = 0;
  #keepAliveCount = 0;

  /** `changed` is called whenever `nextDueAt` or `keepAliveCount` may have changed, but not by `takeDue`. */
  constructor(now: () => Instant, changed: () => void = () => {}) {
    this.#now = now;
    this.#changed = changed;
  }

  /** How many calls are still to come. */
  get pending(): number {
    return this.#heap.length;
  }

  /** How many of them the process must stay alive for. */
  get keepAliveCount(): number {
    return this.#keepAliveCount;
  }

  /** When the earliest is due, or NEVER. */
  get nextDueAt(): Instant {
    const earliest = this.#heap[0];
    return earliest === undefined ? NEVER : earliest.dueAt;
  }

  /** Adds a call due `delayMs` from now. UsageError unless `delayMs` is a finite number of at least 0. */
  add(delayMs: number, call: () => void): DelayedCall {
    requireDelay(delayMs);
    const added = new ScheduledCall(this, this.#now() + delayMs, this.#nextSequence++, call);
    this.#keepAliveCount += 1;
    this.#heap.push(added);
    this.#rise(added, this.#heap.length - 1);
    this.#changed();
    return added;
  }

  /** Removes the earliest call that is due at `now` and returns what to run; it counts as called from here on. */
  takeDue(now: Instant): (() => void) | undefined {
    const earliest = this.#heap[0];
    if (earliest === undefined || earliest.dueAt > now) return undefined;
    this.#remove(earliest);
    return earliest.take('called');
  }

  /** @internal */
  withdraw(call: ScheduledCall): void {
    this.#remove(call);
    call.take('cancelled');
    this.#changed();
  }

  /** @internal */
  move(call: ScheduledCall, dueAt: Instant): void {
    call.dueAt = dueAt;
    this.#settle(call, call.index);
    this.#changed();
  }

  /** @internal */
  moveFromNow(call: ScheduledCall, delayMs: number): void {
    requireDelay(delayMs);
    this.move(call, this.#now() + delayMs);
  }

  /** @internal */
  setKeepAlive(call: ScheduledCall, isNeeded: boolean): void {
    if (call.isKeepingAlive === isNeeded) return;
    call.isKeepingAlive = isNeeded;
    this.#keepAliveCount += isNeeded ? 1 : -1;
    this.#changed();
  }

  #remove(call: ScheduledCall): void {
    const last = this.#heap.pop() as ScheduledCall;
    if (last !== call) this.#settle(last, call.index);
    call.index = -1;
    if (call.isKeepingAlive) this.#keepAliveCount -= 1;
  }

  /** Puts `call` where it belongs, starting from the free place at `index`. */
  #settle(call: ScheduledCall, index: number): void {
    this.#rise(call, index);
    if (call.index === index) this.#sink(call, index);
  }

  #rise(call: ScheduledCall, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >>> 1;
      const parent = this.#heap[parentIndex] as ScheduledCall;
      if (!comesBefore(call, parent)) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(call, index);
  }

  #sink(call: ScheduledCall, from: number): void {
    const length = this.#heap.length;
    let index = from;
    for (let childIndex = 2 * index + 1; childIndex < length; childIndex = 2 * index + 1) {
      let child = this.#heap[childIndex] as ScheduledCall;
      const sibling = this.#heap[childIndex + 1];
      if (sibling !== undefined && comesBefore(sibling, child)) {
        child = sibling;
        childIndex += 1;
      }
      if (!comesBefore(child, call)) break;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(call, index);
  }

  #place(call: ScheduledCall, index: number): void {
    this.#heap[index] = call;
    call.index = index;
  }
}

/** One call in the queue. Its fields belong to the queue; callers see a DelayedCall. */
class ScheduledCall implements DelayedCall {
  dueAt: Instant;
  readonly sequence: number;
  index = -1;
  isKeepingAlive = true;
  readonly #queue: DelayedCalls;
  // What to run; once it left the queue, why it did. So a kept DelayedCall keeps nothing else alive.
  #call: (() => void) | 'called' | 'cancelled';

  constructor(queue: DelayedCalls, dueAt: Instant, sequence: number, call: () => void) {
    this.#queue = queue;
    this.dueAt = dueAt;
    this.sequence = sequence;
    this.#call = call;
  }

  get active(): boolean {
    return typeof this.#call === 'function';
  }

  cancel(): void {
    this.#requireActive();
    this.#queue.withdraw(this);
  }

  reset(delayMs: number): void {
    this.#requireActive();
    this.#queue.moveFromNow(this, delayMs);
  }

  delay(delayMs: number): void {
    this.#requireActive();
    if (!Number.isFinite(delayMs)) throw new UsageError(`cannot move a call by ${delayMs} ms`);
    this.#queue.move(this, this.dueAt + delayMs);
  }

  keepAlive(isNeeded: boolean): void {
    if (this.active) this.#queue.setKeepAlive(this, isNeeded);
  }

  take(why: 'called' | 'cancelled'): () => void {
    const call = this.#call as () => void;
    this.#call = why;
    return call;
  }

  #requireActive(): void {
    if (this.#call === 'called') throw new AlreadyCalledError('the delayed call was made already');
    if (this.#call === 'cancelled') throw new AlreadyCancelledError('the delayed call was cancelled already');
  }
}

function comesBefore(a: ScheduledCall, b: ScheduledCall): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.sequence < b.sequence);
}

/** An endless delay is refused as well: such a call would keep the process alive and never come. */
function requireDelay(delayMs: number): void {
  if (!(delayMs >= 0 && delayMs < NEVER)) throw new UsageError(`cannot make a call ${delayMs} ms from now`);
}
