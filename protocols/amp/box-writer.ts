// Read docs/amp-wire.md first.
import { UsageError } from '../../lib/errors.ts';
import type { ValueSink } from './argument.ts';
import { MAX_VALUE_BYTES } from './box.ts';
import { NoEmptyBoxes, TooLong } from './errors.ts';
import { keyName, type WireKey } from './wire-key.ts';

/** Memory is taken in slabs for some batches of boxes, as large as the last one was; large boxes may need larger ones. */
const LEAST_SLAB_BYTES = 512;
const MOST_SLAB_BYTES = 65_536;
const BATCHES_IN_A_SLAB = 4;
/** From this length on a value is not copied. */
const REFER_FROM_BYTES = 8192;
/** Shorter than this, a loop is faster than a call. */
const SHORT = 48;
const NONE = -1;
/** The mark of a value that is not within another one. */
const VALUE = -1;
const NO_BYTES = new Uint8Array(0);
const ENCODER = new TextEncoder();

/** Texts know this since ES2024. */
interface Text {
  isWellFormed(): boolean;
}

/** What names a call: its number, or the bytes that the peer chose. */
export type Tag = number | Uint8Array;

/**
 * Writes boxes one after the other, to be taken together.
 *
 * A box counts once it has ended: one that is abandoned, because a value threw, leaves no byte behind. The caller
 * writes the keys of a box in the order of their bytes.
 */
export class BoxWriter implements ValueSink {
  /** What was not taken: #parts, and behind them what lies in #slab from #start up to #end. */
  #slab: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #lastTakenBytes = 0;
  /** Where in #slab the box begins, or goes on behind its parts, that is being written; NONE outside of one. */
  #boxStart = NONE;
  /** How many parts there were before that box, and how much of the next is of earlier ones, too. */
  #earlierParts = 0;
  #earlierBytes = 0;
  /** The value that is being written, or was last: its key, where its length stands, and how much of it is a part. */
  #key: WireKey | undefined = undefined;
  #lengthSlab: Uint8Array = NO_BYTES;
  #lengthAt = 0;
  #referredBytes = 0;

