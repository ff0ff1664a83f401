// Bytes to Segment and back. What a peer sends never throws here: it is a segment, or there is a reason why not.
import type { Crc32 } from '../../../bytes/crc32.ts';
import { type DecodeError, parseOptions } from './options.ts';
import { Flag, HEADER_BYTES, readU32, type Segment } from './segment.ts';

/**
 * Reads the segment in `bytes[start, end)` into `segment`. Every length comes from the datagram's own size.
 *
 * Returns why it is no segment, or undefined when it is one.
 */
export function decodeSegment(
  bytes: Uint8Array,
  start: number,
  end: number,
  segment: Segment,
): DecodeError | undefined {
  if (end - start < HEADER_BYTES) return 'truncated';
  const headerBytes = (bytes[start + 12]! >> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > end - start) return 'bad-data-offset';
  segment.bytes = bytes;
  segment.start = start;
  segment.srcPort = (bytes[start]! << 8) | bytes[start + 1]!;
  segment.dstPort = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  segment.seq = readU32(bytes, start + 4);
  segment.ack = readU32(bytes, start + 8);
  segment.flags = bytes[start + 13]!;
  segment.window = (bytes[start + 14]! << 8) | bytes[start + 15]!;
  segment.checkField = readU32(bytes, start + 16);
  segment.urgentPointer = segment.checkField & 0xffff;
  segment.payloadStart = start + headerBytes;
  segment.payloadEnd = end;
  segment.clearOptions();
  return headerBytes === HEADER_BYTES
    ? undefined
    : parseOptions(bytes, start + HEADER_BYTES, segment.payloadStart, segment);
}

/** Writes the 20 fixed bytes of `segment` at `at`; bytes 16–19 carry the urgent pointer or zero. */
export function encodeHeader(segment: Segment, view: DataView, at: number, headerBytes: number): void {
  view.setUint16(at, segment.srcPort);
  view.setUint16(at + 2, segment.dstPort);
  view.setUint32(at + 4, segment.seq);
  view.setUint32(at + 8, segment.ack);
  // The low nibble is zero: reserved bits are sent as zero (RFC 9293 §3.1).
  view.setUint16(at + 12, ((headerBytes >> 2) << 12) | segment.flags);
  view.setUint16(at + 14, segment.window);
  view.setUint32(at + 16, (segment.flags & Flag.URG) !== 0 ? segment.urgentPointer : 0);
}

/** The CRC-32 of a segment: over bytes 0–15, the options and the payload, so over all but its own field. */
export function segmentCrc(bytes: Uint8Array, start: number, end: number, crc32: Crc32): number {
  return crc32(bytes, start + HEADER_BYTES, end, crc32(bytes, start, start + 16));
}

/** The CRC-32 of a SYN: over all of `datagram`, with the four bytes at `checkAt` taken as zero. */
export function synCrc(datagram: Uint8Array, checkAt: number, crc32: Crc32): number {
  return crc32(datagram, checkAt + 4, datagram.length, crc32(ZEROS, 0, 4, crc32(datagram, 0, checkAt)));
}

const ZEROS = new Uint8Array(4);
