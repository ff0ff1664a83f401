// BBR in whole connections, in virtual time. Its states one by one: test/ptcp/core/congestion/bbr.
import { expect } from 'chai';
import { measure } from '../../bench/netsim/measure.ts';
import type { ControllerFactory, LossSample } from '../../lib/ptcp/core/congestion/controller.ts';
import { NewReno } from '../../lib/ptcp/core/congestion/newreno.ts';
import { BbrTransfer, LATENCY_MS, TEXT_RATE } from '../support/bbr-transfer.ts';
import { ack, bulkSender, RTT_MS, SEGMENT_BYTES, sent } from '../support/bulk-sender.ts';

const RTT = 2 * LATENCY_MS;

describe('BBR', () => {
  it('uses a link up, and leaves its queue all but empty (draft-ietf-ccwg-bbr §5)', function () {
    this.timeout(10_000);
    const transfer = new BbrTransfer();
    transfer.run(2000);

    expect(transfer.run(10_000)).to.be.above(0.97);
    const queued: number[] = [];
    for (let i = 0; i < 300; i += 1) {
      transfer.run(10);
      queued.push(transfer.network.link(0, 1).queuedBytes(transfer.network.now));
    }
    queued.sort((a, b) => a - b);
    expect(queued[150], 'a tenth of the bandwidth-delay product').to.be.below(5000);
  });

  it('has more than 85 % of a link with a shallow queue and 1 % of losses (draft-ietf-ccwg-bbr §5.5.10)', function () {
    this.timeout(10_000);
    for (const queueBdp of [0.1, 0.25]) {
      const flows = [{ controller: 'bbr' }];
      const path = { rateMbit: 20, rttMs: 40, lossPercent: 1, queueBdp };
      const { share, queueDropShare } = measure({ ...path, flows, seconds: 30, seed: 1 });

      expect(share, `${queueBdp} BDP`).to.be.above(0.85);
      expect(queueDropShare).to.be.below(0.03);
    }
  });

  it('leaves CUBIC its part: between 0.3 and 0.7 of the link each (draft-ietf-ccwg-bbr §5.3.3.8.1)', function () {
    this.timeout(10_000);
    const { flows } = measure({
      rateMbit: 20,
      rttMs: 30,
      lossPercent: 0,
      queueBdp: 2,
      flows: [{ controller: 'bbr' }, { controller: 'cubic', startAt: 200 }],
      seconds: 40,
      settledAfterSeconds: 10,
      seed: 1,
    });

    for (const { controller, fairShare } of flows) expect(fairShare / 2, controller).to.be.within(0.3, 0.7);
  });

  it('looks for the RTT every five seconds, and thinks no less of the path for it (draft-ietf-ccwg-bbr §5.3.4, §4.1.2.4)', () => {
    const transfer = new BbrTransfer({}, { lossTolerance: 0 });
    transfer.run(2000);
    const visits: number[] = [];
    let leastInFlight = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 1500; i += 1) {
      transfer.run(10);
      if (transfer.bbr.model.state !== 'probe-rtt') continue;
      leastInFlight = Math.min(leastInFlight, transfer.connection.tcpInfo().inFlightBytes);
      if (visits.length === 0 || transfer.network.now - visits.at(-1)! > 1000)
        visits.push(transfer.network.now);
    }

    expect(visits).to.have.length.within(2, 3);
    expect(visits[1]! - visits[0]!).to.be.within(5000, 10_000);
    expect(leastInFlight).to.be.at.most((TEXT_RATE * RTT) / 2 + 1200);
    expect(transfer.bandwidth).to.be.within(0.97, 1.05);
  });

  it('is not misled by a user with little to send (draft-ietf-ccwg-bbr §5.5.4, §4.1.2.4)', () => {
    const transfer = new BbrTransfer();
    transfer.run(3000);
    transfer.isBulk = false;
    transfer.run(1000);
    for (let i = 0; i < 200; i += 1) {
      transfer.connection.write(new Uint8Array(1000));
      transfer.run(50);
    }
    expect(transfer.bandwidth).to.be.within(0.97, 1.1);
    transfer.isBulk = true;
    transfer.fill();
    transfer.run(RTT);

    expect(transfer.run(1000), 'at once').to.be.above(0.9);
  });

  it('begins after a pause at the pace of the path: no burst, and no slow start (draft-ietf-ccwg-bbr §5.4.1)', () => {
    const transfer = new BbrTransfer();
    transfer.run(3000);
    transfer.isBulk = false;
    transfer.run(3000);
    transfer.isBulk = true;
    transfer.fill();
    const from = transfer.connection.tcpInfo().bytesSent;
    transfer.run(RTT - 1);
    const firstFlight = transfer.connection.tcpInfo().bytesSent - from;

    expect(firstFlight).to.be.within(0.9 * TEXT_RATE * RTT, TEXT_RATE * RTT + 12 * 1200);
    expect(transfer.run(500)).to.be.above(0.9);
  });

  it('follows a path that becomes longer or shorter (draft-ietf-ccwg-bbr §5.5.7)', () => {
    const transfer = new BbrTransfer();
    transfer.run(3000);
    expect(transfer.bbr.model.minRttMs).to.be.closeTo(RTT, 2);
    transfer.change({ latencyMs: 2 * LATENCY_MS });
    transfer.run(12_000);
    expect(transfer.bbr.model.minRttMs).to.be.closeTo(2 * RTT, 2);
    expect(transfer.run(4000)).to.be.above(0.9);
    transfer.change({ latencyMs: LATENCY_MS / 2 });
    transfer.run(3000);

    expect(transfer.bbr.model.minRttMs).to.be.closeTo(RTT / 2, 2);
    expect(transfer.run(4000)).to.be.above(0.9);
  });

  it('follows a link that becomes slower or faster (draft-ietf-ccwg-bbr §5.5.2)', function () {
    this.timeout(10_000);
    const transfer = new BbrTransfer();
    transfer.run(3000);
    transfer.change({ rateMbit: 2 });
    transfer.run(10_000);
    expect(transfer.run(4000)).to.be.within(0.9 * 0.2, 0.21);
    transfer.change({ rateMbit: 20 });
    transfer.run(10_000);

    expect(transfer.run(4000)).to.be.within(0.9 * 2, 2.1);
  });

  it('repairs a link that was down, and goes on (draft-ietf-ccwg-bbr §5.6.4.4)', () => {
    const transfer = new BbrTransfer();
    transfer.run(3000);
    transfer.change({ loss: 1 });
    transfer.run(1500);
    expect(transfer.bbr.cwndBytes).to.be.below(5000);
    transfer.change({ loss: 0 });
    transfer.run(2500);

    expect(transfer.run(3000)).to.be.above(0.9);
  });

  it('works without SACK, and without timestamps (draft-ietf-ccwg-bbr §4.1)', () => {
    for (const profile of [{ sack: false }, { timestamps: false }, { sack: false, timestamps: false }]) {
      const transfer = new BbrTransfer({ loss: 0.001 }, {}, profile);
      transfer.run(2000);

      expect(transfer.run(6000), JSON.stringify(profile)).to.be.above(profile.sack === false ? 0.5 : 0.9);
    }
  });
});

