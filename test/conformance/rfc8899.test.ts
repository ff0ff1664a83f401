import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import type { ProfileOptions } from '../../lib/ptcp/core/config.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { pmtuState } from '../../lib/ptcp/core/pmtu.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { type LinkOptions, UDP_IP_HEADER_BYTES } from '../../lib/testing/link.ts';
import { PATH, type ScriptedPeer, type SeenSegment } from '../support/scripted-peer.ts';
import { established, type StateOptions } from '../support/scripted-states.ts';

const BASE_TEXT = 1_180;
const PROBE_TEXT = 1_452;

/** A connection of a peer that takes 1452 bytes and does SACK; the text of `segments` base-size segments is out. */
function sending(segments: number, options: StateOptions = {}): ScriptedPeer {
  const peer = established({
    ...options,
    profile: { sack: true, maxPlpmtuBytes: 1_472, congestion: 'none', ...options.profile },
    peerOptions: { mss: 1_452, sackPermitted: true, ...options.peerOptions },
  });
  peer.connection.write(new Uint8Array(segments * BASE_TEXT));
  return peer;
}

/** The probe among `seen`: the only one of its size. */
function probeIn(seen: readonly SeenSegment[], size = PROBE_TEXT): SeenSegment {
  const probes = seen.filter(({ length }) => length === size);
  expect(probes, `probes among ${seen.map(({ length }) => length).join()}`).to.have.length(1);
  return probes[0]!;
}

/** The ACK of all up to `ack`, with the D-SACK that the probe gets. */
function confirm(peer: ScriptedPeer, probe: SeenSegment, ack: number): void {
  peer.inject({ seq: 1, ack, options: { sack: [[probe.seq, probe.seq + probe.length]] } });
}

/** Lets the probe be lost `count` times; the path is kept busy all the while. Returns when each left. */
function loseProbes(peer: ScriptedPeer, count: number, size = PROBE_TEXT): number[] {
  const sentAt: number[] = [];
  let ack = 1 + peer.connection.tcpInfo().bytesSent;
  while (sentAt.length < count) {
    const seen = peer.drain();
    sentAt.push(...seen.filter(({ length }) => length === size).map((probe) => probe.sentAt));
    peer.inject({ seq: 1, ack });
    peer.pass(100);
    peer.connection.write(new Uint8Array(4 * BASE_TEXT));
    ack += 4 * BASE_TEXT;
  }
  return sentAt;
}

function plpmtu(peer: ScriptedPeer): number {
  return peer.connection.tcpInfo().pmtuBytes;
}

