import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { type SentSegment, SentSegments } from '../../../lib/ptcp/core/sent-segments.ts';
import { seqAdd, seqDiff } from '../../../lib/ptcp/core/seq.ts';

/** Where the first segment of each test begins: just below the wrap. */
const FIRST = 0xffff_ff80;
const ignore = (): void => {};

/** Segments of 10 bytes, end to end from FIRST on. */
function tens(count: number): SentSegments {
  const sent = new SentSegments();
  for (let i = 0; i < count; i += 1) sent.push(seqAdd(FIRST, 10 * i), 10, i);
  return sent;
}

/** One letter a segment: '.' in flight, 's' SACKed, 'l' lost, 'r' lost and sent again. */
function shown(sent: SentSegments): string {
  return sent.all
    .map(({ isSacked, isLost, isResent }) => (isSacked ? 's' : isLost ? (isResent ? 'r' : 'l') : '.'))
    .join('');
}

function place(segment: SentSegment | undefined): number | undefined {
  return segment === undefined ? undefined : seqDiff(segment.seq, FIRST);
}

/** The sums over `sent`, and the walls between its segments, taken anew. */
function recomputed(sent: SentSegments): Record<string, number> {
  const sums = { sackedBytes: 0, lostBytes: 0, resentBytes: 0 };
  for (const { length, isSacked, isLost, isResent } of sent.all) {
    if (isSacked) sums.sackedBytes += length;
    if (isLost) sums.lostBytes += length;
    if (isResent) sums.resentBytes += length;
  }
  return sums;
}

function checkInvariants(sent: SentSegments): void {
  const { sackedBytes, lostBytes, resentBytes } = sent;
  expect({ sackedBytes, lostBytes, resentBytes }, 'the running sums').to.deep.equal(recomputed(sent));
  let next = sent.first?.seq;
  for (const segment of sent.all) {
    expect(segment.seq, 'end to end').to.equal(next);
    expect(segment.length, 'not empty').to.be.above(0);
    expect(segment.isSacked && segment.isLost, 'in one place only').to.equal(false);
    expect(segment.isResent && !segment.isLost, 'sent again is lost before').to.equal(false);
    next = seqAdd(segment.seq, segment.length);
  }
  const lost = sent.all.find(({ isLost, isResent }) => isLost && !isResent);
  expect(sent.nextLost(), 'the oldest to be sent again').to.equal(lost);
  expect(sent.count).to.equal(sent.all.length);
  expect(sent.last).to.equal(sent.all.at(-1));
}

