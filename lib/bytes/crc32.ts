// Slicing-by-8: table k holds the checksum of a byte followed by k zero bytes, so eight bytes take eight look-ups
// that do not wait for one another. Signed numbers throughout: V8 keeps them out of the heap.
const POLYNOMIAL = 0xedb88320 | 0; // IEEE 802.3, bits reversed
const SLICES = 8;

let tables: Int32Array | undefined;

/** Something that computes what `crc32` does; the core takes a faster one where there is one. */
export type Crc32 = typeof crc32;

/**
 * The CRC-32 of IEEE 802.3, as in zlib, of `bytes` from `start` to `end`: an unsigned 32-bit number.
 *
 * Give the result as `seed` of the next call to go on: crc32(b, 0, b.length, crc32(a)) is the checksum of a and b.
 */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  tables ??= makeTables();
  const t = tables;
  let crc = ~seed;
  let at = start;
  for (const lastEight = end - SLICES; at <= lastEight; at += SLICES) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24));
    crc =
      (t[0x700 | (low & 0xff)] as number) ^
      (t[0x600 | ((low >>> 8) & 0xff)] as number) ^
      (t[0x500 | ((low >>> 16) & 0xff)] as number) ^
      (t[0x400 | (low >>> 24)] as number) ^
      (t[0x300 | (bytes[at + 4] as number)] as number) ^
      (t[0x200 | (bytes[at + 5] as number)] as number) ^
      (t[0x100 | (bytes[at + 6] as number)] as number) ^
      (t[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const made = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) {
    const previous = made[i - 256] as number;
    made[i] = (previous >>> 8) ^ (made[previous & 0xff] as number);
  }
  return made;
}
