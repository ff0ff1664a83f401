import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { ack, bulkSender, RTT_MS, SEGMENT_BYTES, sent } from '../support/bulk-sender.ts';
import { ReferenceReno } from '../support/reference-reno.ts';
import type { ScriptedPeer } from '../support/scripted-peer.ts';

const INITIAL_WINDOW = 10;
const STEPS = 200;

/** A receiver without SACK that loses what the dice say, and tells the model what it and the sender do. */
class Trace {
  readonly peer: ScriptedPeer = bulkSender({
    profile: { initialWindowSegments: INITIAL_WINDOW, synRetries: 1, r2: 100 },
    segments: 3000,
  });
  readonly model = new ReferenceReno(INITIAL_WINDOW);
  readonly #random: Prng;
  #inFlight: number[] = [];
  readonly #received = new Set<number>();
  #next = 0;
  readonly #lossEvery: number;
  steps = '';

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.#lossEvery = 30 * (1 + (seed % 10));
    this.#take();
    // With an ssthresh to stop at, slow start is RFC 5681's and not HyStart++.
    this.#silence();
  }

  /** What the sender has sent by now is under way. */
  #take(): void {
    for (const segment of sent(this.peer)) {
      this.model.sent(segment);
      this.#inFlight.push(segment);
    }
  }

  step(): void {
    const dice = this.#random.below(400);
    if (this.#inFlight.length === 0 || dice === 0) this.#silence();
    else this.#arrive(dice);
  }

  /** Nothing of what is under way arrives: the timer runs out. */
  #silence(): void {
    const before = this.peer.connection.tcpInfo().retransmits;
    this.#inFlight = [];
    while (this.peer.connection.tcpInfo().retransmits === before) this.peer.pass(10);
    this.steps += '!';
    this.model.timedOut();
    this.#take();
  }

  /** One to four segments; the last of a run without a hole is acknowledged, each behind a hole is. */
  #arrive(dice: number): void {
    const hasDelayedAck = dice % 2 === 0;
    this.peer.pass(RTT_MS / 20);
    for (let count = 1 + (dice % 4); count > 0; count -= 1) {
      const segment = this.#inFlight.shift();
      if (segment === undefined) break;
      if (this.#random.below(this.#lossEvery) === 0) {
        this.steps += 'x';
        continue;
      }
      this.#received.add(segment);
      const expected = this.#next;
      while (this.#received.has(this.#next)) this.#next += 1;
      const isInOrder = this.#next === expected + 1;
      if (!isInOrder || !hasDelayedAck || count === 1) this.#acknowledge();
    }
  }

  #acknowledge(): void {
    this.steps += 'a';
    this.model.acked(this.#next);
    ack(this.peer, this.#next);
    this.#take();
  }

  get seen(): { cwnd: number; ssthresh: number; phase: string } {
    const { congestion } = this.peer.connection.tcb.path;
    return {
      cwnd: congestion.cwndBytes / SEGMENT_BYTES,
      ssthresh: congestion.ssthreshBytes / SEGMENT_BYTES,
      phase: this.peer.connection.tcb.phase,
    };
  }
}

describe('RFC 5681 and RFC 6582: the window over random traces', () => {
  it('is what a model of Reno says after every ACK, loss and time-out (RFC 5681 §3.1, §3.2, RFC 6582 §3.2)', function () {
    this.timeout(8000);
    const phases = new Set<string>();
    for (let seed = 1; seed <= 12; seed += 1) {
      const trace = new Trace(seed);
      for (let step = 0; step < STEPS; step += 1) {
        trace.step();
        const { model, seen } = trace;
        const where = `seed ${seed}, step ${step}: ${trace.steps.slice(-60)}`;
        phases.add(model.phase);
        expect(seen.phase, where).to.equal(model.phase);
        // In a recovery the window is a matter of PRR (RFC 9937); what it leads to is ssthresh.
        if (model.phase !== 'recovery') expect(seen.cwnd, where).to.be.closeTo(model.cwnd, 1e-6);
        expect(seen.ssthresh, where).to.equal(model.ssthresh);
      }
    }

    expect([...phases]).to.have.members(['open', 'recovery', 'loss']);
  });
});
