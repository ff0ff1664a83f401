import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from '../../../../lib/bytes/crc32.ts';
import { decodeSegment, encodeHeader, segmentCrc, synCrc } from '../../../../lib/ptcp/core/wire/codec.ts';
import { encodeOptions } from '../../../../lib/ptcp/core/wire/options.ts';
import { Flag, Segment } from '../../../../lib/ptcp/core/wire/segment.ts';
import {
  checkOf,
  decodeLiteral,
  encodeLiteral,
  type LiteralSegment,
} from '../../../support/literal-segment.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** What a segment of a synchronized connection may have. */
const arbitrarySegment: fc.Arbitrary<LiteralSegment> = fc.record({
  srcPort: u16,
  dstPort: u16,
  seq: u32,
  ack: u32,
  flags: fc.subarray([...'FRP.EW']).map((letters) => letters.join('')),
  window: u16,
  checkField: fc.constant(0),
  options: fc.oneof(
    fc.constant({}),
    fc.record({ timestamps: fc.tuple(u32, u32) }),
    fc.record({ sack: fc.array(fc.tuple(u32, u32), { minLength: 1, maxLength: 4 }) }),
    fc.record({
      timestamps: fc.tuple(u32, u32),
      sack: fc.array(fc.tuple(u32, u32), { minLength: 1, maxLength: 3 }),
    }),
  ),
  payload: fc.uint8Array({ maxLength: 64 }),
});

function decoded(bytes: Uint8Array, start = 0, end: number = bytes.length): Segment {
  const segment = new Segment();
  expect(decodeSegment(bytes, start, end, segment)).to.equal(undefined);
  return segment;
}

/** `segment` as our own encoder writes it, with `payload` behind it. */
function encoded(segment: Segment, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(60 + payload.length);
  const view = new DataView(bytes.buffer);
  const headerBytes = 20 + encodeOptions(segment, view, 20);
  encodeHeader(segment, view, 0, headerBytes);
  bytes.set(payload, headerBytes);
  return bytes.subarray(0, headerBytes + payload.length);
}

