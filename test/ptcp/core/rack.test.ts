import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { ackArrives } from '../../../lib/ptcp/core/ack.ts';
import { DEFAULT_PROFILE } from '../../../lib/ptcp/core/config.ts';
import { MemoryBudget } from '../../../lib/ptcp/core/memory.ts';
import { createPath } from '../../../lib/ptcp/core/path.ts';
import { startRack } from '../../../lib/ptcp/core/rack.ts';
import { seqAdd } from '../../../lib/ptcp/core/seq.ts';
import { createTcb, type Tcb } from '../../../lib/ptcp/core/tcb.ts';
import { Flag, Segment } from '../../../lib/ptcp/core/wire/segment.ts';

const LENGTH = 100;
const ISS = 0xffff_0000;
const ACKS = 4000;

/** A connection with `count` segments in flight, one each 0.01 ms. */
function inFlight(count: number): Tcb {
  const profile = { ...DEFAULT_PROFILE, congestion: 'none' } as const;
  const tcb = createTcb({
    state: 'ESTABLISHED',
    path: createPath(1, profile, { startBytes: 1200, baseBytes: 1200, maxBytes: 1200 }, new Prng(1)),
    localPort: 1,
    remotePort: 2,
    profile,
    isPassive: false,
    isHolePunching: false,
    iss: ISS,
    tsOffset: 0,
    token: 0,
    memory: new MemoryBudget(1e9),
    now: 0,
  });
  tcb.isSackOn = true;
  tcb.sndUna = seqAdd(ISS, 1);
  tcb.sndNxt = tcb.sndUna;
  tcb.sndWnd = 2 ** 30;
  tcb.maxSndWnd = 2 ** 30;
  tcb.path.rtt.sample(2000, 1);
  for (let n = 0; n < count; n += 1) {
    tcb.sent.push(tcb.sndNxt, LENGTH, n / 100);
    tcb.sndNxt = seqAdd(tcb.sndNxt, LENGTH);
  }
  return tcb;
}

/** Microseconds for each ACK that SACKs segment n, for `order`; the first 100 are not counted. */
function costOf(count: number, order: (i: number) => number, prepare: (tcb: Tcb) => void): number {
  const tcb = inFlight(count);
  prepare(tcb);
  const segment = new Segment();
  segment.flags = Flag.ACK;
  segment.ack = tcb.sndUna;
  segment.window = 65_535;
  segment.sackCount = 1;
  let startedAt = 0;
  for (let i = 0; i < ACKS; i += 1) {
    if (i === 100) startedAt = process.cpuUsage().user;
    const left = seqAdd(tcb.sndUna, LENGTH * order(i));
    segment.sackEdges[0] = left;
    segment.sackEdges[1] = seqAdd(left, LENGTH);
    ackArrives(tcb, segment, 2000 + i / 1000);
  }
  expect(tcb.sent.sackedCount).to.equal(ACKS);
  return (process.cpuUsage().user - startedAt) / (ACKS - 100);
}

describe('RACK in a large flight', () => {
  const few = 2 * ACKS + 1;
  const many = 100_001;
  const patterns: Readonly<Record<string, (count: number) => (i: number) => number>> = {
    'every other, the highest first': (count) => (i) => count - 1 - 2 * i,
    'every other, the lowest first': () => (i) => 1 + 2 * i,
    shuffled: (count) => (i) => 1 + 2 * ((i * 7919) % Math.floor((count - 1) / 2)),
  };
  for (const [name, pattern] of Object.entries(patterns)) {
    for (const isReorderingSeen of [false, true]) {
      const seen = isReorderingSeen ? 'where segments change places' : 'in order';
      it(`costs each ACK no more in a flight of 100,000 than of 8000: ${name}, ${seen} (CVE-2019-11478)`, () => {
        const prepare = (tcb: Tcb): void => {
          startRack(tcb).isReorderingSeen = isReorderingSeen;
        };
        const [small, large] = [few, many].map((count) =>
          Math.min(...[1, 2, 3].map(() => costOf(count, pattern(count), prepare))),
        );

        // In proportion to the flight it would be twelve times as much, and hundreds of microseconds.
        expect(large).to.be.below(3 * small! + 15);
      });
    }
  }
});
