// Slicing-by-16: table k holds the checksum of a byte followed by k zero bytes, so sixteen bytes take sixteen look-ups
// that do not wait for one another. A tenth faster than by 8 for a datagram, and no slower for a header.
// Signed numbers throughout: V8 keeps them out of the heap.
const POLYNOMIAL = 0xedb88320 | 0; // IEEE 802.3, bits reversed
const SLICES = 16;
// Filled at the first use. The array itself is a constant, so that V8 knows its length and checks no index.
const TABLES = new Int32Array(SLICES * 256);

/** Something that computes what `crc32` does; the core takes a faster one where there is one. */
export type Crc32 = typeof crc32;

/**
 * The CRC-32 of IEEE 802.3, as in zlib, of `bytes` from `start` to `end`: an unsigned 32-bit number.
 *
 * Give the result as `seed` of the next call to go on: crc32(b, 0, b.length, crc32(a)) is the checksum of a and b.
 */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  const t = TABLES;
  if (t[1] === 0) fillTables();
  let crc = ~seed;
  let at = start;
  for (const lastBlock = end - SLICES; at <= lastBlock; at += SLICES) {
    crc =
      (t[0xf00 | ((crc ^ (bytes[at] as number)) & 0xff)] as number) ^
      (t[0xe00 | (((crc >>> 8) ^ (bytes[at + 1] as number)) & 0xff)] as number) ^
      (t[0xd00 | (((crc >>> 16) ^ (bytes[at + 2] as number)) & 0xff)] as number) ^
      (t[0xc00 | ((crc >>> 24) ^ (bytes[at + 3] as number))] as number) ^
      (t[0xb00 | (bytes[at + 4] as number)] as number) ^
      (t[0xa00 | (bytes[at + 5] as number)] as number) ^
      (t[0x900 | (bytes[at + 6] as number)] as number) ^
      (t[0x800 | (bytes[at + 7] as number)] as number) ^
      (t[0x700 | (bytes[at + 8] as number)] as number) ^
      (t[0x600 | (bytes[at + 9] as number)] as number) ^
      (t[0x500 | (bytes[at + 10] as number)] as number) ^
      (t[0x400 | (bytes[at + 11] as number)] as number) ^
      (t[0x300 | (bytes[at + 12] as number)] as number) ^
      (t[0x200 | (bytes[at + 13] as number)] as number) ^
      (t[0x100 | (bytes[at + 14] as number)] as number) ^
      (t[bytes[at + 15] as number] as number);
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}

function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    TABLES[byte] = crc;
  }
  for (let i = 256; i < TABLES.length; i++) {
    const previous = TABLES[i - 256] as number;
    TABLES[i] = (previous >>> 8) ^ (TABLES[previous & 0xff] as number);
  }
}
