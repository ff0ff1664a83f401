// Two endpoints, a bad link and two users, all drawn from one seed, with the invariants of TCP checked as time goes on.
import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { Profile } from '../../lib/ptcp/core/config.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import { pipe } from '../../lib/ptcp/core/recovery.ts';
import { seqAdd, seqDiff } from '../../lib/ptcp/core/seq.ts';
import type { CloseReason } from '../../lib/ptcp/core/tcb.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import type { LinkOptions } from '../../lib/testing/link.ts';
import { NEVER } from '../../lib/time/clock.ts';
import { WireWatch } from './wire-watch.ts';

const PORT = 49_153;
const STEP_MS = 25;
/** The link is bad for this long, and then without a fault. */
const FAULTS_MS = 4000;
/** An RTO of a minute may be running when the faults end, and a linger, and TIME-WAIT, after it. */
const PATIENCE_MS = 400_000;

/** How a user ends: 'abort' may come at any time. */
type Ending = 'shutdown' | 'close' | 'abort';

/** The user of one end. */
class User {
  readonly content: Uint8Array;
  readonly ending: Ending;
  /** Bytes read and written at each step; Infinity is at once. */
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly abortAt: number;
  connection: Connection | undefined = undefined;
  written = 0;
  received = 0;
  hasEnded = false;
  peerClosed = false;
  reason: CloseReason | undefined = undefined;

  constructor(random: Prng, ending: Ending) {
    this.content = new Uint8Array(random.below(10) === 0 ? 0 : random.below(20_000));
    random.fill(this.content);
    this.ending = ending;
    this.readBytes = oneOf(random, [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 700, 5000]);
    this.writeBytes = oneOf(random, [Number.POSITIVE_INFINITY, 300, 5000]);
    this.abortAt = ending === 'abort' ? random.below(6000) : NEVER;
  }

  /** Reads what came, which must go on with `expected`, the content of the other. */
  read(expected: Uint8Array): void {
    const bytes = this.connection?.read(Math.min(this.readBytes, 1e9)) ?? new Uint8Array(0);
    const wanted = expected.subarray(this.received, this.received + bytes.length);
    expect(Buffer.compare(bytes, wanted), `the stream goes on at ${this.received}`).to.equal(0);
    this.received += bytes.length;
  }

  act(now: number): void {
    const { connection } = this;
    if (connection === undefined || this.reason !== undefined || this.hasEnded) return;
    if (now >= this.abortAt) {
      this.hasEnded = true;
      connection.abort();
      return;
    }
    if (this.ending === 'abort' || connection.state === 'SYN-SENT') return;
    const end = Math.min(this.content.length, this.written + this.writeBytes);
    this.written += connection.write(this.content.subarray(this.written, end));
    if (this.written < this.content.length) return;
    this.hasEnded = true;
    if (this.ending === 'close') connection.close();
    else connection.shutdown();
  }
}

