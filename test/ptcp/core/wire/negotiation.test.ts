import { expect } from 'chai';
import { crc32 } from '../../../../lib/bytes/crc32.ts';
import { Prng } from '../../../../lib/bytes/prng.ts';
import { checkOf, type LiteralOptions } from '../../../support/literal-segment.ts';
import { LOCAL_PORT, PATH, ScriptedPeer, type ScriptOptions } from '../../../support/scripted-peer.ts';
import { established, listening, synSent } from '../../../support/scripted-states.ts';

const WITH_CRC: ScriptOptions = {
  profile: { ptcpOption: true, crc32: true },
  peerOptions: { ptcp: 1 },
};

/** What leaves the endpoint next, byte for byte. */
function nextDatagram(peer: ScriptedPeer): Uint8Array {
  const out = new Uint8Array(2000);
  const burst = peer.endpoint.pollTransmit(peer.now, { out });
  expect(burst, 'something leaves').not.to.equal(undefined);
  return out.slice(0, burst!.lastBytes);
}

function u32At(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** Where the last four bytes of the token lie in a SYN whose only option is PTCP's. */
const CHECK_AT = 29;

/** Our SYN with nothing in it but PTCP's option. */
function bareSyn(): Uint8Array {
  const peer = new ScriptedPeer({ profile: { ptcpOption: true, crc32: true, optionOrder: ['ptcp'] } });
  peer.connect();
  return nextDatagram(peer);
}

/** `bytes` with the check of a SYN put right at CHECK_AT. */
function checked(bytes: Uint8Array): Uint8Array {
  const syn = bytes.slice();
  syn.fill(0, CHECK_AT, CHECK_AT + 4);
  new DataView(syn.buffer).setUint32(CHECK_AT, crc32(syn));
  return syn;
}

/** A SYN for the listener with PTCP's option, version byte `version`. */
function peerSyn(peer: ScriptedPeer, version: number): Uint8Array {
  const raw = [253, 13, 0x50, 0x54, version, 9, 8, 7, 6, 5, 4, 3, 2];
  return peer.encode({ flags: 'S', options: { raw } });
}

describe("PTCP's option and CRC-32", () => {
  it('sends the option in 13 bytes: kind 253, ExID, version and flags, token (RFC 6994)', () => {
    const syn = bareSyn();

    expect([...syn.subarray(20, 25)]).to.deep.equal([253, 13, 0x50, 0x54, 0x15]);
    expect([...syn.subarray(33)], 'padding').to.deep.equal([0, 0, 0]);
    expect([...syn.subarray(16, 20)], 'bytes 16–19 of a SYN').to.deep.equal([0, 0, 0, 0]);
  });

  it('takes a SYN for none when any one bit of the beginning of its option is flipped', () => {
    const intact = [253, 13, 0x50, 0x54, 0x11, 9, 8, 7, 6, 5, 4, 3, 2];
    // Kind, length, ExID and version; the flags behind them say what is on offer, and CheckedSyn covers them.
    for (let bit = 0; bit < 36; bit += 1) {
      const raw = [...intact];
      raw[bit >> 3]! ^= 0x80 >> (bit & 7);
      const peer = listening({ profile: { ptcpOption: true, crc32: true } });
      peer.inject({ flags: 'S', options: { raw } });

      peer.expectNothing();
      expect(peer.endpoint.stats.undecodable['bad-option'], `bit ${bit}`).to.equal(1);
    }
  });

  it('lets its own SYN check itself: the end of the token is the CRC of the rest', () => {
    const syn = bareSyn();

    expect(checked(syn)).to.deep.equal(syn);
  });

  it('draws the rest of the token at random', () => {
    const tokens = ['a', 'b', 'c'].map((seed) => {
      const peer = new ScriptedPeer({
        profile: { ptcpOption: true, crc32: true, optionOrder: ['ptcp'] },
        endpoint: { entropy: new Prng(seed) },
      });
      peer.connect();
      return u32At(nextDatagram(peer), 25);
    });

    expect(new Set(tokens).size).to.equal(3);
  });

  it('takes a SYN that says it is checked only if it is right, in every bit', () => {
    const peer = listening(WITH_CRC);
    const syn = checked(peerSyn(peer, 0x15));
    for (let bit = 32; bit < 8 * syn.length; bit += 1) {
      const flipped = syn.with(bit >> 3, syn[bit >> 3]! ^ (1 << (bit & 7)));
      // Without the SYN bit, or with the option no longer one, it is another segment: the tests below.
      const isOther = bit >> 3 === 12 || bit === 8 * 13 + 1 || (bit >> 3 >= 20 && bit >> 3 < 25);
      if (isOther) continue;

      peer.inject(flipped);

      peer.expectNothing();
    }
    expect(peer.endpoint.connectionCount).to.equal(0);
    peer.inject(syn);
    peer.expect({ flags: 'S.' });
  });

  it('counts each of them as damaged, bytes 16–19 included', () => {
    const peer = listening(WITH_CRC);
    const syn = checked(peerSyn(peer, 0x15));
    for (const at of [4, 8, 14, 16, 17, 18, 19, 27, 32]) peer.inject(syn.with(at, syn[at]! ^ 0x40));

    expect(peer.endpoint.stats.undecodable['bad-crc']).to.equal(9);
  });

  it('takes the SYN of a PTCP that does not check its SYNs', () => {
    const peer = listening(WITH_CRC);

    peer.inject(peerSyn(peer, 0x11));

    peer.expect({ flags: 'S.', options: { ...synAckOptions(), ptcp: 5 } });
  });

  it('does not answer plain TCP with the option, and speaks plain TCP with it', () => {
    const peer = established({ ...WITH_CRC, peerOptions: {} });

    peer.connection.write(Uint8Array.of(1));

    peer.expect({ checkField: 0, length: 1 });
    peer.inject({ seq: 1, ack: 2, payload: 'x', urgentPointer: 0x1234 });
    peer.expect({ ack: 2, checkField: 0 });
  });

  for (const [ours, theirs, isOn] of [
    [true, 1, true],
    [true, 5, true],
    [true, 0, false],
    [false, 1, false],
  ] as const) {
    it(`uses the CRC-32 ${isOn ? '' : 'not '}when we ${ours ? 'offer' : 'do not offer'} it and the peer's flags are ${theirs}`, () => {
      const peer = synSent({ profile: { ptcpOption: true, crc32: ours } });
      const answer = { flags: 'S.', seq: 0, ack: 1 };
      if (theirs === 5) {
        const raw = [253, 13, 0x50, 0x54, 0x15, 1, 2, 3, 4, 0, 0, 0, 0];
        peer.inject(checked(peer.encode({ ...answer, options: { raw } })));
      } else peer.inject({ ...answer, options: { ptcp: theirs } });

      peer.drain();
      peer.connection.write(Uint8Array.of(1));
      const text = nextDatagram(peer);

      expect(u32At(text, 16)).to.equal(isOn ? checkOf(text) : 0);
      expect(peer.connection.tcpInfo().options.crc32).to.equal(isOn);
    });
  }

  it('lets nothing in with a wrong CRC once both SYNs offered it, and counts it', () => {
    const peer = established(WITH_CRC);
    const good = peer.encode({ seq: 1, ack: 1, payload: 'hello' });
    for (let bit = 32; bit < 8 * good.length; bit += 1) {
      if (bit >> 3 === 12) continue;
      peer.inject(good.with(bit >> 3, good[bit >> 3]! ^ (1 << (bit & 7))));
    }

    expect(peer.connection.readableBytes).to.equal(0);
    expect(peer.endpoint.stats.undecodable['bad-crc']).to.equal(8 * good.length - 32 - 8);
    peer.expectNothing();
    peer.inject(good);
    expect(peer.connection.readableBytes).to.equal(5);
  });

  it('lets no segment in without a CRC either, a reset at RCV.NXT excepted (RFC 5961 §3)', () => {
    const peer = established(WITH_CRC);
    peer.isCrcOn = false;

    peer.inject({ seq: 1, ack: 1, payload: 'x' });
    peer.inject({ flags: 'F.', seq: 1, ack: 1 });
    expect(peer.connection.state).to.equal('ESTABLISHED');
    peer.expectNothing();
    peer.inject({ flags: 'R', seq: 2 });
    expect(peer.connection.state, 'a reset beside RCV.NXT').to.equal('ESTABLISHED');
    peer.expect({ flags: '.' });
    peer.inject({ flags: 'R', seq: 1 });

    expect(peer.connection.state).to.equal('CLOSED');
  });

  it('sends no urgent pointer where the CRC has its place, and takes none', () => {
    const peer = established(WITH_CRC);

    peer.inject({ flags: 'P.U', seq: 1, ack: 1, payload: 'x' });

    expect(peer.takeEvents().map(({ type }) => type)).to.deep.equal(['readable']);
  });

  it('computes with the CRC-32 that the endpoint was given', () => {
    const calls: number[] = [];
    const peer = established({
      ...WITH_CRC,
      endpoint: {
        crc32: (bytes, start, end, seed) => {
          calls.push(end ?? 0);
          return crc32(bytes, start, end, seed);
        },
      },
    });
    calls.length = 0;

    peer.inject({ seq: 1, ack: 1, payload: 'x' });

    expect(calls.length).to.be.above(0);
    expect(peer.connection.readableBytes).to.equal(1);
  });

  it('keeps the CRC-32 in TIME-WAIT', () => {
    const peer = established(WITH_CRC);
    peer.connection.close();
    peer.expect({ flags: 'F.', seq: 1 });
    peer.inject({ flags: 'F.', seq: 1, ack: 2 });

    const ack = nextDatagramOf(peer);
    peer.inject({ flags: 'F.', seq: 1, ack: 2 });

    expect(ack.checkField).not.to.equal(0);
    peer.expect({ flags: '.', checkField: ack.checkField });
  });

  it('answers a stray segment without a CRC: nothing was agreed', () => {
    const peer = listening(WITH_CRC);

    peer.inject({ seq: 5, ack: 7 });

    peer.expect({ flags: 'R', checkField: 0, path: PATH, srcPort: LOCAL_PORT });
  });
});

function synAckOptions(): LiteralOptions {
  return { mss: 1452 };
}

function nextDatagramOf(peer: ScriptedPeer): { readonly checkField: number } {
  return peer.expect({ flags: '.' });
}
