// What a datagram on a shared UDP port is: RFC 7983's idea, in the order of docs/ptcp.md. Never answered here.
import type { Crc32 } from '../../../bytes/crc32.ts';
import { HEADER_BYTES, readU32 } from './segment.ts';
import { fitsVertex } from './vertex.ts';

/**
 * 'vertex' is a segment of Vertex, and 'cut-vertex' what the way has left of one. 'short' also covers the one-byte
 * keep-alives of NAT bindings; 'foreign' is somebody else's.
 */
export type DatagramKind = 'segment' | 'vertex' | 'cut-vertex' | 'stun' | 'short' | 'foreign';

/** What a datagram may be, and with what that is found out. */
export interface ClassifyRules {
  readonly crc32: Crc32;
  readonly isStunTransaction?: IsStunTransaction | undefined;
  /** Whether somebody here speaks TCP's own header; yes when left out. */
  readonly isTcpOn?: boolean;
  /** Whether somebody here speaks Vertex's; no when left out. */
  readonly isVertexOn?: boolean;
}

const SHORTEST_BYTES = 12;
/** RFC 8489 §5. */
const STUN_MAGIC_COOKIE = 0x2112a442;
const STUN_HEADER_BYTES = 20;
/** RFC 8489 §14.7. */
const FINGERPRINT = 0x8028;
const FINGERPRINT_XOR = 0x5354554e;
const FINGERPRINT_BYTES = 8;

/** Whether a STUN message without a fingerprint belongs to a transaction that somebody here has open. */
export type IsStunTransaction = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What the bytes from `start` to `end` are, by the rules of docs/ptcp.md; whatever they are, it never throws. */
export function classify(bytes: Uint8Array, start: number, end: number, rules: ClassifyRules): DatagramKind {
  const { crc32, isStunTransaction, isTcpOn = true, isVertexOn = false } = rules;
  const length = end - start;
  if (length < SHORTEST_BYTES) return 'short';
  if (
    looksLikeStun(bytes, start, length) &&
    (hasFingerprint(bytes, start, end, crc32) || isStunTransaction?.(bytes, start, end) === true)
  ) {
    return 'stun';
  }
  const dataOffset = bytes[start + 12]! >> 4;
  const isSegment =
    length >= HEADER_BYTES &&
    dataOffset >= HEADER_BYTES / 4 &&
    dataOffset * 4 <= length &&
    // Not RFC 9293 §3.1 (reserved bits are ignored): refusing them sorts out half of what is not TCP. Bit 0 may be AE.
    (bytes[start + 12]! & 0x0e) === 0;
  if (isSegment) return isTcpOn ? 'segment' : 'foreign';
  // After the other: a data offset of 5 at least is a window of 2^28 at least there, so nothing is both.
  return isVertexOn ? VERTEX_KIND[fitsVertex(bytes, start, end, crc32)] : 'foreign';
}

const VERTEX_KIND = { whole: 'vertex', cut: 'cut-vertex', none: 'foreign' } as const;

/** RFC 8489 §5 and §6.3: two zero bits, the cookie, a length that is the datagram's and a multiple of four. */
function looksLikeStun(bytes: Uint8Array, start: number, length: number): boolean {
  if (length < STUN_HEADER_BYTES || (bytes[start]! & 0xc0) !== 0) return false;
  if (readU32(bytes, start + 4) !== STUN_MAGIC_COOKIE) return false;
  const body = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  return body === length - STUN_HEADER_BYTES && (body & 3) === 0;
}

function hasFingerprint(bytes: Uint8Array, start: number, end: number, crc32: Crc32): boolean {
  const at = end - FINGERPRINT_BYTES;
  if (at < start + STUN_HEADER_BYTES) return false;
  if (readU32(bytes, at) !== ((FINGERPRINT << 16) | 4) >>> 0) return false;
  return (crc32(bytes, start, at) ^ FINGERPRINT_XOR) >>> 0 === readU32(bytes, at + 4);
}
