import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from '../../lib/bytes/crc32.ts';

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The checksum as the definition says it, a bit at a time. */
function crc32ByBits(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('crc32', () => {
  it('gives the published check values', () => {
    expect(crc32(ascii(''))).to.equal(0);
    expect(crc32(ascii('a'))).to.equal(0xe8b7be43);
    expect(crc32(ascii('123456789'))).to.equal(0xcbf43926);
    expect(crc32(ascii('The quick brown fox jumps over the lazy dog'))).to.equal(0x414fa339);
    expect(crc32(new Uint8Array(32))).to.equal(0x190a55ad);
    expect(crc32(new Uint8Array(32).fill(0xff))).to.equal(0xff6cab0b);
  });

  it('agrees with the definition for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(crc32(bytes)).to.equal(crc32ByBits(bytes));
      }),
    );
  });

  it('covers the bytes from start to end only', () => {
    const bytes = ascii('xx123456789yyy');

    expect(crc32(bytes, 2, 11)).to.equal(0xcbf43926);
    expect(crc32(bytes, 5, 5)).to.equal(0);
  });

  it('gives the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, one, other) => {
        const first = Math.min(one, other, bytes.length);
        const second = Math.min(Math.max(one, other), bytes.length);

        const head = crc32(bytes, 0, first);
        const middle = crc32(bytes, first, second, head);
        expect(crc32(bytes.subarray(second), 0, bytes.length - second, middle)).to.equal(crc32(bytes));
      }),
    );
  });
});
