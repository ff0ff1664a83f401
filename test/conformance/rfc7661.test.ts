import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { Cubic } from '../../lib/ptcp/core/congestion/cubic.ts';
import { NewReno } from '../../lib/ptcp/core/congestion/newreno.ts';
import type { Connection } from '../../lib/ptcp/core/connection.ts';
import { PtcpEndpoint } from '../../lib/ptcp/core/endpoint.ts';
import { EndpointNetwork } from '../../lib/testing/endpoint-network.ts';
import { AckClock, MSS } from '../support/ack-clock.ts';
import { ack, bulkSender, cwnd, SEGMENT_BYTES, sent, ssthresh } from '../support/bulk-sender.ts';

const RTT_MS = 50;
const MINUTE_MS = 60_000;

/** A flow in congestion avoidance with a window of 100 segments, all of it in use until now. */
function flowOf100(kind: typeof NewReno | typeof Cubic = NewReno): AckClock {
  const flow = new AckClock(new kind(MSS, 10), RTT_MS);
  flow.slowStartTo(kind === NewReno ? 200 : 100 / 0.7);
  flow.lose();
  flow.run(2 * RTT_MS);
  flow.controller.setMss(MSS);
  return flow;
}

/** The application uses `segments` of the window in each round trip, for `durationMs`. */
function use(flow: AckClock, segments: number, durationMs: number): void {
  const end = flow.now + durationMs;
  while (flow.now < end) flow.burst(segments);
}

/** So many segments are found lost. */
function lost(flow: AckClock, segments: number): void {
  for (let left = segments; left > 0; left -= 1)
    flow.controller.onLost?.({
      now: flow.now,
      lengthBytes: MSS,
      txInFlightBytes: 0,
      lostSinceSentBytes: 0,
      isAppLimited: false,
      delivered: 0,
      beginsRange: true,
      hasSack: true,
    });
}

describe('RFC 7661: an application that does not use its window', () => {
  it('keeps it for five minutes, whatever it sends (RFC 7661 §4.4)', () => {
    const flow = flowOf100();
    const before = flow.cwnd;

    use(flow, 5, 4.9 * MINUTE_MS);

    expect(flow.cwnd).to.equal(before);
  });

  it('loses half of it then, and ssthresh remembers three quarters (RFC 7661 §4.4.3)', () => {
    for (const growMs of [0, 4000]) {
      const flow = flowOf100();
      flow.run(growMs);
      const before = flow.cwnd;

      use(flow, 5, 5.1 * MINUTE_MS);

      expect([flow.cwnd, flow.ssthresh]).to.deep.equal([before / 2, Math.max(100, (before * 3) / 4)]);
    }
  });

  it('loses half for each five minutes of silence, when it sends again, down to the initial window (RFC 7661 §4.4.3, §4.5.2)', () => {
    const shares = [4, 6, 11, 16, 24 * 60].map((minutes) => {
      const flow = flowOf100();
      const before = flow.cwnd;
      flow.now += minutes * MINUTE_MS;
      flow.controller.onIdle(flow.now);
      return flow.cwnd === 10 ? 'IW' : before / flow.cwnd;
    });

    expect(shares).to.deep.equal([1, 2, 4, 8, 'IW']);
  });

  it('does not shrink a window below the initial one to that (RFC 7661 §4.4.3)', () => {
    const flow = new AckClock(new NewReno(MSS, 40), RTT_MS);
    flow.run(RTT_MS);
    flow.controller.onCongestion(flow.now, 36 * MSS);
    const before = flow.cwnd;
    expect(before).to.equal(18);

    flow.now += 60 * MINUTE_MS;
    flow.controller.onIdle(flow.now);

    expect(flow.cwnd).to.equal(before);
  });

  it('does not grow it: bursts of ten segments have twenty at most (RFC 7661 §4.3, §4.4)', () => {
    for (const kind of [NewReno, Cubic]) {
      const flow = new AckClock(new kind(MSS, 10), RTT_MS);

      use(flow, 10, MINUTE_MS);

      expect(flow.cwnd).to.be.within(19, 20);
    }
  });

  it('does not grow what it kept by a burst of more than half, only by one of all (RFC 7661 §4.4)', () => {
    const [some, all] = [0.7, 1].map((share) => {
      const flow = new AckClock(new NewReno(MSS, 10), RTT_MS);
      flow.slowStartTo(200);
      flow.run(2 * RTT_MS);
      use(flow, 5, 2000);
      const before = flow.cwnd;
      // Half of what comes back is that far from telling that half the window fits.
      flow.burst(Math.floor(before * share), { priorDelivered: Number.MAX_SAFE_INTEGER, deliveredBytes: 0 });
      return flow.cwnd / before;
    });

    expect(some).to.equal(1);
    expect(all).to.be.above(1);
  });

  it('grows again once half of it has come back within a round trip (RFC 7661 §4.3, §4.4)', () => {
    const flow = new AckClock(new NewReno(MSS, 10), RTT_MS);
    flow.slowStartTo(200);
    flow.run(2 * RTT_MS);
    use(flow, 5, 2000);
    const before = flow.cwnd;

    const segments = Math.floor(before * 0.7);
    flow.burst(segments);

    // The ACKs of the first half let nothing grow.
    expect(flow.cwnd - before).to.be.closeTo(segments - before / 2, 2);
  });
});