function oneOf<T>(random: Prng, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

function drawProfile(random: Prng): Partial<Profile> {
  const receiveBufferBytes = oneOf(random, [500, 3000, 20_000, 65_536]);
  const sendBufferBytes = oneOf(random, [400, 4000, 65_536]);
  return {
    sack: random.below(4) > 0,
    timestamps: random.below(4) > 0,
    windowScale: oneOf(random, ['off', 0, 3, 7, 14]),
    nagle: random.below(2) === 0,
    pacing: random.below(2) === 0,
    congestion: oneOf(random, ['newreno', 'cubic', 'none']),
    mssBytes: oneOf(random, [100, 536, 1000, 1452]),
    maxDatagramBytes: oneOf(random, [128, 600, 1200, 1472]),
    receiveBufferBytes,
    receiveBufferMaxBytes: oneOf(random, [1, 10]) * receiveBufferBytes,
    sendBufferBytes,
    sendBufferMaxBytes: oneOf(random, [1, 10]) * sendBufferBytes,
    ackDelayMs: oneOf(random, [0, 25, 100, 400]),
    ackEverySegments: oneOf(random, [1, 2, 8]),
    quickAckCount: oneOf(random, [0, 16]),
    initialWindowSegments: oneOf(random, [1, 4, 10]),
    synAckRetries: 10,
    iss: random.nextU32(),
  };
}

function drawLink(random: Prng, isCrcOn: boolean): LinkOptions {
  const some = (most: number): number => (random.below(2) === 0 ? 0 : random.nextFloat() * most);
  return {
    latencyMs: random.below(80),
    jitterMs: some(30),
    loss: some(0.3),
    reorder: { probability: some(0.3), extraMs: random.below(60) },
    duplicate: some(0.2),
    corrupt: isCrcOn ? some(0.1) : 0,
    truncate: isCrcOn ? some(0.05) : 0,
    ...(random.below(2) === 0
      ? {}
      : { rateMbit: 0.3 + 3 * random.nextFloat(), queueBytes: 5000 + random.below(30_000) }),
  };
}

/** Plays the world of `seed` to its end and throws what is wrong in it. */
export function playWorld(seed: number): void {
  const random = new Prng(seed);
  const isCrcOn = random.below(2) === 0;
  const endings = oneOf<readonly [Ending, Ending]>(random, [
    ['shutdown', 'shutdown'],
    ['shutdown', 'shutdown'],
    ['shutdown', 'close'],
    ['close', 'shutdown'],
    ['close', 'close'],
    ['abort', 'shutdown'],
    ['shutdown', 'abort'],
  ]);
  new World(random, isCrcOn, endings).play();
}

class World {
  readonly #users: readonly User[];
  readonly #endpoints: readonly PtcpEndpoint[];
  readonly #network: EndpointNetwork;
  readonly #watch: WireWatch;
  readonly #link: LinkOptions;

  constructor(random: Prng, isCrcOn: boolean, endings: readonly [Ending, Ending]) {
    const profiles = ['a', 'b'].map((name) => drawProfile(random.split(name)));
    this.#users = endings.map((ending, index) => new User(random.split(`user ${index}`), ending));
    this.#endpoints = profiles.map(
      (profile, index) =>
        new PtcpEndpoint({
          entropy: random.split(`entropy ${index}`),
          profile: { ...profile, ptcpOption: isCrcOn, crc32: isCrcOn },
        }),
    );
    this.#watch = new WireWatch(profiles);
    this.#link = drawLink(random.split('link'), isCrcOn);
    this.#network = new EndpointNetwork(this.#endpoints, {
      seed: random.nextU32(),
      link: { ...this.#link, corrupt: 0, truncate: 0 },
      maxSegments: oneOf(random, [1, 4, 16]),
      logLimit: 200,
      onEvent: (event, endpoint) => this.#happened(event, endpoint),
    });
    this.#endpoints[1]!.listen(PORT);
    this.#users[0]!.connection = this.#endpoints[0]!.connect(1, PORT);
  }

  play(): void {
    for (let now = STEP_MS; now < FAULTS_MS; now += STEP_MS) this.#step(now);
    this.#changeLinks({
      loss: 0,
      corrupt: 0,
      truncate: 0,
      duplicate: 0,
      reorder: { probability: 0, extraMs: 0 },
    });
    let now = FAULTS_MS;
    for (; now < FAULTS_MS + PATIENCE_MS && !this.#isOver(); now += STEP_MS * 4) this.#step(now);
    this.#checkEnd();
  }

  #happened(event: PtcpEvent, endpoint: number): void {
    const user = this.#users[endpoint]!;
    expect(event.type, 'nobody comes from another path').not.to.equal('pathCandidate');
    if (event.type === 'pathCandidate') return;
    if (event.type === 'accepted') user.connection = event.connection;
    expect(user.connection, 'one connection each').to.equal(event.connection);
    expect(user.reason, `${event.type} after closed`).to.equal(undefined);
    // A flipped bit in a SYN may cost the agreement on the CRC; only UDP's checksum helps there (docs/ptcp.md).
    if (event.type === 'established' && endpoint === 1 && this.#network.now < FAULTS_MS)
      this.#changeLinks(this.#link);
    if (event.type === 'closed') user.reason = event.reason;
    if (event.type === 'peerClosed') user.peerClosed = true;
    if (event.type === 'readable' && user.readBytes === Number.POSITIVE_INFINITY) this.#read(endpoint);
    if (event.type === 'writable') user.act(this.#network.now);
  }

  #changeLinks(options: LinkOptions): void {
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const)
      this.#network.link(from, to).change(options);
  }

  #read(index: number): void {
    this.#users[index]!.read(this.#users[1 - index]!.content);
  }

  #step(now: number): void {
    this.#network.runUntil(now);
    for (const [index, user] of this.#users.entries()) {
      this.#read(index);
      user.act(now);
    }
    // What the users did is dealt with before the checks.
    this.#network.runUntil(now);
    this.#watch.look(this.#network);
    for (const [index, endpoint] of this.#endpoints.entries()) {
      expect(endpoint.nextTimeout(), `due time of ${index} at ${now}`).to.be.above(now);
      const { connection } = this.#users[index]!;
      if (connection !== undefined) checkConnection(connection, `${index} at ${now}`);
    }
  }

  #isOver(): boolean {
    return this.#users.every(({ reason }) => reason !== undefined) || this.#isForgotten();
  }

  /** One aborted, the reset was lost, and the other has nothing to say: he never learns of it without keep-alive. */
  #isForgotten(): boolean {
    if (!this.#users.some(({ ending, hasEnded }) => ending === 'abort' && hasEnded)) return false;
    const rest = this.#users.find(({ reason }) => reason === undefined);
    return rest?.connection === undefined || rest.connection.tcb.sent.count === 0;
  }

  #checkEnd(): void {
    const [a, b] = this.#users as [User, User];
    const reasons = `${a.reason} and ${b.reason}`;
    expect(this.#isOver(), `ends: ${reasons}, ${a.connection?.state} and ${b.connection?.state}`).to.equal(
      true,
    );
    const endings = [a.ending, b.ending];
    if (endings.every((ending) => ending === 'shutdown')) {
      expect(reasons).to.equal('done and done');
      for (const index of [0, 1]) {
        for (let rest = 0; rest < 20_000; rest += 500) this.#read(index);
      }
      expect([a.received, b.received], 'all arrived').to.deep.equal([b.content.length, a.content.length]);
    }
    for (const { connection } of this.#users) connection?.abort();
    expect(this.#network.runUntilIdle(200_000), 'comes to rest').to.equal(true);
    for (const endpoint of this.#endpoints) {
      expect([endpoint.connectionCount, endpoint.timeWaitCount], 'nothing is left').to.deep.equal([0, 0]);
      expect(endpoint.nextTimeout()).to.equal(NEVER);
    }
  }
}

