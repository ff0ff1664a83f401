import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from '../../../../lib/bytes/crc32.ts';
import {
  classify,
  type DatagramKind,
  type IsStunTransaction,
} from '../../../../lib/ptcp/core/wire/classify.ts';

const KINDS: readonly DatagramKind[] = ['segment', 'stun', 'short', 'foreign'];
const knowsAll: IsStunTransaction = () => true;

function kindOf(bytes: Uint8Array, isStunTransaction?: IsStunTransaction): DatagramKind {
  return classify(bytes, 0, bytes.length, { crc32, isStunTransaction });
}

/** A STUN message, RFC 8489 §5, with `body` bytes of attributes, the last eight of them a FINGERPRINT. */
function stun(body = 8, first = 0x01): Uint8Array {
  const bytes = new Uint8Array(20 + body);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, first);
  view.setUint8(1, 0x01);
  view.setUint16(2, body);
  view.setUint32(4, 0x2112a442);
  // A transaction id that makes byte 12 a data offset, so that the rest of the rules say 'segment'.
  bytes.fill(0x50, 8, 20);
  if (body >= 8) {
    view.setUint32(12 + body, 0x80280004);
    view.setUint32(16 + body, (crc32(bytes, 0, 12 + body) ^ 0x5354554e) >>> 0);
  }
  return bytes;
}

/** Zeros but for the data offset, in words. */
function segment(length: number, dataOffset = 5): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length > 12) bytes[12] = dataOffset << 4;
  return bytes;
}

describe('classify', () => {
  it('drops what is shorter than 12 bytes, whatever it is', () => {
    for (let length = 0; length < 12; length += 1) {
      expect(kindOf(new Uint8Array(length)), `${length} zeros`).to.equal('short');
      expect(kindOf(new Uint8Array(length).fill(0xff), knowsAll), `${length} ones`).to.equal('short');
    }
    expect(kindOf(new Uint8Array(12))).to.equal('foreign');
  });

  it('needs a whole header and a data offset that lies in the datagram', () => {
    expect(kindOf(segment(19))).to.equal('foreign');
    expect(kindOf(segment(20))).to.equal('segment');
    for (let offset = 0; offset < 16; offset += 1) {
      const isIn = (length: number): DatagramKind =>
        offset >= 5 && offset * 4 <= length ? 'segment' : 'foreign';
      for (const length of [20, 23, 24, 40, 59, 60, 1472])
        expect(kindOf(segment(length, offset)), `offset ${offset} in ${length}`).to.equal(isIn(length));
    }
  });

  it('lets the lowest of the four reserved bits pass and no other', () => {
    for (let low = 0; low < 16; low += 1) {
      const bytes = segment(20);
      bytes[12] = 0x50 | low;

      expect(kindOf(bytes), `low nibble ${low}`).to.equal((low & 0x0e) === 0 ? 'segment' : 'foreign');
    }
  });

  it('takes a message with a fingerprint for STUN at each first byte of its range (RFC 8489 §5, §14.7)', () => {
    for (let first = 0; first < 256; first += 1)
      expect(kindOf(stun(8, first)), `first byte ${first}`).to.equal(first < 64 ? 'stun' : 'segment');
  });

  it('goes on to the segment when one of the four conditions of STUN fails (RFC 8489 §6.3)', () => {
    const spoil: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
      'a bit of the top two': (bytes) => bytes.with(0, bytes[0]! | 0x40),
      'the cookie': (bytes) => bytes.with(7, 0x43),
      'the length of the body': (bytes) => bytes.with(3, 4),
      'a length that is no multiple of four': (bytes) => {
        const odd = new Uint8Array(bytes.length + 2);
        odd.set(bytes);
        odd[3] = bytes.length + 2 - 20;
        return odd;
      },
    };
    expect(kindOf(stun(), knowsAll)).to.equal('stun');

    for (const [what, change] of Object.entries(spoil))
      expect(kindOf(change(stun()), knowsAll), what).to.equal('segment');
  });

  it('wants a true fingerprint or a transaction that somebody has open', () => {
    const forged = stun(8);
    forged[27] = forged[27]! ^ 1;
    const without = stun(0);

    expect(kindOf(forged), 'a false fingerprint').to.equal('segment');
    expect(kindOf(forged, () => false)).to.equal('segment');
    expect(kindOf(forged, knowsAll), 'but a known transaction').to.equal('stun');
    expect(kindOf(without), 'no attribute at all').to.equal('segment');
    expect(kindOf(without, knowsAll)).to.equal('stun');
  });

  it('asks about a transaction only what looks like STUN, and says where it lies', () => {
    const asked: number[][] = [];
    const ask: IsStunTransaction = (_bytes, start, end) => {
      asked.push([start, end]);
      return true;
    };
    const inside = new Uint8Array(60);
    inside.set(stun(0), 7);

    expect(classify(inside, 7, 27, { crc32, isStunTransaction: ask })).to.equal('stun');
    expect(kindOf(segment(20), ask)).to.equal('segment');
    expect(asked).to.deep.equal([[7, 27]]);
  });

  it('leaves what comes from the dynamic ports to the rules for segments (RFC 7983)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 60 }),
        fc.integer({ min: 192, max: 255 }),
        (bytes, first) => {
          bytes[0] = first;

          expect(kindOf(bytes, knowsAll)).to.be.oneOf(['segment', 'foreign']);
        },
      ),
    );
  });

  it('gives any bytes one kind, and looks at none outside them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(9), (bytes, before) => {
        const wide = new Uint8Array(before + bytes.length + 9).fill(0x50);
        wide.set(bytes, before);

        expect(KINDS).to.include(kindOf(bytes));
        expect(classify(wide, before, before + bytes.length, { crc32 })).to.equal(kindOf(bytes));
      }),
      { numRuns: 500 },
    );
  });
});
