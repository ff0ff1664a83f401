// Read first: docs/observing.md, captures. The format is draft-ietf-opsawg-pcapng, written most significant byte first.
import { ByteWriter } from '../bytes/byte-writer.ts';
import type { UdpAddress } from '../interfaces/address.ts';
import { addressPair, looksLikeSegment, tcpPacket, udpPacket } from './rebuilt-packet.ts';
import { ShownPorts } from './shown-ports.ts';

/** One datagram, as a socket sent or received it. */
export interface CapturedDatagram {
  /** Milliseconds of the wall clock since 1970, fractions allowed; of a virtual clock, since its start. */
  readonly atMs: number;
  /** IP literals. */
  readonly from: UdpAddress;
  readonly to: UdpAddress;
  readonly bytes: Uint8Array;
  /** As the socket that is watched saw it; left out where it is the network that is watched. */
  readonly direction?: 'in' | 'out';
}

/** Where a datagram goes, in this direction. */
interface CapturedPath {
  readonly interfaceId: number;
  readonly fromAddress: Uint8Array;
  readonly toAddress: Uint8Array;
}

interface BlockOption {
  readonly code: number;
  readonly value: Uint8Array;
}

const BlockType = { SectionHeader: 0x0a0d0d0a, Interface: 1, EnhancedPacket: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINKTYPE_RAW = 101;
const OptionCode = {
  Comment: 1,
  InterfaceName: 2,
  PacketFlags: 2,
  Application: 4,
  TimeResolution: 9,
} as const;
const DIRECTION_FLAGS = { in: 1, out: 2 } as const;
/** Ticks are 10^-6 s. */
const MICROSECONDS = 6;
/** Type and length before, the length again behind. */
const BLOCK_FRAME_BYTES = 12;
const ENHANCED_PACKET_HEAD_BYTES = 20;
/** Paths and conversations that are told apart: beyond it paths share an interface. */
const MAX_REMEMBERED = 65_536;
const encoder = new TextEncoder();

/**
 * Writes datagrams as a pcapng file of the TCP packets that PTCP's segments would be without UDP.
 *
 * Every pair of UDP addresses is an interface of the file and gives it its name. Datagrams that are no segments are
 * written as the UDP packets that they were. What it remembers is bounded; its output waits until it is taken.
 */
export class PcapngCapture {
  readonly #limit: number;
  readonly #shownPorts: ShownPorts;
  /** By both ends, in the order of the direction. */
  readonly #paths = new Map<string, CapturedPath>();
  #interfaceCount = 0;
  /** The interface of all paths beyond the limit. */
  #sharedInterfaceId: number | undefined = undefined;
  #out = new ByteWriter();

  /** `limit`: how many paths and conversations are told apart; 65536 when left out. */
  constructor(limit: number = MAX_REMEMBERED) {
    this.#limit = limit;
    this.#shownPorts = new ShownPorts(limit);
    this.#writeSectionHeader();
  }

  /** How many bytes wait to be taken. */
  get byteCount(): number {
    return this.#out.length;
  }

  /** Throws UsageError when an end is no IP address, or the two are of different families. */
  add(datagram: CapturedDatagram): void {
    const { from, to, bytes } = datagram;
    const path = this.#pathOf(from, to);
    const addresses = { from: path.fromAddress, to: path.toAddress };
    if (!looksLikeSegment(bytes)) {
      const packet = udpPacket({ ...addresses, fromPort: from.port, toPort: to.port }, bytes);
      this.#writePacket(path, datagram, packet, undefined);
      return;
    }
    const fromPort = (bytes[0]! << 8) | bytes[1]!;
    const toPort = (bytes[2]! << 8) | bytes[3]!;
    const ends = { fromHost: from.host, fromPort, toHost: to.host, toPort };
    const shown = this.#shownPorts.of(ends, path.interfaceId);
    const isRenamed = shown.fromPort !== fromPort || shown.toPort !== toPort;
    const packet = tcpPacket({ ...addresses, fromPort: shown.fromPort, toPort: shown.toPort }, bytes);
    this.#writePacket(path, datagram, packet, isRenamed ? `pseudo-ports ${fromPort}, ${toPort}` : undefined);
  }

  /** All that was written since the last call: whole blocks, which belong behind those. The file begins with the first. */
  take(): Uint8Array {
    const taken = this.#out.finish();
    this.#out = new ByteWriter();
    return taken;
  }

  #pathOf(from: UdpAddress, to: UdpAddress): CapturedPath {
    const fromText = addressText(from);
    const toText = addressText(to);
    const key = `${fromText} ${toText}`;
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const addresses = addressPair(from.host, to.host);
    const interfaceId =
      this.#paths.get(`${toText} ${fromText}`)?.interfaceId ?? this.#addInterface(`${fromText} - ${toText}`);
    const path = { interfaceId, fromAddress: addresses.from, toAddress: addresses.to };
    if (interfaceId !== this.#sharedInterfaceId) this.#paths.set(key, path);
    return path;
  }

  #addInterface(name: string): number {
    if (this.#interfaceCount < this.#limit) return this.#writeInterface(`udp ${name}`);
    this.#sharedInterfaceId ??= this.#writeInterface('all other udp');
    return this.#sharedInterfaceId;
  }

  #writeSectionHeader(): void {
    const options = [{ code: OptionCode.Application, value: encoder.encode('hawser') }];
    this.#beginBlock(BlockType.SectionHeader, 16, options)
      .u32(BYTE_ORDER_MAGIC)
      .u16(1)
      .u16(0)
      // The section's length, which is not known: -1.
      .u32(0xffffffff)
      .u32(0xffffffff);
    this.#endBlock(16, options);
  }

  #writeInterface(name: string): number {
    const options = [
      { code: OptionCode.InterfaceName, value: encoder.encode(name) },
      { code: OptionCode.TimeResolution, value: Uint8Array.of(MICROSECONDS) },
    ];
    // No limit to what is kept of a packet: 0.
    this.#beginBlock(BlockType.Interface, 8, options).u16(LINKTYPE_RAW).u16(0).u32(0);
    this.#endBlock(8, options);
    this.#interfaceCount += 1;
    return this.#interfaceCount - 1;
  }

  #writePacket(
    { interfaceId }: CapturedPath,
    { atMs, direction }: CapturedDatagram,
    packet: Uint8Array,
    comment: string | undefined,
  ): void {
    const options: BlockOption[] = [];
    if (comment !== undefined) options.push({ code: OptionCode.Comment, value: encoder.encode(comment) });
    if (direction !== undefined) {
      options.push({
        code: OptionCode.PacketFlags,
        value: Uint8Array.of(0, 0, 0, DIRECTION_FLAGS[direction]),
      });
    }
    const bodyBytes = ENHANCED_PACKET_HEAD_BYTES + padded(packet.length);
    this.#beginBlock(BlockType.EnhancedPacket, bodyBytes, options)
      .u32(interfaceId)
      .u53(Math.round(atMs * 1000))
      .u32(packet.length)
      .u32(packet.length);
    this.#writePadded(packet);
    this.#endBlock(bodyBytes, options);
  }

  #beginBlock(type: number, bodyBytes: number, options: readonly BlockOption[]): ByteWriter {
    return this.#out.u32(type).u32(blockBytes(bodyBytes, options));
  }

  /** The options, their end, and the length again. */
  #endBlock(bodyBytes: number, options: readonly BlockOption[]): void {
    for (const { code, value } of options) {
      this.#out.u16(code).u16(value.length);
      this.#writePadded(value);
    }
    if (options.length > 0) this.#out.u32(0);
    this.#out.u32(blockBytes(bodyBytes, options));
  }

  #writePadded(bytes: Uint8Array): void {
    this.#out.bytes(bytes);
    for (let count = bytes.length; count % 4 !== 0; count += 1) this.#out.u8(0);
  }
}

function blockBytes(bodyBytes: number, options: readonly BlockOption[]): number {
  let total = BLOCK_FRAME_BYTES + bodyBytes;
  for (const { value } of options) total += 4 + padded(value.length);
  return options.length > 0 ? total + 4 : total;
}

function padded(byteCount: number): number {
  return (byteCount + 3) & ~3;
}

function addressText({ host, port }: UdpAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