function checkConnection(connection: Connection, where: string): void {
  const { tcb } = connection;
  const { sent } = tcb;
  let flight = 0;
  let inPipe = 0;
  let next = tcb.sndUna;
  for (const segment of sent.all) {
    expect(segment.seq, `segments lie end to end: ${where}`).to.equal(next);
    next = seqAdd(next, segment.length);
    flight += segment.length;
    if (!segment.isSacked && (!segment.isLost || segment.isResent)) inPipe += segment.length;
  }
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') {
    expect(tcb.retransmitAt, `the SYN has a timer: ${where}`).to.be.below(NEVER);
    return;
  }
  expect(flight, `SND.NXT - SND.UNA: ${where}`).to.equal(seqDiff(tcb.sndNxt, tcb.sndUna));
  expect(pipe(tcb), `the pipe: ${where}`).to.equal(Math.max(0, inPipe - tcb.dupAckedBytes));
  const timer = Math.min(tcb.retransmitAt, tcb.persistAt);
  if (sent.count > 0) expect(timer, `something is out and no timer runs: ${where}`).to.be.below(NEVER);
  const unsent = seqDiff(tcb.sendBuffer.tail, tcb.sndNxt) > 0 || (tcb.isFinQueued && !tcb.isFinSent);
  if (unsent)
    expect(Math.min(timer, tcb.pacedAt), `something waits for nothing: ${where}`).to.be.below(NEVER);
  expect(tcb.path.congestion.cwndBytes, where).to.be.at.least(1);
}
