import { isVertex, type Tcb } from './tcb.ts';
import { TIMESTAMPS_BYTES } from './wire/options.ts';
import { HEADER_BYTES } from './wire/segment.ts';
import { VERTEX_HEADER_BYTES } from './wire/vertex.ts';

/** A peer may not make us send confetti (CVE-2019-11479): its MSS counts as this at least. */
export const LEAST_PEER_MSS = 48;

/**
 * Eff.snd.MSS, RFC 9293 §3.7.1 (MUST-16): the text that fits in one segment, its usual options taken off (RFC 6691).
 */
export function sendMss(tcb: Tcb): number {
  const limit = Math.min(tcb.peerMss, tcb.path.datagramBytes - headerBytes(tcb));
  return limit - (tcb.isTimestampsOn ? TIMESTAMPS_BYTES : 0);
}

/** The header of every segment of the connection, options not counted. */
export function headerBytes(tcb: Tcb): number {
  return isVertex(tcb) ? VERTEX_HEADER_BYTES : HEADER_BYTES;
}

/** Bytes of a segment with `textBytes` of text. */
export function textSegmentBytes(tcb: Tcb, textBytes: number): number {
  return headerBytes(tcb) + (tcb.isTimestampsOn ? TIMESTAMPS_BYTES : 0) + textBytes;
}
