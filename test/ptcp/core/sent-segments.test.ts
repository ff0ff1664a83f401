import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { type SegmentVisitor, type SentSegment, SentSegments } from '../../../lib/ptcp/core/sent-segments.ts';
import { type Seq, seqAdd, seqDiff } from '../../../lib/ptcp/core/seq.ts';

/** Where the first segment of each test begins: just below the wrap. */
const FIRST = 0xffff_ff80;
const ignore: SegmentVisitor = { visit: () => undefined };

function seeing(visit: (segment: SentSegment) => unknown): SegmentVisitor {
  return { visit };
}

/** The peer holds [start, end), and nothing beside it. */
function sack(sent: SentSegments, start: Seq, end: Seq, visitor: SegmentVisitor = ignore): void {
  sent.markSacked({ from: start, until: end, start, end }, visitor);
}

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

/** The places of those in flight, the one first that left the longest ago. */
function order(sent: SentSegments): (number | undefined)[] {
  const places: (number | undefined)[] = [];
  for (let next = sent.longestInFlight; next !== undefined; next = next.leftAfter) places.push(place(next));
  return places;
}

/** The sums over `sent`, and the walls between its segments, taken anew. */
function recomputed(sent: SentSegments): Record<string, number> {
  const sums = { sackedBytes: 0, sackedCount: 0, lostBytes: 0, resentBytes: 0, rescuedBytes: 0 };
  for (const { length, isSacked, isLost, isResent, isRescue } of sent.all) {
    if (isSacked) sums.sackedBytes += length;
    if (isSacked) sums.sackedCount += 1;
    if (isLost) sums.lostBytes += length;
    if (isResent) sums.resentBytes += length;
    if (isRescue) sums.rescuedBytes += length;
  }
  return sums;
}

function checkInvariants(sent: SentSegments): void {
  const { sackedBytes, sackedCount, lostBytes, resentBytes, rescuedBytes } = sent;
  expect(
    { sackedBytes, sackedCount, lostBytes, resentBytes, rescuedBytes },
    'the running sums',
  ).to.deep.equal(recomputed(sent));
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
  const inFlight = sent.all.filter(({ isSacked, isLost, isResent }) => !isSacked && (!isLost || isResent));
  const chain: SentSegment[] = [];
  for (let each = sent.longestInFlight; each !== undefined; each = each.leftAfter) {
    expect(each.leftBefore, 'both ways').to.equal(chain.at(-1));
    expect(each.sentAt, 'in the order of time').to.be.at.least(chain.at(-1)?.sentAt ?? 0);
    chain.push(each);
  }
  expect(chain, 'those in flight are chained').to.have.members(inFlight);
  expect(sent.count).to.equal(sent.all.length);
  expect(sent.last).to.equal(sent.all.at(-1));
}

