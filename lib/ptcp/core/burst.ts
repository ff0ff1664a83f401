// Segments of one size, back to back in the caller's buffer, so that the kernel can be given many at once.
import type { Crc32 } from '../../bytes/crc32.ts';
import type { Instant } from '../../time/clock.ts';
import type { PathId } from './path.ts';
import type { SendBuffer } from './send-buffer.ts';
import { seqAdd } from './seq.ts';
import { encodeHeader, segmentCrc, synCrc } from './wire/codec.ts';
import { encodeOptions, encodeSynOptions, type OptionName, synOptionBytes } from './wire/options.ts';
import { HEADER_BYTES, PtcpFlag, Segment } from './wire/segment.ts';
import { encodeVertex, STB_BYTES, VERTEX_HEADER_BYTES } from './wire/vertex.ts';

/** A run of datagrams for one path. Each has head room before its segment and tail room after it, inside its stride. */
export interface Burst {
  readonly path: PathId;
  /** From the start of one datagram to the start of the next: the length of all but the last. */
  readonly strideBytes: number;
  readonly count: number;
  /** Length of the last datagram, its head and tail room included: at most the stride. */
  readonly lastBytes: number;
}

/** Where `pollTransmit` puts the segments. */
export interface TransmitTarget {
  readonly out: Uint8Array;
  /** Bytes left free before each segment, and after it, for whoever seals datagrams. */
  readonly headroomBytes?: number;
  readonly tailroomBytes?: number;
  /** The most segments in one burst. */
  readonly maxSegments?: number;
}

/** Builds one burst after the other. The first segment of a burst sets the stride; a shorter one ends the burst. */
export class BurstWriter {
  /** The segment to fill in before `put`. */
  readonly segment = new Segment();
  /** When the burst leaves. */
  now: Instant = 0;
  readonly #crc32: Crc32;
  #out: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #headroomBytes = 0;
  #roomBytes = 0;
  #maxSegments = 0;
  #strideBytes = 0;
  #count = 0;
  #lastBytes = 0;
  #segmentBytes = 0;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  get count(): number {
    return this.#count;
  }

  get strideBytes(): number {
    return this.#strideBytes;
  }

  get lastBytes(): number {
    return this.#lastBytes;
  }

  /** Bytes of the segments written, head and tail room not counted. */
  get segmentBytes(): number {
    return this.#segmentBytes;
  }

  begin(target: TransmitTarget, now: Instant): void {
    this.now = now;
    if (target.out !== this.#out) {
      this.#out = target.out;
      this.#view = new DataView(target.out.buffer, target.out.byteOffset, target.out.byteLength);
    }
    this.#headroomBytes = target.headroomBytes ?? 0;
    this.#roomBytes = this.#headroomBytes + (target.tailroomBytes ?? 0);
    this.#maxSegments = target.maxSegments ?? 1;
    this.#strideBytes = 0;
    this.#count = 0;
    this.#lastBytes = 0;
    this.#segmentBytes = 0;
  }

  /** Whether a segment of `segmentBytes` can join the burst. */
  takes(segmentBytes: number): boolean {
    const datagramBytes = segmentBytes + this.#roomBytes;
    if (this.#count === 0) return datagramBytes <= this.#out.length;
    return (
      this.#count < this.#maxSegments &&
      this.#lastBytes === this.#strideBytes &&
      datagramBytes <= this.#strideBytes &&
      this.#count * this.#strideBytes + datagramBytes <= this.#out.length
    );
  }

  /** Adds `this.segment` with `count` bytes of text from `source`, which begin at SEG.SEQ. */
  put(source: SendBuffer | undefined, count: number, isCrcOn: boolean): void {
    if (this.segment.isVertex) {
      this.#putVertex(source, count);
      return;
    }
    const at = this.#count * this.#strideBytes + this.#headroomBytes;
    const headerBytes = HEADER_BYTES + encodeOptions(this.segment, this.#view, at + HEADER_BYTES);
    encodeHeader(this.segment, this.#view, at, headerBytes);
    const end = at + headerBytes + count;
    if (count > 0) source!.copyTo(this.segment.seq, count, this.#out, at + headerBytes);
    if (isCrcOn) this.#view.setUint32(at + 16, segmentCrc(this.#out, at, end, this.#crc32));
    this.#finish(headerBytes + count);
  }

  /** Without a source the text is the number of an STB, or zeros. */
  #putVertex(source: SendBuffer | undefined, count: number): void {
    const { segment } = this;
    const at = this.#count * this.#strideBytes + this.#headroomBytes;
    const text = at + VERTEX_HEADER_BYTES;
    const textBytes = segment.stbBytes >= 0 ? STB_BYTES : count;
    if (segment.stbBytes >= 0) this.#view.setUint16(text, segment.stbBytes);
    else if (source !== undefined && count > 0) source.copyTo(segment.seq, count, this.#out, text);
    else this.#out.fill(0, text, text + count);
    segment.checkField = this.#crc32(this.#out, text, text + textBytes);
    encodeVertex(segment, this.#view, at, textBytes);
    this.#finish(VERTEX_HEADER_BYTES + textBytes);
  }

  /** Adds `this.segment`, a SYN or SYN-ACK, with its options in `order` and `count` bytes of text from `source`. */
  putSyn(order: readonly OptionName[], source?: SendBuffer, count = 0): void {
    const { segment } = this;
    if (segment.isVertex) {
      this.#putVertex(undefined, 0);
      return;
    }
    const at = this.#headroomBytes;
    const headerBytes = HEADER_BYTES + synOptionBytes(segment, order);
    if (segment.ptcpFlags >= 0 && (segment.ptcpFlags & PtcpFlag.CheckedSyn) !== 0) segment.ptcpTokenLow = 0;
    encodeSynOptions(segment, order, this.#view, at + HEADER_BYTES);
    encodeHeader(segment, this.#view, at, headerBytes);
    if (count > 0) source!.copyTo(seqAdd(segment.seq, 1), count, this.#out, at + headerBytes);
    if (segment.ptcpFlags >= 0 && (segment.ptcpFlags & PtcpFlag.CheckedSyn) !== 0) {
      const syn = this.#out.subarray(at, at + headerBytes + count);
      const checkAt = segment.ptcpCheckAt;
      this.#view.setUint32(checkAt, synCrc(syn, checkAt - at, this.#crc32));
    }
    this.#finish(headerBytes + count);
  }

  #finish(segmentBytes: number): void {
    this.#lastBytes = segmentBytes + this.#roomBytes;
    if (this.#count === 0) this.#strideBytes = this.#lastBytes;
    this.#count += 1;
    this.#segmentBytes += segmentBytes;
  }
}
