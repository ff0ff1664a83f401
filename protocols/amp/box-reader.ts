// Read docs/amp-wire.md first.
import { UsageError } from '../../lib/errors.ts';
import { BoxView, type ScanResult } from './box-view.ts';
import { BoxTooLarge, NoEmptyBoxes, TooLong } from './errors.ts';
import { keptBytes } from './kept-bytes.ts';

/** Room for the end of a box behind a value that is awaited. */
const SPARE_BYTES = 64;

const MAX_BOX_BYTES = 2 ** 24;
const MAX_BOX_KEYS = 10_000;

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
  #maxBoxBytes: number = MAX_BOX_BYTES;
  #maxBoxKeys: number = MAX_BOX_KEYS;
  readonly #box = new BoxView();
  /** What is being read: from #at on it is unread. */
  #chunk: Uint8Array = NO_BYTES;
  #at = 0;
  /** The beginning of a box of which the rest is unread, or has not come: #heldBytes of #held. */
  #held: Uint8Array = NO_BYTES;
  #heldBytes = 0;
  /** What was pushed while #chunk could not be read to its end. */
  #later: Uint8Array[] = [];
  #isReading = false;
  #isPaused = false;
  #isStopped = false;
  #fault: BoxFault | undefined = undefined;

  /** `boxReceived` is called with each box; the view is good until it returns. */
  constructor(boxReceived: (box: BoxView) => void, limits: BoxLimits = {}) {
    this.#boxReceived = boxReceived;
    this.limit(limits);
  }

  /** Holds for what is read from here on. */
  limit({ maxBoxBytes, maxBoxKeys }: BoxLimits): void {
    this.#maxBoxBytes = limitOf(maxBoxBytes, 'maxBoxBytes') ?? MAX_BOX_BYTES;
    this.#maxBoxKeys = limitOf(maxBoxKeys, 'maxBoxKeys') ?? MAX_BOX_KEYS;
  }

  /** What was wrong with the stream. */
  get fault(): BoxFault | undefined {
    return this.#fault;
  }

  /** How many bytes came and were not given out as boxes. */
  get pendingBytes(): number {
    const unread = this.#heldBytes + this.#chunk.length - this.#at;
    return this.#later.reduce((sum, bytes) => sum + bytes.length, unread);
  }

  /**
   * Takes the next bytes of the stream, and says what is wrong with it, if anything: whole boxes before the fault
   * were given out. It takes `bytes` over: do not change them afterwards. After a fault or `takeRest`, nothing is taken.
   */
  push(bytes: Uint8Array): BoxFault | undefined {
    if (this.#isStopped) return this.#fault;
    if (this.#at < this.#chunk.length || this.#isReading || this.#isPaused) this.#later.push(bytes);
    else this.#begin(bytes);
    return this.#isReading || this.#isPaused ? undefined : this.#read();
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
    let end = 0;
    for (const part of [
      this.#held.subarray(0, this.#heldBytes),
      this.#chunk.subarray(this.#at),
      ...this.#later,
    ]) {
      rest.set(part, end);
      end += part.length;
    }
    this.#stop();
    return rest;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#begin(NO_BYTES);
    this.#letGo();
    this.#later = [];
  }

  #begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  #letGo(): void {
    this.#held = NO_BYTES;
    this.#heldBytes = 0;
  }

  #read(): BoxFault | undefined {
    this.#isReading = true;
    try {
      do this.#readBoxes();
      while (!this.#isPaused && this.#beginNext());
    } finally {
      this.#isReading = false;
    }
    return this.#fault;
  }

  /** Goes on to what was pushed later, once all before it is read. */
  #beginNext(): boolean {
    const next = this.#later.shift();
    if (next !== undefined) this.#begin(next);
    return next !== undefined;
  }

  /** Reads the chunk to its end, or up to a pause. */
  #readBoxes(): void {
    const box = this.#box;
    while (!this.#isPaused && !this.#isStopped) {
      const isHeld = this.#heldBytes > 0;
      const result = isHeld ? this.#scanHeld() : box.scan(this.#chunk, this.#at, this.#chunk.length);
      const fault = this.#faultOf(result);
      if (fault !== undefined) {
        this.#fault = fault;
        this.#stop();
        return;
      }
      if (result === 'partial') {
        if (!isHeld) this.#hold();
        return;
      }
      if (isHeld) this.#letGo();
      else this.#at += box.scannedBytes;
      try {
        this.#boxReceived(box);
      } finally {
        box.reset();
      }
    }
  }

  /** Scans the box that is held, with as much of the chunk as is its own. */
  #scanHeld(): ScanResult {
    const box = this.#box;
    for (;;) {
      const result = box.scan(this.#held, 0, this.#heldBytes);
      const count = Math.min(box.wantedBytes - this.#heldBytes, this.#chunk.length - this.#at);
      if (result !== 'partial' || count === 0) return result;
      this.#makeRoom(count);
      this.#held.set(this.#chunk.subarray(this.#at, this.#at + count), this.#heldBytes);
      this.#heldBytes += count;
      this.#at += count;
    }
  }

  #makeRoom(count: number): void {
    const needed = this.#heldBytes + count;
    if (needed <= this.#held.length) return;
    const capacity = Math.max(this.#box.wantedBytes + SPARE_BYTES, Math.ceil(this.#heldBytes * 1.5));
    const grown = new Uint8Array(capacity);
    grown.set(this.#held.subarray(0, this.#heldBytes));
    this.#held = grown;
  }

  /** Keeps the rest of the chunk, which is the beginning of a box. */
  #hold(): void {
    const { length } = this.#chunk;
    this.#heldBytes = length - this.#at;
    if (this.#heldBytes > 0) this.#held = keptBytes(this.#chunk, this.#at, length);
    this.#begin(NO_BYTES);
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
