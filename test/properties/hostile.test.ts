import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { UsageError } from '../../lib/errors.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { NEVER } from '../../lib/time/clock.ts';
import type { LiteralOptions } from '../support/literal-segment.ts';
import {
  type Injected,
  LOCAL_PORT,
  PATH,
  PEER_PORT,
  pattern,
  type ScriptedPeer,
} from '../support/scripted-peer.ts';
import * as states from '../support/scripted-states.ts';

const RICH = {
  profile: { timestamps: true, sack: true, windowScale: 7 },
  peerOptions: { mss: 1_400, sackPermitted: true, timestamps: [1, 0], windowScale: 7 },
} as const;

const BUILDERS = [
  states.listening,
  states.synSent,
  states.synReceived,
  states.established,
  states.finWait1,
  states.finWait2,
  states.closeWait,
  states.closing,
  states.lastAck,
  states.timeWait,
] as const;

function someNumber(random: Prng): number {
  const near = [-2, -1, 0, 1, 2, 3, 100, 65_534, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000];
  return random.below(8) === 0 ? random.nextU32() : near[random.below(near.length)]!;
}

function someOptions(random: Prng): LiteralOptions {
  switch (random.below(6)) {
    case 0:
      return { timestamps: [random.below(3), random.nextU32()] };
    case 1:
      return { timestamps: [random.below(3), 0], sack: [[someNumber(random), someNumber(random)]] };
    case 2:
      return { raw: Array.from({ length: 4 * random.below(10) }, () => random.below(256)) };
    case 3:
      return {
        mss: random.below(65_536),
        windowScale: random.below(256),
        sackPermitted: true,
        ptcp: random.below(16),
      };
    default:
      return {};
  }
}

/** A segment that a peer or an attacker who knows the connection might send: often almost right. */
function someSegment(random: Prng): Injected {
  const flags = [...'FSRP.UEW'].filter(
    (letter) => random.below(letter === '.' ? 3 : 5) <= (letter === '.' ? 1 : 0),
  );
  return {
    flags: flags.join(''),
    seq: someNumber(random),
    ack: someNumber(random),
    window: random.below(3) === 0 ? 0 : random.below(65_536),
    options: someOptions(random),
    payload: pattern(random.below(4) === 0 ? random.below(200) : 0),
    urgentPointer: random.below(4) === 0 ? random.below(65_536) : 0,
  };
}

/** One of the calls a user can make, now and then. */
function callSomething(connection: Connection, random: Prng): void {
  const calls: readonly (() => void)[] = [
    () => connection.read(random.below(1_000)),
    () => connection.isFinSent || connection.closeReason !== undefined || tryToWrite(connection, random),
    () => connection.setNagle(random.below(2) === 0),
    () => connection.setKeepAlive(random.below(2) === 0),
    () => connection.tcpInfo(),
    () => random.below(4) === 0 && connection.shutdown(),
    () => random.below(8) === 0 && connection.close(),
  ];
  calls[random.below(calls.length)]!();
}

function tryToWrite(connection: Connection, random: Prng): void {
  try {
    connection.write(pattern(random.below(5_000)));
  } catch (error) {
    expect(error, 'only for writing after the end').to.be.instanceOf(UsageError);
  }
}

/** Everything that must hold whatever has come. */
function expectSane(peer: ScriptedPeer, ended: Set<Connection>): void {
  const { endpoint } = peer;
  expect(endpoint.nextTimeout(), 'a due time is a time, and not over').to.satisfy(
    (at: number) => at >= peer.now,
  );
  expect(endpoint.connectionCount).to.be.within(0, 2);
  expect(endpoint.memory.freeBytes).to.be.at.most(1024 ** 3);
  for (const event of peer.takeEvents()) {
    if (event.type === 'pathCandidate') continue;
    expect(ended.has(event.connection), `${event.type} after the end`).to.equal(false);
    if (event.type === 'closed') ended.add(event.connection);
  }
}

describe('hostile segments', () => {
  for (const build of BUILDERS) {
    it(`are answered at most once each, and never throw, from ${build.name} on`, () => {
      for (let seed = 0; seed < 24; seed += 1) {
        const random = new Prng(`${build.name} ${seed}`);
        const peer = build({ ...(seed % 2 === 0 ? {} : RICH), role: seed % 4 < 2 ? 'active' : 'passive' });
        const ended = new Set<Connection>();
        for (let n = 0; n < 30; n += 1) {
          const segment = someSegment(random);
          peer.inject(segment);
          const answers = peer.drain();
          expect(answers.length, `answers to ${JSON.stringify(segment)}, seed ${seed}`).to.be.at.most(1);
          const isResetForReset = segment.flags?.includes('R') && answers[0]?.flags.includes('R');
          expect(isResetForReset ?? false, 'a reset for a reset').to.equal(false);
          if (random.below(5) === 0) peer.pass(random.below(400));
          peer.drain();
          expectSane(peer, ended);
        }
      }
    });
  }

  it('never throw, whatever the user does meanwhile', () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const random = new Prng(`user ${seed}`);
      const build = BUILDERS[3 + (seed % 6)]!;
      const peer = build({ ...(seed % 4 < 2 ? {} : RICH), role: seed % 2 === 0 ? 'active' : 'passive' });
      const ended = new Set<Connection>();
      for (let n = 0; n < 40; n += 1) {
        callSomething(peer.connection, random);
        peer.inject(someSegment(random));
        expectSane(peer, ended);
        peer.pass(random.below(10) === 0 ? 100_000 : random.below(300));
        peer.drain();
      }
      peer.connection.abort();
      peer.at(peer.now + 1_000_000);
      expectSane(peer, ended);
      expect(peer.endpoint.nextTimeout(), 'no timer is left').to.equal(NEVER);
    }
  });

  it('of any bytes at all are dropped or taken, and answered at most once each', () => {
    const random = new Prng('any bytes');
    const peer = states.established(RICH);

    for (let n = 0; n < 3_000; n += 1) {
      const bytes = new Uint8Array(random.below(80));
      random.fill(bytes);
      // Let more of them be segments, and for this connection.
      if (bytes.length >= 20 && n % 2 === 0) bytes[12] = 0x50;
      if (bytes.length >= 20 && n % 4 === 0)
        bytes.set([PEER_PORT >> 8, PEER_PORT & 0xff, LOCAL_PORT >> 8, LOCAL_PORT & 0xff]);
      peer.inject(bytes, random.below(3) === 0 ? random.below(100) : PATH);
      expect(peer.drain().length).to.be.at.most(1);
    }

    expect(peer.connection.state).to.equal('ESTABLISHED');
  });
});