describe('RFC 7661: congestion', () => {
  it('halves what was in use, not the window, when that was less than half of it (RFC 7661 §4.4.1)', () => {
    for (const kind of [NewReno, Cubic]) {
      const flow = flowOf100(kind);
      use(flow, 20, 2000);

      flow.controller.onCongestion(flow.now, 12 * MSS);

      expect([flow.cwnd, flow.ssthresh], 'pipeACK').to.deep.equal([10, 10]);
    }
  });

  it('halves FlightSize when that is more than pipeACK (RFC 7661 §4.4.1)', () => {
    const flow = flowOf100();
    use(flow, 20, 2000);

    flow.controller.onCongestion(flow.now, 90 * MSS);

    expect(flow.cwnd).to.equal(45);
  });

  it('takes off half of what was lost, too, when that is repaired (RFC 7661 §4.4.1)', () => {
    const flow = flowOf100();
    use(flow, 20, 2000);
    flow.controller.onCongestion(flow.now, 90 * MSS);
    lost(flow, 20);
    lost(flow, 10);

    flow.controller.onRecovered(flow.now, 30 * MSS);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([30, 30]);
  });

  it('does not take off what was lost in an earlier recovery (RFC 7661 §4.4.1)', () => {
    const flow = flowOf100();
    flow.controller.onCongestion(flow.now, 100 * MSS);
    lost(flow, 30);
    flow.controller.onRecovered(flow.now, 0);
    flow.run(1000);
    use(flow, 10, 2000);
    flow.controller.onCongestion(flow.now, 20 * MSS);

    flow.controller.onRecovered(flow.now, 0);

    expect(flow.cwnd).to.equal(10);
  });

  it('leaves a segment at least (RFC 7661 §4.4.1)', () => {
    const flow = flowOf100();
    use(flow, 2, 2000);
    flow.controller.onCongestion(flow.now, 4 * MSS);
    lost(flow, 4);

    flow.controller.onRecovered(flow.now, 0);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([1, 2]);
  });

  it('is answered as ever by who was using the window, and in slow start (RFC 7661 §4.3)', () => {
    for (const kind of [NewReno, Cubic]) {
      const beta = kind === NewReno ? 0.5 : 0.7;
      const avoiding = flowOf100(kind);
      avoiding.run(1000);
      const starting = new AckClock(new kind(MSS, 10), RTT_MS);
      for (const flow of [avoiding, starting]) {
        for (let round = 0; round < 6; round += 1) {
          flow.run(RTT_MS * 0.77);
          const saved = flow.controller.save();
          const before = flow.cwnd;
          flow.controller.onCongestion(flow.now, flow.controller.cwndBytes);
          expect(flow.cwnd).to.be.closeTo(beta * before, 1e-9);
          lost(flow, 8);
          flow.controller.onRecovered(flow.now, 0);
          expect(flow.cwnd).to.be.closeTo(beta * before, 1e-9);
          flow.controller.undo(saved);
        }
      }
    }
  });

  it('remembers what was in use for a second at least, and then no longer (RFC 7661 §4.2)', () => {
    const windows = [400, 3000].map((ms) => {
      const flow = flowOf100(Cubic);
      flow.run(1000);
      use(flow, 5, ms);
      flow.controller.onCongestion(flow.now, 10 * MSS);
      return Math.round(flow.cwnd);
    });

    // Validated at first: seven tenths of FlightSize. Then half of it.
    expect(windows).to.deep.equal([7, 5]);
    const flow = flowOf100();
    flow.run(1000);
    use(flow, 30, 3000);
    flow.controller.onCongestion(flow.now, 5 * MSS);
    expect(flow.cwnd).to.equal(15);
  });

  it('remembers it for three round trips where those are longer (RFC 7661 §4.2)', () => {
    const windows = [500, 4000].map((pauseMs) => {
      const flow = new AckClock(new NewReno(MSS, 100), 1000);
      flow.run(3000);
      for (let round = 0; round < 3; round += 1) flow.burst(30);
      flow.now += pauseMs;
      flow.burst(4);
      flow.controller.onCongestion(flow.now, 4 * MSS);
      return flow.cwnd;
    });

    expect(windows[0]).to.be.above(10);
    expect(windows[1]).to.equal(2);
  });

  it('leaves pipeACK undefined after a recovery, so that the next loss is answered as ever (RFC 7661 §4.2, §4.4.1)', () => {
    const flow = flowOf100();
    use(flow, 40, 2000);
    flow.controller.onCongestion(flow.now, 10 * MSS);
    flow.controller.onRecovered(flow.now, 0);
    expect(flow.cwnd).to.equal(20);

    flow.burst(6);
    flow.controller.onCongestion(flow.now, 8 * MSS);

    expect(flow.cwnd, 'half of FlightSize, and not of pipeACK').to.equal(4);
  });

  it('that the timer found is answered as ever, and ends the phase (RFC 7661 §4.4)', () => {
    const flow = flowOf100();
    use(flow, 20, 2000);

    flow.controller.onTimeout(flow.now, 12 * MSS, true);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal([1, 6]);
  });

  it('that was none gives back the window that was kept (RFC 7661 §4.4, RFC 4015 §3.2)', () => {
    const flow = flowOf100();
    use(flow, 20, 2000);
    const before = [flow.cwnd, flow.ssthresh];
    const saved = flow.controller.save();
    flow.controller.onCongestion(flow.now, 12 * MSS);

    flow.controller.undo(saved);

    expect([flow.cwnd, flow.ssthresh]).to.deep.equal(before);
  });

  it('makes CUBIC come back to what was in use, not to the window that was kept (RFC 7661 §4.4.1, RFC 9438 §4.6)', () => {
    const flow = flowOf100(Cubic);
    use(flow, 20, 2000);
    flow.controller.onCongestion(flow.now, 20 * MSS);
    flow.controller.onRecovered(flow.now, 0);

    // K is the cube root of (20 - 10) / 0.4: 2.9 s. Reno has come as far by then.
    flow.run(2900);

    expect(flow.cwnd).to.be.below(60);
  });
});

