import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileInput } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint, type PtcpEndpointOptions } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import type { Instant } from '../../lib/time/clock.ts';
import { decodeLiteral, encodeLiteral, type LiteralOptions, type LiteralSegment } from './literal-segment.ts';

/** The endpoint's pseudo-port and the peer's. */
export const LOCAL_PORT = 49_153;
export const PEER_PORT = 50_000;
export const PATH = 3;

/** Both streams begin just below a wrap of 2^32 or 2^31, so that every script crosses one. */
export const ISS = 0xffff_fff0;
export const PEER_ISS = 0x7fff_fff0;

/** Bare TCP: no options, no pacing, known numbers. What a script is about it turns on. */
export const PLAIN = {
  iss: ISS,
  timestampOffset: 0,
  windowScale: 'off',
  sack: false,
  timestamps: false,
  ptcpOption: false,
  crc32: false,
  pacing: false,
  maxPlpmtuBytes: 'off',
  congestion: 'newreno',
  sharePathState: false,
} as const;

/** A segment to the endpoint. `seq` counts from the peer's ISN, `ack` and SACK edges from the endpoint's, as in packetdrill. */
export interface Injected {
  /** Letters as in packetdrill; '.' (a bare ACK) when left out. */
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  /** 65535 when left out; the field, not scaled. */
  readonly window?: number;
  readonly options?: LiteralOptions;
  readonly payload?: string | Uint8Array;
  readonly urgentPointer?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly path?: number;
}

/** A segment from the endpoint. `seq` counts from the endpoint's ISN, `ack` and SACK edges from the peer's. */
export interface SeenSegment extends LiteralSegment {
  readonly sentAt: Instant;
  readonly path: number;
  /** The number of bytes of payload. */
  readonly length: number;
  readonly text: string;
}

/** What a segment is expected to have; fields left out may be anything. */
export type Expected = Partial<SeenSegment>;

export interface ScriptOptions {
  /** Over PLAIN. */
  readonly profile?: Exclude<ProfileInput, string>;
  /** Options of the peer's SYN or SYN-ACK. */
  readonly peerOptions?: LiteralOptions;
  /** Window field of all the peer's segments that do not say otherwise. */
  readonly window?: number;
  readonly endpoint?: Partial<PtcpEndpointOptions>;
  readonly startAt?: Instant;
  /** The most segments of one burst. */
  readonly maxSegments?: number;
}

/** How often an endpoint may be woken, or have something to send, before a script is taken for endless. */
const ROUNDS_LIMIT = 100_000;

/**
 * The other side of one PtcpEndpoint, in virtual time and literal bytes.
 *
 * Whatever the endpoint sends waits here until it is expected; `expect` wants exactly one segment, no more.
 */
export class ScriptedPeer {
  readonly endpoint: PtcpEndpoint;
  /** Whether bytes 16–19 of what is injected carry a CRC-32; SYNs excepted. */
  isCrcOn = false;
  /** Options of what is injected without saying which. */
  usualOptions: LiteralOptions = {};
  readonly options: ScriptOptions;
  #connection: Connection | undefined = undefined;
  #seen: SeenSegment[] = [];
  #events: PtcpEvent[] = [];
  #now: Instant;
  readonly #out = new Uint8Array(65_536);

  constructor(options: ScriptOptions = {}) {
    this.options = options;
    this.#now = options.startAt ?? 0;
    this.endpoint = new PtcpEndpoint({
      entropy: new Prng('scripted'),
      profile: { ...PLAIN, ...options.profile },
      ...options.endpoint,
    });
  }

  get now(): Instant {
    return this.#now;
  }

