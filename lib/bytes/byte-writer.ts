import { UsageError } from '../errors.ts';

const MIN_CAPACITY_BYTES = 64;

/**
 * Writes the fields of a message one after the other, most significant byte first: what ByteReader reads.
 *
 * A value that its field cannot hold is a UsageError. Every method returns the writer, to go on with.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** Room for `capacityBytes` is made at once; it grows as needed. */
  constructor(capacityBytes: number = MIN_CAPACITY_BYTES) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    refuseUnlessWithin(value, 0xff);
    const at = this.#advance(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    refuseUnlessWithin(value, 0xffff);
    const at = this.#advance(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    refuseUnlessWithin(value, 0xffffffff);
    const at = this.#advance(4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** A safe integer, in eight bytes. */
  u53(value: number): this {
    refuseUnlessWithin(value, Number.MAX_SAFE_INTEGER);
    const at = this.#advance(8);
    this.#view.setUint32(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 4, value % 2 ** 32);
    return this;
  }

  /** The bytes alone: their number is known to the reader, or was written before. */
  bytes(bytes: Uint8Array): this {
    const at = this.#advance(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A text as `encode` gives it, after its length in bytes as u16. */
  text(text: string, encode: (text: string) => Uint8Array): this {
    const encoded = encode(text);
    return this.u16(encoded.length).bytes(encoded);
  }

  /** The message so far, in an array of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for `count` bytes and returns where they begin. The arrays may be others afterwards. */
  #advance(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2, MIN_CAPACITY_BYTES));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

function refuseUnlessWithin(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new UsageError(`${value} does not fit: an integer from 0 to ${max}, please`);
  }
}