  /** How many bytes of boxes that have ended are to be taken. */
  get length(): number {
    if (this.#boxStart === NONE) return this.#partBytes + this.#end - this.#start;
    if (this.#parts.length === this.#earlierParts) return this.#partBytes + this.#boxStart - this.#start;
    return sizeOf(this.#parts.slice(0, this.#earlierParts)) + this.#earlierBytes;
  }

  /** Begins a box. UsageError inside another one: an argument type must not send while it writes. */
  beginBox(): void {
    if (this.#boxStart !== NONE) throw new UsageError('a box is being written already');
    this.#boxStart = this.#end;
    this.#earlierParts = this.#parts.length;
    this.#earlierBytes = this.#end - this.#start;
  }

  /** Ends the box. NoEmptyBoxes if it has no key. */
  endBox(): void {
    if (this.#boxStart === NONE) throw new UsageError('no box is being written');
    if (this.#end === this.#boxStart && this.#parts.length === this.#earlierParts) throw new NoEmptyBoxes();
    this.u16(0);
    this.#boxStart = NONE;
  }

  /** Forgets the box that is being written, if there is one. */
  abandonBox(): void {
    if (this.#boxStart === NONE) return;
    this.#end = this.#boxStart;
    this.#boxStart = NONE;
    const cut = this.#parts[this.#earlierParts];
    if (cut === undefined) return;
    this.#end = this.#start;
    this.#parts.length = this.#earlierParts;
    if (this.#earlierBytes > 0) this.#parts.push(cut.subarray(0, this.#earlierBytes));
    this.#partBytes = sizeOf(this.#parts);
  }

  /** Writes a key; what follows is its value, up to `close` with the mark that is returned. */
  beginValue(key: WireKey): number {
    this.bytes(key);
    this.#key = key;
    const at = this.#reserve(2);
    this.#lengthSlab = this.#slab;
    this.#lengthAt = at;
    this.#end = at + 2;
    this.#referredBytes = 0;
    return VALUE;
  }

  /** The boxes that have ended, in an array of their own. UsageError while one is being written. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.takeParts()) {
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  }

  /** The same in parts. Long values are parts by themselves: not copied, and not to be changed any more. */
  takeParts(): Uint8Array[] {
    if (this.#boxStart !== NONE) throw new UsageError('a box is being written');
    this.#lastTakenBytes = this.#end - this.#start;
    const parts = this.#parts;
    if (this.#lastTakenBytes > 0) parts.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
    if (this.#slab.length > MOST_SLAB_BYTES) this.#moveTo(NO_BYTES);
    if (parts.length > 0) this.#parts = [];
    this.#partBytes = 0;
    return parts;
  }

  ascii(text: string): void {
    const length = text.length;
    const at = this.#reserve(length);
    const slab = this.#slab;
    for (let index = 0; index < length; index += 1) {
      const byte = text.charCodeAt(index);
      if (byte > 0xff) throw new UsageError('a character beyond ÿ stands for no byte');
      slab[at + index] = byte;
    }
    this.#end = at + length;
  }

  utf8(text: string): void {
    const length = text.length;
    let at = this.#reserve(length);
    if (length < SHORT) {
      const slab = this.#slab;
      let index = 0;
      for (; index < length; index += 1) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) break;
        slab[at + index] = unit;
      }
      if (index === length) {
        this.#end = at + length;
        return;
      }
    }
    if (!(text as unknown as Text).isWellFormed()) {
      throw new UsageError('half of a surrogate pair cannot be sent as UTF-8');
    }
    at = this.#reserve(length * 3);
    this.#end = at + ENCODER.encodeInto(text, this.#slab.subarray(at)).written;
  }

  bytes(bytes: Uint8Array): void {
    const length = bytes.length;
    if (length >= REFER_FROM_BYTES && length <= MAX_VALUE_BYTES && this.#isAtStartOfValue) {
      this.#refer(bytes);
      return;
    }
    const at = this.#reserve(length);
    if (length < SHORT) {
      const slab = this.#slab;
      for (let index = 0; index < length; index += 1) slab[at + index] = bytes[index] as number;
    } else this.#slab.set(bytes, at);
    this.#end = at + length;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#slab[at] = value >>> 8;
    this.#slab[at + 1] = value;
    this.#end = at + 2;
  }

  open(): number {
    const at = this.#reserve(2);
    this.#end = at + 2;
    // Slabs may change, and what was not taken moves with it.
    return at - this.#start;
  }

  close(mark: number): void {
    const isValue = mark === VALUE;
    const slab = isValue ? this.#lengthSlab : this.#slab;
    const at = isValue ? this.#lengthAt : this.#start + mark;
    const length = isValue ? this.#valueBytes : this.#end - at - 2;
    if (length > MAX_VALUE_BYTES) throw this.#tooLong(length);
    slab[at] = length >>> 8;
    slab[at + 1] = length;
  }

  /** How many bytes the value has so far. */
  get #valueBytes(): number {
    const referred = this.#referredBytes;
    return referred === 0 ? this.#end - this.#lengthAt - 2 : referred + this.#end - this.#start;
  }

  get #isAtStartOfValue(): boolean {
    return (
      this.#boxStart !== NONE &&
      this.#referredBytes === 0 &&
      this.#lengthSlab === this.#slab &&
      this.#end === this.#lengthAt + 2
    );
  }

  /** Makes `bytes` a part of their own, behind what was written so far. */
  #refer(bytes: Uint8Array): void {
    const before = this.#slab.subarray(this.#start, this.#end);
    this.#parts.push(before, bytes);
    this.#partBytes += before.length + bytes.length;
    this.#start = this.#end;
    this.#boxStart = this.#end;
    this.#referredBytes = bytes.length;
  }

  /** Makes room for `count` bytes and returns where they begin. */
  #reserve(count: number): number {
    if (this.#end + count > this.#slab.length) this.#grow(count);
    return this.#end;
  }

  #grow(count: number): void {
    if (this.#boxStart !== NONE) {
      const valueBytes = this.#valueBytes + count;
      // Three bytes for a character may be reserved for a text that in the end takes one.
      if (valueBytes > 4 * MAX_VALUE_BYTES) throw this.#tooLong(valueBytes);
    }
    const kept = this.#end - this.#start;
    const usual = BATCHES_IN_A_SLAB * Math.max(this.#lastTakenBytes, kept + count);
    const capacity = Math.min(Math.max(usual, LEAST_SLAB_BYTES), MOST_SLAB_BYTES);
    this.#moveTo(new Uint8Array(Math.max(capacity, 2 * kept + count)));
  }

  /** Goes on in another slab, with what was not taken. */
  #moveTo(slab: Uint8Array): void {
    slab.set(this.#slab.subarray(this.#start, this.#end));
    // What was referred to has its length in a part already.
    if (this.#lengthSlab === this.#slab && this.#referredBytes === 0) {
      this.#lengthSlab = slab;
      this.#lengthAt -= this.#start;
    }
    if (this.#boxStart !== NONE) this.#boxStart -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    this.#slab = slab;
  }

  #tooLong(length: number): TooLong {
    const name = this.#key === undefined ? undefined : keyName(this.#key);
    return new TooLong({ isKey: false, isLocal: true, length, keyName: name });
  }
}

/** A key, and a value that is there already: bytes, or a number in hexadecimal without padding, as tags are. */
export function writeField(writer: BoxWriter, key: WireKey, value: Tag): void {
  const mark = writer.beginValue(key);
  if (typeof value === 'number') writer.ascii(value.toString(16));
  else writer.bytes(value);
  writer.close(mark);
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