describe('RFC 8899: path MTU discovery', () => {
  it('probes the largest size with text that is in flight already (RFC 8899 §5.3.1, §4.1)', () => {
    const peer = sending(3);

    const seen = peer.drain();

    const probe = probeIn(seen);
    expect(seen.map(({ length }) => length)).to.deep.equal([BASE_TEXT, BASE_TEXT, BASE_TEXT, PROBE_TEXT]);
    expect(probe.seq + probe.length, 'the last that was sent').to.equal(1 + 3 * BASE_TEXT);
    expect(peer.connection.tcpInfo().unackedBytes).to.equal(3 * BASE_TEXT);
    expect(pmtuState(peer.connection.tcb)).to.equal('searching');
  });

  it('sends what the probe has shown to pass, once its D-SACK is here (RFC 8899 §5.3.1)', () => {
    const peer = sending(3);
    const probe = probeIn(peer.drain());
    peer.inject({ seq: 1, ack: 1 + 3 * BASE_TEXT });
    expect(plpmtu(peer), 'an ACK of the text alone tells nothing').to.equal(1_200);

    confirm(peer, probe, 1 + 3 * BASE_TEXT);

    expect(plpmtu(peer)).to.equal(1_472);
    expect(pmtuState(peer.connection.tcb)).to.equal('search-complete');
    peer.connection.write(new Uint8Array(2 * PROBE_TEXT));
    peer.expectAll([{ length: PROBE_TEXT }, { length: PROBE_TEXT }]);
  });

  it('takes the D-SACK of the probe for no duplicate, and its loss for no congestion (RFC 8899 §3)', () => {
    const peer = sending(20, { profile: { congestion: 'newreno', initialWindowSegments: 30 } });
    const probe = probeIn(peer.drain());
    const before = peer.connection.tcpInfo();

    confirm(peer, probe, 1 + 10 * BASE_TEXT);

    const after = peer.connection.tcpInfo();
    expect([after.lostBytes, after.totalRetransSegments]).to.deep.equal([0, 0]);
    expect(after.sndSsthreshSegments).to.equal(before.sndSsthreshSegments);
    expect(peer.connection.tcb.phase).to.equal('open');
    expect(peer.connection.tcb.rack?.dsackCount ?? 0, 'RACK learns nothing').to.equal(0);
  });

  it('does not believe a D-SACK of another range (RFC 8899 §4.1)', () => {
    const peer = sending(3);
    const { seq, length } = probeIn(peer.drain());

    for (const [left, right] of [
      [seq + 1, seq + length],
      [seq, seq + length - 1],
      [seq - 100, seq + length],
    ] as const)
      peer.inject({ seq: 1, ack: 1 + 3 * BASE_TEXT, options: { sack: [[left, right]] } });

    expect(plpmtu(peer)).to.equal(1_200);
  });

  it('sends a probe again after PROBE_TIMER, a second at least (RFC 8899 §5.1.1)', () => {
    const peer = sending(4);

    const sentAt = loseProbes(peer, 3);

    expect(sentAt[0]).to.equal(0);
    expect(sentAt[1]! - sentAt[0]!).to.be.within(1_000, 1_100);
    expect(sentAt[2]! - sentAt[1]!).to.be.within(1_000, 1_100);
  });

  it('gives a size up after MAX_PROBES and looks for a smaller one that passes (RFC 8899 §5.1.2, §5.3.2)', () => {
    const peer = sending(4);
    loseProbes(peer, 3);
    const steps: number[] = [];

    let size = PROBE_TEXT;
    for (let rounds = 0; rounds < 600 && pmtuState(peer.connection.tcb) === 'searching'; rounds += 1) {
      peer.connection.write(new Uint8Array(4 * BASE_TEXT));
      const seen = peer.drain();
      const probe = seen.find(({ length }) => length > plpmtu(peer) - 20);
      const ack = 1 + peer.connection.tcpInfo().bytesSent;
      if (probe !== undefined && probe.length + 20 <= 1_372) confirm(peer, probe, ack);
      else peer.inject({ seq: 1, ack });
      if (probe !== undefined && probe.length !== size) {
        size = probe.length;
        steps.push(size + 20);
      }
      peer.pass(100);
    }

    expect(plpmtu(peer)).to.equal(1_372);
    expect(steps).to.deep.equal([1_412, 1_352, 1_392, 1_372]);
    expect(pmtuState(peer.connection.tcb)).to.equal('search-complete');
  });

  it('looks again after PMTU_RAISE_TIMER, 600 s (RFC 8899 §5.1.1)', () => {
    const peer = sending(4, { profile: { maxPlpmtuBytes: 1_240 } });
    // No rung lies between 1200 and 1240, so the search is over with the third loss.
    const lastAt = loseProbes(peer, 3, 1_220).at(-1)!;

    const nextAt = loseProbes(peer, 1, 1_220)[0]!;

    expect(nextAt - lastAt).to.be.within(600_000, 602_000);
  });

  it('searches only as far as the peer takes (RFC 8899 §5.1.2; RFC 9293 §3.7.1, MUST-16)', () => {
    const peer = sending(3, { peerOptions: { mss: 1_300 } });
    const probe = probeIn(peer.drain(), 1_300);

    confirm(peer, probe, 1 + 3 * BASE_TEXT);

    expect(plpmtu(peer)).to.equal(1_320);
    expect(pmtuState(peer.connection.tcb)).to.equal('search-complete');
  });

  it('sends no probe while there is too little in flight, after the FIN, or into a closed window (RFC 8899 §4.1)', () => {
    const little = sending(1);
    little.expectAll([{ length: BASE_TEXT }]);
    const closing = sending(3, { profile: { maxPlpmtuBytes: 'off' } });
    closing.connection.shutdown();
    closing.drain();

    expect(little.connection.tcpInfo().unackedBytes).to.equal(BASE_TEXT);
    closing.inject({ seq: 1, ack: 1 + BASE_TEXT });
    closing.expectNothing();
  });

  it('sends no probe while losses are being repaired (RFC 8899 §3)', () => {
    const peer = sending(8, { profile: { maxPlpmtuBytes: 1_472 } });
    loseProbes(peer, 1);
    peer.connection.write(new Uint8Array(8 * BASE_TEXT));
    peer.drain();
    const una = 1 + peer.connection.tcpInfo().bytesSent - peer.connection.tcpInfo().unackedBytes;
    peer.inject({ seq: 1, ack: una, options: { sack: [[una + BASE_TEXT, una + 7 * BASE_TEXT]] } });
    expect(peer.connection.tcb.phase).to.equal('recovery');
    peer.drain();

    peer.connection.write(new Uint8Array(8 * BASE_TEXT));
    peer.pass(150);

    expect(peer.drain().some(({ length }) => length === PROBE_TEXT)).to.equal(false);
  });

  it('needs SACK, for only a D-SACK tells of a probe, and may be switched off (RFC 8899 §4.1)', () => {
    const without = sending(4, { peerOptions: { sackPermitted: false } });
    const off = sending(4, { profile: { maxPlpmtuBytes: 'off' } });

    for (const peer of [without, off]) {
      expect(peer.drain().every(({ length }) => length <= BASE_TEXT)).to.equal(true);
      expect(pmtuState(peer.connection.tcb)).to.equal('disabled');
    }
  });

  it('has nothing to search where the path is known to carry more (RFC 8899 §5.1.2)', () => {
    const peer = sending(5, { endpoint: { pathDatagramBytes: () => 1_400 } });

    expect(new Set(peer.drain().map(({ length }) => length))).to.deep.equal(new Set([1_380]));
    expect(pmtuState(peer.connection.tcb)).to.equal('search-complete');
  });

  it('takes EMSGSIZE for the end of a size: of the probe, or of all that is sent (RFC 8899 §5.2)', () => {
    const probing = sending(3);
    probing.drain();
    probing.endpoint.handlePathError(0, PATH, 'EMSGSIZE');
    probing.inject({ seq: 1, ack: 1 + 3 * BASE_TEXT });
    probing.pass(2_000);
    probing.connection.write(new Uint8Array(3 * BASE_TEXT));
    expect(plpmtu(probing)).to.equal(1_200);
    expect(probeIn(probing.drain(), 1_451).length, 'one byte less').to.equal(1_451);

    const raised = sending(3);
    confirm(raised, probeIn(raised.drain()), 1 + 3 * BASE_TEXT);
    raised.endpoint.handlePathError(0, PATH, 'EMSGSIZE');
    expect(plpmtu(raised)).to.equal(1_200);
  });

  describe('black holes', () => {
    it('falls back to BASE_PLPMTU with the first time-out, and cuts what was too large (RFC 8899 §4.3)', () => {
      const peer = sending(3);
      confirm(peer, probeIn(peer.drain()), 1 + 3 * BASE_TEXT);
      peer.connection.write(new Uint8Array(3 * PROBE_TEXT));
      const [first] = peer.expectAll([{}, {}, {}]);

      peer.pass(1_000);

      const again = peer.drain().filter(({ seq }) => seq === first!.seq);
      expect(new Set(again.map(({ length }) => length))).to.deep.equal(new Set([BASE_TEXT]));
      expect(plpmtu(peer)).to.equal(1_200);
      expect(pmtuState(peer.connection.tcb)).to.equal('base');
    });

    it('goes back up with one probe when it was no black hole (RFC 8899 §5.3.3)', () => {
      const peer = sending(3);
      confirm(peer, probeIn(peer.drain()), 1 + 3 * BASE_TEXT);
      peer.connection.write(new Uint8Array(3 * PROBE_TEXT));
      peer.pass(1_000);
      expect(plpmtu(peer)).to.equal(1_200);
      peer.inject({ seq: 1, ack: 1 + 3 * BASE_TEXT + 3 * PROBE_TEXT });
      peer.drain();

      peer.connection.write(new Uint8Array(3 * BASE_TEXT));
      const seen = peer.drain();
      confirm(peer, probeIn(seen), seen.at(-1)!.seq + seen.at(-1)!.length);

      expect(plpmtu(peer)).to.equal(1_472);
    });

    it('believes one time-out of a path that it cannot probe only when a second follows (RFC 8899 §4.3)', () => {
      const peer = sending(3, {
        profile: { maxDatagramBytes: 1_472 },
        peerOptions: { sackPermitted: false },
      });
      peer.drain();

      peer.pass(200);
      expect(peer.drain()[0]).to.include({ seq: 1, length: PROBE_TEXT });
      peer.pass(400);

      expect(peer.drain()[0]).to.include({ seq: 1, length: BASE_TEXT });
    });

    it('lets no loss speak against a size where the search is off (RFC 8899 §5.2)', () => {
      const peer = sending(3, { profile: { maxDatagramBytes: 1_472, maxPlpmtuBytes: 'off' } });
      peer.drain();

      peer.pass(10_000);

      expect(Math.max(...peer.drain().map(({ length }) => length))).to.equal(PROBE_TEXT);
    });

    it('tries less than BASE_PLPMTU when the path carries not even that (RFC 8899 §5.2, ERROR)', () => {
      const peer = sending(3);
      peer.drain();

      peer.pass(20_000);

      expect(pmtuState(peer.connection.tcb)).to.equal('error');
      const late = peer.drain().filter(({ sentAt }) => sentAt > 10_000);
      expect(Math.max(...late.map(({ length }) => length))).to.equal(528);
      peer.inject({ seq: 1, ack: 1 + 3 * BASE_TEXT });
      peer.connection.write(new Uint8Array(6 * 528));
      confirm(peer, probeIn(peer.drain(), BASE_TEXT), 1 + 3 * BASE_TEXT + 6 * 528);
      expect(plpmtu(peer)).to.equal(1_200);
    });
  });

  describe('in a network', function () {
    // Megabytes each: seconds on a busy machine.
    this.timeout(10_000);

    interface World {
      readonly network: EndpointNetwork;
      readonly received: () => number;
      readonly rtoMs: () => number;
      readonly pmtu: () => number;
    }

    const LINK: LinkOptions = { latencyMs: 20, rateMbit: 20, queueBytes: 100_000 };

    /** A client that sends `bytes` to a server. */
    function uploading(bytes: number, link: LinkOptions, profile: ProfileOptions = {}): World {
      const make = (name: string): PtcpEndpoint => new PtcpEndpoint({ entropy: new Prng(name), profile });
      const [client, server] = [make('client'), make('server')];
      let received = 0;
      let left = bytes;
      const network = new EndpointNetwork([client, server], {
        link: { ...LINK, ...link },
        logLimit: 10,
        onEvent: (event, index) => {
          if (event.type === 'pathCandidate') return;
          if (index === 0 && (event.type === 'established' || event.type === 'writable')) {
            left -= event.connection.write(new Uint8Array(left));
          } else if (event.type === 'readable') {
            received += event.connection.read(10_000_000).length;
          }
        },
      });
      server.listen(49_153);
      const connection = client.connect(1, 49_153);
      return {
        network,
        received: () => received,
        rtoMs: () => connection.tcpInfo().rtoUs / 1000,
        pmtu: () => connection.tcpInfo().pmtuBytes,
      };
    }

    function mtu(payloadBytes: number): LinkOptions {
      return { mtuBytes: payloadBytes + UDP_IP_HEADER_BYTES };
    }

    it('finds what the path carries, whatever that is, and sends nothing larger but probes (RFC 8899 §5.3)', () => {
      for (const [payloadBytes, found] of [
        [1_472, 1_472],
        [1_464, 1_464],
        [1_440, 1_432],
        [1_392, 1_392],
        [1_300, 1_280],
        [1_200, 1_200],
      ] as const) {
        const world = uploading(3_000_000, { ...mtu(payloadBytes), rateMbit: 2, queueBytes: 30_000 });

        world.network.runUntil(30_000);

        expect(world.pmtu(), `of ${payloadBytes}`).to.equal(found);
        expect(world.received()).to.equal(3_000_000);
        const { tooLarge } = world.network.link(0, 1).stats;
        expect(tooLarge, 'lost probes, three for each size').to.be.at.most(3 * 5);
      }
    });

    it('recovers in less than 3 RTO when the MTU drops from 1472 to 1300 in mid-flow (RFC 8899 §4.3)', () => {
      const world = uploading(8_000_000, mtu(1_472));
      world.network.runUntil(3_000);
      expect(world.pmtu()).to.equal(1_472);
      const rtoMs = world.rtoMs();

      world.network.link(0, 1).change(mtu(1_300));
      let now = world.network.now;
      // What was under way arrives still.
      world.network.runUntil((now += 80));
      const stalled = world.received();
      while (world.received() === stalled && now < 10_000) world.network.runUntil((now += 5));

      expect(now - 3_000, 'the flow goes on').to.be.below(3 * rtoMs);
      world.network.runUntil(60_000);
      expect(world.received()).to.equal(8_000_000);
      expect(world.pmtu()).to.be.within(1_200, 1_300);
    });

    it('gets through a path that carries less than was sent from the start (RFC 8899 §4.3)', () => {
      const world = uploading(1_000_000, mtu(1_250), { maxDatagramBytes: 1_472 });

      world.network.runUntil(60_000);

      expect(world.received()).to.equal(1_000_000);
    });

    it('gets through losses all the while (RFC 8899 §4.3)', () => {
      const world = uploading(2_000_000, { ...mtu(1_392), loss: 0.02 });

      world.network.runUntil(120_000);

      expect(world.received()).to.equal(2_000_000);
      expect(world.pmtu()).to.be.within(1_200, 1_392);
    });
  });
});