describe('SentSegments', () => {
  it('takes off what is acknowledged and keeps the tail of a segment that is cut (RFC 9293 §3.10.7.4)', () => {
    const sent = tens(4);
    const seen: (number | undefined)[] = [];

    sent.acknowledge(
      seqAdd(FIRST, 23),
      seeing((segment) => seen.push(place(segment))),
    );

    expect(seen).to.deep.equal([0, 10]);
    expect(place(sent.first)).to.equal(23);
    expect(sent.first?.length).to.equal(7);
    checkInvariants(sent);
  });

  it('shows an acknowledged segment as it was before', () => {
    const sent = tens(2);
    sack(sent, FIRST, seqAdd(FIRST, 10));
    const seen: boolean[] = [];

    sent.acknowledge(
      seqAdd(FIRST, 20),
      seeing(({ isSacked }) => seen.push(isSacked)),
    );

    expect(seen).to.deep.equal([true, false]);
    expect(sent.sackedBytes).to.equal(0);
  });

  it('marks SACKed only segments that lie wholly in the range, each once', () => {
    const sent = tens(5);
    const seen: (number | undefined)[] = [];
    const visit = (segment: SentSegment): unknown => seen.push(place(segment));

    sack(sent, seqAdd(FIRST, 5), seqAdd(FIRST, 35), seeing(visit));
    sack(sent, seqAdd(FIRST, 10), seqAdd(FIRST, 50), seeing(visit));

    expect(seen).to.deep.equal([10, 20, 30, 40]);
    expect(shown(sent)).to.equal('.ssss');
  });

  it('marks lost what lies before a place and is neither SACKed nor lost already', () => {
    const sent = tens(5);
    sack(sent, seqAdd(FIRST, 10), seqAdd(FIRST, 20));

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

  it('knows what is in flight in the order in which it last left (RFC 8985 §6.2, step 5)', () => {
    const sent = tens(5);
    sent.markLostBefore(seqAdd(FIRST, 20));
    expect(order(sent), 'what is lost is not in flight').to.deep.equal([20, 30, 40]);
    sent.resend(sent.nextLost()!, 100);
    sack(sent, seqAdd(FIRST, 30), seqAdd(FIRST, 40));

    expect(order(sent)).to.deep.equal([20, 40, 0]);
    sent.clearLost();
    expect(order(sent)).to.deep.equal([10, 20, 40, 0]);
  });

  it('marks SACKed what became whole only together with what was SACKed beside it', () => {
    const sent = tens(4);
    const all = { start: seqAdd(FIRST, 15), end: seqAdd(FIRST, 45) };

    sent.markSacked({ from: seqAdd(FIRST, 25), until: seqAdd(FIRST, 26), ...all }, ignore);

    expect(shown(sent), 'not the one before, of which the front is missing').to.equal('..s.');
  });

  it('remembers no retransmission that was acknowledged', () => {
    const sent = tens(1);
    const before = heapBytes();
    for (let i = 1; i <= 200_000; i += 1) {
      sent.push(seqAdd(FIRST, 10 * i), 10, i);
      sent.markLost(sent.first!);
      sent.newlyLost.length = 0;
      sent.resend(sent.nextLost()!, i);
      sent.acknowledge(seqAdd(FIRST, 10 * i), ignore);
    }

    expect(heapBytes() - before).to.be.below(2_000_000);
    expect(sent.count).to.equal(1);
  });

  it('takes everything but SACKed segments for lost after a time-out, retransmissions too (RFC 6298 §5.4)', () => {
    const sent = tens(4);
    sack(sent, seqAdd(FIRST, 20), seqAdd(FIRST, 30));
    sent.markLostBefore(seqAdd(FIRST, 10));
    sent.resend(sent.nextLost()!, 50);

    sent.markAllLost(false);

    expect(shown(sent)).to.equal('llsl');
    checkInvariants(sent);
  });

  it('takes SACKed segments for lost too when the peer went back on them (RFC 2018 §8)', () => {
    const sent = tens(3);
    sack(sent, FIRST, seqAdd(FIRST, 20));

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

  it('cuts a SACKed segment into two that are', () => {
    const sent = tens(2);
    sack(sent, FIRST, seqAdd(FIRST, 10));

    sent.split(sent.first!, 4);

    expect(shown(sent)).to.equal('ss.');
    expect(sent.sackedCount).to.equal(2);
    checkInvariants(sent);
  });

  it('finds the oldest segment that is neither SACKed nor lost in a stretch (RFC 6675 §4)', () => {
    const sent = tens(5);
    sent.markLostBefore(seqAdd(FIRST, 10));
    sack(sent, seqAdd(FIRST, 20), seqAdd(FIRST, 30));

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
            if (seqDiff(right, left) > 0) sack(sent, left, right);
          } else if (what === 'lost') sent.markLostBefore(within(a));
          else if (what === 'first') {
            if (sent.longestInFlight !== undefined) sent.markLost(sent.longestInFlight);
          } else if (what === 'all') sent.markAllLost(false);
          else if (what === 'reneged') sent.markAllLost(true);
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
