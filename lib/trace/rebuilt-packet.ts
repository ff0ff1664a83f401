// Read first: docs/ptcp.md, the wire. A PTCP datagram is a TCP segment; here it gets the IP header that it never had.
import { isUnspecified, parseIpAddress } from '../bytes/ip-address.ts';
import { UsageError } from '../errors.ts';

/** Where a packet comes from and goes to: addresses of 4 or of 16 bytes, both alike. */
export interface PacketEnds {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly fromPort: number;
  readonly toPort: number;
}

const Protocol = { Tcp: 6, Udp: 17 } as const;
const TCP_HEADER_BYTES = 20;
const TCP_CHECKSUM_AT = 16;
const URGENT_POINTER_AT = 18;
const URG = 32;
const UDP_HEADER_BYTES = 8;
const UDP_CHECKSUM_AT = 6;
const IPV4_HEADER_BYTES = 20;
const IPV4_CHECKSUM_AT = 10;
const IPV6_HEADER_BYTES = 40;
const DONT_FRAGMENT = 0x4000;
const HOP_LIMIT = 64;
/** RFC 8489 §5: what tells STUN from all else. */
const STUN_MAGIC_COOKIE = 0x2112a442;

/** Whether the datagram has the form of a TCP segment. It may be damaged all the same: nothing is checked here. */
export function looksLikeSegment(datagram: Uint8Array): boolean {
  const { length } = datagram;
  if (length < TCP_HEADER_BYTES) return false;
  const headerBytes = (datagram[12]! >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > length || (datagram[12]! & 0x0e) !== 0) return false;
  const bodyBytes = (datagram[2]! << 8) | datagram[3]!;
  const isStun =
    datagram[0]! < 0x40 &&
    viewOf(datagram).getUint32(4) === STUN_MAGIC_COOKIE &&
    bodyBytes === length - TCP_HEADER_BYTES;
  return !isStun;
}

/** The IP packet that a segment would be without UDP. `ends` has pseudo-ports, which may differ from the segment's. */
export function tcpPacket(ends: PacketEnds, segment: Uint8Array): Uint8Array {
  const { packet, body } = ipPacket(ends, Protocol.Tcp, segment.length);
  body.set(segment);
  const view = viewOf(body);
  view.setUint16(0, ends.fromPort);
  view.setUint16(2, ends.toPort);
  // What lies here on the wire is a CRC-32, which turns URG off; without the CRC it may be an urgent pointer.
  if ((body[13]! & URG) === 0) view.setUint16(URGENT_POINTER_AT, 0);
  view.setUint16(TCP_CHECKSUM_AT, 0);
  view.setUint16(TCP_CHECKSUM_AT, checksum(body, pseudoHeaderSum(ends, Protocol.Tcp, body.length)));
  return packet;
}

/** The IP packet that carried a datagram. */
export function udpPacket(ends: PacketEnds, datagram: Uint8Array): Uint8Array {
  const length = UDP_HEADER_BYTES + datagram.length;
  const { packet, body } = ipPacket(ends, Protocol.Udp, length);
  body.set(datagram, UDP_HEADER_BYTES);
  const view = viewOf(body);
  view.setUint16(0, ends.fromPort);
  view.setUint16(2, ends.toPort);
  view.setUint16(4, length);
  // 0 would say that there is none (RFC 768).
  view.setUint16(UDP_CHECKSUM_AT, checksum(body, pseudoHeaderSum(ends, Protocol.Udp, length)) || 0xffff);
  return packet;
}

/**
 * The addresses of a pair of hosts in one family. A socket of both families shows IPv4 as mapped (RFC 4291 §2.5.5.2),
 * and a socket that is bound to every address shows none, which each family spells in its own way.
 */
export function addressPair(from: string, to: string): { from: Uint8Array; to: Uint8Array } {
  const pair = { from: addressBytes(from), to: addressBytes(to) };
  if (pair.from.length === pair.to.length) return pair;
  if (isUnspecified(pair.from)) return { ...pair, from: new Uint8Array(pair.to.length) };
  if (isUnspecified(pair.to)) return { ...pair, to: new Uint8Array(pair.from.length) };
  throw new UsageError(`${from} and ${to} are of different families`);
}

function addressBytes(text: string): Uint8Array {
  const bytes = parseIpAddress(text)?.bytes;
  if (bytes === undefined) throw new UsageError(`${text} is no IP address`);
  const isMapped = bytes.length === 16 && MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  return isMapped ? bytes.subarray(MAPPED_PREFIX.length) : bytes;
}

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** An IP packet for `bodyBytes` after its header, and a view of these. */
function ipPacket(
  { from, to }: PacketEnds,
  protocol: number,
  bodyBytes: number,
): { packet: Uint8Array; body: Uint8Array } {
  const isV4 = from.length === 4;
  const headerBytes = isV4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const packet = new Uint8Array(headerBytes + bodyBytes);
  const view = viewOf(packet);
  if (isV4) {
    view.setUint16(0, 0x4500);
    view.setUint16(2, packet.length);
    view.setUint16(6, DONT_FRAGMENT);
    view.setUint8(8, HOP_LIMIT);
    view.setUint8(9, protocol);
  } else {
    view.setUint8(0, 0x60);
    view.setUint16(4, bodyBytes);
    view.setUint8(6, protocol);
    view.setUint8(7, HOP_LIMIT);
  }
  packet.set(from, headerBytes - 2 * from.length);
  packet.set(to, headerBytes - to.length);
  if (isV4) view.setUint16(IPV4_CHECKSUM_AT, checksum(packet.subarray(0, IPV4_HEADER_BYTES), 0));
  return { packet, body: packet.subarray(headerBytes) };
}

/** RFC 9293 §3.1 for IPv4, RFC 8200 §8.1 for IPv6: as a sum they differ in the addresses only. */
function pseudoHeaderSum({ from, to }: PacketEnds, protocol: number, length: number): number {
  return onesSum(from, onesSum(to, protocol + length));
}

/** RFC 1071: the complement of the sum, to which `sum` is added. */
function checksum(bytes: Uint8Array, sum: number): number {
  let folded = onesSum(bytes, sum);
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Not folded: 64 KiB add up to less than 2^31. */
function onesSum(bytes: Uint8Array, sum: number): number {
  let total = sum;
  const lastPair = bytes.length - 1;
  for (let at = 0; at < lastPair; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  if (bytes.length % 2 === 1) total += bytes[lastPair]! << 8;
  return total;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
