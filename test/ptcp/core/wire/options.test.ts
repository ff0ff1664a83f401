import { expect } from 'chai';
import fc from 'fast-check';
import {
  encodeOptions,
  encodeSynOptions,
  type OptionName,
  parseOptions,
  sackOptionBytes,
  synOptionBytes,
} from '../../../../lib/ptcp/core/wire/options.ts';
import { Segment } from '../../../../lib/ptcp/core/wire/segment.ts';

const NAMES: readonly OptionName[] = ['mss', 'window-scale', 'sack-permitted', 'timestamps', 'ptcp', 'nop'];
const TIMESTAMPS = [8, 10, 0, 0, 0, 7, 0, 0, 0, 9];
const END_AND_NOP = 2;
/** Kinds that mean something here, so that a random body would be read. */
const KNOWN_KINDS = [2, 3, 4, 5, 8, 253];

function parse(bytes: readonly number[]): Segment {
  const segment = new Segment();
  expect(parseOptions(Uint8Array.from(bytes), 0, bytes.length, segment)).to.equal(undefined);
  return segment;
}

function reasonOf(bytes: readonly number[]): string | undefined {
  return parseOptions(Uint8Array.from(bytes), 0, bytes.length, new Segment());
}

/** What a segment says through its options. */
function said(segment: Segment): unknown[] {
  const { mss, windowScale, sackPermitted, hasTimestamps, tsVal, tsEcr, sackCount, ptcpFlags } = segment;
  return [mss, windowScale, sackPermitted, hasTimestamps, tsVal, tsEcr, sackCount, ptcpFlags];
}

/** The segment of a SYN that has every option. */
function fullSyn(): Segment {
  const segment = new Segment();
  segment.mss = 1452;
  segment.windowScale = 7;
  segment.sackPermitted = true;
  segment.hasTimestamps = true;
  segment.tsVal = 0x01020304;
  segment.tsEcr = 0x05060708;
  segment.ptcpFlags = 5;
  segment.ptcpTokenHigh = 0xa1a2a3a4;
  segment.ptcpTokenLow = 0xb1b2b3b4;
  return segment;
}

function synOptions(segment: Segment, order: readonly OptionName[]): number[] {
  const bytes = new Uint8Array(60).fill(0xee);
  const length = encodeSynOptions(segment, order, new DataView(bytes.buffer), 0);
  expect(synOptionBytes(segment, order), 'the length told beforehand').to.equal(length);
  return [...bytes.subarray(0, length)];
}

