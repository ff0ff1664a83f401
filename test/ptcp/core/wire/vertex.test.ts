import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from '../../../../lib/bytes/crc32.ts';
import { classify, type DatagramKind } from '../../../../lib/ptcp/core/wire/classify.ts';
import { Flag, Segment, segmentLength } from '../../../../lib/ptcp/core/wire/segment.ts';
import {
  decodeVertex,
  encodeVertex,
  fitsVertex,
  VERTEX_HEADER_BYTES,
} from '../../../../lib/ptcp/core/wire/vertex.ts';
import { ascii } from '../../../support/scripted-peer.ts';

interface Golden {
  readonly what: string;
  readonly hex: string;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  readonly flags: number;
  readonly stbBytes?: number;
  readonly text?: Uint8Array;
}

/** Made with Python's struct.pack('!HHLLLBlH', …) and zlib.crc32, the checksum signed. */
const GOLDEN: readonly Golden[] = [
  {
    what: "a client's SYN",
    hex: '000800010000000000000000000001e901000000000000',
    ...{ srcPort: 8, dstPort: 1, seq: 0, ack: 0, window: 489, flags: Flag.SYN },
  },
  {
    what: 'the SYN-ACK to it',
    hex: '000100080000000000000001000001e903000000000000',
    ...{ srcPort: 1, dstPort: 8, seq: 0, ack: 1, window: 489, flags: Flag.SYN | Flag.ACK },
  },
  {
    what: 'an ACK',
    hex: '000800010000000100000001000001e902000000000000',
    ...{ srcPort: 8, dstPort: 1, seq: 1, ack: 1, window: 489, flags: Flag.ACK },
  },
  {
    what: 'text, its CRC-32 positive as a signed number',
    hex: '000800010000000100000001000001e9023610a686000568656c6c6f',
    ...{ srcPort: 8, dstPort: 1, seq: 1, ack: 1, window: 489, flags: Flag.ACK, text: ascii('hello') },
  },
  {
    what: 'text, its CRC-32 negative as a signed number',
    hex: '000800010000000100000001000001e902e8b7be43000161',
    ...{ srcPort: 8, dstPort: 1, seq: 1, ack: 1, window: 489, flags: Flag.ACK, text: ascii('a') },
  },
  {
    what: 'a FIN, which has no ACK',
    hex: '000800010000000600000001000001e904000000000000',
    ...{ srcPort: 8, dstPort: 1, seq: 6, ack: 1, window: 489, flags: Flag.FIN },
  },
  {
    what: 'an STB that tells of 105 bytes',
    hex: '000100080000000000000000000080001075b7cb0300020069',
    ...{ srcPort: 1, dstPort: 8, seq: 0, ack: 0, window: 32_768, flags: 0, stbBytes: 105 },
    text: Uint8Array.of(0, 105),
  },
  {
    what: 'numbers at their limits',
    hex: 'ffff0001fffffffe8000000100ffffff08000000000000',
    ...{
      srcPort: 65_535,
      dstPort: 1,
      seq: 0xffff_fffe,
      ack: 0x8000_0001,
      window: 0xff_ffff,
      flags: Flag.RST,
    },
  },
];

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** The bytes of `segment` with `text`, `before` bytes into an array. */
function encode(segment: Segment, text: Uint8Array, before = 0): Uint8Array {
  const out = new Uint8Array(before + VERTEX_HEADER_BYTES + text.length);
  out.set(text, before + VERTEX_HEADER_BYTES);
  segment.checkField = crc32(text);
  encodeVertex(segment, new DataView(out.buffer), before, text.length);
  return out.subarray(before);
}

function decode(bytes: Uint8Array): Segment {
  const segment = new Segment();
  decodeVertex(bytes, 0, bytes.length, segment);
  return segment;
}

function textOf(segment: Segment): Uint8Array {
  return segment.bytes.slice(segment.payloadStart, segment.payloadEnd);
}

function kindOf(bytes: Uint8Array, isTcpOn = true): DatagramKind {
  return classify(bytes, 0, bytes.length, { crc32, isTcpOn, isVertexOn: true });
}

