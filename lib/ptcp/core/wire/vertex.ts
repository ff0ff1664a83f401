// The 23-byte header of divmod Vertex's PTCP, the other wire that this core speaks: docs/ptcp.md, "Vertex on the wire".
import type { Crc32 } from '../../../bytes/crc32.ts';
import { Flag, readU32, type Segment } from './segment.ts';

/** Bytes of Vertex's header; there are no options. */
export const VERTEX_HEADER_BYTES = 23;

/** Vertex's control bits. STB, "shrink the buffer": the text is the size of what arrived of a datagram cut short. */
export const VertexFlag = { SYN: 1, ACK: 2, FIN: 4, RST: 8, STB: 16 } as const;

const AT_WINDOW = 12;
const AT_FLAGS = 16;
const AT_CRC = 17;
const AT_LENGTH = 21;
const ALL_FLAGS = 0x1f;
/** The first byte of the window field is zero: there a native segment has its data offset. */
const MOST_WINDOW = 0xff_ffff;
/** The text of an STB is a number of 16 bits. */
export const STB_BYTES = 2;

/** 'cut': the datagram is shorter than its header says, so nothing vouches for what is left of it. */
export type VertexFit = 'whole' | 'cut' | 'none';

/**
 * Whether `bytes[start, end)` is a segment of Vertex: a window below 2^24, known flags, a length that covers what came,
 * and the CRC-32 of the text, of which a SYN has none. The header is checked by nothing but the UDP checksum.
 */
export function fitsVertex(bytes: Uint8Array, start: number, end: number, crc32: Crc32): VertexFit {
  const came = end - start - VERTEX_HEADER_BYTES;
  if (came < 0 || bytes[start + AT_WINDOW] !== 0 || bytes[start + AT_FLAGS]! > ALL_FLAGS) return 'none';
  const announced = (bytes[start + AT_LENGTH]! << 8) | bytes[start + AT_LENGTH + 1]!;
  if (announced < came || (announced > 0 && (bytes[start + AT_FLAGS]! & VertexFlag.SYN) !== 0)) return 'none';
  if (announced > came) return 'cut';
  const text = start + VERTEX_HEADER_BYTES;
  return crc32(bytes, text, end) === readU32(bytes, start + AT_CRC) ? 'whole' : 'none';
}

/** Reads the segment that `fitsVertex` found, cut short or not, into `segment`, its flags turned into TCP's. */
export function decodeVertex(bytes: Uint8Array, start: number, end: number, segment: Segment): void {
  const flags = bytes[start + AT_FLAGS]!;
  segment.bytes = bytes;
  segment.start = start;
  segment.srcPort = (bytes[start]! << 8) | bytes[start + 1]!;
  segment.dstPort = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  segment.seq = readU32(bytes, start + 4);
  segment.ack = readU32(bytes, start + 8);
  segment.window = readU32(bytes, start + AT_WINDOW);
  segment.flags = TO_TCP[flags & ALL_FLAGS]!;
  segment.checkField = readU32(bytes, start + AT_CRC);
  segment.urgentPointer = 0;
  segment.payloadStart = start + VERTEX_HEADER_BYTES;
  segment.payloadEnd = end;
  segment.clearOptions();
  segment.isVertex = true;
  if ((flags & VertexFlag.STB) !== 0) segment.stbBytes = stbTold(bytes, segment);
}

/** The number that an STB carries; 0 where it carries something else. */
function stbTold(bytes: Uint8Array, { payloadStart, payloadEnd }: Segment): number {
  if (payloadEnd - payloadStart !== STB_BYTES) return 0;
  return (bytes[payloadStart]! << 8) | bytes[payloadStart + 1]!;
}

/**
 * Writes Vertex's header of `segment` at `at`, for `textBytes` of text whose CRC-32 is in `checkField`. PSH and URG have
 * no place in it.
 */
export function encodeVertex(segment: Segment, view: DataView, at: number, textBytes: number): void {
  view.setUint16(at, segment.srcPort);
  view.setUint16(at + 2, segment.dstPort);
  view.setUint32(at + 4, segment.seq);
  view.setUint32(at + 8, segment.ack);
  view.setUint32(at + AT_WINDOW, Math.min(segment.window, MOST_WINDOW));
  view.setUint8(at + AT_FLAGS, fromTcp(segment.flags) | (segment.stbBytes >= 0 ? VertexFlag.STB : 0));
  view.setUint32(at + AT_CRC, segment.checkField);
  view.setUint16(at + AT_LENGTH, textBytes);
}

function fromTcp(flags: number): number {
  return (
    ((flags & Flag.SYN) !== 0 ? VertexFlag.SYN : 0) |
    ((flags & Flag.ACK) !== 0 ? VertexFlag.ACK : 0) |
    ((flags & Flag.FIN) !== 0 ? VertexFlag.FIN : 0) |
    ((flags & Flag.RST) !== 0 ? VertexFlag.RST : 0)
  );
}

/** TCP's flags for each value of Vertex's. */
const TO_TCP = Uint8Array.from(
  { length: ALL_FLAGS + 1 },
  (_flags, vertex) =>
    ((vertex & VertexFlag.SYN) !== 0 ? Flag.SYN : 0) |
    ((vertex & VertexFlag.ACK) !== 0 ? Flag.ACK : 0) |
    ((vertex & VertexFlag.FIN) !== 0 ? Flag.FIN : 0) |
    ((vertex & VertexFlag.RST) !== 0 ? Flag.RST : 0),
);
