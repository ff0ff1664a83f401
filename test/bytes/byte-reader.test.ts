import { expect } from 'chai';
import fc from 'fast-check';
import { ByteReader } from '../../lib/bytes/byte-reader.ts';

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

describe('ByteReader', () => {
  it('reads big-endian fields one after the other', () => {
    const message = [1, 2, 3, 0xfe, 5, 6, 7, 0, 0, 1, 0, 0, 0, 0, 9, 8, 8, 0, 2, 0xc3, 0xa9];
    const reader = new ByteReader(Uint8Array.from([99, ...message]).subarray(1));

    expect(reader.remaining).to.equal(message.length);
    expect(reader.u8()).to.equal(1);
    expect(reader.u16()).to.equal(0x0203);
    expect(reader.u32()).to.equal(0xfe050607);
    expect(reader.u53()).to.equal(0x100_0000_0009);
    expect([...(reader.bytes(2) ?? [])]).to.deep.equal([8, 8]);
    expect(reader.text(decode)).to.equal('é');
    expect(reader.remaining).to.equal(0);
  });

  it('answers undefined to a field that is cut short, and stays where it was', () => {
    const reader = new ByteReader(Uint8Array.of(0, 9, 65));

    expect(reader.u32()).to.equal(undefined);
    expect(reader.u53()).to.equal(undefined);
    expect(reader.bytes(4)).to.equal(undefined);
    expect(reader.text(decode)).to.equal(undefined);
    expect(reader.remaining).to.equal(3);
    expect(reader.u16()).to.equal(9);
    expect(reader.u16()).to.equal(undefined);
    expect(reader.u8()).to.equal(65);
    expect(reader.u8()).to.equal(undefined);
  });

  it('refuses eight bytes above 2^53 - 1', () => {
    const greatest = Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255);

    expect(new ByteReader(greatest).u53()).to.equal(Number.MAX_SAFE_INTEGER);
    expect(new ByteReader(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0)).u53()).to.equal(undefined);
  });

  it('stays before a text that its decoder refuses', () => {
    const reader = new ByteReader(Uint8Array.of(0, 1, 0xff));

    expect(reader.text(decode)).to.equal(undefined);
    expect(reader.remaining).to.equal(3);
  });

  it('takes counts that are none for too many', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2));

    expect(reader.bytes(-1)).to.equal(undefined);
    expect(reader.bytes(0.5)).to.equal(undefined);
    expect(reader.bytes(Number.NaN)).to.equal(undefined);
    expect(reader.bytes(0)?.length).to.equal(0);
  });

  it('never throws, and never reads a byte twice or beyond the end', () => {
    const field = fc.constantFrom('u8', 'u16', 'u32', 'u53', 'text', 'bytes');

    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.array(field), (bytes, fields) => {
        const reader = new ByteReader(bytes);
        for (const name of fields) {
          const before = reader.remaining;
          const value =
            name === 'text' ? reader.text(decode) : name === 'bytes' ? reader.bytes(3) : reader[name]();
          if (value === undefined) expect(reader.remaining).to.equal(before);
          else expect(reader.remaining).to.be.within(0, before - 1);
        }
      }),
    );
  });
});