/** A controller that keeps a copy of each loss it is told of, and else is NewReno. */
function recordingLosses(losses: LossSample[]): ControllerFactory {
  return ({ mssBytes, initialWindowSegments }) =>
    Object.assign(new NewReno(mssBytes, initialWindowSegments), {
      onLost: (loss: LossSample): number => losses.push({ ...loss }),
    });
}

describe('what a controller is told of a lost segment', () => {
  it('is what was in flight when it left, and what was lost since (draft-ietf-ccwg-bbr §5.2.4, §5.5.10.2, §4.1.2, §2.2)', () => {
    const losses: LossSample[] = [];
    const peer = bulkSender({ profile: { sack: true, congestion: recordingLosses(losses) } });
    expect(sent(peer)).to.have.length(10);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 2], [4, 10]);

    expect(losses.map(({ txInFlightBytes }) => txInFlightBytes / SEGMENT_BYTES)).to.deep.equal([1, 3, 4]);
    expect(losses.map(({ lostSinceSentBytes }) => lostSinceSentBytes / SEGMENT_BYTES)).to.deep.equal([
      1, 2, 3,
    ]);
    expect(losses.map(({ beginsRange }) => beginsRange)).to.deep.equal([true, true, false]);
    for (const loss of losses)
      expect(loss).to.include({ lengthBytes: SEGMENT_BYTES, hasSack: true, delivered: 7 * SEGMENT_BYTES });
  });

  it('comes once for each time it is lost, and not for a window that opens again (draft-ietf-ccwg-bbr §5.2.4)', () => {
    const losses: LossSample[] = [];
    const peer = bulkSender({ profile: { sack: true, congestion: recordingLosses(losses) }, segments: 10 });
    sent(peer);
    peer.pass(RTT_MS);
    ack(peer, 0, [1, 10]);
    expect(losses).to.have.length(1);
    peer.pass(5000);

    // Lost again, by the RTO.
    expect(losses.length).to.be.at.least(2);
    expect(new Set(losses.map(({ lengthBytes }) => lengthBytes))).to.deep.equal(new Set([SEGMENT_BYTES]));
  });
});