describe('options', () => {
  it('skips options of all kinds it does not know, wherever they stand (RFC 9293 §3.1, MUST-6, MUST-68)', () => {
    for (let kind = END_AND_NOP; kind <= 255; kind += 1) {
      if (KNOWN_KINDS.includes(kind)) continue;
      const body = Array.from({ length: kind % 8 }, (_byte, i) => (kind * 37 + i * 11) & 0xff);
      const unknown = [kind, 2 + body.length, ...body];

      expect(said(parse([...unknown, ...TIMESTAMPS])), `kind ${kind} before`).to.deep.equal(
        said(parse(TIMESTAMPS)),
      );
      expect(said(parse([...TIMESTAMPS, ...unknown])), `kind ${kind} after`).to.deep.equal(
        said(parse(TIMESTAMPS)),
      );
    }
  });

  it('refuses a known kind with a length that is not its own (RFC 9293 §3.1, MUST-7)', () => {
    const own: Readonly<Record<number, number[]>> = {
      2: [4],
      3: [3],
      4: [2],
      5: [10, 18, 26, 34],
      8: [10],
      253: [13],
    };
    for (const kind of KNOWN_KINDS) {
      for (let length = 2; length <= 40; length += 1) {
        if (own[kind]!.includes(length)) continue;
        const body = Array.from({ length: length - 2 }, (_byte, i) => [0x50, 0x54, 0x10][i] ?? 0);
        // An experiment too short to name ours, and version, is somebody else's.
        const isOurs = kind !== 253 || length >= 5;

        expect(reasonOf([kind, length, ...body]), `kind ${kind}, length ${length}`).to.equal(
          isOurs ? 'bad-option' : undefined,
        );
      }
    }
  });

  it('refuses lengths of 0 and 1 and such as lead past the header (RFC 9293 §3.1, MUST-7)', () => {
    for (let kind = END_AND_NOP; kind <= 255; kind += 1) {
      expect(reasonOf([kind]), `kind ${kind} without a length`).to.equal('bad-option');
      expect(reasonOf([1, 1, 1, kind]), `kind ${kind} at the end`).to.equal('bad-option');
      for (const length of [0, 1, 9, 255])
        expect(reasonOf([kind, length, 0, 0, 0, 0, 0, 0]), `kind ${kind}, length ${length}`).to.equal(
          'bad-option',
        );
    }
  });

  it('reads options on any alignment (RFC 9293 §3.2, MUST-64)', () => {
    for (let shift = 0; shift < 8; shift += 1) {
      const nops = Array.from({ length: shift }, () => 1);

      expect(said(parse([...nops, 2, 4, 0x05, 0xac, ...nops, ...TIMESTAMPS])), `${shift} NOPs`).to.deep.equal(
        said(parse([2, 4, 0x05, 0xac, ...TIMESTAMPS])),
      );
    }
  });

  it('looks at nothing behind the end of the list (RFC 9293 §3.1, MUST-4, MUST-69)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (rest) => {
        expect(said(parse([2, 4, 0x05, 0xac, 0, ...rest]))).to.deep.equal(said(parse([2, 4, 0x05, 0xac])));
      }),
    );
  });

  it('makes a reason or a reading of any bytes (RFC 9293 §3.1, MUST-7)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const segment = new Segment();

        expect([undefined, 'bad-option']).to.include(parseOptions(bytes, 0, bytes.length, segment));
        expect(segment.sackCount).to.be.within(0, 4);
      }),
      { numRuns: 500 },
    );
  });

  it('reads back what it wrote, in whatever order it was asked for (RFC 9293 §3.2)', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...NAMES]), (order) => {
        const bytes = synOptions(fullSyn(), order);
        const read = parse(bytes);

        expect(bytes.length % 4).to.equal(0);
        expect(read.mss).to.equal(order.includes('mss') ? 1452 : 0);
        expect(read.windowScale).to.equal(order.includes('window-scale') ? 7 : -1);
        expect(read.sackPermitted).to.equal(order.includes('sack-permitted'));
        expect(read.tsVal).to.equal(order.includes('timestamps') ? 0x01020304 : 0);
        expect(read.ptcpFlags).to.equal(order.includes('ptcp') ? 5 : -1);
        if (order.includes('ptcp'))
          expect([read.ptcpTokenHigh, read.ptcpTokenLow]).to.deep.equal([0xa1a2a3a4, 0xb1b2b3b4]);
      }),
    );
  });

  it('writes the options of a SYN byte for byte, padded with zeros (RFC 9293 §3.2, MUST-69)', () => {
    const order: readonly OptionName[] = [
      'mss',
      'sack-permitted',
      'timestamps',
      'nop',
      'window-scale',
      'ptcp',
    ];

    expect(synOptions(fullSyn(), order)).to.deep.equal(
      // biome-ignore format: a line is an option
      [
        2, 4, 0x05, 0xac,
        4, 2,
        8, 10, 1, 2, 3, 4, 5, 6, 7, 8,
        1,
        3, 3, 7,
        253, 13, 0x50, 0x54, 0x15, 0xa1, 0xa2, 0xa3, 0xa4, 0xb1, 0xb2, 0xb3, 0xb4,
        0, 0, 0,
      ],
    );
  });

  it('leaves the padding out with the option it is for', () => {
    const segment = new Segment();
    segment.mss = 536;

    expect(synOptions(segment, ['nop', 'window-scale', 'nop', 'nop', 'mss', 'nop'])).to.deep.equal([
      1, 1, 2, 4, 2, 24, 0, 0,
    ]);
  });

  it('takes another experiment, or another version of ours, for an unknown option (RFC 6994)', () => {
    const ours = [253, 13, 0x50, 0x54, 0x11, 1, 2, 3, 4, 5, 6, 7, 8];
    expect(parse(ours).ptcpFlags).to.equal(1);

    // Two bits away: one bit is a damaged option of ours, which condemns the SYN.
    expect(parse(ours.with(3, 0x57)).ptcpFlags, 'another ExID').to.equal(-1);
    expect(parse(ours.with(4, 0x21)).ptcpFlags, 'version 2').to.equal(-1);
    expect(parse([254, ...ours.slice(1)]).ptcpFlags, 'kind 254').to.equal(-1);
  });

  it('puts timestamps and SACK blocks behind two NOPs each (RFC 7323 Appendix A, RFC 2018 §3)', () => {
    const segment = new Segment();
    segment.hasTimestamps = true;
    segment.tsVal = 1;
    segment.tsEcr = 2;
    segment.sackCount = 1;
    segment.sackEdges.set([0x10, 0xfffffff0]);
    const bytes = new Uint8Array(40);

    const length = encodeOptions(segment, new DataView(bytes.buffer), 0);

    expect([...bytes.subarray(0, length)]).to.deep.equal([
      1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 0x10, 0xff, 0xff, 0xff, 0xf0,
    ]);
    expect([0, 1, 4].map(sackOptionBytes)).to.deep.equal([0, 12, 36]);
  });
});
