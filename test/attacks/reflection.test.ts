import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { encodeLiteral, type LiteralOptions } from '../support/literal-segment.ts';
import { pattern } from '../support/scripted-peer.ts';

const PORT = 49_153;
const SOURCES = 20_000;
/** Sources that shoot at one endpoint, before the next takes its place. */
const SOURCES_PER_ENDPOINT = 500;
const SHOTS_PER_SOURCE = 6;
const MINUTES_MS = 300_000;
/** RFC 9000 §8.1. */
const MOST_FACTOR = 3;

const OPTIONS: readonly LiteralOptions[] = [
  {},
  { mss: 1460 },
  { mss: 1460, sackPermitted: true, windowScale: 7 },
  { mss: 1460, sackPermitted: true, timestamps: [1, 0], windowScale: 7 },
  { mss: 1460, sackPermitted: true, timestamps: [1, 0], windowScale: 7, ptcp: 1 },
  { timestamps: [1, 0] },
  { ptcp: 1 },
];

/** Flags of what a source that hears no answer may send. */
const FLAGS = [
  'S',
  'S',
  'S',
  'SE',
  'SF',
  'SP',
  '.',
  'P.',
  'F.',
  'F',
  'S.',
  'U.',
  '',
  'R',
  'R.',
  'SR',
] as const;
const RESETS = ['R', 'R.', 'SR', 'RP.'] as const;

interface Shot {
  readonly bytes: Uint8Array;
  /** To be answered by nothing at all. */
  readonly isMute: boolean;
}

function someShot(random: Prng, srcPort: number, isMute: boolean): Shot {
  if (random.below(isMute ? 2 : 8) === 0) {
    const bytes = new Uint8Array(random.below(60));
    random.fill(bytes);
    // Not by chance a header: a data offset of 4 words or less.
    if (bytes.length > 12) bytes[12]! &= 0x4f;
    return { bytes, isMute: true };
  }
  const flags = isMute ? RESETS[random.below(RESETS.length)]! : FLAGS[random.below(FLAGS.length)]!;
  const isFresh = random.below(3) > 0;
  const bytes = encodeLiteral({
    srcPort,
    dstPort: random.below(10) === 0 ? PORT + 1 : PORT,
    seq: isFresh ? 1000 + random.below(3) : random.nextU32(),
    ack: random.nextU32(),
    flags,
    window: random.below(65_536),
    checkField: 0,
    options: OPTIONS[random.below(OPTIONS.length)]!,
    payload: pattern(random.below(3) === 0 ? random.below(1200) : 0),
  });
  return { bytes, isMute: flags.includes('R') };
}

/** What went to each source and came from it, bytes of UDP payload. */
class Account {
  readonly bytesIn = new Map<number, number>();
  readonly bytesOut = new Map<number, number>();
  /** Sources that have sent nothing but what nobody may answer. */
  readonly mute = new Set<number>();
}

function add(counts: Map<number, number>, path: number, bytes: number): void {
  counts.set(path, (counts.get(path) ?? 0) + bytes);
}

/** An endpoint and the sources that shoot at it, numbered from `first` on; it is watched until it has nothing to say. */
class Range {
  readonly #account: Account;
  readonly #endpoint: PtcpEndpoint;
  readonly #random: Prng;
  readonly #out = new Uint8Array(65_536);
  #now = 0;