describe('codec', () => {
  it('writes the header as it is drawn (RFC 9293 §3.1)', () => {
    const segment = new Segment();
    segment.srcPort = 0xc001;
    segment.dstPort = 0xc002;
    segment.seq = 0x01020304;
    segment.ack = 0xfffefdfc;
    segment.flags = Flag.ACK | Flag.PSH;
    segment.window = 0x1234;
    segment.hasTimestamps = true;
    segment.tsVal = 0x0a0b0c0d;
    segment.tsEcr = 0x01010101;

    expect([...encoded(segment, Uint8Array.of(0x68, 0x69))]).to.deep.equal(
      // biome-ignore format: a line is a line of the drawing
      [
        0xc0, 0x01, 0xc0, 0x02,
        0x01, 0x02, 0x03, 0x04,
        0xff, 0xfe, 0xfd, 0xfc,
        0x80, 0x18, 0x12, 0x34,
        0x00, 0x00, 0x00, 0x00,
        0x01, 0x01, 0x08, 0x0a,
        0x0a, 0x0b, 0x0c, 0x0d,
        0x01, 0x01, 0x01, 0x01,
        0x68, 0x69,
      ],
    );
  });

  it('writes what an independent decoder reads (RFC 9293 §3.1–3.2)', () => {
    fc.assert(
      fc.property(arbitrarySegment, (literal) => {
        const ours = decoded(encodeLiteral(literal));

        const again = decodeLiteral(encoded(ours, literal.payload));

        expect(again).to.deep.equal(literal);
      }),
      { numRuns: 300 },
    );
  });

  it('reads every field of what an independent encoder writes', () => {
    fc.assert(
      fc.property(arbitrarySegment, (literal) => {
        const segment = decoded(encodeLiteral(literal));

        expect([segment.srcPort, segment.dstPort]).to.deep.equal([literal.srcPort, literal.dstPort]);
        expect([segment.seq, segment.ack, segment.window]).to.deep.equal([
          literal.seq,
          literal.ack,
          literal.window,
        ]);
        expect([...segment.bytes.subarray(segment.payloadStart, segment.payloadEnd)]).to.deep.equal([
          ...literal.payload,
        ]);
        expect(segment.hasTimestamps).to.equal(literal.options.timestamps !== undefined);
        expect([...segment.sackEdges.subarray(0, 2 * segment.sackCount)]).to.deep.equal(
          (literal.options.sack ?? []).flat(),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('makes a segment or a reason of any bytes, and looks at none outside them', () => {
    const reasons = ['truncated', 'bad-data-offset', 'bad-option'];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(20), fc.nat(20), (bytes, before, after) => {
        const wide = new Uint8Array(before + bytes.length + after).fill(0xff);
        wide.set(bytes, before);
        const segment = new Segment();

        const error = decodeSegment(wide, before, before + bytes.length, segment);

        expect(error).to.equal(decodeSegment(bytes, 0, bytes.length, new Segment()));
        if (error === undefined) {
          expect(segment.payloadStart).to.be.within(before + 20, before + bytes.length);
          expect(segment.payloadEnd).to.equal(before + bytes.length);
        } else expect(reasons).to.include(error);
      }),
      { numRuns: 500 },
    );
  });

  it('says why it refuses: too short, or a data offset that cannot be (RFC 9293 §3.1)', () => {
    const segment = new Segment();
    const bytes = encodeLiteral({
      srcPort: 1,
      dstPort: 2,
      seq: 3,
      ack: 4,
      flags: '.',
      window: 5,
      checkField: 0,
      options: {},
      payload: new Uint8Array(4),
    });
    const outcomes = Array.from({ length: 16 }, (_entry, offset) => {
      bytes[12] = offset << 4;
      return decodeSegment(bytes, 0, bytes.length, segment);
    });

    expect(decodeSegment(bytes, 0, 19, segment)).to.equal('truncated');
    expect(outcomes).to.deep.equal([
      ...Array.from({ length: 5 }, () => 'bad-data-offset'),
      undefined,
      undefined,
      ...Array.from({ length: 9 }, () => 'bad-data-offset'),
    ]);
  });

  it('ignores reserved bits when it reads and sends them as zero (RFC 9293 §3.1)', () => {
    const segment = new Segment();
    const bytes = new Uint8Array(20);
    bytes[12] = 0x5f;

    expect(decodeSegment(bytes, 0, 20, segment)).to.equal(undefined);
    expect(encoded(segment, new Uint8Array(0))[12]).to.equal(0x50);
  });

  it('forgets the options of the segment it read before', () => {
    const segment = new Segment();
    const full = {
      srcPort: 1,
      dstPort: 2,
      seq: 0,
      ack: 0,
      flags: 'S',
      window: 0,
      checkField: 0,
      payload: new Uint8Array(0),
    };
    const syn = encodeLiteral({
      ...full,
      options: { mss: 1000, windowScale: 3, sackPermitted: true, timestamps: [5, 6], ptcp: 5 },
    });
    const sack = encodeLiteral({ ...full, flags: '.', options: { sack: [[1, 2]] } });

    decodeSegment(syn, 0, syn.length, segment);
    decodeSegment(sack, 0, sack.length, segment);
    expect(segment.sackCount).to.equal(1);
    decodeSegment(encodeLiteral({ ...full, options: {} }), 0, 20, segment);

    expect([
      segment.mss,
      segment.windowScale,
      segment.sackPermitted,
      segment.hasTimestamps,
      segment.sackCount,
      segment.ptcpFlags,
      segment.ptcpCheckAt,
    ]).to.deep.equal([0, -1, false, false, 0, -1, 0]);
  });

  it('carries the urgent pointer where the flag says so, and zero elsewhere (RFC 9293 §3.1)', () => {
    const segment = new Segment();
    segment.urgentPointer = 0x1234;

    const calm = encoded(segment, new Uint8Array(0));
    segment.flags = Flag.URG | Flag.ACK;
    const urgent = encoded(segment, new Uint8Array(0));

    expect([...calm.subarray(16, 20)]).to.deep.equal([0, 0, 0, 0]);
    expect([...urgent.subarray(16, 20)]).to.deep.equal([0, 0, 0x12, 0x34]);
    expect(decoded(urgent).urgentPointer).to.equal(0x1234);
  });

  it('takes the CRC-32 over all but its own four bytes (RFC 9293 §3.1, MUST-2)', () => {
    fc.assert(
      fc.property(arbitrarySegment, u32, (literal, checkField) => {
        const bytes = encodeLiteral({ ...literal, checkField });

        expect(segmentCrc(bytes, 0, bytes.length, crc32)).to.equal(checkOf(bytes));
      }),
      { numRuns: 100 },
    );
  });

  it('takes the CRC-32 of a SYN over all of it, the place of the CRC being zero', () => {
    const bytes = encodeLiteral({
      srcPort: 1,
      dstPort: 2,
      seq: 7,
      ack: 0,
      flags: 'S',
      window: 9,
      checkField: 0,
      options: { mss: 1452, ptcp: 5 },
      payload: Uint8Array.of(1, 2, 3),
    });
    const { ptcpCheckAt } = decoded(bytes);
    const zeroed = bytes.slice();
    zeroed.fill(0, ptcpCheckAt, ptcpCheckAt + 4);

    expect(ptcpCheckAt).to.equal(20 + 4 + 9);
    expect(synCrc(bytes, ptcpCheckAt, crc32)).to.equal(crc32(zeroed));
  });
});
