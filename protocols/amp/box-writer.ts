// Read docs/amp-wire.md first.
import { UsageError } from '../../lib/errors.ts';
import type { ValueSink } from './argument.ts';
import { MAX_VALUE_BYTES } from './box.ts';
import { NoEmptyBoxes, TooLong } from './errors.ts';
import { keyName, type WireKey } from './wire-key.ts';

const FIRST_CAPACITY_BYTES = 4096;
/** Batches up to this size are copied out; the memory of larger ones is given away. */
const COPY_UP_TO_BYTES = 16_384;
/** Shorter than this, a loop is faster than a call. */
const SHORT = 48;
const NONE = -1;
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
  #bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  #length = 0;
  /** Where the box begins that is being written, or NONE. */
  #boxStart = NONE;
  /** Where the last value begins, and its key. */
  #valueStart = 0;
  #key: WireKey | undefined = undefined;

  /** How many bytes of boxes that have ended are to be taken. */
  get length(): number {
    return this.#boxStart === NONE ? this.#length : this.#boxStart;
  }

  /** Begins a box. UsageError inside another one: an argument type must not send while it writes. */
  beginBox(): void {
    if (this.#boxStart !== NONE) throw new UsageError('a box is being written already');
    this.#boxStart = this.#length;
  }

  /** Ends the box. NoEmptyBoxes if it has no key. */
  endBox(): void {
    if (this.#boxStart === NONE) throw new UsageError('no box is being written');
    if (this.#length === this.#boxStart) throw new NoEmptyBoxes();
    this.u16(0);
    this.#boxStart = NONE;
  }

  /** Forgets the box that is being written, if there is one. */
  abandonBox(): void {
    if (this.#boxStart === NONE) return;
    this.#length = this.#boxStart;
    this.#boxStart = NONE;
  }

  /** Writes a key; what follows is its value, up to `close` with the mark that is returned. */
  beginValue(key: WireKey): number {
    this.bytes(key);
    this.#key = key;
    this.#valueStart = this.#length;
    return this.open();
  }

  /** A key, and a value that is there already: bytes, or a number in hexadecimal without padding, as tags are. */
  field(key: WireKey, value: Tag): void {
    const mark = this.beginValue(key);
    if (typeof value === 'number') this.ascii(value.toString(16));
    else this.bytes(value);
    this.close(mark);
  }

  /** The boxes that have ended, in an array of their own. UsageError while one is being written. */
  take(): Uint8Array {
    if (this.#boxStart !== NONE) throw new UsageError('a box is being written');
    const length = this.#length;
    this.#length = 0;
    if (length <= COPY_UP_TO_BYTES) return this.#bytes.slice(0, length);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
    return taken;
  }

  ascii(text: string): void {
    const length = text.length;
    const at = this.#reserve(length);
    const bytes = this.#bytes;
    for (let index = 0; index < length; index += 1) {
      const byte = text.charCodeAt(index);
      if (byte > 0xff) throw new UsageError('a character beyond ÿ stands for no byte');
      bytes[at + index] = byte;
    }
    this.#length = at + length;
  }

  utf8(text: string): void {
    const length = text.length;
    let at = this.#reserve(length);
    if (length < SHORT) {
      const bytes = this.#bytes;
      let index = 0;
      for (; index < length; index += 1) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) break;
        bytes[at + index] = unit;
      }
      if (index === length) {
        this.#length = at + length;
        return;
      }
    }
    if (!(text as unknown as Text).isWellFormed()) {
      throw new UsageError('half of a surrogate pair cannot be sent as UTF-8');
    }
    at = this.#reserve(length * 3);
    this.#length = at + ENCODER.encodeInto(text, this.#bytes.subarray(at)).written;
  }

  bytes(bytes: Uint8Array): void {
    const length = bytes.length;
    const at = this.#reserve(length);
    if (length < SHORT) {
      const own = this.#bytes;
      for (let index = 0; index < length; index += 1) own[at + index] = bytes[index] as number;
    } else this.#bytes.set(bytes, at);
    this.#length = at + length;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    this.#length = at + 2;
  }

  open(): number {
    const mark = this.#reserve(2);
    this.#length = mark + 2;
    return mark;
  }

  close(mark: number): void {
    const length = this.#length - mark - 2;
    if (length > MAX_VALUE_BYTES) throw this.#tooLong(length);
    this.#bytes[mark] = length >>> 8;
    this.#bytes[mark + 1] = length;
  }

  /** Makes room for `count` bytes and returns where they begin. */
  #reserve(count: number): number {
    const at = this.#length;
    if (at + count > this.#bytes.length) this.#grow(count);
    return at;
  }

  #grow(count: number): void {
    // Three bytes for a character may be reserved for a text that in the end takes one.
    const valueBytes = this.#length + count - this.#valueStart;
    if (this.#boxStart !== NONE && valueBytes > 4 * MAX_VALUE_BYTES) throw this.#tooLong(valueBytes);
    const grown = new Uint8Array(Math.max(this.#length + count, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  #tooLong(length: number): TooLong {
    const name = this.#key === undefined ? undefined : keyName(this.#key);
    return new TooLong({ isKey: false, isLocal: true, length, keyName: name });
  }
}
