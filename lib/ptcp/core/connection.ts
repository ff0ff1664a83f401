import type { Instant } from '../../time/clock.ts';
import { NEVER } from '../../time/clock.ts';
import type { Due } from './due-queue.ts';
import type { MemoryBudget } from './memory.ts';
import type { PathId } from './path.ts';
import { seqDiff } from './seq.ts';
import type { State } from './state.ts';
import type { CloseReason, Tcb } from './tcb.ts';
import { type TcpInfo, tcpInfo } from './tcp-info.ts';
import { armKeepAlive } from './timers.ts';
import { urgentLeft } from './urgent.ts';
import { abort, close, receive, receiveInto, send, sendUrgent, shutdown } from './user-calls.ts';

/** Node's key for a method that says what to print; elsewhere nobody asks for it. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** What a connection asks of its endpoint. */
export interface ConnectionOwner {
  /** The latest instant the endpoint was told of. */
  readonly now: Instant;
  readonly memory: MemoryBudget;
  /** Something may be to send, to tell or to wait for; with `isTextOnly` there is text to send, and no more. */
  touch(connection: Connection, isTextOnly?: boolean): void;
}

/**
 * A connection as its user holds it. It decides nothing: every call changes the control block and tells the endpoint.
 *
 * After a call, poll the endpoint: `pollTransmit` for what is to be sent, `pollEvent` for what has happened.
 */
export class Connection implements Due {
  /** A place for whoever drives the endpoint to keep what belongs to this connection. */
  context: unknown = undefined;
  /** @internal */
  readonly tcb: Tcb;
  /** @internal */
  readonly key: number;
  /** When the endpoint will look at it next; the endpoint's to change, as is `dueIndex`. */
  dueAt: Instant = NEVER;
  dueIndex = -1;
  /** @internal Whether it is in the endpoint's queue of those that may have something to send. */
  isReady = false;
  /** @internal Whether it is in the endpoint's queue of those that have news. */
  hasNews = false;
  readonly #owner: ConnectionOwner;

  /** @internal */
  constructor(owner: ConnectionOwner, tcb: Tcb, key: number) {
    this.#owner = owner;
    this.tcb = tcb;
    this.key = key;
  }

  get state(): State {
    return this.tcb.state;
  }

  get path(): PathId {
    return this.tcb.path.id;
  }

  get localPseudoPort(): number {
    return this.tcb.localPort;
  }

  get remotePseudoPort(): number {
    return this.tcb.remotePort;
  }

  /** Why it ended; undefined while it lives. */
  get closeReason(): CloseReason | undefined {
    return this.tcb.closeReason;
  }

  /** Bytes that `read` can give now. */
  get readableBytes(): number {
    return this.tcb.recvBuffer.readableBytes;
  }

  /** Bytes not yet read up to the end of the peer's urgent data, those still on their way included; 0 without any. */
  get urgentBytes(): number {
    return urgentLeft(this.tcb);
  }

  /** Bytes written and not yet acknowledged. */
  get unacknowledgedBytes(): number {
    return this.tcb.sendBuffer.length;
  }

  /** Bytes written and not yet sent. */
  get unsentBytes(): number {
    return Math.max(0, seqDiff(this.tcb.sendBuffer.tail, this.tcb.sndNxt));
  }

  /** Whether our FIN has been sent, all data before it. */
  get isFinSent(): boolean {
    return this.tcb.isFinSent;
  }

  /** Whether everything we sent, FIN included, has been acknowledged. */
  get isFinAcknowledged(): boolean {
    return this.tcb.isFinSent && this.tcb.sndUna === this.tcb.sndNxt;
  }

  /**
   * Copies as much of `bytes` as there is room for and returns how much that was.
   *
   * When it was not all, the event `writable` follows. Throws UsageError after `shutdown` or `close`.
   */
  write(bytes: Uint8Array): number {
    const accepted = send(this.tcb, bytes);
    this.#owner.touch(this, true);
    return accepted;
  }

  /**
   * As `write`, and the peer is told of urgent data up to the end of it (RFC 9293 §3.8.5), at once.
   *
   * Throws UsageError without the option `urgentData`.
   */
  writeUrgent(bytes: Uint8Array): number {
    const accepted = sendUrgent(this.tcb, bytes);
    this.#owner.touch(this);
    return accepted;
  }

  /** Takes up to `max` bytes in order; empty when none are there. Reading opens the window. */
  read(max: number): Uint8Array {
    const bytes = receive(this.tcb, max, this.#owner.memory, this.#owner.now);
    this.#owner.touch(this);
    return bytes;
  }

  /** As `read`, into `out`, which is the caller's: returns how many bytes were put at its start. Allocates nothing. */
  readInto(out: Uint8Array): number {
    const count = receiveInto(this.tcb, out, this.#owner.memory, this.#owner.now);
    this.#owner.touch(this);
    return count;
  }

  /** Half close: a FIN after what was written. Reading goes on. */
  shutdown(): void {
    shutdown(this.tcb);
    this.#owner.touch(this);
  }

  /** Closes both directions: a FIN after what was written, and nothing is read any more. See Profile.lingerMs. */
  close(): void {
    close(this.tcb);
    this.#owner.touch(this);
  }

  /** Drops everything and resets the peer. */
  abort(): void {
    abort(this.tcb);
    this.#owner.touch(this);
  }

  setNagle(isEnabled: boolean): void {
    this.tcb.nagle = isEnabled;
    this.#owner.touch(this);
  }

  /** While on, only full segments leave: for several writes that belong together. Turning it off sends the rest. */
  setCork(isEnabled: boolean): void {
    this.tcb.isCorked = isEnabled;
    this.#owner.touch(this);
  }

  setKeepAlive(isEnabled: boolean): void {
    this.tcb.keepAlive = isEnabled;
    armKeepAlive(this.tcb);
    this.#owner.touch(this);
  }

  /** What is measured. `now` dates the times since; the latest instant that the endpoint knows when left out. */
  tcpInfo(now: Instant = this.#owner.now): TcpInfo {
    return tcpInfo(this.tcb, now);
  }

  /** What a debugger prints for it: which connection it is, instead of its whole control block. */
  [INSPECT](): object {
    const { state, path, localPseudoPort, remotePseudoPort, closeReason } = this;
    return { state, path, localPseudoPort, remotePseudoPort, closeReason };
  }
}