describe("Vertex's wire", () => {
  for (const golden of GOLDEN) {
    it(`reads and writes ${golden.what}, byte for byte`, () => {
      const { hex, text = new Uint8Array(0), stbBytes = -1 } = golden;
      const bytes = fromHex(hex);
      const segment = decode(bytes);

      const { srcPort, dstPort, seq, ack, window, flags } = golden;
      expect(fitsVertex(bytes, 0, bytes.length, crc32)).to.equal('whole');
      expect(segment).to.include({ srcPort, dstPort, seq, ack, window, flags, stbBytes });
      expect(textOf(segment)).to.deep.equal(text);
      expect(Buffer.from(encode(segment, text)).toString('hex')).to.equal(hex);
    });
  }

  it('reads back what it wrote, wherever it lies', () => {
    fc.assert(
      fc.property(
        fc.record({
          srcPort: fc.integer({ min: 0, max: 65_535 }),
          dstPort: fc.integer({ min: 0, max: 65_535 }),
          seq: fc.integer({ min: 0, max: 0xffff_ffff }),
          ack: fc.integer({ min: 0, max: 0xffff_ffff }),
          window: fc.integer({ min: 0, max: 0xff_ffff }),
          flags: fc
            .subarray([Flag.SYN, Flag.ACK, Flag.FIN, Flag.RST])
            .map((all) => all.reduce((a, b) => a | b, 0)),
        }),
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(9),
        (fields, text, before) => {
          const bytes = encode(Object.assign(new Segment(), fields), text, before);
          const segment = decode(bytes);

          const isSynWithText = (fields.flags & Flag.SYN) !== 0 && text.length > 0;
          expect(kindOf(bytes)).to.equal(isSynWithText ? 'foreign' : 'vertex');
          expect(segment).to.include(fields);
          expect(textOf(segment)).to.deep.equal(text);
        },
      ),
    );
  });

  it('has no place for PSH and URG, and none for a window of 2^24 and more', () => {
    const segment = Object.assign(new Segment(), { flags: Flag.ACK | Flag.PSH | Flag.URG, window: 2 ** 24 });
    const bytes = encode(segment, new Uint8Array(0));

    expect(decode(bytes)).to.include({ flags: Flag.ACK, window: 2 ** 24 - 1 });
    expect(segmentLength(decode(bytes))).to.equal(0);
  });

  it('refuses what is too short, has an unknown flag, a huge window, trailing bytes or another CRC-32', () => {
    const good = fromHex('000800010000000100000001000001e9023610a686000568656c6c6f');
    const changed = (at: number, value: number): Uint8Array => {
      const bytes = good.slice();
      bytes[at] = value;
      return bytes;
    };

    expect(kindOf(good)).to.equal('vertex');
    expect(kindOf(good.subarray(0, 22)), 'no whole header').to.equal('foreign');
    expect(kindOf(changed(12, 1)), 'a window of 2^24').to.equal('foreign');
    expect(kindOf(changed(16, 0x20)), 'a sixth flag').to.equal('foreign');
    expect(kindOf(changed(22, 4)), 'a byte more than it says').to.equal('foreign');
    expect(kindOf(changed(20, 0)), 'another CRC-32').to.equal('foreign');
    expect(kindOf(changed(25, 0)), 'other text').to.equal('foreign');
    expect(kindOf(changed(16, 1)), 'a SYN with text').to.equal('foreign');
  });

  it('tells a datagram that was cut short from one that is whole', () => {
    const good = fromHex('000800010000000100000001000001e9023610a686000568656c6c6f');
    for (let length = VERTEX_HEADER_BYTES; length < good.length; length += 1) {
      expect(kindOf(good.subarray(0, length)), `${length} bytes`).to.equal('cut-vertex');
    }
  });

  it('is looked for only where somebody speaks it', () => {
    const bytes = fromHex('000800010000000000000000000001e901000000000000');

    expect(classify(bytes, 0, bytes.length, { crc32 })).to.equal('foreign');
    expect(kindOf(bytes)).to.equal('vertex');
  });

  it('is never what TCP would read, whose header is foreign where only Vertex is spoken', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 23, maxLength: 60 }), fc.nat(15), (bytes, offset) => {
        bytes[0] = 0xff;
        bytes[12] = offset << 4;
        const asTcp = classify(bytes, 0, bytes.length, { crc32 });
        const both = kindOf(bytes);

        if (asTcp === 'segment') expect(both).to.equal('segment');
        expect(kindOf(bytes, false)).to.equal(both === 'segment' ? 'foreign' : both);
      }),
    );
  });
});
