import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { ascii, type ScriptedPeer } from '../support/scripted-peer.ts';
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  synReceived,
} from '../support/scripted-states.ts';

/** Builder, SND.NXT and RCV.NXT of each synchronized state. */
const STATES = [
  [established, 1, 1],
  [finWait1, 2, 1],
  [finWait2, 2, 1],
  [closeWait, 1, 2],
  [closing, 2, 2],
  [lastAck, 2, 2],
] as const;

/** Of one connection in one second: ten, and a little chance. */
const MOST_CHALLENGES = 13;

function expectAlive(peer: ScriptedPeer): void {
  peer.drain();
  peer.expectEvents();
  expect(peer.connection.closeReason).to.equal(undefined);
}

describe('RFC 5961: blind attacks', () => {
  it('dies of a reset at RCV.NXT only (RFC 5961 §3.2)', () => {
    for (const [build, , rcvNxt] of STATES) {
      const peer = build();

      peer.inject({ flags: 'R', seq: rcvNxt });

      peer.expectNothing();
      expect(peer.connection.state).to.equal('CLOSED');
    }
  });

  it('asks back about a reset elsewhere in the window (RFC 5961 §3.2)', () => {
    for (const [build, sndNxt, rcvNxt] of STATES) {
      for (const offset of [1, 2, 1_000, 65_000]) {
        const peer = build();

        peer.inject({ flags: 'R', seq: rcvNxt + offset });

        peer.expect({ flags: '.', seq: sndNxt, ack: rcvNxt, length: 0 });
        expectAlive(peer);
      }
    }
  });

  it('asks back in SYN-RECEIVED too (RFC 5961 §3.2)', () => {
    for (const role of ['active', 'passive'] as const) {
      const peer = synReceived({ role });

      peer.inject({ flags: 'R', seq: 2 });

      peer.expect({ flags: '.', seq: 1, ack: 1 });
      expect(peer.endpoint.connectionCount).to.equal(1);
    }
  });

  it('lets a peer that meant it repeat the reset where the challenge says (RFC 5961 §3.2)', () => {
    const peer = established();
    peer.inject({ flags: 'R', seq: 500 });
    const challenge = peer.expect({ flags: '.' });

    peer.inject({ flags: 'R', seq: challenge.ack });

    peer.expectEvents('closed reset');
  });

  it('asks back about an ACK older than the largest window the peer ever gave (RFC 5961 §5.2, MAY-12)', () => {
    const peer = established({ window: 100, peerOptions: { mss: 1_000 } });
    peer.connection.write(ascii('x'.repeat(100)));
    peer.inject({ seq: 1, ack: 101 });
    peer.connection.write(ascii('y'.repeat(100)));
    peer.inject({ seq: 1, ack: 201 });
    peer.drain();

    peer.inject({ seq: 1, ack: 101, payload: 'not too old' });
    peer.expect({ flags: '.', seq: 201, ack: 12 });
    peer.inject({ seq: 12, ack: 100, payload: 'too old' });

    peer.expect({ flags: '.', seq: 201, ack: 12 });
    expect(peer.connection.readableBytes).to.equal(11);
  });

  it('asks back about an ACK of what was never sent (RFC 5961 §5.2)', () => {
    const peer = established();

    peer.inject({ seq: 1, ack: 2, payload: 'injected' });

    peer.expect({ flags: '.', seq: 1, ack: 1 });
    expectAlive(peer);
  });

  it('asks back so many times a second, and again the next second (RFC 5961 §7)', () => {
    const peer = established();
    const attacks = [{ flags: 'R', seq: 9 }, { flags: 'S', seq: 9 }, { seq: 1, ack: 9_999 }, { seq: -9 }];

    for (let n = 0; n < 100; n += 1) peer.inject(attacks[n % 4]!);
    const first = peer.drain();
    peer.pass(1_000);
    for (let n = 0; n < 100; n += 1) peer.inject(attacks[n % 4]!);
    const second = peer.drain();

    for (const count of [first.length, second.length]) expect(count).to.be.within(10, MOST_CHALLENGES);
    expectAlive(peer);
  });

  it('counts for each connection by itself (RFC 5961 §7, CVE-2016-5696)', () => {
    const peer = established();
    peer.inject({ flags: 'S', seq: 0, srcPort: 50_077 });
    peer.drain();
    peer.inject({ seq: 1, ack: 1, srcPort: 50_077 });
    for (let n = 0; n < 100; n += 1) peer.inject({ flags: 'R', seq: 9 });
    peer.drain();

    peer.inject({ flags: 'R', seq: 9, srcPort: 50_077 });

    peer.expect({ flags: '.', dstPort: 50_077 });
  });

  it('tells nothing of one connection by what another answers, whatever is forged at the first (RFC 5961 §7, CVE-2016-5696)', () => {
    const forgeries = [
      { flags: 'R', seq: 9 },
      { flags: 'S', seq: 9 },
      { seq: 1, ack: 9_999 },
      { seq: 1, ack: 1, payload: 'x' },
    ];
    const observed = [0, 1, 9, 10, 13, 100, 1_000].map((shots) => {
      const peer = established();
      peer.inject({ flags: 'S', seq: 0, srcPort: 50_077 });
      peer.inject({ seq: 1, ack: 1, srcPort: 50_077 });
      peer.drain();
      for (let n = 0; n < shots; n += 1) peer.inject(forgeries[n % forgeries.length]!);
      peer.drain();
      // The attacker's own connection: how often is he asked back?
      for (let n = 0; n < 100; n += 1) peer.inject({ flags: 'R', seq: 9, srcPort: 50_077 });
      return peer.drain().filter(({ dstPort }) => dstPort === 50_077).length;
    });

    expect(new Set(observed).size, `answers: ${observed.join(', ')}`).to.equal(1);
  });

  it('survives a spray of forged segments over the whole sequence space, and answers few (RFC 5961 §1)', () => {
    const peer = established();
    peer.connection.write(ascii('here'));
    peer.drain();
    const random = new Prng('spray');
    const kinds = ['R', 'S', 'R.', 'S.', 'F.', '.'];

    for (let n = 0; n < 20_000; n += 1) {
      const isHit = n % 8 === 0;
      const seq = isHit ? 2 + random.below(60_000) : random.nextU32();
      const flags = kinds[n % kinds.length]!;
      // What hits the window must still guess the ACK.
      peer.inject({ flags, seq, ack: flags === 'F.' || flags === '.' ? 70_000 + random.below(2 ** 31) : 0 });
    }

    expect(peer.drain().length).to.be.within(10, MOST_CHALLENGES);
    expectAlive(peer);
    peer.inject({ seq: 1, ack: 5, payload: 'there' });
    expect(peer.connection.read(10)).to.deep.equal(ascii('there'));
    expect(peer.connection.unacknowledgedBytes).to.equal(0);
  });
});
