// TCP segments in literal bytes, RFC 9293 §3.1–3.2. Knows nothing of lib/: a codec must not be tested against itself.
import { crc32 } from 'node:zlib';

/** Options of a segment. They are encoded in the order in which the fields were written. */
export interface LiteralOptions {
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: boolean;
  /** TSval and TSecr. */
  readonly timestamps?: readonly [number, number];
  /** Left and right edge of each block. */
  readonly sack?: readonly (readonly [number, number])[];
  /** Low nibble of the version byte of PTCP's option (kind 253, ExID 0x5054, version 1). */
  readonly ptcp?: number;
  /** Any other options, as they are on the wire. */
  readonly raw?: readonly number[];
}

/** A segment as it is on the wire; sequence numbers are absolute. */
export interface LiteralSegment {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  /** Letters as in packetdrill: F, S, R, P, '.' for ACK, U, E, W; in this order. */
  readonly flags: string;
  /** The field, not scaled. */
  readonly window: number;
  /** Bytes 16–19. */
  readonly checkField: number;
  readonly options: LiteralOptions;
  readonly payload: Uint8Array;
}

const FLAG_LETTERS = 'FSRP.UEW';
const HEADER_BYTES = 20;
const PTCP_OPTION = [253, 13, 0x50, 0x54];

/** The segment in bytes; with `isCrcOn`, bytes 16–19 are the CRC-32 of all the others. */
export function encodeLiteral(segment: LiteralSegment, isCrcOn = false): Uint8Array {
  const options = encodeOptions(segment.options);
  const headerBytes = HEADER_BYTES + options.length;
  const bytes = new Uint8Array(headerBytes + segment.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, segment.srcPort);
  view.setUint16(2, segment.dstPort);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack);
  view.setUint8(12, (headerBytes / 4) << 4);
  view.setUint8(13, encodeFlags(segment.flags));
  view.setUint16(14, segment.window);
  view.setUint32(16, segment.checkField);
  bytes.set(options, HEADER_BYTES);
  bytes.set(segment.payload, headerBytes);
  if (isCrcOn) view.setUint32(16, checkOf(bytes));
  return bytes;
}

/** Throws when `bytes` are not a segment that RFC 9293 would let anyone send. */
export function decodeLiteral(bytes: Uint8Array): LiteralSegment {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = (view.getUint8(12) >> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > bytes.length)
    throw new Error(`data offset of ${headerBytes}`);
  if ((view.getUint8(12) & 0x0f) !== 0) throw new Error('reserved bits are set');
  return {
    srcPort: view.getUint16(0),
    dstPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: [...FLAG_LETTERS].filter((_letter, bit) => (view.getUint8(13) >> bit) & 1).join(''),
    window: view.getUint16(14),
    checkField: view.getUint32(16),
    options: decodeOptions(bytes.subarray(HEADER_BYTES, headerBytes)),
    payload: bytes.slice(headerBytes),
  };
}

/** The CRC-32 that belongs into bytes 16–19, taken over all the others. */
export function checkOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(20), crc32(bytes.subarray(0, 16)));
}

function encodeFlags(letters: string): number {
  let flags = 0;
  for (const letter of letters) {
    const bit = FLAG_LETTERS.indexOf(letter);
    if (bit < 0) throw new Error(`no such flag: '${letter}'`);
    flags |= 1 << bit;
  }
  return flags;
}

function encodeOptions(options: LiteralOptions): Uint8Array {
  const bytes: number[] = [];
  for (const name of Object.keys(options)) bytes.push(...encodeOption(name as keyof LiteralOptions, options));
  while (bytes.length % 4 !== 0) bytes.push(0);
  return Uint8Array.from(bytes);
}

function encodeOption(name: keyof LiteralOptions, options: LiteralOptions): readonly number[] {
  const { mss = 0, windowScale = 0, timestamps = [0, 0], sack = [], ptcp = 0, raw = [] } = options;
  switch (name) {
    case 'mss':
      return [2, 4, mss >> 8, mss & 0xff];
    case 'windowScale':
      return [3, 3, windowScale];
    case 'sackPermitted':
      return options.sackPermitted === true ? [4, 2] : [];
    case 'timestamps':
      return [8, 10, ...timestamps.flatMap(u32)];
    case 'sack':
      return [5, 2 + 8 * sack.length, ...sack.flat().flatMap(u32)];
    case 'ptcp':
      return [...PTCP_OPTION, 0x10 | ptcp, 1, 2, 3, 4, 5, 6, 7, 8];
    case 'raw':
      return raw;
  }
}

function u32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function decodeOptions(bytes: Uint8Array): LiteralOptions {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let options: LiteralOptions = {};
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    if (bytes[at] === 1) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) throw new Error(`option length of ${length}`);
    options = { ...options, ...decodeOption(view, at, length) };
    at += length;
  }
  return options;
}

function decodeOption(view: DataView, at: number, length: number): LiteralOptions {
  switch (view.getUint8(at)) {
    case 2:
      return { mss: view.getUint16(at + 2) };
    case 3:
      return { windowScale: view.getUint8(at + 2) };
    case 4:
      return { sackPermitted: true };
    case 5:
      return {
        sack: Array.from(
          { length: (length - 2) / 8 },
          (_block, i) => [view.getUint32(at + 2 + 8 * i), view.getUint32(at + 6 + 8 * i)] as const,
        ),
      };
    case 8:
      return { timestamps: [view.getUint32(at + 2), view.getUint32(at + 6)] };
    case 253:
      return { ptcp: view.getUint8(at + 4) & 0x0f };
    default:
      return { raw: Array.from({ length }, (_byte, i) => view.getUint8(at + i)) };
  }
}