/** A client, the server that reads all it sends, and 25 ms each way between them. */
function paced(): { readonly network: EndpointNetwork; readonly connection: Connection } {
  const profile = { congestion: 'newreno' } as const;
  const [client, server] = [1, 2].map((seed) => new PtcpEndpoint({ entropy: new Prng(seed), profile }));
  server!.listen(49_153);
  const network = new EndpointNetwork([client!, server!], {
    link: { latencyMs: RTT_MS / 2 },
    onEvent: (event) => {
      if (event.type === 'readable') event.connection.read(1e9);
    },
  });
  const connection = client!.connect(1, 49_153);
  network.runUntil(200);
  return { network, connection };
}

describe('RFC 7661: a connection', () => {
  it('halves what it had just sent, less what of that was lost, when it was too much at once (RFC 7661 §4.4.1)', () => {
    const peer = bulkSender({ profile: { sack: true }, segments: 90 });
    let end = 0;
    const round = (): void => {
      const count = sent(peer).length;
      peer.pass(RTT_MS);
      for (let n = 0; n < count; n += 1) ack(peer, (end += 1));
    };
    while (end < 90) round();
    for (let burst = 0; burst < 40; burst += 1) {
      peer.connection.write(new Uint8Array(5 * SEGMENT_BYTES));
      round();
    }
    expect(cwnd(peer)).to.be.within(60, 90);

    peer.connection.write(new Uint8Array(30 * SEGMENT_BYTES));
    expect(sent(peer)).to.have.length(30);
    peer.pass(RTT_MS);
    // The first three of thirty are lost.
    for (let n = 4; n <= 30; n += 1) ack(peer, end, [end + 3, end + n]);
    expect(sent(peer)).to.deep.equal([end, end + 1, end + 2]);
    expect(ssthresh(peer), 'half of thirty').to.equal(15);
    peer.pass(RTT_MS);
    ack(peer, end + 30);

    expect(peer.connection.tcb.path.congestion.cwndBytes).to.equal(((30 - 3) * SEGMENT_BYTES) / 2);
  });

  it('goes on after a short silence as it was going, at its pace and not in one burst (RFC 7661 §4.4, §4.4.2)', () => {
    const { network, connection } = paced();
    while (connection.tcpInfo().sndCwndSegments < 200) {
      connection.write(new Uint8Array(400_000));
      network.runUntil(network.now + 20);
    }
    network.runUntil(network.now + 30_000);
    const { sndCwndSegments, sndMssBytes } = connection.tcpInfo();
    const begin = network.now;

    connection.write(new Uint8Array(150 * sndMssBytes));
    network.runUntil(begin + 2 * RTT_MS);

    expect(connection.tcpInfo()).to.include({ sndCwndSegments, unackedBytes: 0 });
    const sentAt = network.sent.filter(({ from, sentAt }) => from === 0 && sentAt >= begin);
    expect(sentAt, 'all in the first round trip').to.have.length(150);
    const atOnce = new Map<number, number>();
    for (const { sentAt: at } of sentAt) atOnce.set(at, (atOnce.get(at) ?? 0) + 1);
    expect(Math.max(...atOnce.values())).to.be.below(40);
    expect(atOnce.size).to.be.above(5);
  });

  it('has no larger window for a bursty application than its bursts were (RFC 7661 §4.3)', () => {
    const { network, connection } = paced();
    const { sndMssBytes } = connection.tcpInfo();
    for (let burst = 0; burst < 200; burst += 1) {
      connection.write(new Uint8Array(30 * sndMssBytes));
      network.runUntil(network.now + 150);
    }

    expect(connection.tcpInfo().sndCwndSegments).to.be.within(30, 62);
  });
});
