import { expect } from 'chai';
import {
  ack,
  bulkSender,
  cwnd,
  RTT_MS,
  range,
  SEGMENT_BYTES,
  sent,
  ssthresh,
} from '../support/bulk-sender.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

const SACK = { sack: true } as const;

/** RFC 9937 §6.1 and §6.2, as its pseudocode has it, in bytes. */
class Model {
  prrDelivered = 0;
  prrOut = 0;
  sndCnt = 0;
  readonly #ssthresh: number;
  readonly #recoverFs: number;

  constructor(ssthresh: number, recoverFs: number) {
    this.#ssthresh = ssthresh;
    this.#recoverFs = recoverFs;
  }

  ackArrives(deliveredData: number, inflight: number, safeAck: boolean): void {
    this.prrDelivered += deliveredData;
    if (inflight > this.#ssthresh) {
      this.sndCnt = Math.ceil((this.prrDelivered * this.#ssthresh) / this.#recoverFs) - this.prrOut;
    } else {
      this.sndCnt = Math.max(this.prrDelivered - this.prrOut, deliveredData);
      if (safeAck) this.sndCnt += SEGMENT_BYTES;
      this.sndCnt = Math.min(this.#ssthresh - inflight, this.sndCnt);
    }
    // Whole segments only: less than one is none.
    if (this.prrOut === 0 && this.sndCnt < SEGMENT_BYTES) this.sndCnt = SEGMENT_BYTES;
  }
}

/** What one ACK did. */
interface Step {
  readonly inFlight: number;
  readonly sentCount: number;
  readonly modelCount: number;
}

/** A path of one round trip that loses the first copies of `lost`, and a receiver that acknowledges each segment. */
class PathWithLosses {
  readonly peer: ScriptedPeer;
  readonly steps: Step[] = [];
  /** Segments in flight before the ACK that ended the repair. */
  inFlightAtExit = Number.NaN;
  readonly #lost: Set<number>;
  readonly #received = new Set<number>();
  readonly #underWay: { readonly n: number; readonly at: number }[] = [];
  readonly #gapMs: number;
  #cumulative = 0;
  #model: Model | undefined = undefined;

  constructor(flight: number, lost: readonly number[]) {
    this.#lost = new Set(lost);
    this.#gapMs = RTT_MS / flight;
    this.peer = bulkSender({ profile: { ...SACK, initialWindowSegments: flight }, segments: 4000 });
    this.#leave(sent(this.peer));
  }

  #leave(segments: readonly number[]): void {
    for (const n of segments) {
      const last = this.#underWay.at(-1)?.at ?? 0;
      this.#underWay.push({ n, at: Math.max(last + this.#gapMs, this.peer.now + RTT_MS) });
    }
  }

  /** Until the repair is over, or `most` segments have come to their end. */
  run(most = 2000): void {
    for (let i = 0; i < most; i += 1) {
      const next = this.#underWay.shift();
      if (next === undefined) return;
      this.peer.at(next.at);
      this.#leave(sent(this.peer));
      if (this.#lost.delete(next.n)) continue;
      this.#arrive(next.n);
      if (this.#model === undefined && this.steps.length > 0) return;
    }
  }

  #arrive(n: number): void {
    const { tcb } = this.peer.connection;
    const before = { una: this.#cumulative, lost: tcb.sent.everLostBytes, phase: tcb.phase };
    const inFlightBefore = this.#inFlight;
    this.#received.add(n);
    while (this.#received.has(this.#cumulative)) this.#cumulative += 1;
    ack(this.peer, this.#cumulative, ...this.#blocksAround(n));
    const out = sent(this.peer);
    if (tcb.phase === 'recovery') this.#compare(before, out.length);
    else if (before.phase === 'recovery') {
      this.inFlightAtExit = inFlightBefore;
      this.#model = undefined;
    }
    this.#leave(out);
  }

  #compare(before: { una: number; lost: number }, sentCount: number): void {
    const { tcb } = this.peer.connection;
    const sentBytes = sentCount * SEGMENT_BYTES;
    const inflight = this.#inFlight * SEGMENT_BYTES - sentBytes;
    this.#model ??= new Model(tcb.path.congestion.ssthreshBytes, this.#recoverFs());
    const isSafe = this.#cumulative > before.una && tcb.sent.everLostBytes === before.lost;
    this.#model.ackArrives(SEGMENT_BYTES, inflight, isSafe);
    const modelCount = Math.max(0, Math.floor(this.#model.sndCnt / SEGMENT_BYTES));
    this.#model.prrOut += sentBytes;
    this.steps.push({ inFlight: inflight / SEGMENT_BYTES, sentCount, modelCount });
  }

  /** SND.NXT - SND.UNA less what was SACKed before this ACK; what leaves with the first ACK is a retransmission. */
  #recoverFs(): number {
    const { unackedBytes, sackedBytes } = this.peer.connection.tcpInfo();
    return unackedBytes - sackedBytes + SEGMENT_BYTES;
  }

  get #inFlight(): number {
    return this.peer.connection.tcpInfo().inFlightBytes / SEGMENT_BYTES;
  }

  /** The isle around `n` and, while there is room, others. */
  #blocksAround(n: number): (readonly [number, number])[] {
    if (n < this.#cumulative) return this.#isles().slice(0, 3);
    const isles = this.#isles();
    const mine = isles.filter(([first, after]) => n >= first && n < after);
    return [...mine, ...isles.filter((isle) => !mine.includes(isle)).slice(0, 2)];
  }

  #isles(): (readonly [number, number])[] {
    const isles: [number, number][] = [];
    for (const n of [...this.#received].filter((each) => each > this.#cumulative).sort((a, b) => a - b)) {
      const last = isles.at(-1);
      if (last?.[1] === n) last[1] = n + 1;
      else isles.push([n, n + 1]);
    }
    return isles;
  }
}

describe('RFC 9937: proportional rate reduction', () => {
  const patterns: Readonly<Record<string, readonly number[]>> = {
    'one loss': [0],
    'three losses': [3, 30, 60],
    'a burst of ten': range(5, 15),
    'every tenth': range(0, 10).map((i) => 10 * i),
    'two thirds': range(0, 100).filter((n) => n % 3 > 0 && n < 97),
    'all but the last five': range(0, 95),
  };
  for (const [name, lost] of Object.entries(patterns)) {
    it(`sends for each ACK what the steps of the RFC give: ${name} (RFC 9937 §6.1, §6.2, §6.3)`, () => {
      const path = new PathWithLosses(100, lost);

      path.run();

      expect(path.steps.length, 'ACKs in the repair').to.be.above(4);
      for (const [index, { sentCount, modelCount }] of path.steps.entries())
        expect(sentCount, `ACK ${index}`).to.equal(modelCount);
    });

    it(`ends with about ssthresh in flight: ${name} (RFC 9937 §7)`, () => {
      const path = new PathWithLosses(100, lost);

      path.run();

      // ssthresh is the goal from above; from below the repair may be over before it is reached.
      const goal = ssthresh(path.peer);
      expect(path.inFlightAtExit).to.be.at.most(goal + 1);
      if (lost.length <= 10) expect(path.inFlightAtExit).to.be.at.least(goal - 2);
      expect(cwnd(path.peer), 'the window after it').to.equal(goal);
      expect(path.peer.connection.tcpInfo().retransmits, 'no time-out').to.equal(0);
    });
  }

  it('spreads the reduction over the round trip: one segment for two ACKs (RFC 9937 §7)', () => {
    const path = new PathWithLosses(100, [0]);

    path.run();

    const counts = path.steps.map(({ sentCount }) => sentCount);
    expect(Math.max(...counts)).to.equal(1);
    for (let i = 10; i < 90; i += 1) {
      const around = counts.slice(i - 5, i + 5).reduce((sum, count) => sum + count, 0);
      expect(around, `of ten ACKs around ${i}`).to.be.within(4, 6);
    }
  });

  it('never sends in a burst what was lost in a burst (RFC 9937 §7)', () => {
    const path = new PathWithLosses(100, range(0, 90));

    path.run();

    expect(Math.max(...path.steps.slice(1).map(({ sentCount }) => sentCount))).to.be.at.most(2);
  });

  it('sends one segment again with the ACK that begins the repair, whatever is in flight (RFC 9937 §6.2)', () => {
    const peer = bulkSender({ profile: { ...SACK, initialWindowSegments: 100 }, segments: 100 });
    sent(peer);
    peer.pass(RTT_MS);

    for (let last = 2; last <= 4; last += 1) ack(peer, 0, [1, last]);

    expect(sent(peer)).to.deep.equal([0]);
  });

  it('sends one segment again also when a timer begins the repair, not an ACK (RFC 9937 §6.2, RFC 8985 §6.2)', () => {
    const peer = bulkSender({ profile: { ...SACK, initialWindowSegments: 100 } });
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 1, [3, 4]);
    sent(peer);

    peer.pass(RTT_MS / 4);

    expect(sent(peer)).to.deep.equal([1]);
  });

  it('goes back with the window when the repair proves needless (RFC 9937 §6.4, RFC 4015 §3.2)', () => {
    const peer = bulkSender({ profile: { ...SACK, timestamps: true, initialWindowSegments: 20 } });
    peer.usualOptions = { timestamps: [1, RTT_MS] };
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 5]);
    expect(ssthresh(peer)).to.equal(10);
    sent(peer);

    ack(peer, 5);

    expect(sent(peer).length, 'a full window again').to.be.above(3);
    expect(peer.connection.tcpInfo().inFlightBytes / SEGMENT_BYTES).to.be.at.least(20);
  });

  it('leaves alone a controller that wants none of it (RFC 9937 §5)', () => {
    const peer = bulkSender({ profile: { ...SACK, congestion: 'none' }, segments: 100 });
    sent(peer);
    peer.pass(RTT_MS);

    ack(peer, 0, [90, 100]);

    expect(sent(peer)).to.deep.equal(range(0, 90));
  });
});
