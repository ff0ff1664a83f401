import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { NEVER } from '../../lib/time/clock.ts';
import { ReferenceRto } from '../support/reference-rto.ts';
import { pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import { listening, type StateOptions, synSent } from '../support/scripted-states.ts';

const MSS = 1000;

/** ESTABLISHED, with the round trip of the handshake as first sample. */
function openedIn(rttMs: number, options: StateOptions = {}): ScriptedPeer {
  const peer = listening(options);
  peer.inject({ flags: 'S', options: { mss: MSS, ...options.peerOptions } });
  peer.expect({ flags: 'S.' });
  peer.pass(rttMs);
  peer.inject({ seq: 1, ack: 1 });
  peer.drain();
  return peer;
}

function rtoMs(peer: ScriptedPeer): number {
  return peer.connection.tcpInfo().rtoUs / 1000;
}

/** The instants at which something was sent. */
function sentAt(peer: ScriptedPeer): number[] {
  return peer.drain().map((segment) => segment.sentAt);
}

describe('the retransmission timer', () => {
  it('waits one second for the answer to the first SYN (RFC 6298 §2.1)', () => {
    const peer = synSent();

    peer.at(999);
    peer.expectNothing();
    peer.at(1000);
    peer.expect({ flags: 'S', seq: 0, sentAt: 1000 });
  });

  it('counts the first RTO from when the SYN leaves, whenever that is (RFC 6298 §5.1)', () => {
    const peer = synSent({ startAt: 1_000_000 });

    expect(peer.endpoint.nextTimeout()).to.equal(1_001_000);
    peer.at(1_000_999);
    peer.expectNothing();
    peer.at(1_001_000);
    peer.expect({ flags: 'S', seq: 0 });
  });

  it('computes the RTO as the reference does, sample by sample (RFC 6298 §2.2, §2.3, MUST-18)', () => {
    const random = new Prng('rto');
    const peer = openedIn(80, { profile: { rtoMinMs: 200 } });
    const reference = new ReferenceRto({ leastMs: 200, mostMs: 60_000 });
    reference.measure(80);
    expect(rtoMs(peer)).to.be.closeTo(reference.rto, 0.001);

    for (let sent = 1; sent < 5000; sent += 100) {
      const rttMs = random.below(Math.floor(Math.min(reference.rto, 3000)));
      peer.connection.write(pattern(100));
      peer.expect({ seq: sent, length: 100 });
      peer.pass(rttMs);
      peer.inject({ seq: 1, ack: sent + 100 });
      reference.measure(rttMs);
      expect(rtoMs(peer), `after a sample of ${rttMs} ms`).to.be.closeTo(reference.rto, 0.001);
    }
  });

  it('is what a model says over random round trips, losses and time-outs (RFC 6298 §2, §3, §5.5, MUST-18)', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = new Prng(seed);
      const limits = { leastMs: 1 + random.below(1500), mostMs: 60_000 };
      const firstRttMs = random.below(500);
      const peer = openedIn(firstRttMs, { profile: { rtoMinMs: limits.leastMs, r2: 100 } });
      const model = new ReferenceRto(limits);
      model.measure(firstRttMs);
      for (let sent = 1; sent < 4000; sent += 100) {
        peer.connection.write(pattern(100));
        expect(sentAt(peer)).to.deep.equal([peer.now]);
        let losses = random.below(4) === 0 ? 1 + random.below(7) : 0;
        const isLost = losses > 0;
        for (; losses > 0; losses -= 1) {
          const dueAt = peer.now + model.rto;
          expect(peer.endpoint.nextTimeout(), `seed ${seed}, byte ${sent}`).to.be.closeTo(dueAt, 0.001);
          peer.at(Math.max(dueAt, peer.endpoint.nextTimeout()));
          expect(sentAt(peer)).to.have.length(1);
          model.timedOut();
        }
        const rttMs = random.below(Math.ceil(model.rto));
        peer.pass(rttMs);
        peer.inject({ seq: 1, ack: sent + 100 });
        // Karn: what was sent twice measures nothing.
        if (!isLost) model.measure(rttMs);
        expect(rtoMs(peer), `seed ${seed}, byte ${sent}`).to.be.closeTo(model.rto, 0.001);
      }
    }
  });

  it('stays above SRTT by the granularity of the clock when the RTT never varies (RFC 6298 §2.3)', () => {
    const peer = openedIn(300, { profile: { rtoMinMs: 1 } });
    for (let sent = 1; sent < 1000; sent += 10) {
      peer.connection.write(pattern(10));
      peer.drain();
      peer.pass(300);
      peer.inject({ seq: 1, ack: sent + 10 });
    }

    expect(rtoMs(peer)).to.be.closeTo(301, 1e-6);
  });

  it('never waits less than rtoMinMs (RFC 6298 §2.4)', () => {
    for (const rtoMinMs of [1, 200, 1000]) {
      const peer = openedIn(0, { profile: { rtoMinMs } });
      peer.connection.write(pattern(10));
      peer.drain();

      peer.at(rtoMinMs - 0.5);
      peer.expectNothing();
      peer.at(rtoMinMs);
      peer.expect({ seq: 1, length: 10 });
    }
  });

  it('never waits longer than rtoMaxMs (RFC 6298 §2.5)', () => {
    const peer = openedIn(0, { profile: { rtoMinMs: 1000, rtoMaxMs: 60_000, r2: 100 } });
    peer.connection.write(pattern(10));

    peer.at(400_000);

    const at = sentAt(peer);
    expect(at).to.deep.equal([
      0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000, 303_000, 363_000,
    ]);
  });

  it('takes no sample from what was sent twice (RFC 6298 §3, MUST-18)', () => {
    const peer = openedIn(100);
    const before = peer.connection.tcpInfo();
    peer.connection.write(pattern(10));
    peer.at(before.rtoUs / 1000 + 100);
    expect(sentAt(peer)).to.have.lengthOf(2);

    peer.pass(5);
    peer.inject({ seq: 1, ack: 11 });

    expect(peer.connection.tcpInfo().rttUs).to.equal(before.rttUs);
  });

  it('takes one from the echoed timestamp of what was sent twice (RFC 6298 §3, RFC 7323 §4.1)', () => {
    const peer = openedIn(100, {
      profile: { timestamps: true, timestampOffset: 5000 },
      peerOptions: { timestamps: [1, 0] },
    });
    peer.inject({ seq: 1, ack: 1, options: { timestamps: [2, 5000] } });
    const before = peer.connection.tcpInfo();
    peer.connection.write(pattern(10));
    peer.at(before.rtoUs / 1000 + 100);
    const again = peer.drain()[1]!;

    peer.pass(180);
    peer.inject({ seq: 1, ack: 11, options: { timestamps: [3, again.options.timestamps![0]] } });

    expect(peer.connection.tcpInfo().rttUs).to.be.closeTo(before.rttUs + (180_000 - before.rttUs) / 8, 1);
  });

  it('starts with the first segment and is not moved by the next (RFC 6298 §5.1)', () => {
    const peer = openedIn(0);
    peer.connection.write(pattern(MSS));
    peer.at(150);
    peer.connection.write(pattern(MSS));
    peer.drain();

    expect(peer.endpoint.nextTimeout()).to.equal(200);
    peer.at(200);
    peer.expect({ seq: 1, length: MSS });
  });

  it('stops when everything is acknowledged (RFC 6298 §5.2)', () => {
    const peer = openedIn(0);
    peer.connection.write(pattern(10));
    peer.drain();

    peer.pass(10);
    peer.inject({ seq: 1, ack: 11 });

    expect(peer.endpoint.nextTimeout()).to.equal(NEVER);
    peer.pass(100_000);
    peer.expectNothing();
  });

  it('starts anew with each ACK of new data, and only then (RFC 6298 §5.3)', () => {
    const peer = openedIn(0, { profile: { rtoMinMs: 1000 } });
    peer.connection.write(pattern(3 * MSS));
    peer.drain();

    peer.at(400);
    peer.inject({ seq: 1, ack: 1 + MSS });
    peer.at(700);
    peer.inject({ seq: 1, ack: 1 + MSS });
    peer.drain();

    const dueAt = 400 + rtoMs(peer);
    expect(peer.endpoint.nextTimeout()).to.equal(dueAt);
    peer.at(dueAt - 1);
    peer.expectNothing();
    peer.at(dueAt);
    peer.expect({ seq: 1 + MSS });
  });

  it('sends the earliest segment again when it runs out (RFC 6298 §5.4)', () => {
    const peer = openedIn(0);
    peer.connection.write(pattern(3 * MSS));
    peer.drain();

    peer.at(200);

    peer.expect({ seq: 1, length: MSS, sentAt: 200 });
  });

  it('doubles each time it runs out (RFC 6298 §5.5, §5.6, MUST-19)', () => {
    const peer = openedIn(0);
    peer.connection.write(pattern(10));

    peer.at(6300);

    expect(sentAt(peer)).to.deep.equal([0, 200, 600, 1400, 3000, 6200]);
  });

  it('stays backed off until something sent once is acknowledged (RFC 6298 §5, Karn)', () => {
    const peer = openedIn(0);
    peer.connection.write(pattern(10));
    peer.at(700);
    expect(sentAt(peer)).to.deep.equal([0, 200, 600]);
    expect(rtoMs(peer)).to.equal(800);

    peer.inject({ seq: 1, ack: 11 });
    expect(rtoMs(peer), 'the ACK of what was sent three times').to.equal(800);
    peer.connection.write(pattern(10));
    peer.pass(20);
    peer.inject({ seq: 1, ack: 21 });

    expect(rtoMs(peer), 'a new sample').to.equal(200);
  });

  it('is three seconds for the first data when the SYN was lost (RFC 6298 §5.7)', () => {
    const peer = synSent();
    peer.at(1000);
    peer.expect({ flags: 'S' });
    peer.inject({ flags: 'S.', seq: 0, ack: 1 });
    peer.drain();

    peer.connection.write(pattern(10));
    peer.drain();

    expect(peer.endpoint.nextTimeout()).to.equal(4000);
  });

  it('is that of the sample when timestamps gave one though the SYN was lost (RFC 6298 §5.7, RFC 7323 §4.1)', () => {
    const peer = synSent({ profile: { timestamps: true, timestampOffset: 1 } });
    peer.at(1000);
    peer.expect({ flags: 'S' });
    peer.at(1040);

    peer.inject({ flags: 'S.', seq: 0, ack: 1, options: { timestamps: [1, 1001] } });

    expect(peer.connection.tcpInfo()).to.include({ rttUs: 40_000, rtoUs: 200_000 });
  });

  it('never runs out early, whatever is lost and acknowledged in between (RFC 6298 §5)', () => {
    const random = new Prng('never early');
    const peer = openedIn(0);
    let acked = 1;
    let armedAt = 0;
    peer.connection.write(pattern(20 * MSS));
    peer.drain();
    for (let round = 0; round < 12 && acked < 20 * MSS; round += 1) {
      peer.pass(random.below(199));
      expect(peer.drain(), `before the RTO, at ${peer.now}`).to.be.empty;
      acked += MSS;
      armedAt = peer.now;
      peer.inject({ seq: 1, ack: acked });
      peer.drain();
      expect(peer.endpoint.nextTimeout()).to.be.closeTo(armedAt + rtoMs(peer), 0.001);
    }
  });
});

describe('the retransmission timer beside others', () => {
  it('is not overtaken by the override timer of a small window (RFC 6298 §5, RFC 9293 §3.8.6.2.1)', () => {
    const peer = openedIn(1000, { window: 10_000 });
    peer.inject({ seq: 1, ack: 1, window: 400 });
    peer.connection.write(pattern(MSS));
    const start = peer.now;
    peer.at(start + 1000);
    peer.expect({ seq: 1, length: 400, sentAt: start + 1000 });

    peer.at(start + 1000 + rtoMs(peer) - 1);
    peer.expectNothing();
    peer.at(start + 1000 + rtoMs(peer));

    peer.expect({ seq: 1, length: 400 });
  });
});
