// What RFC 9293 lets an end put on the wire: read from the bytes, not from what the core thinks it wrote.
import { type Seq, seqAdd, seqDiff, seqLess } from '../lib/ptcp/core/seq.ts';
import type { Tcb } from '../lib/ptcp/core/tcb.ts';
import { Flag, HEADER_BYTES, readU32 } from '../lib/ptcp/core/wire/segment.ts';
import type { User } from './user.ts';
import { Violation } from './violation.ts';

const OptionKind = { End: 0, Nop: 1, Mss: 2, WindowScale: 3, SackPermitted: 4, Sack: 5, Timestamps: 8 };
/** NOP, NOP, kind 8, length 10; and NOP, NOP, kind 5 without its length. */
const TIMESTAMPS_HEAD = 0x0101_080a;
const SACK_HEAD = 0x01_0105;
const TIMESTAMPS_BYTES = 12;
const SACK_HEAD_BYTES = 4;
const SACK_BLOCK_BYTES = 8;
/** A probe of a closed window is one octet beyond it (RFC 9293 §3.8.6.1). */
const PROBE_BYTES = 1;

/** What a segment is in any case, whoever sends it. Returns its flags. */
export function checkHeader(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER_BYTES) throw new Violation('wire-length', `a segment of ${end - start} bytes`);
  const headerBytes = (bytes[start + 12]! >> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > end - start)
    throw new Violation('wire-data-offset', `${headerBytes} of ${end - start} bytes`);
  if ((bytes[start + 12]! & 0x0f) !== 0) throw new Violation('wire-reserved', 'reserved bits are set');
  const flags = bytes[start + 13]!;
  if ((flags & (Flag.URG | Flag.ECE | Flag.CWR)) !== 0) throw new Violation('wire-flags', `flags ${flags}`);
  const kind = flags & (Flag.SYN | Flag.RST | Flag.FIN);
  if (kind !== 0 && (kind & (kind - 1)) !== 0) throw new Violation('wire-flags', `flags ${flags}`);
  if ((flags & Flag.ACK) === 0 && (kind === 0 || kind === Flag.FIN))
    throw new Violation('wire-flags', 'neither ACK, SYN nor RST');
  if (kind === Flag.SYN) checkSynOptions(bytes, start + HEADER_BYTES, start + headerBytes);
  return flags;
}

function checkSynOptions(bytes: Uint8Array, from: number, end: number): void {
  let at = from;
  while (at < end && bytes[at] !== OptionKind.End) {
    if (bytes[at] === OptionKind.Nop) {
      at += 1;
      continue;
    }
    if (bytes[at] === OptionKind.Sack) throw new Violation('wire-syn-options', 'SACK blocks in a SYN');
    if (at + 1 >= end || bytes[at + 1]! < 2) throw new Violation('wire-syn-options', 'an option without end');
    at += bytes[at + 1]!;
  }
  if (at > end) throw new Violation('wire-syn-options', 'an option longer than the header');
}

/** What one end of a connection has said so far, and what it may say next. */
export class WireRules {
  readonly #tcb: Tcb;
  readonly #peer: User | undefined;
  #ack: Seq = 0;
  #edge: Seq = 0;
  #hasAcked = false;
  /** The rightmost edge that the peer ever gave. */
  #peerEdge: Seq;
  /** Bytes of text, and segments that take sequence space, since the last look. */
  sentBytes = 0;
  sentCount = 0;

  /** As the segment before this one left. */
  #datagramBytes = 0;

  constructor(tcb: Tcb, peer: User | undefined) {
    this.#tcb = tcb;
    this.#peer = peer;
    this.#peerEdge = tcb.sndNxt;
  }

  /** `bytes[start, end)` leaves. `checkHeader` has passed it, and it is neither SYN nor RST. */
  segmentLeaves(bytes: Uint8Array, start: number, end: number): void {
    const headerBytes = (bytes[start + 12]! >> 4) * 4;
    const optionBytes = headerBytes - HEADER_BYTES;
    this.#checkOptions(bytes, start + HEADER_BYTES, optionBytes);
    const textBytes = end - start - headerBytes;
    const isFin = (bytes[start + 13]! & Flag.FIN) !== 0;
    if (textBytes > 0 || isFin) this.#checkText(readU32(bytes, start + 4), textBytes, isFin);
    const tcb = this.#tcb;
    if (textBytes + optionBytes > tcb.peerMss && textBytes > 0)
      throw new Violation('wire-mss', `${textBytes} + ${optionBytes} for an MSS of ${tcb.peerMss}`);
    const largest = this.#largestDatagram(readU32(bytes, start + 4));
    if (end - start > largest && textBytes > 0)
      throw new Violation('wire-datagram', `${end - start} where the path takes ${largest}`);
    if (!tcb.isCrcOn && readU32(bytes, start + 16) !== 0)
      throw new Violation('wire-check-field', 'something in bytes 16 to 19 without a CRC');
    this.#checkWindow(readU32(bytes, start + 8), (bytes[start + 14]! << 8) | bytes[start + 15]!);
  }

