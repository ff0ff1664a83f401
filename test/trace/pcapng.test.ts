import { expect } from 'chai';
import { UsageError } from '../../lib/errors.ts';
import { type CapturedDatagram, PcapngCapture } from '../../lib/trace/pcapng.ts';
import { type Block, blocksOf } from '../support/pcapng-blocks.ts';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET = 6;

/** The options from `at` on, by code. */
function optionsOf({ body }: Block, at: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let next = at; next < body.byteLength && body.getUint16(next) !== 0; ) {
    const length = body.getUint16(next + 2);
    options.set(body.getUint16(next), new Uint8Array(body.buffer, body.byteOffset + next + 4, length));
    next += 4 + ((length + 3) & ~3);
  }
  return options;
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function segment(fromPort: number, toPort: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(21));
  view.setUint16(0, fromPort);
  view.setUint16(2, toPort);
  view.setUint8(12, 0x50);
  return new Uint8Array(view.buffer);
}

const DATAGRAM: CapturedDatagram = {
  atMs: 1_700_000_000_123.456,
  from: { host: '192.0.2.1', port: 4000 },
  to: { host: '192.0.2.2', port: 5000 },
  bytes: segment(50_000, 49_153),
};

describe('PcapngCapture', () => {
  it('begins with a section header that tells the byte order', () => {
    const [header] = blocksOf(new PcapngCapture().take());

    expect(header?.type).to.equal(SECTION_HEADER);
    expect(header?.body.getUint32(0)).to.equal(0x1a2b3c4d);
    expect(header?.body.getUint16(4)).to.equal(1);
    expect(textOf(optionsOf(header!, 16).get(4))).to.equal('hawser');
  });

  it('makes an interface of raw IP of each pair of UDP addresses, both directions in one', () => {
    const capture = new PcapngCapture();
    capture.add(DATAGRAM);
    capture.add({ ...DATAGRAM, from: DATAGRAM.to, to: DATAGRAM.from });
    capture.add({ ...DATAGRAM, from: { host: '192.0.2.1', port: 4001 } });

    const blocks = blocksOf(capture.take());
    const interfaces = blocks.filter(({ type }) => type === INTERFACE);
    expect(interfaces.map((each) => textOf(optionsOf(each, 8).get(2)))).to.deep.equal([
      'udp 192.0.2.1:4000 - 192.0.2.2:5000',
      'udp 192.0.2.1:4001 - 192.0.2.2:5000',
    ]);
    for (const each of interfaces) {
      expect(each.body.getUint16(0), 'LINKTYPE_RAW').to.equal(101);
      expect([...(optionsOf(each, 8).get(9) ?? [])], 'microseconds').to.deep.equal([6]);
    }
    const packets = blocks.filter(({ type }) => type === PACKET);
    expect(packets.map(({ body }) => body.getUint32(0))).to.deep.equal([0, 0, 1]);
  });

  it('dates each packet in microseconds and says which way it went', () => {
    const capture = new PcapngCapture();
    capture.add({ ...DATAGRAM, direction: 'out' });

    const packet = blocksOf(capture.take()).at(-1)!;
    expect(packet.body.getUint32(4) * 2 ** 32 + packet.body.getUint32(8)).to.equal(1_700_000_000_123_456);
    expect(packet.body.getUint32(12)).to.equal(41);
    expect(packet.body.getUint32(16)).to.equal(41);
    expect(packet.body.getUint16(20 + 20), 'the pseudo-port').to.equal(50_000);
    expect([...(optionsOf(packet, 20 + 44).get(2) ?? [])]).to.deep.equal([0, 0, 0, 2]);
  });

  it('tells connections apart that have the same pseudo-ports on other UDP ports, and says so', () => {
    const capture = new PcapngCapture();
    capture.add(DATAGRAM);
    capture.add({ ...DATAGRAM, from: { host: '192.0.2.1', port: 4001 } });

    const packets = blocksOf(capture.take()).filter(({ type }) => type === PACKET);
    expect(packets.map(({ body }) => body.getUint16(40))).to.deep.equal([50_000, 50_001]);
    expect(packets.map((packet) => textOf(optionsOf(packet, 64).get(1)))).to.deep.equal([
      '',
      'pseudo-ports 50000, 49153',
    ]);
  });

  it('writes what is no segment as UDP', () => {
    const capture = new PcapngCapture();
    capture.add({ ...DATAGRAM, bytes: Uint8Array.of(1, 2, 3) });

    const packet = blocksOf(capture.take()).at(-1)!;
    expect(packet.body.getUint8(20 + 9)).to.equal(17);
    expect(packet.body.getUint16(20 + 20)).to.equal(4000);
  });

  it('remembers no more paths than its limit: the others share an interface', () => {
    const capture = new PcapngCapture(2);
    for (let port = 1; port <= 5; port += 1) capture.add({ ...DATAGRAM, from: { host: '192.0.2.1', port } });

    const blocks = blocksOf(capture.take());
    const interfaces = blocks.filter(({ type }) => type === INTERFACE);
    expect(interfaces).to.have.length(3);
    expect(textOf(optionsOf(interfaces[2]!, 8).get(2))).to.equal('all other udp');
    const packets = blocks.filter(({ type }) => type === PACKET);
    expect(packets.map(({ body }) => body.getUint32(0))).to.deep.equal([0, 1, 2, 2, 2]);
  });

  it('gives out each block once', () => {
    const capture = new PcapngCapture();
    capture.take();
    expect(capture.byteCount).to.equal(0);
    capture.add(DATAGRAM);

    expect(blocksOf(capture.take()).map(({ type }) => type)).to.deep.equal([INTERFACE, PACKET]);
    expect(capture.take()).to.have.length(0);
  });

  it('refuses an end that is no address', () => {
    const capture = new PcapngCapture();

    expect(() => capture.add({ ...DATAGRAM, to: { host: 'example', port: 1 } })).to.throw(UsageError);
  });
});
