import type { Connection } from '../lib/ptcp/core/connection.ts';
import type { CloseReason } from '../lib/ptcp/core/tcb.ts';
import { type Instant, NEVER } from '../lib/time/clock.ts';
import { firstDifference, isPattern, PATTERN } from './pattern.ts';
import type { UserPlan } from './plan.ts';
import { Violation } from './violation.ts';

/** What is offered to the core at once by somebody who writes all he has. */
const WRITE_BYTES = 262_144;
/** Where everybody reads into. */
const SCRATCH = new Uint8Array(WRITE_BYTES);

/** The user of one end of a connection, who follows his plan and compares what comes with what should. */
export class User {
  readonly plan: UserPlan;
  readonly #expected: UserPlan;
  connection: Connection | undefined = undefined;
  /** The user at the other end. */
  peer: User | undefined = undefined;
  writtenBytes = 0;
  receivedBytes = 0;
  /** Why the connection ended; 'crashed' with the host. */
  reason: CloseReason | 'crashed' | undefined = undefined;
  hasPeerClosed = false;
  /** Whether he has ended his part: nothing is written any more. */
  hasEnded = false;
  /** When he wants to act next. */
  nextAt: Instant = NEVER;
  #isOpen = false;
  #hasClosed = false;
  #writeAt: Instant = -NEVER;
  #readAt: Instant = -NEVER;
  #idleUntil: Instant = NEVER;

  /** `expected` is the plan of the user at the other end. */
  constructor(plan: UserPlan, expected: UserPlan) {
    this.plan = plan;
    this.#expected = expected;
    if (plan.endAt !== NEVER) this.nextAt = plan.endAt;
  }

  /** Whether nothing is left for him to do. */
  get isOver(): boolean {
    if (this.reason === undefined) return false;
    return this.#hasClosed || this.connection === undefined || this.connection.readableBytes === 0;
  }

  opened(now: Instant): void {
    this.#isOpen = true;
    this.act(now);
  }

  peerClosed(now: Instant): void {
    this.hasPeerClosed = true;
    this.act(now);
  }

  closed(reason: CloseReason, now: Instant): void {
    this.reason = reason;
    this.act(now);
  }

  /** His host is gone, and what he knew with it. */
  crashed(): void {
    if (this.reason !== undefined) return;
    this.reason = 'crashed';
    this.connection = undefined;
    this.nextAt = NEVER;
  }

  /** Reads, writes and ends as far as the plan says. `isPaused` keeps him from reading. */
  act(now: Instant, isPaused = false): void {
    if (this.connection === undefined) return;
    this.nextAt = NEVER;
    if (this.plan.ending !== 'close-unread' && !isPaused && !this.#hasClosed) this.#read(now);
    if (this.reason !== undefined) return;
    if (this.plan.endAt !== NEVER && !this.hasEnded) {
      if (now >= this.plan.endAt) {
        this.#endEarly();
        return;
      }
      this.#wake(this.plan.endAt);
    }
    if (this.#isOpen && !this.hasEnded) this.#write(now);
  }

  #wake(at: Instant): void {
    if (at < this.nextAt) this.nextAt = at;
  }

  #endEarly(): void {
    this.hasEnded = true;
    this.#hasClosed = true;
    if (this.plan.ending === 'abort') this.connection!.abort();
    else this.connection!.close();
  }

  #read(now: Instant): void {
    const { readBytes, readEveryMs } = this.plan;
    const connection = this.connection!;
    while (connection.readableBytes > 0) {
      if (now < this.#readAt) {
        this.#wake(this.#readAt);
        return;
      }
      const count = connection.readInto(readBytes < WRITE_BYTES ? SCRATCH.subarray(0, readBytes) : SCRATCH);
      this.#take(count);
      if (count === 0) return;
      if (readEveryMs > 0) this.#readAt = now + readEveryMs;
    }
  }

  /** The stream must go on exactly where it was; `count` bytes are in SCRATCH. */
  #take(count: number): void {
    const { contentAt, totalBytes } = this.#expected;
    const at = contentAt + this.receivedBytes;
    if (this.receivedBytes + count > totalBytes)
      throw new Violation('stream', `${this.receivedBytes + count} bytes came of ${totalBytes}`);
    if (!isPattern(SCRATCH, count, at))
      throw new Violation('stream', `wrong at ${this.receivedBytes + firstDifference(SCRATCH, at)}`);
    this.receivedBytes += count;
  }

  #write(now: Instant): void {
    const { plan } = this;
    for (;;) {
      const allowed = Math.min(this.#allowance(now), plan.totalBytes) - this.writtenBytes;
      if (allowed > 0 && now < this.#writeAt) {
        this.#wake(this.#writeAt);
        return;
      }
      if (allowed <= 0) break;
      const offered = Math.min(allowed, plan.writeBytes, WRITE_BYTES);
      const from = plan.contentAt + this.writtenBytes;
      const accepted = this.connection!.write(PATTERN.subarray(from, from + offered));
      this.writtenBytes += accepted;
      if (accepted < offered) return;
      if (plan.writeEveryMs > 0) this.#writeAt = now + plan.writeEveryMs;
    }
    if (this.writtenBytes === plan.totalBytes) this.#end();
  }

  /** How many bytes he may have written by now. */
  #allowance(now: Instant): number {
    const { gate, turnBytes, idleAfterBytes, idleMs, totalBytes } = this.plan;
    if (idleMs > 0 && this.writtenBytes >= idleAfterBytes) {
      if (this.#idleUntil === NEVER) this.#idleUntil = now + idleMs;
      if (now < this.#idleUntil) {
        this.#wake(this.#idleUntil);
        return 0;
      }
    }
    const mostBytes = idleMs > 0 && this.writtenBytes < idleAfterBytes ? idleAfterBytes : totalBytes;
    return Math.min(mostBytes, this.#gateBytes(gate, turnBytes));
  }

  #gateBytes(gate: UserPlan['gate'], turnBytes: number): number {
    switch (gate) {
      case 'open':
        return this.plan.totalBytes;
      case 'ask':
        return (Math.floor(this.receivedBytes / turnBytes) + 1) * turnBytes;
      case 'answer':
        return Math.floor(this.receivedBytes / turnBytes) * turnBytes;
      case 'peer-closed':
        return this.hasPeerClosed ? this.plan.totalBytes : 0;
    }
  }

  #end(): void {
    const { ending } = this.plan;
    if (ending !== 'shutdown' && ending !== 'close') return;
    this.hasEnded = true;
    this.#hasClosed = ending === 'close';
    if (ending === 'close') this.connection!.close();
    else this.connection!.shutdown();
  }
}
