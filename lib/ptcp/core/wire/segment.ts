// The TCP header as RFC 9293 §3.1 draws it, alone in a UDP datagram. Bytes 16–19 (checksum and urgent pointer) are
// zero or, once both SYNs offered it, carry a CRC-32: docs/ptcp.md.
import type { Seq } from '../seq.ts';

/** Bytes of a TCP header without options. */
export const HEADER_BYTES = 20;
/** Options fill at most what a data offset of 15 leaves. */
export const MAX_OPTION_BYTES = 40;

/** Control bits, RFC 9293 §3.1 and RFC 3168 §6.1. */
export const Flag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/** The most SACK blocks that fit beside nothing else, RFC 2018 §3. */
export const MAX_SACK_BLOCKS = 4;

/** PTCP's own option in a SYN, RFC 6994: kind 253 with this ExID ('PT'). */
export const PTCP_EXID = 0x5054;
export const PTCP_VERSION = 1;
/** Low nibble of the option's version byte: what the sender of the SYN can do. */
export const PtcpFlag = {
  /** Bytes 16–19 of all later segments carry a CRC-32. */
  Crc32: 1,
  /** The connection may move to another path (reserved). */
  Migration: 2,
  /** The last four bytes of the token are the CRC-32 of this SYN, taken with those four bytes zero. */
  CheckedSyn: 4,
} as const;

/**
 * One segment, decoded or about to be encoded. Reused from segment to segment: copy what must outlive the call.
 *
 * The payload is `bytes[payloadStart, payloadEnd)`, a view into the datagram.
 */
export class Segment {
  srcPort = 0;
  dstPort = 0;
  seq: Seq = 0;
  ack: Seq = 0;
  flags = 0;
  /** As on the wire, not scaled. */
  window = 0;
  urgentPointer = 0;
  /** Bytes 16–19 as one number: the CRC-32 where one was negotiated. */
  checkField = 0;

  /** 0: no such option. */
  mss = 0;
  /** -1: no such option. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  tsVal = 0;
  tsEcr = 0;
  sackCount = 0;
  /** Left and right edge of each block in turn. */
  readonly sackEdges: Uint32Array = new Uint32Array(2 * MAX_SACK_BLOCKS);
  /** -1: no such option; else the PtcpFlag bits. */
  ptcpFlags = -1;
  ptcpTokenHigh = 0;
  ptcpTokenLow = 0;
  /** Where the token's last four bytes lie in `bytes`; 0: no such option. */
  ptcpCheckAt = 0;
  /** Whether the header is Vertex's. */
  isVertex = false;
  /** Vertex only: how much text came of a datagram that the way cut short, which is what the segment tells; else -1. */
  stbBytes = -1;

  bytes: Uint8Array = EMPTY;
  start = 0;
  payloadStart = 0;
  payloadEnd = 0;

  clearOptions(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.tsVal = 0;
    this.tsEcr = 0;
    this.sackCount = 0;
    this.ptcpFlags = -1;
    this.ptcpCheckAt = 0;
    this.isVertex = false;
    this.stbBytes = -1;
  }
}

const EMPTY = new Uint8Array(0);

/** SEG.LEN: the sequence space a segment takes, SYN and FIN included (RFC 9293 §3.4). */
export function segmentLength(segment: Segment): number {
  let length = segment.payloadEnd - segment.payloadStart;
  if ((segment.flags & Flag.SYN) !== 0) length += 1;
  if ((segment.flags & Flag.FIN) !== 0) length += 1;
  return length;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
