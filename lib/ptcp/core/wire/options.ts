// TCP options, RFC 9293 §3.2: kinds 0–5 and 8, and PTCP's experimental one (RFC 6994). Unknown kinds are skipped.
import { MAX_SACK_BLOCKS, PTCP_EXID, PTCP_VERSION, readU32, type Segment } from './segment.ts';

/** Why a datagram is not a segment. A value, not an exception: hostile input is routine. */
export type DecodeError = 'truncated' | 'bad-data-offset' | 'bad-option' | 'bad-crc';

const Kind = {
  End: 0,
  Nop: 1,
  Mss: 2,
  WindowScale: 3,
  SackPermitted: 4,
  Sack: 5,
  Timestamps: 8,
  Experiment: 253,
};

/** The options of a SYN, by name, in the order a profile wants them; 'nop' is one byte of padding. */
export type OptionName = 'mss' | 'nop' | 'window-scale' | 'sack-permitted' | 'timestamps' | 'ptcp';

/** Bytes on the wire of each option of a SYN. */
export const OPTION_BYTES: Readonly<Record<OptionName, number>> = {
  mss: 4,
  nop: 1,
  'window-scale': 3,
  'sack-permitted': 2,
  timestamps: 10,
  ptcp: 13,
};

/** NOP, NOP, Timestamps: what every segment after the SYN begins with, RFC 7323 Appendix A. */
export const TIMESTAMPS_BYTES = 12;

/** Bytes of a SACK option with `count` blocks behind two NOPs, RFC 2018 §3. */
export function sackOptionBytes(count: number): number {
  return count === 0 ? 0 : SACK_HEAD_BYTES + SACK_BLOCK_BYTES * count;
}

/** How many blocks a SACK option has that takes up to `roomBytes`. */
export function sackBlocksIn(roomBytes: number): number {
  return Math.floor((roomBytes - SACK_HEAD_BYTES) / SACK_BLOCK_BYTES);
}

const SACK_HEAD_BYTES = 4;
const SACK_BLOCK_BYTES = 8;

/**
 * Reads `bytes[at, end)` into `segment`. Unknown kinds are skipped (RFC 9293 §3.1, MUST-6).
 *
 * An illegal length condemns the segment (MUST-7): one that cannot be stepped over, and one that is not that of its
 * kind. Taking such a SYN without the option would let one flipped bit change what the two sides believe they agreed on.
 */
export function parseOptions(
  bytes: Uint8Array,
  at: number,
  end: number,
  segment: Segment,
): DecodeError | undefined {
  if (isOnlyTimestamps(bytes, at, end)) {
    takeTimestamps(bytes, at + 2, segment);
    return undefined;
  }
  let next = at;
  while (next < end) {
    const kind = bytes[next]!;
    if (kind === Kind.End) return undefined;
    if (kind === Kind.Nop) {
      next += 1;
      continue;
    }
    if (next + 1 >= end) return 'bad-option';
    const length = bytes[next + 1]!;
    if (length < 2 || next + length > end) return 'bad-option';
    if (!parseOption(bytes, next, segment)) return 'bad-option';
    next += length;
  }
  return undefined;
}

/** The layout of RFC 7323 Appendix A, which nearly every segment has. */
function isOnlyTimestamps(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    end - at === TIMESTAMPS_BYTES &&
    bytes[at] === Kind.Nop &&
    bytes[at + 1] === Kind.Nop &&
    bytes[at + 2] === Kind.Timestamps &&
    bytes[at + 3] === OPTION_BYTES.timestamps
  );
}

function takeTimestamps(bytes: Uint8Array, at: number, segment: Segment): void {
  segment.hasTimestamps = true;
  segment.tsVal = readU32(bytes, at + 2);
  segment.tsEcr = readU32(bytes, at + 6);
}

/** Reads the option at `at`, all of which is there. Returns whether its length is one that its kind can have. */
function parseOption(bytes: Uint8Array, at: number, segment: Segment): boolean {
  const length = bytes[at + 1]!;
  switch (bytes[at]) {
    case Kind.Timestamps:
      if (length === OPTION_BYTES.timestamps) takeTimestamps(bytes, at, segment);
      return length === OPTION_BYTES.timestamps;
    case Kind.Sack:
      return parseSack(bytes, at, segment);
    case Kind.Mss:
      if (length === OPTION_BYTES.mss) segment.mss = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      return length === OPTION_BYTES.mss;
    case Kind.WindowScale:
      if (length === OPTION_BYTES['window-scale']) segment.windowScale = bytes[at + 2]!;
      return length === OPTION_BYTES['window-scale'];
    case Kind.SackPermitted:
      segment.sackPermitted = true;
      return length === OPTION_BYTES['sack-permitted'];
    default:
      return parsePtcpOption(bytes, at, segment);
  }
}

function parseSack(bytes: Uint8Array, at: number, segment: Segment): boolean {
  const count = (bytes[at + 1]! - 2) / SACK_BLOCK_BYTES;
  if (!Number.isInteger(count) || count < 1) return false;
  segment.sackCount = Math.min(count, MAX_SACK_BLOCKS);
  for (let edge = 0; edge < 2 * segment.sackCount; edge += 1) {
    segment.sackEdges[edge] = readU32(bytes, at + 2 + 4 * edge);
  }
  return true;
}

