import { expect } from 'chai';
import fc from 'fast-check';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';
import { ByteWriter } from '../../lib/bytes/byte-writer.ts';
import { UsageError } from '../../lib/errors.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

describe('ByteWriter', () => {
  it('writes big-endian fields one after the other', () => {
    const message = new ByteWriter()
      .u8(1)
      .u16(0x0203)
      .u32(0xfe050607)
      .u53(0x100_0000_0009)
      .bytes(Uint8Array.of(8, 8))
      .text('é', encode)
      .finish();

    expect([...message]).to.deep.equal([
      1, 2, 3, 0xfe, 5, 6, 7, 0, 0, 1, 0, 0, 0, 0, 9, 8, 8, 0, 2, 0xc3, 0xa9,
    ]);
  });

  it('refuses values that their field cannot hold, and writes nothing of them', () => {
    const writer = new ByteWriter(0);

    expect(() => writer.u8(256)).to.throw(UsageError);
    expect(() => writer.u8(-1)).to.throw(UsageError);
    expect(() => writer.u16(65_536)).to.throw(UsageError);
    expect(() => writer.u32(2 ** 32)).to.throw(UsageError);
    expect(() => writer.u53(2 ** 53)).to.throw(UsageError);
    expect(() => writer.u53(1.5)).to.throw(UsageError);
    expect(() => writer.text('x'.repeat(65_536), encode)).to.throw(UsageError);
    expect(writer.length).to.equal(0);
    expect([...writer.finish()]).to.deep.equal([]);
  });

  it('goes on after a message was finished, which it does not touch any more', () => {
    const writer = new ByteWriter().u8(1);
    const early = writer.finish();

    writer.u8(2);

    expect([...early]).to.deep.equal([1]);
    expect([...writer.finish()]).to.deep.equal([1, 2]);
  });

  it('writes what ByteReader reads, however long', () => {
    const fields = fc.record({
      u8: fc.integer({ min: 0, max: 255 }),
      u16: fc.integer({ min: 0, max: 65_535 }),
      u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      u53: fc.maxSafeNat(),
      bytes: fc.uint8Array({ maxLength: 300 }),
      text: fc.string({ unit: 'grapheme' }),
    });

    fc.assert(
      fc.property(fc.array(fields, { maxLength: 5 }), (records) => {
        const writer = new ByteWriter();
        for (const { u8, u16, u32, u53, bytes, text } of records) {
          writer.u8(u8).u16(u16).u32(u32).u53(u53).u16(bytes.length).bytes(bytes).text(text, encode);
        }

        const reader = new ByteReader(writer.finish());
        const read = records.map(() => ({
          u8: reader.u8(),
          u16: reader.u16(),
          u32: reader.u32(),
          u53: reader.u53(),
          bytes: [...(reader.bytes(reader.u16() ?? -1) ?? [])],
          text: reader.text(decode),
        }));
        expect(read).to.deep.equal(records.map((record) => ({ ...record, bytes: [...record.bytes] })));
        expect(reader.remaining).to.equal(0);
      }),
    );
  });
});