  #checkOptions(bytes: Uint8Array, at: number, optionBytes: number): void {
    const { isTimestampsOn, isSackOn } = this.#tcb;
    let left = optionBytes;
    if (isTimestampsOn) {
      if (left < TIMESTAMPS_BYTES || readU32(bytes, at) !== TIMESTAMPS_HEAD)
        throw new Violation('wire-timestamps', 'agreed on, and missing (RFC 7323 §3.2)');
      left -= TIMESTAMPS_BYTES;
    }
    if (left === 0) return;
    const sackAt = at + optionBytes - left;
    const isSack = isSackOn && readU32(bytes, sackAt) >>> 8 === SACK_HEAD;
    if (!isSack || bytes[sackAt + 3]! + 2 !== left || (left - SACK_HEAD_BYTES) % SACK_BLOCK_BYTES !== 0)
      throw new Violation('wire-options', 'neither timestamps nor a SACK option, or not agreed on');
    for (let block = sackAt + SACK_HEAD_BYTES; block < at + optionBytes; block += SACK_BLOCK_BYTES) {
      const isOrdered = seqLess(readU32(bytes, block), readU32(bytes, block + 4));
      if (!isOrdered) throw new Violation('wire-sack', 'a SACK block that ends before it begins');
    }
  }

  #checkText(seq: Seq, textBytes: number, isFin: boolean): void {
    const tcb = this.#tcb;
    const last = seqAdd(seq, textBytes + (isFin ? 1 : 0));
    this.sentBytes += textBytes;
    this.sentCount += 1;
    const edge = seqAdd(tcb.sndUna, tcb.sndWnd);
    if (seqDiff(edge, this.#peerEdge) > 0) this.#peerEdge = edge;
    if (seqDiff(last, this.#peerEdge) > PROBE_BYTES)
      throw new Violation('wire-peer-window', `${seqDiff(last, this.#peerEdge)} bytes beyond the window`);
    this.#checkPromised(last);
    if (seqDiff(last, tcb.sndNxt) > 0) throw new Violation('wire-snd-nxt', 'text beyond SND.NXT');
  }

  /** The window is what the peer has promised, not only what was understood. */
  #checkPromised(last: Seq): void {
    const peer = this.#peer?.connection?.tcb;
    // Not of an earlier life, or a later one.
    if (peer === undefined || peer.irs !== this.#tcb.iss || peer.state === 'SYN-SENT') return;
    const beyond = seqDiff(last, peer.rcvAdv);
    if (beyond > PROBE_BYTES)
      throw new Violation('wire-promised-window', `${beyond} bytes beyond what the peer offered`);
  }

  /**
   * ACKs and right edges only go forward (RFC 9293 §3.8.6, SHLD-14), but for what the scale rounds off a window that
   * closes (RFC 7323 §2.4).
   */
  #checkWindow(ack: Seq, field: number): void {
    const shift = this.#tcb.rcvWindShift;
    const edge = seqAdd(ack, field << shift);
    if (this.#hasAcked) {
      if (seqDiff(ack, this.#ack) < 0) throw new Violation('wire-ack', 'an ACK goes back');
      if (seqDiff(edge, this.#edge) <= -(1 << shift) && edge !== this.#edge)
        throw new Violation('wire-right-edge', `moves left by ${-seqDiff(edge, this.#edge)}`);
    }
    this.#hasAcked = true;
    this.#ack = ack;
    this.#edge = edge;
  }

  /** What a datagram of this connection may measure: what its path is taken to carry, was a moment ago, or is asked. */
  #largestDatagram(seq: Seq): number {
    const { datagramBytes, search } = this.#tcb.path;
    const isProbe =
      search !== undefined && search.probeStart !== search.probeEnd && search.probeStart === seq;
    return Math.max(datagramBytes, this.#datagramBytes, isProbe ? search.probedBytes : 0);
  }

  /** The event is over, and what was sent in it is no longer news. Returns whether datagrams have their size still. */
  settled(): boolean {
    const { datagramBytes } = this.#tcb.path;
    const isSameSize = datagramBytes === this.#datagramBytes;
    this.#datagramBytes = datagramBytes;
    this.sentBytes = 0;
    this.sentCount = 0;
    return isSameSize;
  }
}
