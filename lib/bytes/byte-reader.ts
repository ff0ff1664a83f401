const MAX_SAFE_HIGH = 2 ** 21 - 1;

/**
 * Reads the fields of a message one after the other, most significant byte first.
 *
 * Whatever the bytes, it never throws: a field that is cut short or out of range is undefined, and the place in the
 * message stays where it was.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes are still to be read. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number | undefined {
    const at = this.#advance(1);
    return at === undefined ? undefined : this.#view.getUint8(at);
  }

  u16(): number | undefined {
    const at = this.#advance(2);
    return at === undefined ? undefined : this.#view.getUint16(at);
  }

  u32(): number | undefined {
    const at = this.#advance(4);
    return at === undefined ? undefined : this.#view.getUint32(at);
  }

  /** A safe integer in eight bytes: undefined above 2^53 - 1. */
  u53(): number | undefined {
    if (this.remaining < 8) return undefined;
    const high = this.#view.getUint32(this.#at);
    const low = this.#view.getUint32(this.#at + 4);
    if (high > MAX_SAFE_HIGH) return undefined;
    this.#at += 8;
    return high * 2 ** 32 + low;
  }

  /** The next `count` bytes, as a view of the message. */
  bytes(count: number): Uint8Array | undefined {
    const at = this.#advance(count);
    return at === undefined ? undefined : this.#bytes.subarray(at, at + count);
  }

  /** A text after its length in bytes as u16. `decode` says undefined to bytes that are none. */
  text(decode: (bytes: Uint8Array) => string | undefined): string | undefined {
    const start = this.#at;
    const length = this.u16();
    const encoded = length === undefined ? undefined : this.bytes(length);
    const text = encoded && decode(encoded);
    if (text === undefined) this.#at = start;
    return text;
  }

  /** Goes on by `count` bytes and returns where they begin, if they are all there. */
  #advance(count: number): number | undefined {
    if (!Number.isInteger(count) || count < 0 || count > this.remaining) return undefined;
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
