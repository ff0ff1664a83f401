// Read docs/amp-wire.md first.
import type { Box, ReceivedBox } from './box.ts';
import { copyOf } from './copy-of.ts';
import { byteText, KEY_OFFSET, type WireKey, wireKey } from './wire-key.ts';

/** Three marks for each field: where its key, its value and the next field begin, counted from the box. */
const MARKS = 3;
const FIRST_CAPACITY = 16 * MARKS;

/** How far `scan` came: to the end of a box, to the end of the bytes, or to a key that is too long. */
export type ScanResult = 'box' | 'partial' | 'long-key';

/**
 * A box as it lies in the bytes that came: nothing is copied, and one view serves for one box after the other.
 *
 * It is good until the one who handed it out goes on. What is to be kept is copied: `toMap`, `copyAt`.
 */
export class BoxView {
  #marks = new Int32Array(FIRST_CAPACITY);
  #count = 0;
  #bytes: Uint8Array = NO_BYTES;
  #start = 0;
  /** Where the scan goes on, counted from the box. */
  #offset = 0;
  /** How many bytes of the box the scan needs to get further. */
  #wanted = 0;
  /** Whether each key is greater than the one before: then none is there twice. */
  #isSorted = true;
  /** The last field of each key, for boxes that are not sorted. */
  #index: Map<string, number> | undefined = undefined;

  /** A view of `box`, whose values may be longer than one on the wire. */
  static of(box: ReceivedBox): BoxView {
    const view = new BoxView();
    let size = 0;
    for (const [name, value] of box) size += name.length + value.length + 2 * KEY_OFFSET;
    const bytes = new Uint8Array(size);
    view.#bytes = bytes;
    let at = 0;
    for (const [name, value] of box) {
      const key = wireKey(name);
      const valueAt = at + key.length + KEY_OFFSET;
      bytes.set(key, at);
      bytes.set(value, valueAt);
      view.#add(at + KEY_OFFSET, valueAt, valueAt + value.length);
      at = valueAt + value.length;
    }
    view.#offset = size;
    return view;
  }

  /** How many fields it has; those of a key that comes twice are both counted. */
  get size(): number {
    return this.#count;
  }

  /** How many bytes of the box were scanned. */
  get scannedBytes(): number {
    return this.#offset;
  }

  /** After a scan that is partial: how many bytes of the box another one needs to get further. */
  get wantedBytes(): number {
    return this.#wanted;
  }

  /** Where the value of field `index` begins in `bytes`. */
  startOf(index: number): number {
    return this.#start + this.#mark(index, 1);
  }

  /** Where the value of field `index` ends in `bytes`. */
  endOf(index: number): number {
    return this.#start + this.#mark(index, 2);
  }

