import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { ascii } from '../support/scripted-peer.ts';
import {
  playAllOrders,
  playSomeOrders,
  type Scenario,
  SIDES,
  type SmallWorld,
} from '../support/small-world.ts';

const PORTS = [50_000, 50_001] as const;

function openFromBothSides(world: SmallWorld): void {
  for (const side of SIDES) {
    world.endpoints[side].connect(0, PORTS[1 - side]!, { localPseudoPort: PORTS[side] });
  }
}

function openFromOneSide({ endpoints }: SmallWorld): void {
  endpoints[1].listen(PORTS[1]);
  endpoints[0].connect(0, PORTS[1], { localPseudoPort: PORTS[0] });
}

/** Each side sends one letter as soon as it may, and closes when it has the other's. */
const exchange: Scenario['onEvent'] = (event, side, world) => {
  if (event.type === 'established') event.connection.write(ascii(side === 0 ? 'L' : 'R'));
  if (event.type === 'readable' && world.received[side].length === 1) event.connection.close();
  if (event.type === 'peerClosed') event.connection.close();
};

/** Each side sends one letter and its FIN at once. */
const closeAtOnce: Scenario['onEvent'] = (event, side) => {
  if (event.type !== 'established') return;
  event.connection.write(ascii(side === 0 ? 'L' : 'R'));
  event.connection.shutdown();
};

function expectGoodEnd(world: SmallWorld, order: readonly number[]): void {
  const comesToRest = world.finish();
  const what = `after ${order.join(' ')}: ${world.told.map((told) => told.join(', ')).join(' | ')}`;
  expect(comesToRest, `comes to rest ${what}`).to.equal(true);
  expect(world.received, what).to.deep.equal(['R', 'L']);
  for (const side of SIDES) {
    const endings = world.told[side].filter((told) => told.startsWith('closed'));
    expect(endings, what).to.deep.equal(['closed done']);
    expect(world.endpoints[side].connectionCount, what).to.equal(0);
  }
}

describe('every order of loss, doubling, overtaking and time-out', () => {
  it('ends a simultaneous open well (RFC 9293 §3.5, MUST-10)', () => {
    const runs = playAllOrders({ begin: openFromBothSides, onEvent: exchange }, 3, expectGoodEnd);

    expect(runs).to.be.above(400);
  });

  it('ends an open by one side well (RFC 9293 §3.5)', () => {
    const runs = playAllOrders({ begin: openFromOneSide, onEvent: exchange }, 3, expectGoodEnd);

    expect(runs).to.be.above(100);
  });

  it('ends a simultaneous close well (RFC 9293 §3.6)', () => {
    const scenario = { begin: openFromBothSides, onEvent: closeAtOnce, calmSteps: 4 };
    const runs = playAllOrders(scenario, 3, expectGoodEnd);

    expect(runs).to.be.above(400);
  });

  it('ends a close of one side after the other well (RFC 9293 §3.6)', () => {
    const scenario = { begin: openFromOneSide, onEvent: exchange, calmSteps: 4 };
    const runs = playAllOrders(scenario, 3, expectGoodEnd);

    expect(runs).to.be.above(100);
  });

  it('ends well by chance too, with any options agreed on and listeners beside (RFC 9293 §3.5, §3.6)', () => {
    for (let seed = 0; seed < 150; seed += 1) {
      const random = new Prng(`orders ${seed}`);
      const isCoin = (): boolean => random.below(2) === 0;
      const profile = {
        timestamps: isCoin(),
        sack: isCoin(),
        ptcpOption: isCoin(),
        pacing: isCoin(),
        windowScale: isCoin() ? 7 : ('off' as const),
        resets: isCoin(),
        lingerMs: 60_000,
      };
      const open = isCoin() ? openFromBothSides : openFromOneSide;
      const begin = (world: SmallWorld): void => {
        if (open === openFromBothSides && isCoin()) {
          for (const side of SIDES) world.endpoints[side].listen(PORTS[side]);
        }
        open(world);
      };
      const onEvent = isCoin() ? exchange : closeAtOnce;
      playSomeOrders({ profile, begin, onEvent }, random, 60, expectGoodEnd);
    }
  });
});
