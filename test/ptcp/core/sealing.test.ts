import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import type { Profile } from '../../../lib/ptcp/core/config.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../../lib/ptcp/core/events.ts';
import { NEVER } from '../../../lib/time/clock.ts';
import { decodeLiteral } from '../../support/literal-segment.ts';
import { pattern } from '../../support/scripted-peer.ts';

const PORT = 49_153;
const HEAD = 16;
const TAIL = 16;
const LATENCY_MS = 10;

/** A toy: XOR with a pad drawn from the head, and a sum in the tail. It shows where a real seal fits, and seals nothing. */
class ToySeal {
  #count = 0;

  /** Seals the datagram in place: head room, segment, tail room. */
  seal(datagram: Uint8Array): void {
    new DataView(datagram.buffer, datagram.byteOffset).setUint32(0, (this.#count += 1));
    applyPad(datagram);
    datagram.fill(sumOf(datagram), datagram.length - TAIL);
  }

  /** The segment inside, or undefined for what was not sealed by one of us. */
  open(datagram: Uint8Array): Uint8Array | undefined {
    if (datagram.length < HEAD + TAIL) return undefined;
    const sum = sumOf(datagram);
    if (datagram.subarray(-TAIL).some((byte) => byte !== sum)) return undefined;
    applyPad(datagram);
    return datagram.subarray(HEAD, datagram.length - TAIL);
  }
}

function applyPad(datagram: Uint8Array): void {
  const pad = new Uint8Array(datagram.length);
  new Prng(new DataView(datagram.buffer, datagram.byteOffset).getUint32(0)).fill(pad);
  for (let at = HEAD; at < datagram.length - TAIL; at += 1) datagram[at] = datagram[at]! ^ pad[at]!;
}

function sumOf(datagram: Uint8Array): number {
  return datagram.subarray(0, datagram.length - TAIL).reduce((sum, byte) => (sum * 31 + byte) & 0xff, 7);
}

interface Flying {
  readonly at: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** Two endpoints that meet only through seals, in virtual time. */
class SealedPair {
  readonly endpoints: readonly PtcpEndpoint[];
  readonly seals = [new ToySeal(), new ToySeal()] as const;
  readonly flown: Uint8Array[] = [];
  readonly #onEvent: (event: PtcpEvent, side: number) => void;
  readonly #spoil: (bytes: Uint8Array, index: number) => void;
  #flying: Flying[] = [];
  #now = 0;

  constructor(
    profile: Partial<Profile>,
    onEvent: (event: PtcpEvent, side: number) => void,
    spoil: (bytes: Uint8Array, index: number) => void = () => {},
  ) {
    this.#onEvent = onEvent;
    this.#spoil = spoil;
    this.endpoints = ['client', 'server'].map(
      (name) => new PtcpEndpoint({ entropy: new Prng(name), profile, datagramOverheadBytes: HEAD + TAIL }),
    );
    this.endpoints[1]!.listen(PORT);
  }

  /** Until nothing flies and no timer is set. */
  run(): void {
    for (let rounds = 0; rounds < 100_000; rounds += 1) {
      for (const [side, endpoint] of this.endpoints.entries()) this.#settle(endpoint, side);
      const next = Math.min(
        this.#flying[0]?.at ?? NEVER,
        ...this.endpoints.map((endpoint) => endpoint.nextTimeout()),
      );
      if (next === NEVER) return;
      this.#now = Math.max(this.#now, next);
      for (const endpoint of this.endpoints) endpoint.handleTimeout(this.#now);
      while (this.#flying[0] !== undefined && this.#flying[0].at <= this.#now)
        this.#arrive(this.#flying.shift()!);
    }
    throw new Error('the pair does not come to rest');
  }

  #arrive({ to, bytes }: Flying): void {
    const segment = this.seals[to]!.open(bytes);
    if (segment !== undefined) this.endpoints[to]!.handleDatagram(this.#now, segment, 0);
  }

  #settle(endpoint: PtcpEndpoint, side: number): void {
    const out = new Uint8Array(65_536);
    const target = { out, headroomBytes: HEAD, tailroomBytes: TAIL, maxSegments: 16 };
    for (;;) {
      for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent())
        this.#onEvent(event, side);
      const burst = endpoint.pollTransmit(this.#now, target);
      if (burst === undefined) return;
      for (let i = 0; i < burst.count; i += 1) {
        const start = i * burst.strideBytes;
        const datagram = out.subarray(
          start,
          start + (i === burst.count - 1 ? burst.lastBytes : burst.strideBytes),
        );
        this.seals[side]!.seal(datagram);
        const bytes = datagram.slice();
        this.#spoil(bytes, this.flown.length);
        this.flown.push(bytes.slice());
        this.#flying.push({ at: this.#now + LATENCY_MS, to: 1 - side, bytes });
      }
    }
  }
}

/** Sends `content` through seals; returns what came, and the pair. */
function transfer(
  content: Uint8Array,
  profile: Partial<Profile>,
  spoil?: (bytes: Uint8Array, index: number) => void,
): { readonly received: Buffer; readonly pair: SealedPair } {
  const received: Uint8Array[] = [];
  let offered = 0;
  const onEvent = (event: PtcpEvent, side: number): void => {
    if (event.type === 'pathCandidate') return;
    const { connection } = event;
    if (side === 1 && event.type === 'readable') received.push(connection.read(1e6));
    if (side === 1 && event.type === 'peerClosed') connection.close();
    if (side === 0 && (event.type === 'established' || event.type === 'writable')) {
      offered += connection.write(content.subarray(offered));
      if (offered === content.length) connection.close();
    }
  };
  const pair = new SealedPair(profile, onEvent, spoil);
  pair.endpoints[0]!.connect(0, PORT);
  pair.run();
  return { received: Buffer.concat(received), pair };
}

describe('a seal around datagrams', () => {
  const content = pattern(200_000);

  it('goes in place into head and tail room and is opened before the classifier: a whole transfer', () => {
    const { received, pair } = transfer(content, {});

    expect(received.equals(content)).to.equal(true);
    for (const { stats } of pair.endpoints)
      expect([stats.notSegments.foreign, stats.undecodable['bad-crc']]).to.deep.equal([0, 0]);
  });

  it('takes its bytes off MSS and datagram size from the start (RFC 9293 §3.7.1)', () => {
    const { pair } = transfer(content, { maxDatagramBytes: 1200, maxPlpmtuBytes: 1472, mssBytes: 1452 });
    const longest = Math.max(...pair.flown.map(({ length }) => length));
    const syn = pair.seals[0].open(pair.flown[0]!.slice())!;

    // From the start 1200; 1472 once probes have shown it.
    expect(pair.flown.slice(0, 9).every(({ length }) => length <= 1200)).to.equal(true);
    expect(longest).to.equal(1472);
    expect(decodeLiteral(syn).options.mss).to.equal(1452 - HEAD - TAIL);
  });

  it('lets the connection repair what it refuses to open', () => {
    const { received } = transfer(content, { crc32: false }, (bytes, index) => {
      if (index % 17 === 5) bytes[index % bytes.length]! ^= 1;
    });

    expect(received.equals(content)).to.equal(true);
  });
});