  /** What the fields lie in. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The length of the key at which the scan gave up. */
  get longKeyBytes(): number {
    const at = this.#start + this.#offset;
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  /** Begins a box. */
  reset(): void {
    this.#count = 0;
    this.#offset = 0;
    this.#isSorted = true;
    this.#index = undefined;
  }

  /** Scans on to the end of the box, which begins at `start` of `bytes`, or as far as there are bytes. */
  scan(bytes: Uint8Array, start: number, end: number): ScanResult {
    this.#bytes = bytes;
    this.#start = start;
    let at = start + this.#offset;
    let result: ScanResult = 'partial';
    let wantedAt = at + 2;
    while (wantedAt <= end) {
      const keyBytes = bytes[at + 1] as number;
      if (bytes[at] !== 0) {
        result = 'long-key';
        break;
      }
      if (keyBytes === 0) {
        at += 2;
        result = 'box';
        break;
      }
      const valueAt = at + keyBytes + 4;
      wantedAt = valueAt;
      if (valueAt > end) break;
      const next = valueAt + (((bytes[valueAt - 2] as number) << 8) | (bytes[valueAt - 1] as number));
      wantedAt = next;
      if (next > end) break;
      this.#add(at + 2 - start, valueAt - start, next - start);
      at = next;
      wantedAt = at + 2;
    }
    this.#offset = at - start;
    this.#wanted = wantedAt - start;
    return result;
  }

  /**
   * The index of the field with that key, or -1; of several the last.
   *
   * The search begins at `from`, where the caller thinks that it is, and goes on from the front.
   */
  find(key: WireKey, from = 0): number {
    if (!this.#isSorted) return this.#lookUp(key);
    const count = this.#count;
    for (let index = from; index < count; index += 1) if (this.#isKey(index, key)) return index;
    const before = from < count ? from : count;
    for (let index = 0; index < before; index += 1) if (this.#isKey(index, key)) return index;
    return -1;
  }

  /** The value of field `index`, as a view. */
  valueAt(index: number): Uint8Array {
    return this.#bytes.subarray(this.startOf(index), this.endOf(index));
  }

  /** A copy of the value of field `index`. */
  copyAt(index: number): Uint8Array {
    return copyOf(this.#bytes, this.startOf(index), this.endOf(index));
  }

  /** The key of field `index`, a character for each byte. */
  nameAt(index: number): string {
    return byteText(
      this.#bytes,
      this.#start + this.#mark(index, 0),
      this.#start + this.#mark(index, 1) - KEY_OFFSET,
    );
  }

  /** A copy that can be kept. Of a key that came twice it has the last. */
  toMap(): Box {
    const bytes = copyOf(this.#bytes, this.#start, this.#start + this.#offset);
    const box: Box = new Map();
    for (let index = 0; index < this.#count; index += 1) {
      box.set(this.nameAt(index), bytes.subarray(this.#mark(index, 1), this.#mark(index, 2)));
    }
    return box;
  }

  #mark(index: number, which: 0 | 1 | 2): number {
    return this.#marks[index * MARKS + which] as number;
  }

  #add(keyAt: number, valueAt: number, next: number): void {
    const at = this.#count * MARKS;
    if (at === this.#marks.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.#marks);
      this.#marks = grown;
    }
    this.#marks[at] = keyAt;
    this.#marks[at + 1] = valueAt;
    this.#marks[at + 2] = next;
    this.#count += 1;
    if (this.#isSorted && at > 0 && !this.#followsItsPredecessor(at)) this.#isSorted = false;
  }

  #followsItsPredecessor(at: number): boolean {
    const bytes = this.#bytes;
    let one = this.#start + (this.#marks[at - MARKS] as number);
    let other = this.#start + (this.#marks[at] as number);
    const oneEnd = this.#start + (this.#marks[at - MARKS + 1] as number) - KEY_OFFSET;
    const otherEnd = this.#start + (this.#marks[at + 1] as number) - KEY_OFFSET;
    while (one < oneEnd && other < otherEnd) {
      const difference = (bytes[other] as number) - (bytes[one] as number);
      if (difference !== 0) return difference > 0;
      one += 1;
      other += 1;
    }
    return one === oneEnd && other < otherEnd;
  }

  #isKey(index: number, key: WireKey): boolean {
    const length = key.length - KEY_OFFSET;
    const keyAt = this.#mark(index, 0);
    if (this.#mark(index, 1) - keyAt - KEY_OFFSET !== length) return false;
    const bytes = this.#bytes;
    const at = this.#start + keyAt;
    for (let byte = 0; byte < length; byte += 1) {
      if (bytes[at + byte] !== key[KEY_OFFSET + byte]) return false;
    }
    return true;
  }

  #lookUp(key: WireKey): number {
    if (this.#index === undefined) {
      this.#index = new Map();
      for (let index = 0; index < this.#count; index += 1) this.#index.set(this.nameAt(index), index);
    }
    return this.#index.get(byteText(key, KEY_OFFSET, key.length)) ?? -1;
  }
}

const NO_BYTES = new Uint8Array(0);
