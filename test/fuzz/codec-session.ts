import { crc32 } from '../../lib/bytes/crc32.ts';
import { Prng } from '../../lib/bytes/prng.ts';
import { classify } from '../../lib/ptcp/core/wire/classify.ts';
import { decodeSegment, encodeHeader } from '../../lib/ptcp/core/wire/codec.ts';
import { encodeOptions } from '../../lib/ptcp/core/wire/options.ts';
import { HEADER_BYTES, MAX_SACK_BLOCKS, Segment } from '../../lib/ptcp/core/wire/segment.ts';
import { type Aim, edgeNumber, InputMaker } from './inputs.ts';
import { require, type Session } from './session.ts';

const ERRORS: ReadonlySet<string | undefined> = new Set([
  'truncated',
  'bad-data-offset',
  'bad-option',
  undefined,
]);
/** Where an input lies in memory; what surrounds it must not matter. */
const OFFSET = 64;

const RULES = { crc32, isVertexOn: true } as const;

/** Classifier and codec alone: nothing is read outside the input, and what is read can be written and read again. */
export class CodecSession implements Session {
  readonly #random: Prng;
  readonly #inputs: InputMaker;
  readonly #arena = new Uint8Array(4096);
  readonly #segment = new Segment();
  readonly #again = new Segment();
  readonly #out = new Uint8Array(256);
  readonly #view = new DataView(this.#out.buffer);
  #length = 0;

  constructor(seed: string) {
    this.#random = new Prng(seed);
    this.#inputs = new InputMaker(this.#random);
  }

  get last(): Uint8Array {
    return this.#arena.slice(OFFSET, OFFSET + this.#length);
  }

  next(): void {
    const input = this.#input();
    this.#length = input.length;
    const end = OFFSET + input.length;
    this.#arena.fill(0);
    this.#arena.set(input, OFFSET);
    const kind = classify(this.#arena, OFFSET, end, RULES);
    const error = decodeSegment(this.#arena, OFFSET, end, this.#segment);
    require(ERRORS.has(error), `an unknown reason: ${error}`);
    this.#arena.fill(0xff, 0, OFFSET);
    this.#arena.fill(0xff, end);
    require(classify(this.#arena, OFFSET, end, RULES) ===
      kind, 'the kind depends on what lies around the datagram');
    require(decodeSegment(this.#arena, OFFSET, end, this.#again) ===
      error, 'the reason depends on what lies around the datagram');
    if (error === undefined) this.#checkSegment(end);
  }

  #input(): Uint8Array {
    const random = this.#random;
    const aim: Aim = {
      srcPort: random.below(65_536),
      dstPort: random.below(65_536),
      seq: edgeNumber(random),
      ack: edgeNumber(random),
      tsVal: edgeNumber(random),
      tsEcr: edgeNumber(random),
    };
    switch (random.below(8)) {
      case 0:
        return this.#inputs.noise();
      case 1:
        return this.#inputs.vertex(aim, crc32);
      default:
        return this.#inputs.segment(aim);
    }
  }

  #checkSegment(end: number): void {
    const segment = this.#segment;
    const { payloadStart, payloadEnd, sackCount } = segment;
    require(payloadEnd === end, 'the text ends where the datagram does');
    require(payloadStart >= OFFSET + HEADER_BYTES && payloadStart <= end, 'the text begins in the datagram');
    require(sackCount >= 0 && sackCount <= MAX_SACK_BLOCKS, 'no more SACK blocks than an option has');
    require(isSame(segment, this.#again), 'what was read depends on what lies around the datagram');
    // Read, written and read again it is the same: nothing was read that cannot be said.
    const optionBytes = encodeOptions(segment, this.#view, HEADER_BYTES);
    if (optionBytes > 40) return;
    encodeHeader(segment, this.#view, 0, HEADER_BYTES + optionBytes);
    const error = decodeSegment(this.#out, 0, HEADER_BYTES + optionBytes, this.#again);
    require(error === undefined && isSame(segment, this.#again), 'what was written reads differently');
  }
}

/** Whether both carry the same header, timestamps and SACK blocks. */
function isSame(a: Segment, b: Segment): boolean {
  const isHeaderSame =
    a.srcPort === b.srcPort &&
    a.dstPort === b.dstPort &&
    a.seq === b.seq &&
    a.ack === b.ack &&
    a.flags === b.flags;
  if (!isHeaderSame || a.window !== b.window || a.hasTimestamps !== b.hasTimestamps) return false;
  if (a.hasTimestamps && (a.tsVal !== b.tsVal || a.tsEcr !== b.tsEcr)) return false;
  if (a.sackCount !== b.sackCount) return false;
  for (let edge = 0; edge < 2 * a.sackCount; edge += 1)
    if (a.sackEdges[edge] !== b.sackEdges[edge]) return false;
  return true;
}