  /** The connection that was opened here, or reported last. */
  get connection(): Connection {
    if (this.#connection === undefined) throw new Error('there is no connection yet');
    return this.#connection;
  }

  connect(): Connection {
    this.#connection = this.endpoint.connect(PATH, PEER_PORT, { localPseudoPort: LOCAL_PORT });
    return this.#connection;
  }

  /** One segment, or any bytes, arrive now, and the endpoint says what it has to say to that. */
  inject(arriving: Injected | Uint8Array, path?: number): void {
    const isBytes = arriving instanceof Uint8Array;
    const bytes = isBytes ? arriving : this.encode(arriving);
    this.#pump();
    this.endpoint.handleDatagram(this.#now, bytes, path ?? (isBytes ? PATH : (arriving.path ?? PATH)));
    this.#pump();
  }

  /** Segments that arrive together; all but the last must be of one length, and that one not longer. */
  injectBatch(segments: readonly Injected[]): void {
    const datagrams = segments.map((segment) => this.encode(segment));
    const strideBytes = datagrams[0]?.length ?? 0;
    const lastBytes = datagrams.at(-1)?.length ?? 0;
    const buffer = new Uint8Array(strideBytes * datagrams.length);
    for (const [index, bytes] of datagrams.entries()) buffer.set(bytes, index * strideBytes);
    this.#pump();
    this.endpoint.handleBatch(this.#now, {
      buffer,
      strideBytes,
      count: datagrams.length,
      lastBytes,
      path: PATH,
    });
    this.#pump();
  }

  /** The bytes of `segment`. */
  encode(segment: Injected): Uint8Array {
    const { flags = '.', seq = 0, payload = '', options = this.usualOptions } = segment;
    const hasAck = flags.includes('.') || segment.ack !== undefined;
    return encodeLiteral(
      {
        srcPort: segment.srcPort ?? PEER_PORT,
        dstPort: segment.dstPort ?? LOCAL_PORT,
        seq: wrap(PEER_ISS + seq),
        ack: hasAck ? wrap(this.#iss + (segment.ack ?? 0)) : 0,
        flags,
        window: segment.window ?? this.options.window ?? 65_535,
        checkField: segment.urgentPointer ?? 0,
        options: shiftSack(options, this.#iss),
        payload: typeof payload === 'string' ? ascii(payload) : payload,
      },
      this.isCrcOn && !flags.includes('S'),
    );
  }

  get #iss(): number {
    return this.options.profile?.iss ?? ISS;
  }

  /** Exactly one segment waits, and it has what `expected` has. Returns it. */
  expect(expected: Expected): SeenSegment {
    return this.expectAll([expected])[0]!;
  }

  /** Exactly these segments wait, in this order. Returns them. */
  expectAll(expected: readonly Expected[]): SeenSegment[] {
    const seen = this.drain();
    const all = seen.map(describeSegment).join('; ');
    expect(seen.length, `segments sent, which are: ${all}`).to.equal(expected.length);
    for (const [index, fields] of expected.entries()) {
      const segment = seen[index]!;
      for (const [name, value] of Object.entries(fields)) {
        expect(segment[name as keyof SeenSegment], `${name} of ${describeSegment(segment)}`).to.deep.equal(
          value,
        );
      }
    }
    return seen;
  }

  expectNothing(): void {
    this.expectAll([]);
  }

  /** Exactly these events were reported since the last time; 'closed' is followed by its reason: 'closed done'. */
  expectEvents(...expected: string[]): void {
    expect(this.takeEvents().map(describeEvent)).to.deep.equal(expected);
  }

  /** What was reported since the last time. */
  takeEvents(): PtcpEvent[] {
    this.#pump();
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Everything that waits, which is then forgotten. */
  drain(): SeenSegment[] {
    this.#pump();
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  /** It is `instant` now; the endpoint was woken whenever it wanted to be on the way. */
  at(instant: Instant): void {
    this.#pump();
    for (let rounds = 0; this.endpoint.nextTimeout() <= instant; rounds += 1) {
      if (rounds > ROUNDS_LIMIT) throw new Error(`no end of timers at ${this.#now}`);
      this.#now = Math.max(this.#now, this.endpoint.nextTimeout());
      this.endpoint.handleTimeout(this.#now);
      this.#pump();
    }
    this.#now = instant;
    this.#pump();
  }

  /** `at`, counted from now. */
  pass(ms: number): void {
    this.at(this.#now + ms);
  }

  #pump(): void {
    const target = { out: this.#out, maxSegments: this.options.maxSegments ?? 16 };
    for (let rounds = 0; ; rounds += 1) {
      if (rounds > ROUNDS_LIMIT) throw new Error(`no end of segments at ${this.#now}`);
      this.#collectEvents();
      const burst = this.endpoint.pollTransmit(this.#now, target);
      if (burst === undefined) return;
      for (let i = 0; i < burst.count; i += 1) {
        const start = i * burst.strideBytes;
        const length = i === burst.count - 1 ? burst.lastBytes : burst.strideBytes;
        this.#seen.push(this.#relative(decodeLiteral(this.#out.slice(start, start + length)), burst.path));
      }
    }
  }

  #collectEvents(): void {
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
      this.#events.push(event);
      if (event.type !== 'pathCandidate') this.#connection = event.connection;
    }
  }

  #relative(segment: LiteralSegment, path: number): SeenSegment {
    return {
      ...segment,
      seq: wrap(segment.seq - this.#iss),
      ack: segment.flags.includes('.') ? wrap(segment.ack - PEER_ISS) : segment.ack,
      options: shiftSack(segment.options, -PEER_ISS),
      sentAt: this.#now,
      path,
      length: segment.payload.length,
      text: new TextDecoder('latin1').decode(segment.payload),
    };
  }
}

function wrap(seq: number): number {
  return seq >>> 0;
}

function shiftSack(options: LiteralOptions, by: number): LiteralOptions {
  if (options.sack === undefined) return options;
  return { ...options, sack: options.sack.map(([left, right]) => [wrap(left + by), wrap(right + by)]) };
}

/** As packetdrill would write it. */
export function describeSegment(segment: SeenSegment): string {
  const { flags, seq, length, ack, window, options, sentAt } = segment;
  return `${sentAt} ${flags} ${seq}:${seq + length}(${length}) ack ${ack} win ${window} ${JSON.stringify(options)}`;
}

function describeEvent(event: PtcpEvent): string {
  return event.type === 'closed' ? `closed ${event.reason}` : event.type;
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `count` bytes that tell where in a stream they are. */
export function pattern(count: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_byte, i) => ((from + i) * 31 + ((from + i) >> 8)) & 0xff);
}
