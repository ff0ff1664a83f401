import { expect } from 'chai';
import type { PtcpEvent } from '../../lib/ptcp/core/events.ts';
import { ascii } from '../support/scripted-peer.ts';
import {
  type Fate,
  forEachFate,
  type Scenario,
  SIDES,
  type Side,
  SmallWorld,
} from '../support/small-world.ts';

/** How many datagrams of an open or of a close meet every fate. FATES=7 npm test goes further; eight lost SYNs are too many. */
const DATAGRAMS = Number(process.env['FATES'] ?? 6);
const ALL_FATES = 4 ** DATAGRAMS;
const PORTS = [50_000, 50_001] as const;

function openFromOneSide(side: Side): Scenario['begin'] {
  return ({ endpoints }) => {
    endpoints[1 - side]!.listen(PORTS[1 - side]!);
    endpoints[side].connect(0, PORTS[1 - side]!, { localPseudoPort: PORTS[side] });
  };
}

function openFromBothSides({ endpoints }: SmallWorld): void {
  for (const side of SIDES) endpoints[side].connect(0, PORTS[1 - side]!, { localPseudoPort: PORTS[side] });
}

/** Each side sends a letter when it is established, and closes when it has read to the end. */
function greet(event: PtcpEvent, side: Side): void {
  if (event.type === 'established') event.connection.write(ascii(side === 0 ? 'L' : 'R'));
  if (event.type === 'peerClosed') event.connection.close();
}

/** As `greet`, and closes its direction when it has the other's letter. */
function greetAndLeave(event: PtcpEvent, side: Side): void {
  greet(event, side);
  if (event.type === 'readable') event.connection.shutdown();
}

function describeRun(world: SmallWorld, fates: readonly Fate[]): string {
  return `${fates.join(', ')}: ${world.told.map((told) => told.join(' ')).join(' | ')}`;
}

/** Both sides end well, with what the other sent, and nothing is left of them. */
function expectGoodEnd(world: SmallWorld, received: readonly string[], what: string): void {
  expect(world.finish(), `comes to rest: ${what}`).to.equal(true);
  expect(world.received, what).to.deep.equal(received);
  for (const side of SIDES) {
    expect(world.told[side].filter((told) => told === 'established').length, what).to.equal(1);
    const endings = world.told[side].filter((told) => told.startsWith('closed'));
    expect(endings, what).to.deep.equal(['closed done']);
    expect(world.told[side].at(-1), what).to.equal('closed done');
  }
  expectNothingLeft(world, what);
}

function expectNothingLeft({ endpoints }: SmallWorld, what: string): void {
  for (const endpoint of endpoints) {
    expect([endpoint.connectionCount, endpoint.timeWaitCount], `left over: ${what}`).to.deep.equal([0, 0]);
  }
}

function playOpenings(begin: Scenario['begin']): number {
  return forEachFate(DATAGRAMS, (fates) => {
    const world = new SmallWorld({ begin, onEvent: greetAndLeave });
    world.meet(fates);
    expectGoodEnd(world, ['R', 'L'], describeRun(world, fates));
  });
}

describe('every fate of the first datagrams of an open', () => {
  for (const side of SIDES) {
    it(`is survived, whoever opens: side ${side} (RFC 9293 §3.5, MUST-10)`, () => {
      expect(playOpenings(openFromOneSide(side))).to.equal(ALL_FATES);
    }).timeout(60_000);
  }

  it('is survived when both open at the same time (RFC 9293 §3.5, MUST-10)', () => {
    expect(playOpenings(openFromBothSides)).to.equal(ALL_FATES);
  }).timeout(60_000);
});

/** An established pair that has exchanged its letters, and what begins the end of it. */
interface Closing {
  readonly open: Scenario['begin'];
  readonly begin: (world: SmallWorld) => void;
  readonly onEvent?: Scenario['onEvent'];
}

function playClosings(
  { open, begin, onEvent }: Closing,
  check: (world: SmallWorld, what: string) => void,
): number {
  return forEachFate(DATAGRAMS, (fates) => {
    const world = new SmallWorld({
      begin: open,
      onEvent: (event, side) => (onEvent ?? greet)(event, side, world),
    });
    world.calm();
    begin(world);
    world.settle();
    world.meet(fates);
    check(world, describeRun(world, fates));
  });
}

describe('every fate of the first datagrams of a close', () => {
  for (const side of SIDES) {
    const open = openFromOneSide(0);

    it(`ends well when side ${side} closes and the other follows (RFC 9293 §3.6)`, () => {
      const begin = ({ connections }: SmallWorld): void => connections[side]!.shutdown();
      const runs = playClosings({ open, begin }, (world, what) => expectGoodEnd(world, ['R', 'L'], what));

      expect(runs).to.equal(ALL_FATES);
    }).timeout(60_000);

    it(`ends well when side ${side} closes half and text flows back to it (RFC 9293 §3.6, MAY-1)`, () => {
      const begin = ({ connections }: SmallWorld): void => connections[side]!.shutdown();
      const onEvent: Scenario['onEvent'] = (event, on) => {
        if (event.type === 'peerClosed' && on !== side) event.connection.write(ascii(' and more'));
        greet(event, on);
      };
      const received = side === 0 ? ['R and more', 'L'] : ['R', 'L and more'];
      const runs = playClosings({ open, begin, onEvent }, (world, what) =>
        expectGoodEnd(world, received, what),
      );

      expect(runs).to.equal(ALL_FATES);
    }).timeout(60_000);

    it(`tells the other side when side ${side} aborts (RFC 9293 §3.10.5, MUST-12)`, () => {
      const begin = ({ connections }: SmallWorld): void => connections[side]!.abort();
      const runs = playClosings({ open, begin }, (world, what) => {
        // The reset may be lost; then the next thing that is said finds nobody there.
        const other = world.connections[1 - side]!;
        if (other.closeReason === undefined) other.write(ascii('?'));
        world.settle();
        expect(world.finish(), what).to.equal(true);
        expect(world.told[side].at(-1), what).to.equal('closed aborted');
        expect(world.told[1 - side]!.at(-1), what).to.equal('closed reset');
        expectNothingLeft(world, what);
      });

      expect(runs).to.equal(ALL_FATES);
    }).timeout(60_000);
  }

  it('ends well when both close at the same time (RFC 9293 §3.6, Figure 13)', () => {
    const begin = ({ connections }: SmallWorld): void => {
      for (const connection of connections) connection!.shutdown();
    };
    for (const open of [openFromOneSide(0), openFromBothSides]) {
      const runs = playClosings({ open, begin }, (world, what) => expectGoodEnd(world, ['R', 'L'], what));
      expect(runs).to.equal(ALL_FATES);
    }
  }).timeout(60_000);
});