/** What PTCP's option goes by, besides its version: kind and ExID. */
const PTCP_NAME = (Kind.Experiment << 16) | PTCP_EXID;

/**
 * PTCP's option, or an unknown one: another experiment, another version. What is one flipped bit away from ours is ours,
 * damaged: taken for unknown, it would turn the CRC off on one side.
 */
function parsePtcpOption(bytes: Uint8Array, at: number, segment: Segment): boolean {
  const length = bytes[at + 1]!;
  if (length < 5) return true;
  const isOurLength = length === OPTION_BYTES.ptcp;
  const name = (bytes[at]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  const flippedBits = bitsSet(name ^ PTCP_NAME) + bitsSet((bytes[at + 4]! >> 4) ^ PTCP_VERSION);
  if (flippedBits > 0) return flippedBits > 1 || !isOurLength;
  if (!isOurLength) return false;
  segment.ptcpFlags = bytes[at + 4]! & 0x0f;
  segment.ptcpTokenHigh = readU32(bytes, at + 5);
  segment.ptcpTokenLow = readU32(bytes, at + 9);
  segment.ptcpCheckAt = at + 9;
  return true;
}

function bitsSet(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
  return count;
}

/** Whether `segment` carries the option `name` of a SYN. */
function carries(segment: Segment, name: OptionName): boolean {
  switch (name) {
    case 'mss':
      return segment.mss > 0;
    case 'window-scale':
      return segment.windowScale >= 0;
    case 'sack-permitted':
      return segment.sackPermitted;
    case 'timestamps':
      return segment.hasTimestamps;
    case 'ptcp':
      return segment.ptcpFlags >= 0;
    case 'nop':
      return true;
  }
}

/**
 * Writes the options of a SYN at `at` in the order asked for and returns their length, a multiple of four.
 *
 * A 'nop' is padding for the option after it and is left out with it; the rest is padded with End (RFC 9293 §3.2).
 */
export function encodeSynOptions(
  segment: Segment,
  order: readonly OptionName[],
  view: DataView,
  at: number,
): number {
  let end = at;
  let padding = 0;
  for (const name of order) {
    if (name === 'nop') {
      padding += 1;
      continue;
    }
    if (carries(segment, name)) {
      for (; padding > 0; padding -= 1) view.setUint8(end++, Kind.Nop);
      encodeSynOption(segment, name, view, end);
      end += OPTION_BYTES[name];
    }
    padding = 0;
  }
  while ((end - at) % 4 !== 0) view.setUint8(end++, Kind.End);
  return end - at;
}

function encodeSynOption(segment: Segment, name: OptionName, view: DataView, at: number): void {
  switch (name) {
    case 'mss':
      view.setUint16(at, (Kind.Mss << 8) | OPTION_BYTES.mss);
      view.setUint16(at + 2, segment.mss);
      break;
    case 'window-scale':
      view.setUint16(at, (Kind.WindowScale << 8) | OPTION_BYTES['window-scale']);
      view.setUint8(at + 2, segment.windowScale);
      break;
    case 'sack-permitted':
      view.setUint16(at, (Kind.SackPermitted << 8) | OPTION_BYTES['sack-permitted']);
      break;
    case 'timestamps':
      encodeTimestamps(segment, view, at);
      break;
    case 'ptcp':
      view.setUint16(at, (Kind.Experiment << 8) | OPTION_BYTES.ptcp);
      view.setUint16(at + 2, PTCP_EXID);
      view.setUint8(at + 4, (PTCP_VERSION << 4) | segment.ptcpFlags);
      view.setUint32(at + 5, segment.ptcpTokenHigh);
      view.setUint32(at + 9, segment.ptcpTokenLow);
      segment.ptcpCheckAt = at + 9;
      break;
    case 'nop':
      break;
  }
}

function encodeTimestamps(segment: Segment, view: DataView, at: number): void {
  view.setUint16(at, (Kind.Timestamps << 8) | OPTION_BYTES.timestamps);
  view.setUint32(at + 2, segment.tsVal);
  view.setUint32(at + 6, segment.tsEcr);
}

/** Writes timestamps and SACK blocks, each behind two NOPs, at `at`, and returns their length. */
export function encodeOptions(segment: Segment, view: DataView, at: number): number {
  let end = at;
  if (segment.hasTimestamps) {
    view.setUint16(end, (Kind.Nop << 8) | Kind.Nop);
    encodeTimestamps(segment, view, end + 2);
    end += TIMESTAMPS_BYTES;
  }
  if (segment.sackCount > 0) {
    view.setUint16(end, (Kind.Nop << 8) | Kind.Nop);
    view.setUint16(end + 2, (Kind.Sack << 8) | (2 + SACK_BLOCK_BYTES * segment.sackCount));
    for (let edge = 0; edge < 2 * segment.sackCount; edge += 1) {
      view.setUint32(end + 4 + 4 * edge, segment.sackEdges[edge]!);
    }
    end += sackOptionBytes(segment.sackCount);
  }
  return end - at;
}

/** Bytes that `encodeSynOptions` would write. */
export function synOptionBytes(segment: Segment, order: readonly OptionName[]): number {
  let total = 0;
  let padding = 0;
  for (const name of order) {
    if (name === 'nop') {
      padding += 1;
      continue;
    }
    if (carries(segment, name)) total += OPTION_BYTES[name] + padding;
    padding = 0;
  }
  return (total + 3) & ~3;
}
