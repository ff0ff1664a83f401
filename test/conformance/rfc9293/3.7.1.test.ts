import { expect } from 'chai';
import { Prng } from '../../../lib/bytes/prng.ts';
import { UsageError } from '../../../lib/errors.ts';
import { PtcpEndpoint } from '../../../lib/ptcp/core/endpoint.ts';
import { decodeLiteral } from '../../support/literal-segment.ts';
import { LOCAL_PORT, PATH, PEER_PORT, pattern, ScriptedPeer } from '../../support/scripted-peer.ts';
import {
  closeWait,
  established,
  listening,
  type StateOptions,
  synSent,
} from '../../support/scripted-states.ts';

const HEADER_BYTES = 20;
const TIMESTAMPS_BYTES = 12;

/** The lengths of what leaves when there is more to send than one segment takes. */
function fullSize(peer: ScriptedPeer): number {
  peer.connection.write(pattern(3000));
  return peer.drain()[0]!.length;
}

describe('the maximum segment size', () => {
  it('is told in the SYN and in the SYN-ACK (RFC 9293 §3.7.1, MUST-14, SHLD-5, MAY-3)', () => {
    const active = synSentOptions();
    expect(active).to.deep.equal({ mss: 1452 });

    const peer = listening({ profile: { mssBytes: 900 } });
    peer.inject({ flags: 'S' });
    peer.expect({ flags: 'S.', options: { mss: 900 } });
  });

  it('that we tell leaves room for the header in the datagrams we take (RFC 9293 §3.7.1, MUST-67)', () => {
    const { mss } = synSentOptions();

    expect(mss! + HEADER_BYTES).to.be.at.most(1472);
  });

  it('is lessened by what sealing adds (RFC 9293 §3.7.1, MUST-67)', () => {
    const peer = listening({ endpoint: { datagramOverheadBytes: 32 } });
    peer.inject({ flags: 'S', options: { mss: 1452 } });
    peer.expect({ options: { mss: 1452 - 32 } });
    peer.inject({ seq: 1, ack: 1 });

    expect(fullSize(peer)).to.equal(1200 - 32 - HEADER_BYTES);
  });

  it('is refused where sealing leaves no room for text', () => {
    const { endpoint } = new ScriptedPeer({ endpoint: { datagramOverheadBytes: 1190 } });

    expect(() => endpoint.listen(LOCAL_PORT)).to.throw(UsageError, 'maxDatagramBytes is 10');
    expect(() => endpoint.connect(PATH, PEER_PORT)).to.throw(UsageError, 'maxDatagramBytes is 10');
  });

  it('that we tell is one for all paths: what the smallest of them can bring (RFC 9293 §3.7.3, SHLD-6)', () => {
    const endpoint = new PtcpEndpoint({
      entropy: new Prng('mss'),
      profile: { mssBytes: 1432 },
      pathDatagramBytes: (path) => 1000 + 400 * path,
    });
    const out = new Uint8Array(2000);
    const told = [0, 1, 2].map((path) => {
      endpoint.connect(path, 7);
      const { lastBytes } = endpoint.pollTransmit(0, { out })!;
      return decodeLiteral(out.slice(0, lastBytes)).options.mss;
    });

    expect(told).to.deep.equal([1432, 1432, 1432]);
  });

  it('is told in no other segment (RFC 9293 §3.2, MUST-65)', () => {
    const peer = closeWait({ peerOptions: { mss: 1000 } });
    peer.connection.write(pattern(3000));
    peer.pass(200);
    peer.connection.shutdown();
    peer.pass(1000);
    peer.connection.abort();

    const seen = peer.drain();

    expect(seen.at(-1)!.flags).to.equal('R.');
    for (const segment of seen) expect(segment.options.mss).to.equal(undefined);
  });

  it('of a peer that tells none is 536 (RFC 9293 §3.7.1, MUST-15)', () => {
    for (const role of ['active', 'passive'] as const) expect(fullSize(established({ role }))).to.equal(536);
  });

  it('of the peer is kept (RFC 9293 §3.7.1, MUST-14, MUST-16)', () => {
    for (const role of ['active', 'passive'] as const) {
      expect(fullSize(established({ role, peerOptions: { mss: 700 } }))).to.equal(700);
    }
  });

  it('is what the path carries where that is less (RFC 9293 §3.7.1, MUST-16)', () => {
    expect(fullSize(established({ peerOptions: { mss: 1460 } }))).to.equal(1200 - HEADER_BYTES);
    const peer = established({
      peerOptions: { mss: 1460 },
      endpoint: { pathDatagramBytes: (path) => (path === 3 ? 1000 : undefined) },
    });
    expect(fullSize(peer)).to.equal(1000 - HEADER_BYTES);
  });

  it('counts no options, which the sender takes off (RFC 9293 §3.7.1, RFC 6691 §2)', () => {
    const options: StateOptions = {
      profile: { timestamps: true },
      peerOptions: { mss: 800, timestamps: [1, 0] },
    };

    expect(fullSize(established(options))).to.equal(800 - TIMESTAMPS_BYTES);
    expect(
      fullSize(established({ ...options, profile: { timestamps: true, maxDatagramBytes: 500 } })),
    ).to.equal(500 - HEADER_BYTES - TIMESTAMPS_BYTES);
  });

  it('of the peer counts as 48 at least, so that nobody orders confetti (RFC 9293 §3.7.1)', () => {
    for (const mss of [1, 47, 48]) expect(fullSize(established({ peerOptions: { mss } }))).to.equal(48);
    const peer = established({
      profile: { timestamps: true },
      peerOptions: { mss: 1, timestamps: [1, 0] },
    });
    expect(fullSize(peer)).to.equal(48 - TIMESTAMPS_BYTES);
  });

  it('shrinks when the socket says that a datagram is too large (RFC 9293 §3.7.1, MUST-16)', () => {
    const peer = established({ profile: { maxDatagramBytes: 1472 }, peerOptions: { mss: 1452 } });
    peer.connection.write(pattern(3000));
    expect(peer.drain()[0]!.length).to.equal(1452);

    peer.endpoint.handlePathError(peer.now, 3, 'EMSGSIZE');
    peer.pass(200);
    peer.inject({ seq: 1, ack: 1 + 1180 });

    const lengths = peer.drain().map((segment) => segment.length);
    expect(Math.max(...lengths)).to.equal(1200 - HEADER_BYTES);
  });
});

function synSentOptions(): { mss?: number } {
  const peer = synSent();
  peer.pass(1000);
  return peer.expect({ flags: 'S' }).options;
}