  constructor(account: Account, profile: Partial<Profile>, first: number) {
    this.#account = account;
    this.#random = new Prng(`reflection ${first}`);
    this.#endpoint = new PtcpEndpoint({ entropy: new Prng('server'), profile });
    this.#endpoint.listen(PORT);
    const ports = Array.from({ length: SOURCES_PER_ENDPOINT }, () => 50_000 + this.#random.below(10));
    for (let shot = 0; shot < SHOTS_PER_SOURCE; shot += 1)
      for (const [source, srcPort] of ports.entries()) this.#shoot(first + source, srcPort, shot);
    for (; this.#now < MINUTES_MS; this.#now += 100) this.#answer();
    expect(this.#endpoint.connectionCount, 'nothing is left').to.equal(0);
  }

  #shoot(path: number, srcPort: number, shot: number): void {
    // One source in ten sends nothing that may be answered, and one in ten is heard of only once.
    if (path % 10 === 1 && shot > 0) return;
    const { bytes, isMute } = someShot(this.#random, srcPort, path % 10 === 0);
    if (shot === 0) this.#account.mute.add(path);
    if (!isMute) this.#account.mute.delete(path);
    add(this.#account.bytesIn, path, bytes.length);
    this.#endpoint.handleDatagram(this.#now, bytes, path);
    this.#answer();
    this.#now += this.#random.below(8);
    this.#answer();
  }

  #answer(): void {
    this.#endpoint.handleTimeout(this.#now);
    while (this.#endpoint.pollEvent() !== undefined);
    for (;;) {
      const burst = this.#endpoint.pollTransmit(this.#now, { out: this.#out });
      if (burst === undefined) return;
      add(this.#account.bytesOut, burst.path, (burst.count - 1) * burst.strideBytes + burst.lastBytes);
    }
  }
}

function play(profile: Partial<Profile>): Account {
  const account = new Account();
  for (let first = 1; first <= SOURCES; first += SOURCES_PER_ENDPOINT) new Range(account, profile, first);
  return account;
}

describe(`${SOURCES} sources that hear no answer`, () => {
  const settings: Readonly<Record<string, Partial<Profile>>> = {
    remembered: {},
    'remembered, a short backlog': { backlog: 16 },
    'cookies for all': { synCookies: 'always' },
    'nothing but plain TCP': { ptcpOption: false, timestamps: false, sack: false, windowScale: 'off' },
  };
  for (const [name, profile] of Object.entries(settings))
    it(`get at most three bytes for each of theirs, and nothing for resets and garbage: ${name} (RFC 9000 §8.1, RFC 9293 §3.10.7.1)`, () => {
      const { bytesIn, bytesOut, mute } = play(profile);

      let most = 0;
      let total = 0;
      for (const [path, bytes] of bytesOut) {
        most = Math.max(most, bytes / bytesIn.get(path)!);
        total += bytes;
      }
      const totalIn = [...bytesIn.values()].reduce((sum, bytes) => sum + bytes, 0);
      console.log(
        `      ${(total / totalIn).toFixed(2)} bytes for each in all, ${most.toFixed(2)} at most to one source; ` +
          `${mute.size} sources of resets and garbage got nothing`,
      );
      expect(most).to.be.at.most(MOST_FACTOR);
      for (const path of mute) expect(bytesOut.get(path) ?? 0, `source ${path}`).to.equal(0);
    });

  it('get one cookie for a SYN, no longer than the SYN or 24 bytes (RFC 4987 §3.6)', () => {
    const endpoint = new PtcpEndpoint({ entropy: new Prng('server'), profile: { synCookies: 'always' } });
    endpoint.listen(PORT);
    const out = new Uint8Array(65_536);
    const random = new Prng('cookies');

    for (let path = 1; path <= SOURCES; path += 1) {
      const syn = encodeLiteral({
        srcPort: 50_000,
        dstPort: PORT,
        seq: random.nextU32(),
        ack: 0,
        flags: 'S',
        window: 65_535,
        checkField: 0,
        options: OPTIONS[random.below(OPTIONS.length)]!,
        payload: pattern(random.below(2) === 0 ? random.below(20) : 0),
      });
      endpoint.handleDatagram(path, syn, path);
      const burst = endpoint.pollTransmit(path, { out });
      expect([burst?.path, burst?.count]).to.deep.equal([path, 1]);
      expect(burst!.lastBytes).to.be.at.most(Math.max(syn.length, 24));
      expect(endpoint.pollTransmit(path, { out })).to.equal(undefined);
    }
    endpoint.handleTimeout(SOURCES + MINUTES_MS);

    expect(endpoint.pollTransmit(SOURCES + MINUTES_MS, { out })).to.equal(undefined);
  });
});
