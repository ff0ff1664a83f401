import { expect } from 'chai';
import { pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import {
  established,
  finWait2,
  listening,
  type StateOptions,
  synSent,
  timeWait,
} from '../support/scripted-states.ts';

const DAY_MS = 24 * 3_600_000;
const MSS = 1000;

/** ESTABLISHED with timestamps: the peer's first is 1000, ours is the time plus `timestampOffset`. */
function stamped(profile: StateOptions['profile'] = {}, startAt = 0): ScriptedPeer {
  return established({
    profile: { timestamps: true, timestampOffset: 0, ...profile },
    peerOptions: { mss: MSS + 12, timestamps: [1000, 0] },
    startAt,
  });
}

/** A segment with TSval. */
function at(tsVal: number, seq: number, payload = '', tsEcr = 0): Parameters<ScriptedPeer['inject']>[0] {
  return { seq, ack: 1, payload, options: { timestamps: [tsVal >>> 0, tsEcr] } };
}

describe('window scaling', () => {
  it('is offered in the SYN, whose own window is not scaled (RFC 7323 §2.2)', () => {
    const peer = synSent({ profile: { windowScale: 7, receiveBufferBytes: 100_000 } });

    peer.at(1000);

    peer.expect({ flags: 'S', window: 65_535, options: { mss: 1452, windowScale: 7 } });
  });

  it('is offered in a SYN-ACK only to who offered it, never scaled either (RFC 7323 §2.2)', () => {
    for (const offered of [true, false]) {
      const peer = listening({ profile: { windowScale: 5, receiveBufferBytes: 60_000 } });
      peer.inject({ flags: 'S', options: offered ? { windowScale: 2 } : {} });

      const options = offered ? { mss: 1452, windowScale: 5 } : { mss: 1452 };
      peer.expect({ flags: 'S.', window: 60_000, options });
    }
  });

  it('shifts the windows of all later segments, both ways (RFC 7323 §2.3)', () => {
    for (const role of ['active', 'passive'] as const) {
      const peer = established({
        role,
        profile: { windowScale: 5, receiveBufferBytes: 65_536 },
        peerOptions: { windowScale: 3 },
      });

      peer.inject({ seq: 1, ack: 1, window: 4000, payload: pattern(64) });

      expect(peer.connection.tcpInfo().sndWndBytes, role).to.equal(32_000);
      peer.expect({ flags: '.', ack: 65, window: 65_472 / 32 });
    }
  });

  it('does not shift the window of a SYN-ACK that came (RFC 7323 §2.2)', () => {
    const active = synSent({ profile: { windowScale: 5 } });
    active.inject({ flags: 'S.', seq: 0, ack: 1, window: 4000, options: { windowScale: 3 } });

    expect(active.connection.tcpInfo().sndWndBytes).to.equal(4000);
  });

  it('is off for both when one of them does not offer it (RFC 7323 §2.2)', () => {
    const noOffer = established({ profile: { windowScale: 7 } });
    const noAnswer = established({ profile: { windowScale: 'off' }, peerOptions: { windowScale: 7 } });

    for (const peer of [noOffer, noAnswer]) {
      peer.inject({ seq: 1, ack: 1, window: 4000 });
      const { sndWndBytes, options } = peer.connection.tcpInfo();
      expect(sndWndBytes).to.equal(4000);
      expect(options).to.include({ sndWscale: 0, rcvWscale: 0 });
    }
  });

  it('takes a shift above 14 for 14 (RFC 7323 §2.3)', () => {
    const peer = established({ profile: { windowScale: 0 }, peerOptions: { windowScale: 200 } });

    peer.inject({ seq: 1, ack: 1, window: 1 });

    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(2 ** 14);
  });

  it('goes up to 14 and down to 0, which still lets the peer scale (RFC 7323 §2.2, §2.3)', () => {
    for (const windowScale of [0, 14]) {
      const peer = established({
        profile: { windowScale, receiveBufferBytes: 1_000_000 },
        peerOptions: { windowScale: 14 },
      });
      peer.inject({ seq: 1, ack: 1, window: 65_535, payload: 'x' });

      expect(peer.connection.tcpInfo().sndWndBytes).to.equal(65_535 * 2 ** 14);
      const { window } = peer.expect({ ack: 2 });
      expect(window).to.equal(windowScale === 0 ? 65_535 : Math.ceil(999_999 / 2 ** 14));
    }
  });

  it('is agreed on in a simultaneous open, too (RFC 7323 §2.2, RFC 9293 §3.5)', () => {
    const peer = synSent({ profile: { windowScale: 5 } });
    peer.inject({ flags: 'S', options: { windowScale: 3 } });
    peer.expect({ flags: 'S.', options: { mss: 1452, windowScale: 5 } });
    peer.inject({ flags: 'S.', seq: 0, ack: 1, window: 4001, options: { windowScale: 3 } });

    expect(peer.connection.state).to.equal('ESTABLISHED');
    expect(peer.connection.tcpInfo().sndWndBytes, 'of a SYN-ACK: not scaled').to.equal(4001);
    peer.inject({ seq: 1, ack: 1, window: 4000 });
    expect(peer.connection.tcpInfo().sndWndBytes).to.equal(32_000);
  });
});

describe('timestamps', () => {
  it('are on every segment once both SYNs had them (RFC 7323 §3.2)', () => {
    const peer = stamped();
    peer.connection.write(pattern(3 * MSS));
    peer.pass(250);
    peer.inject(at(1001, 1, 'x'));
    peer.connection.shutdown();
    peer.pass(500);
    peer.connection.abort();

    const seen = peer.drain();

    expect(seen.at(-1)!.flags).to.equal('R.');
    for (const { options, sentAt } of seen) expect(options.timestamps![0]).to.equal(sentAt);
  });

  it('are on no segment when one side did not offer them (RFC 7323 §3.2)', () => {
    const noOffer = established({ profile: { timestamps: false }, peerOptions: { timestamps: [1, 0] } });
    const noAnswer = established({ profile: { timestamps: true } });

    for (const peer of [noOffer, noAnswer]) {
      peer.connection.write(pattern(10));
      expect(peer.drain()[0]!.options).to.deep.equal({});
    }
  });

  it('echo nothing in the first SYN, and the SYN in the SYN-ACK (RFC 7323 §3.2)', () => {
    const active = synSent({ profile: { timestamps: true, timestampOffset: 7 } });
    active.at(1000);
    expect(active.expect({ flags: 'S' }).options.timestamps).to.deep.equal([1007, 0]);

    const passive = listening({ profile: { timestamps: true }, startAt: 50 });
    passive.inject({ flags: 'S', options: { timestamps: [4711, 0] } });
    expect(passive.expect({ flags: 'S.' }).options.timestamps).to.deep.equal([50, 4711]);
  });

  it('are in a SYN-ACK only for who offered them (RFC 7323 §1.3, §3.2)', () => {
    const peer = listening({ profile: { timestamps: true, sack: true } });

    peer.inject({ flags: 'S', options: { mss: 1000 } });

    peer.expect({ flags: 'S.', options: { mss: 1452 } });
  });

  it('begin at timestampOffset, and wrap (RFC 7323 §5.4)', () => {
    const peer = stamped({ timestampOffset: 0xffff_ff00 }, 1000.75);
    peer.connection.write(pattern(1));

    const [tsVal] = peer.drain()[0]!.options.timestamps!;

    expect(tsVal).to.equal((0xffff_ff00 + 1000) % 2 ** 32);
  });

  it('begin anywhere when no offset is given, for each pair of ports its own (RFC 7323 §5.4)', () => {
    const peer = listening({ profile: { timestamps: true, timestampOffset: undefined } });
    const seen = new Set<number>();
    for (let srcPort = 50_000; srcPort < 50_020; srcPort += 1) {
      peer.inject({ flags: 'S', srcPort, options: { timestamps: [1, 0] } });
      seen.add(peer.drain()[0]!.options.timestamps![0]);
    }

    expect(seen.size).to.be.at.least(19);
  });

  it('are what a segment must have: one without is dropped, resets excepted (RFC 7323 §3.2)', () => {
    const peer = stamped();

    peer.inject({ seq: 1, ack: 1, payload: 'none', options: {} });
    peer.expectNothing();
    expect(peer.connection.readableBytes).to.equal(0);
    peer.inject({ flags: 'R', seq: 1, options: {} });

    expect(peer.connection.closeReason).to.equal('reset');
  });

  it('are not taken up in mid-connection (RFC 7323 §3.2)', () => {
    const peer = established();

    peer.inject(at(5, 1, 'text'));
    peer.connection.write(pattern(1));

    expect(peer.connection.readableBytes).to.equal(4);
    for (const { options } of peer.drain()) expect(options).to.deep.equal({});
  });

  it('echo the latest segment in order (RFC 7323 §4.3)', () => {
    const peer = stamped();

    peer.inject(at(1010, 1, 'a'));
    expect(peer.expect({ ack: 2 }).options.timestamps![1]).to.equal(1010);
    peer.inject(at(1020, 2, 'b'));
    expect(peer.expect({ ack: 3 }).options.timestamps![1]).to.equal(1020);
  });

  it('echo the earliest of those that one delayed ACK covers (RFC 7323 §4.2, §4.3 case A)', () => {
    const peer = stamped({ quickAckCount: 0, ackEverySegments: 3 });
    peer.inject(at(1010, 1, 'aaaa'));
    peer.inject(at(1020, 5, 'bbbb'));

    peer.inject(at(1030, 9, 'cccc'));

    expect(peer.expect({ ack: 13 }).options.timestamps![1]).to.equal(1010);
  });

  it('echo the last one in front of a gap, then the one that fills it (RFC 7323 §4.3 cases B and C)', () => {
    const peer = stamped();
    const echoes: number[] = [];
    for (const segment of [
      at(1010, 1, 'A'),
      at(1030, 3, 'C'),
      at(1050, 5, 'E'),
      at(1020, 2, 'B'),
      at(1040, 4, 'D'),
    ]) {
      peer.inject(segment);
      echoes.push(peer.drain().at(-1)!.options.timestamps![1]);
    }

    expect(echoes).to.deep.equal([1010, 1010, 1010, 1020, 1040]);
  });

  it('go on in TIME-WAIT (RFC 7323 §3.2)', () => {
    const peer = timeWait({
      profile: { timestamps: true },
      peerOptions: { timestamps: [1000, 0] },
    });
    peer.pass(5000);

    peer.inject({ flags: 'F.', seq: 1, ack: 2, options: { timestamps: [1000, 0] } });

    expect(peer.expect({ flags: '.', ack: 2 }).options.timestamps).to.deep.equal([5000, 1000]);
  });

  it('measure nothing when they echo what was not sent, or long ago (RFC 7323 §4.1)', () => {
    for (const echo of [0, 900, 0x7fff_ffff, 0xf000_0000]) {
      const peer = stamped();
      peer.connection.write(pattern(10));
      peer.at(250);
      peer.drain();

      peer.inject({ seq: 1, ack: 11, options: { timestamps: [1001, echo] } });

      expect(peer.connection.tcpInfo().rttUs, `echo of ${echo}`).to.equal(0);
    }
  });
});

describe('the RTT of a window with many samples', () => {
  it('weighs each of them less, so that they count together as one (RFC 7323 Appendix G)', () => {
    const peer = listening();
    peer.inject({ flags: 'S', options: { mss: MSS } });
    peer.pass(100);
    peer.inject({ seq: 1, ack: 1 });
    peer.drain();
    peer.connection.write(pattern(10 * MSS));
    peer.drain();
    peer.pass(200);

    peer.inject({ seq: 1, ack: 1 + MSS });

    // ExpectedSamples is 5: alpha is 1/40, beta 1/20.
    const { rttUs, rttvarUs } = peer.connection.tcpInfo();
    expect(rttUs).to.be.closeTo(102_500, 0.001);
    expect(rttvarUs).to.be.closeTo(52_500, 0.001);
  });
});

describe('protection against wrapped sequence numbers', () => {
  it('refuses an older timestamp and says what is expected (RFC 7323 §5.3, R1)', () => {
    const peer = stamped();

    peer.inject(at(999, 1, 'old'));

    peer.expect({ flags: '.', seq: 1, ack: 1 });
    expect(peer.connection.readableBytes).to.equal(0);
  });

  it('takes an equal timestamp (RFC 7323 §5.3, R1)', () => {
    const peer = stamped();

    peer.inject(at(1000, 1, 'same'));

    expect(peer.connection.readableBytes).to.equal(4);
  });

  it('sees that timestamps have wrapped (RFC 7323 §5.2)', () => {
    const peer = stamped();
    let seq = 1;
    for (let tsVal = 1000; tsVal < 3 * 2 ** 32; tsVal += 0x7fff_ffff) {
      peer.inject(at(tsVal, seq, 'x'));
      expect(peer.drain().at(-1)!.ack).to.equal(seq + 1);
      peer.inject(at(tsVal - 1, seq + 1, 'y'));
      expect(peer.drain().at(-1)!.ack, `older than ${tsVal}`).to.equal(seq + 1);
      seq += 1;
      peer.connection.read(1);
    }
  });

  it('refuses an old segment whose sequence number fits again (RFC 7323 §5.1)', () => {
    const peer = stamped();
    peer.inject(at(9000, 1, 'new'));
    peer.drain();

    peer.inject(at(8999, 4, 'OLD'));

    expect(new TextDecoder().decode(peer.connection.read(10))).to.equal('new');
  });

  it('forgets the timestamp after 24 days of silence, not before (RFC 7323 §5.5)', () => {
    const refused = stamped();
    refused.at(24 * DAY_MS);
    refused.inject(at(999, 1, 'old'));
    expect(refused.connection.readableBytes).to.equal(0);

    const taken = stamped();
    taken.at(24 * DAY_MS + 1);
    taken.inject(at(1000 - 2 ** 30, 1, 'back'));
    expect(taken.connection.readableBytes).to.equal(4);
    taken.drain();
    taken.inject(at(1001 - 2 ** 30, 5, 'again'));
    expect(taken.connection.readableBytes).to.equal(9);
    taken.inject(at(1000 - 2 ** 30, 10, 'old'));
    expect(taken.connection.readableBytes, 'the new timestamp counts now').to.equal(9);
  });

  it('does not look at resets (RFC 7323 §5.2)', () => {
    const peer = stamped();

    peer.inject({ flags: 'R.', seq: 1, ack: 1, options: { timestamps: [1, 0] } });

    expect(peer.connection.closeReason).to.equal('reset');
  });

  it('learns nothing from segments out of the window, before or behind it (RFC 7323 §5.3, CVE-2005-0356)', () => {
    const peer = stamped();
    for (const seq of [1 + 2 ** 20, -(2 ** 20)]) peer.inject(at(0x7000_0000, seq, 'x'));
    peer.drain();

    peer.inject(at(1001, 1, 'fine'));

    expect(peer.connection.readableBytes).to.equal(4);
  });

  it('learns nothing from segments that were forged, by their ACK or SYN (RFC 7323 §5.3, RFC 5961 §4, §5)', () => {
    for (const forged of [{ ack: 5000 }, { ack: -(2 ** 20) }, { flags: 'S' }]) {
      const peer = stamped();
      peer.inject({ ...at(0x7000_0000, 1, 'x'), ...forged });
      peer.drain();

      peer.inject(at(1001, 1, 'fine'));

      expect(peer.connection.readableBytes).to.equal(4);
    }
  });

  it('learns nothing from segments beyond a gap (RFC 7323 §4.3)', () => {
    const peer = stamped();
    peer.inject(at(50_000, 100, 'ahead'));
    peer.drain();

    peer.inject(at(1001, 1, 'fine'));

    expect(peer.connection.readableBytes).to.equal(4);
  });

  it('refuses an old FIN (RFC 7323 §5.3)', () => {
    const peer = finWait2({ profile: { timestamps: true }, peerOptions: { timestamps: [1000, 0] } });

    peer.inject({ flags: 'F.', seq: 1, ack: 2, options: { timestamps: [999, 0] } });

    expect(peer.connection.state).to.equal('FIN-WAIT-2');
  });

  it('echoes the time of a last segment that came again, not of its first coming (RFC 7323 §4.1)', () => {
    const peer = stamped();
    peer.inject(at(2000, 1, 'abc'));
    peer.drain();

    peer.inject(at(9000, 1, 'abc'));

    expect(peer.expect({ ack: 4 }).options.timestamps?.[1]).to.equal(9000);
  });

  it('echoes no time of older duplicates, which anyone could forge (RFC 7323 §4.3)', () => {
    const peer = stamped();
    peer.inject(at(2000, 1, 'abc'));
    peer.inject(at(2001, 4, 'def'));
    peer.drain();

    peer.inject(at(9000, 1, 'abc'));

    expect(peer.expect({ ack: 7 }).options.timestamps?.[1]).to.equal(2001);
  });
});
