import { expect } from 'chai';
import { pattern, type ScriptedPeer } from '../support/scripted-peer.ts';
import { synSent } from '../support/scripted-states.ts';

/** The flight that leaves at once to a peer of this MSS; the handshake took `delayMs`. */
function firstFlight(mss: number, delayMs = 10): number[] {
  const peer: ScriptedPeer = synSent({ profile: { maxDatagramBytes: 20_020, sendBufferBytes: 1_000_000 } });
  peer.pass(delayMs);
  peer.drain();
  peer.inject({ flags: 'S.', seq: 0, ack: 1, options: { mss } });
  peer.drain();
  peer.connection.write(pattern(200_000));
  return peer.drain().map(({ length }) => length);
}

describe('RFC 6928: the initial window', () => {
  it('is ten segments of up to 1460 bytes (RFC 6928 §2)', () => {
    expect(firstFlight(1460)).to.deep.equal(new Array(10).fill(1460));
    expect(firstFlight(536)).to.deep.equal(new Array(10).fill(536));
  });

  it('is 14,600 bytes where segments are larger, but two of them at least (RFC 6928 §2)', () => {
    expect(firstFlight(2920)).to.deep.equal(new Array(5).fill(2920));
    expect(firstFlight(9000)).to.deep.equal(new Array(2).fill(9000));
  });

  it('is one segment when the SYN was lost (RFC 5681 §3.1, RFC 6928 §2)', () => {
    expect(firstFlight(1460, 1500)).to.deep.equal([1460]);
    expect(firstFlight(536, 1500)).to.deep.equal([536]);
  });
});
