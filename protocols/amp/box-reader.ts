// Read docs/amp-wire.md first.
import { UsageError } from '../../lib/errors.ts';
import { BoxView, type ScanResult } from './box-view.ts';
import { copyOf } from './copy-of.ts';
import { BoxTooLarge, NoEmptyBoxes, TooLong } from './errors.ts';

/** Memory of a partial box that is worth keeping for the next one. */
const KEEP_BYTES = 65_536;
const FIRST_HELD_BYTES = 1024;

/** What a peer may send. Twisted has no such limits: there a box without an end takes all memory. */
export interface BoxLimits {
  /** The bytes of one box, as they stand on the wire; 16 MiB. */
  readonly maxBoxBytes?: number;
  /** The keys of one box; 10 000. */
  readonly maxBoxKeys?: number;
}

/** Why a stream is no sequence of boxes. After it nothing more is read. */
export type BoxFault = TooLong | NoEmptyBoxes | BoxTooLarge;

/**
 * Cuts a stream into boxes, however it arrives.
 *
 * It holds at most one box that is not whole, and what came while it was paused.
 */
export class BoxReader {
  readonly #boxReceived: (box: BoxView) => void;
  readonly #maxBoxBytes: number;
  readonly #maxBoxKeys: number;
  readonly #box = new BoxView();
  /** Bytes that came and were not given out: from #start up to #end. They are the caller's, or in #held. */
  #bytes: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;
  /** Memory of our own, for what must outlive a call of push. */
  #held: Uint8Array = NO_BYTES;
  #isReading = false;
  #isPaused = false;
  #isStopped = false;
  #fault: BoxFault | undefined = undefined;
  /** What was pushed from within boxReceived. */
  #later: Uint8Array[] = [];

  /** `boxReceived` is called with each box; the view is good until it returns. */
  constructor(boxReceived: (box: BoxView) => void, { maxBoxBytes, maxBoxKeys }: BoxLimits = {}) {
    this.#boxReceived = boxReceived;
    this.#maxBoxBytes = limitOf(maxBoxBytes, 'maxBoxBytes') ?? 2 ** 24;
    this.#maxBoxKeys = limitOf(maxBoxKeys, 'maxBoxKeys') ?? 10_000;
  }

  /** What was wrong with the stream. */
  get fault(): BoxFault | undefined {
    return this.#fault;
  }

  /** How many bytes came and were not given out as boxes. */
  get pendingBytes(): number {
    return this.#later.reduce((sum, bytes) => sum + bytes.length, this.#unreadBytes);
  }

  /**
   * Takes the next bytes of the stream, and says what is wrong with it, if anything: whole boxes before the fault
   * were given out. `bytes` must not change before it returns. After a fault or `takeRest`, nothing is taken.
   */
  push(bytes: Uint8Array): BoxFault | undefined {
    if (this.#isStopped) return this.#fault;
    if (this.#isReading) {
      this.#later.push(copyOf(bytes));
      return undefined;
    }
    this.#append(bytes);
    return this.#read();
  }

  /** Gives out no further box before `resume`. What is pushed meanwhile is held. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Goes on, with the boxes that are held. */
  resume(): BoxFault | undefined {
    this.#isPaused = false;
    return this.#isReading || this.#isStopped ? this.#fault : this.#read();
  }

  /**
   * Stops reading and returns what follows the last box that was given out, for whoever speaks from here on.
   *
   * May be called from within boxReceived: then it is what follows that box.
   */
  takeRest(): Uint8Array {
    const rest = new Uint8Array(this.pendingBytes);
    rest.set(this.#bytes.subarray(this.#start, this.#end));
    let at = this.#unreadBytes;
    for (const bytes of this.#later) {
      rest.set(bytes, at);
      at += bytes.length;
    }
    this.#stop();
    return rest;
  }

  get #unreadBytes(): number {
    return this.#end - this.#start;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#later = [];
    this.#forget();
  }

  #forget(): void {
    this.#start = 0;
    this.#end = 0;
    this.#bytes = NO_BYTES;
    if (this.#held.length > KEEP_BYTES) this.#held = NO_BYTES;
  }

  /** Puts `bytes` behind what is unread. Where nothing is, they are read in their place. */
  #append(bytes: Uint8Array): void {
    if (this.#unreadBytes === 0) {
      this.#bytes = bytes;
      this.#start = 0;
      this.#end = bytes.length;
      return;
    }
    this.#hold(bytes.length);
    this.#held.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Sees to it that what is unread lies in #held, with room for `count` bytes behind it. */
  #hold(count: number): void {
    const unread = this.#unreadBytes;
    const isHeld = this.#bytes === this.#held;
    if (isHeld && this.#end + count <= this.#held.length) return;
    const needed = unread + count;
    const to =
      needed <= this.#held.length
        ? this.#held
        : new Uint8Array(Math.max(needed, isHeld ? 2 * unread : FIRST_HELD_BYTES));
    to.set(this.#bytes.subarray(this.#start, this.#end));
    this.#held = to;
    this.#bytes = to;
    this.#start = 0;
    this.#end = unread;
  }

  #read(): BoxFault | undefined {
    this.#isReading = true;
    try {
      this.#readBoxes();
      while (this.#later.length > 0 && !this.#isPaused) {
        this.#appendLater();
        this.#readBoxes();
      }
    } finally {
      this.#isReading = false;
      this.#appendLater();
      if (this.#unreadBytes === 0) this.#forget();
      // The caller's bytes are his own again.
      else this.#hold(0);
    }
    return this.#fault;
  }

  #appendLater(): void {
    if (this.#later.length === 0) return;
    for (const bytes of this.#later.splice(0)) this.#append(bytes);
  }

  #readBoxes(): void {
    const box = this.#box;
    while (!this.#isPaused && !this.#isStopped) {
      const result = box.scan(this.#bytes, this.#start, this.#end);
      const fault = this.#faultOf(result);
      if (fault !== undefined) {
        this.#fault = fault;
        this.#stop();
        return;
      }
      if (result === 'partial') return;
      this.#start += box.scannedBytes;
      try {
        this.#boxReceived(box);
      } finally {
        box.reset();
      }
    }
  }

  #faultOf(result: ScanResult): BoxFault | undefined {
    const box = this.#box;
    if (result === 'long-key') {
      return new TooLong({ isKey: true, isLocal: false, length: box.longKeyBytes });
    }
    if (result === 'box' && box.size === 0) return new NoEmptyBoxes('an empty box came');
    if (box.size > this.#maxBoxKeys) {
      return new BoxTooLarge(`a box came with more than ${this.#maxBoxKeys} keys`);
    }
    if (box.scannedBytes > this.#maxBoxBytes) {
      return new BoxTooLarge(`a box came with more than ${this.#maxBoxBytes} bytes`);
    }
    return undefined;
  }
}

const NO_BYTES = new Uint8Array(0);

function limitOf(limit: number | undefined, name: string): number | undefined {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return limit;
  throw new UsageError(`${name} is ${limit}; it must be a whole number above 0`);
}
