import { expect } from 'chai';
import fc from 'fast-check';
import { parseIpAddress } from '../../lib/bytes/ip-address.ts';
import { UsageError } from '../../lib/errors.ts';
import { addressPair, looksLikeSegment, tcpPacket, udpPacket } from '../../lib/trace/rebuilt-packet.ts';

const V4 = { from: bytesOf('192.0.2.1'), to: bytesOf('192.0.2.2'), fromPort: 1000, toPort: 2000 };
const V6 = { from: bytesOf('2001:db8::1'), to: bytesOf('2001:db8::2'), fromPort: 1000, toPort: 2000 };
const URG = 32;

function bytesOf(address: string): Uint8Array {
  return parseIpAddress(address)?.bytes ?? new Uint8Array(0);
}

/** A segment with `flags`, whose bytes 16 to 19 are all ones. */
function segmentWith(flags: number, text = 'text!'): Uint8Array {
  const head = [3, 232, 7, 208, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x10, 0, 255, 255, 255, 255];
  return Uint8Array.from([...head, ...new TextEncoder().encode(text)]);
}

/** The ones' complement sum of all 16-bit words. */
function sumOf(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 1) sum += at % 2 === 0 ? part[at]! << 8 : part[at]!;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

describe('packets rebuilt from datagrams', () => {
  it('have an IPv4 header whose words add up to all ones (RFC 1071)', () => {
    const packet = tcpPacket(V4, segmentWith(16));

    expect([...packet.subarray(0, 10)]).to.deep.equal([0x45, 0, 0, 45, 0, 0, 0x40, 0, 64, 6]);
    expect([...packet.subarray(12, 20)]).to.deep.equal([192, 0, 2, 1, 192, 0, 2, 2]);
    expect(sumOf(packet.subarray(0, 20))).to.equal(0xffff);
  });

  it('have a TCP checksum over pseudo-header and segment, whatever the segment (RFC 9293 §3.1)', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const segment = segmentWith(16, text);
        const body = tcpPacket(V4, segment).subarray(20);
        const pseudoHeader = Uint8Array.of(...V4.from, ...V4.to, 0, 6, body.length >> 8, body.length & 0xff);

        expect(sumOf(pseudoHeader, body)).to.equal(0xffff);
      }),
    );
  });

  it('have an IPv6 header and its pseudo-header in the checksum (RFC 8200 §3, §8.1)', () => {
    const packet = tcpPacket(V6, segmentWith(16));
    const body = packet.subarray(40);
    const pseudoHeader = Uint8Array.of(...V6.from, ...V6.to, 0, 0, 0, body.length, 0, 0, 0, 6);

    expect([...packet.subarray(0, 8)]).to.deep.equal([0x60, 0, 0, 0, 0, 25, 6, 64]);
    expect([...packet.subarray(8, 40)]).to.deep.equal([...V6.from, ...V6.to]);
    expect(sumOf(pseudoHeader, body)).to.equal(0xffff);
  });

  it('have the ports they are given and, without URG, no urgent pointer', () => {
    const packet = tcpPacket({ ...V4, fromPort: 7, toPort: 9 }, segmentWith(16));

    expect([...packet.subarray(20, 24)]).to.deep.equal([0, 7, 0, 9]);
    expect([...packet.subarray(38, 40)]).to.deep.equal([0, 0]);
    expect([...packet.subarray(24, 36)]).to.deep.equal([...segmentWith(16).subarray(4, 16)]);
  });

  it('keep the urgent pointer of a segment with URG (RFC 9293 §3.8.5)', () => {
    expect([...tcpPacket(V4, segmentWith(URG)).subarray(38, 40)]).to.deep.equal([255, 255]);
  });

  it('carry what is no segment as UDP, with its checksum (RFC 768)', () => {
    const body = udpPacket(V4, Uint8Array.of(1, 2, 3)).subarray(20);
    const pseudoHeader = Uint8Array.of(...V4.from, ...V4.to, 0, 17, 0, body.length);

    expect([...body.subarray(0, 6)]).to.deep.equal([3, 232, 7, 208, 0, 11]);
    expect(sumOf(pseudoHeader, body)).to.equal(0xffff);
  });

  it('are of TCP only when the datagram has the form of a segment, and is not STUN (RFC 8489 §5)', () => {
    const stun = new Uint8Array(20);
    stun.set([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0x50]);

    expect(looksLikeSegment(segmentWith(16))).to.equal(true);
    expect(looksLikeSegment(stun), 'STUN').to.equal(false);
    expect(looksLikeSegment(segmentWith(16).subarray(0, 19)), 'short').to.equal(false);
    expect(looksLikeSegment(segmentWith(16).fill(0x60, 12, 13).subarray(0, 22)), 'long header').to.equal(
      false,
    );
    expect(looksLikeSegment(segmentWith(16).fill(0x52, 12, 13)), 'reserved bit').to.equal(false);
  });

  it('show the ends of a socket of both families as IPv4 where they are, and no address as either (RFC 4291 §2.5.5.2)', () => {
    const mapped = addressPair('::ffff:192.0.2.1', '192.0.2.2');
    const wildcard = addressPair('::', '192.0.2.2');

    expect([...mapped.from]).to.deep.equal([192, 0, 2, 1]);
    expect([...wildcard.from]).to.deep.equal([0, 0, 0, 0]);
    expect(addressPair('2001:db8::1', '0.0.0.0').to).to.have.length(16);
  });

  it('refuse ends that are no addresses, or of different families', () => {
    expect(() => addressPair('localhost', '192.0.2.2')).to.throw(UsageError);
    expect(() => addressPair('192.0.2.2', '2001:db8::1')).to.throw(UsageError);
  });
});