const TOTAL = 60_000;
const PSEUDO_PORT = 49_153;

/** Something that is not what the other side meant to say now: noise, a damaged segment, a shortened or an old one. */
function someShot(network: EndpointNetwork, random: Prng): { bytes: Uint8Array; from: number; to: number } {
  const { bytes, from, to } = network.sent[random.below(network.sent.length)]!;
  // A SYN damaged in the first bytes of PTCP's option passes for one of plain TCP, which nothing checks.
  const isSyn = (bytes[13]! & 2) !== 0;
  switch (random.below(isSyn ? 1 : 4)) {
    case 0: {
      const noise = new Uint8Array(random.below(100));
      random.fill(noise);
      return { bytes: noise, from, to };
    }
    case 1: {
      const damaged = bytes.slice();
      for (let flips = 1 + random.below(3); flips > 0; flips -= 1) {
        damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
      }
      return { bytes: damaged, from, to };
    }
    case 2:
      return { bytes: bytes.slice(0, random.below(bytes.length)), from, to };
    default:
      return { bytes, from, to };
  }
}

function shoot(network: EndpointNetwork, endpoints: readonly PtcpEndpoint[], random: Prng): void {
  const { bytes, from, to } = someShot(network, random);
  endpoints[to]?.handleDatagram(network.now, bytes, from);
}

describe('a stream under fire', () => {
  for (const seed of [1, 2, 3]) {
    it(`arrives whole both ways, and both sides end well, seed ${seed}`, () => {
      const random = new Prng(`fire ${seed}`);
      const content = pattern(TOTAL);
      const received: [number[], number[]] = [[], []];
      const written = [0, 0];
      const endings: string[] = [];
      const endpoints = ['left', 'right'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
      const network = new EndpointNetwork(endpoints, {
        seed,
        link: { latencyMs: 5, rateMbit: 10, loss: 0.01 },
        onEvent: (event, side) => {
          if (event.type === 'closed') endings.push(event.reason);
          if (event.type === 'pathCandidate') return;
          const { connection } = event;
          if (event.type === 'readable') received[side]!.push(...connection.read(TOTAL));
          if (event.type === 'established' || event.type === 'writable') {
            written[side]! += connection.write(content.subarray(written[side]));
            if (written[side] === TOTAL) connection.shutdown();
          }
        },
      });
      endpoints[1]?.listen(PSEUDO_PORT);
      endpoints[0]?.connect(1, PSEUDO_PORT);

      for (let ms = 1; ms < 200; ms += 1) {
        network.runUntil(ms);
        for (let shots = 0; shots < 3; shots += 1) shoot(network, endpoints, random);
      }

      expect(network.runUntilIdle()).to.equal(true);
      expect(received.map(({ length }) => length)).to.deep.equal([TOTAL, TOTAL]);
      for (const bytes of received) expect(Uint8Array.from(bytes)).to.deep.equal(content);
      expect(endings).to.deep.equal(['done', 'done']);
    });
  }

  it('is not kept up by those who are shot at: each shot is answered once at most', () => {
    const random = new Prng('echo');
    const endpoints = ['left', 'right'].map((name) => new PtcpEndpoint({ entropy: new Prng(name) }));
    const network = new EndpointNetwork(endpoints, {
      link: { latencyMs: 5 },
      onEvent: (event) => {
        if (event.type === 'established') event.connection.write(pattern(3_000));
        if (event.type === 'readable') event.connection.read(3_000);
      },
    });
    endpoints[1]?.listen(PSEUDO_PORT);
    endpoints[0]?.connect(1, PSEUDO_PORT);
    network.runUntil(1_000);
    const recorded = network.sent.length;

    for (let shots = 0; shots < 300; shots += 1) {
      const before = network.sent.length;
      shoot(network, endpoints, random);
      network.runUntil(network.now + 30);
      expect(network.sent.length - before, `shot ${shots}`).to.be.at.most(1);
    }

    expect(network.sent.length).to.be.above(recorded);
    expect(endpoints.map((endpoint) => endpoint.connectionCount)).to.deep.equal([1, 1]);
  });
});