describe('SentSegments', () => {
  it('takes off what is acknowledged and keeps the tail of a segment that is cut (RFC 9293 §3.10.7.4)', () => {
    const sent = tens(4);
    const seen: (number | undefined)[] = [];

    sent.acknowledge(seqAdd(FIRST, 23), (segment) => seen.push(place(segment)));

    expect(seen).to.deep.equal([0, 10]);
    expect(place(sent.first)).to.equal(23);
    expect(sent.first?.length).to.equal(7);
    checkInvariants(sent);
  });

  it('shows an acknowledged segment as it was before', () => {
    const sent = tens(2);
    sent.markSacked(FIRST, seqAdd(FIRST, 10), ignore);
    const seen: boolean[] = [];

    sent.acknowledge(seqAdd(FIRST, 20), ({ isSacked }) => seen.push(isSacked));

    expect(seen).to.deep.equal([true, false]);
    expect(sent.sackedBytes).to.equal(0);
  });

  it('marks SACKed only segments that lie wholly in the range, each once', () => {
    const sent = tens(5);
    const seen: (number | undefined)[] = [];
    const visit = (segment: SentSegment): unknown => seen.push(place(segment));

    sent.markSacked(seqAdd(FIRST, 5), seqAdd(FIRST, 35), visit);
    sent.markSacked(seqAdd(FIRST, 10), seqAdd(FIRST, 50), visit);

    expect(seen).to.deep.equal([10, 20, 30, 40]);
    expect(shown(sent)).to.equal('.ssss');
  });

  it('marks lost what lies before a place and is neither SACKed nor lost already', () => {
    const sent = tens(5);
    sent.markSacked(seqAdd(FIRST, 10), seqAdd(FIRST, 20), ignore);

    expect(sent.markLostBefore(seqAdd(FIRST, 35))).to.equal(20);
    expect(sent.markLostBefore(seqAdd(FIRST, 35))).to.equal(0);

    expect(shown(sent)).to.equal('lsl..');
  });

  it('gives the lost ones to be sent again, oldest first', () => {
    const sent = tens(4);
    sent.markLostBefore(seqAdd(FIRST, 30));
    const order: (number | undefined)[] = [];
    for (let lost = sent.nextLost(); lost !== undefined; lost = sent.nextLost()) {
      order.push(place(lost));
      sent.resend(lost, 100);
    }

    expect(order).to.deep.equal([0, 10, 20]);
    expect(shown(sent)).to.equal('rrr.');
    expect(sent.first?.transmissions).to.equal(2);
  });

  it('thinks a retransmission lost again only when what left later has arrived (RFC 8985 §6.2)', () => {
    const sent = tens(3);
    sent.markLostBefore(seqAdd(FIRST, 30));
    for (const at of [100, 110, 120]) sent.resend(sent.nextLost()!, at);

    expect(sent.markResentLost(110)).to.equal(10);

    expect(shown(sent)).to.equal('lrr');
    sent.resend(sent.nextLost()!, 130);
    expect(sent.markResentLost(121)).to.equal(20);
    expect(shown(sent)).to.equal('rll');
  });

  it('remembers no retransmission that was acknowledged', () => {
    const sent = tens(1);
    const before = heapBytes();
    for (let i = 1; i <= 200_000; i += 1) {
      sent.push(seqAdd(FIRST, 10 * i), 10, i);
      sent.markFirstLost();
      sent.newlyLost.length = 0;
      sent.resend(sent.nextLost()!, i);
      sent.acknowledge(seqAdd(FIRST, 10 * i), ignore);
    }

    expect(heapBytes() - before).to.be.below(2_000_000);
    expect(sent.count).to.equal(1);
  });

  it('does not take a retransmission for one of another connection that used its record', () => {
    const mine = tens(2);
    mine.markLostBefore(seqAdd(FIRST, 20));
    mine.resend(mine.nextLost()!, 100);
    mine.acknowledge(seqAdd(FIRST, 20), ignore);
    const others = tens(2);
    others.markLostBefore(seqAdd(FIRST, 20));
    others.resend(others.nextLost()!, 100);
    others.resend(others.nextLost()!, 100);

    expect(mine.markResentLost(200)).to.equal(0);

    expect(shown(others)).to.equal('rr');
    checkInvariants(mine);
  });

  it('takes everything but SACKed segments for lost after a time-out, retransmissions too (RFC 6298 §5.4)', () => {
    const sent = tens(4);
    sent.markSacked(seqAdd(FIRST, 20), seqAdd(FIRST, 30), ignore);
    sent.markLostBefore(seqAdd(FIRST, 10));
    sent.resend(sent.nextLost()!, 50);

    sent.markAllLost(false);

    expect(shown(sent)).to.equal('llsl');
    checkInvariants(sent);
  });

  it('takes SACKed segments for lost too when the peer went back on them (RFC 2018 §8)', () => {
    const sent = tens(3);
    sent.markSacked(FIRST, seqAdd(FIRST, 20), ignore);

    sent.markAllLost(true);

    expect(shown(sent)).to.equal('lll');
    checkInvariants(sent);
  });

  it('puts what was not sent again back into flight when the repair was needless', () => {
    const sent = tens(3);
    sent.markLostBefore(seqAdd(FIRST, 30));
    sent.resend(sent.nextLost()!, 50);

    sent.clearLost();

    expect(shown(sent)).to.equal('r..');
    checkInvariants(sent);
    expect(sent.markLostBefore(seqAdd(FIRST, 20)), 'what is on its way again is not lost again').to.equal(10);
    expect(shown(sent)).to.equal('rl.');
  });

  it('cuts a segment in two that are both lost, the second with the FIN', () => {
    const sent = tens(2);
    const last = sent.last!;
    last.hasFin = true;
    sent.markAllLost(false);

    sent.split(last, 4);

    expect(sent.all.map(({ length, hasFin }) => [length, hasFin])).to.deep.equal([
      [10, false],
      [4, false],
      [6, true],
    ]);
    expect(shown(sent)).to.equal('lll');
    checkInvariants(sent);
  });

  it('finds the oldest segment that is neither SACKed nor lost in a stretch (RFC 6675 §4)', () => {
    const sent = tens(5);
    sent.markLostBefore(seqAdd(FIRST, 10));
    sent.markSacked(seqAdd(FIRST, 20), seqAdd(FIRST, 30), ignore);

    expect(place(sent.nextUnsacked(FIRST, seqAdd(FIRST, 50)))).to.equal(10);
    expect(place(sent.nextUnsacked(seqAdd(FIRST, 11), seqAdd(FIRST, 50)))).to.equal(30);
    expect(sent.nextUnsacked(seqAdd(FIRST, 20), seqAdd(FIRST, 30))).to.equal(undefined);
  });

  it('keeps its sums and its order whatever happens (RFC 6675 §4, SetPipe)', () => {
    const place = fc.nat(400);
    const operation = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          what: fc.constant('push' as const),
          a: fc.integer({ min: 1, max: 20 }),
          b: place,
        }),
      },
      fc.record({
        what: fc.constantFrom(
          'acknowledge',
          'sack',
          'lost',
          'first',
          'all',
          'reneged',
          'resend',
          'again',
          'clear',
          'split',
        ),
        a: place,
        b: place,
      }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
        const sent = new SentSegments();
        let una = FIRST;
        let next = FIRST;
        const within = (a: number): number =>
          seqAdd(una, seqDiff(next, una) === 0 ? 0 : a % (seqDiff(next, una) + 1));
        for (const [now, { what, a, b }] of operations.entries()) {
          if (what === 'push') {
            sent.push(next, a, now);
            next = seqAdd(next, a);
          } else if (what === 'acknowledge') {
            una = within(a);
            sent.acknowledge(una, ignore);
          } else if (what === 'sack') {
            const [left, right] = [within(a), within(b)];
            if (seqDiff(right, left) > 0) sent.markSacked(left, right, ignore);
          } else if (what === 'lost') sent.markLostBefore(within(a));
          else if (what === 'first') sent.markFirstLost();
          else if (what === 'all') sent.markAllLost(false);
          else if (what === 'reneged') sent.markAllLost(true);
          else if (what === 'again') sent.markResentLost(now - (a % 10));
          else if (what === 'clear') sent.clearLost();
          else {
            const lost = sent.nextLost();
            if (lost !== undefined && what === 'split' && lost.length > 1)
              sent.split(lost, 1 + (a % (lost.length - 1)));
            else if (lost !== undefined) sent.resend(lost, now);
          }
          expect(sent.all.reduce((sum, { length }) => sum + length, 0)).to.equal(seqDiff(next, una));
          checkInvariants(sent);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** The heap in use once there is no garbage in it. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}
