import { expect } from 'chai';
import { issBeyond } from '../../lib/ptcp/core/time-wait.ts';
import type { LiteralOptions } from '../support/literal-segment.ts';
import { LOCAL_PORT, type ScriptedPeer } from '../support/scripted-peer.ts';
import { type StateOptions, timeWait } from '../support/scripted-states.ts';

/** TIME-WAIT of a listener's connection: the peer was at 2 and its last timestamp was 1000. */
function waiting(had: { readonly timestamps: boolean }, options: StateOptions = {}): ScriptedPeer {
  return timeWait({
    ...options,
    profile: { timestamps: true, ...options.profile },
    peerOptions: had.timestamps ? { timestamps: [1_000, 0] } : {},
  });
}

function syn(peer: ScriptedPeer, seq: number, tsVal?: number): void {
  const options: LiteralOptions = tsVal === undefined ? {} : { timestamps: [tsVal, 0] };
  peer.inject({ flags: 'S', seq, options });
}

describe('RFC 6191: a SYN for a connection in TIME-WAIT', () => {
  /** Timestamps before, the SYN's ISN and timestamp, and whether it opens a new connection. */
  const CASES: readonly (readonly [string, boolean, number, number | undefined, boolean])[] = [
    ['a newer timestamp, whatever the ISN', true, -5_000, 1_001, true],
    ['a newer timestamp that has wrapped', true, -5_000, 2 ** 31 + 999, true],
    ['the same timestamp and an ISN beyond', true, 2, 1_000, true],
    ['the same timestamp and an old ISN', true, 1, 1_000, false],
    ['an older timestamp, whatever the ISN', true, 5_000, 999, false],
    ['an older timestamp beyond a wrap', true, 5_000, 2 ** 31 + 1_001, false],
    ['no timestamp any more and an ISN beyond', true, 2, undefined, true],
    ['no timestamp any more and an old ISN', true, 1, undefined, false],
    ['a timestamp where there was none before', false, -5_000, 1, true],
    ['no timestamps and an ISN beyond', false, 2, undefined, true],
    ['no timestamps and an old ISN', false, 1, undefined, false],
  ];
  for (const [title, hadTimestamps, seq, tsVal, isTaken] of CASES) {
    it(`${isTaken ? 'opens' : 'gets an ACK'} with ${title} (RFC 6191 §2; RFC 9293 §3.6.1, SHLD-4, MAY-2)`, () => {
      const peer = waiting({ timestamps: hadTimestamps });

      syn(peer, seq, tsVal);

      expect(peer.endpoint.timeWaitCount).to.equal(isTaken ? 0 : 1);
      if (!isTaken) {
        peer.expect({ flags: '.', seq: 2, ack: 2 });
        return;
      }
      const { seq: iss } = peer.expect({ flags: 'S.', ack: (seq + 1) >>> 0 });
      peer.inject({
        seq: seq + 1,
        ack: iss + 1,
        options: tsVal === undefined ? {} : { timestamps: [tsVal, 0] },
      });
      peer.expectEvents('accepted', 'established');
    });
  }

  it('opens with an ISS beyond all that was sent before (RFC 9293 §3.6.1, MAY-2)', () => {
    // The ISS of scripted connections is always the same, and so behind what the old one sent.
    const peer = waiting({ timestamps: true });

    syn(peer, 5_000, 2_000);

    const { seq } = peer.expect({ flags: 'S.' });
    expect(seq, 'counted from the old ISS').to.be.within(65_536, 2 * 65_536 + 2);
  });

  it('keeps an ISS that is beyond already, and never goes back (RFC 9293 §3.6.1, MAY-2)', () => {
    expect(issBeyond(100, 101)).to.equal(101);
    expect(issBeyond(0xffff_fff0, 5)).to.equal(5);
    expect(issBeyond(100, 100)).to.equal(100 + 65_536 + 100);
    expect(issBeyond(5, 0xffff_fff0)).to.equal(5 + 65_536 + 0xfff0);
  });

  it('sends no ACK that was owed before (RFC 9293 §3.6.1, MAY-2)', () => {
    const peer = waiting({ timestamps: true });
    const options = { timestamps: [999, 0] } as const;

    peer.injectBatch([
      { flags: 'F.', seq: 1, ack: 2, options },
      { flags: 'S', seq: 5_000, options: { timestamps: [2_000, 0] } },
    ]);

    peer.expect({ flags: 'S.', ack: 5_001 });
    peer.at(30_000);
    expect(peer.endpoint.nextTimeout(), 'the half-open one is all there is').to.be.below(100_000);
  });

  it('opens nothing where nobody listens any more, or there is no room (RFC 9293 §3.10.7.4)', () => {
    const unlistened = waiting({ timestamps: true });
    unlistened.endpoint.unlisten(LOCAL_PORT);
    const full = waiting({ timestamps: true }, { profile: { backlog: 1 } });
    full.inject({ flags: 'S', seq: 0, srcPort: 51_000 });
    full.drain();
    const baking = waiting({ timestamps: true }, { role: 'active', profile: { synCookies: 'always' } });
    baking.endpoint.listen(LOCAL_PORT);

    for (const peer of [unlistened, full, baking]) {
      syn(peer, 5_000, 2_000);
      peer.expect({ flags: '.', seq: 2, ack: 2 });
      expect(peer.endpoint.timeWaitCount).to.equal(1);
    }
  });

  it('does not take a SYN-ACK or a reset for one (RFC 1337 §3)', () => {
    const peer = waiting({ timestamps: true });
    const options = { timestamps: [2_000, 0] } as const;

    peer.inject({ flags: 'S.', seq: 5_000, ack: 2, options });
    peer.inject({ flags: 'SR', seq: 5_000, options });

    peer.expect({ flags: '.', seq: 2, ack: 2 });
    expect(peer.endpoint.timeWaitCount).to.equal(1);
  });
});
