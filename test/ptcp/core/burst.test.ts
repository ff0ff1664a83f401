import { expect } from 'chai';
import type { Burst, TransmitTarget } from '../../../lib/ptcp/core/burst.ts';
import { bulkSender } from '../../support/bulk-sender.ts';
import { decodeLiteral, type LiteralSegment } from '../../support/literal-segment.ts';
import { PATH, pattern, type ScriptedPeer, type ScriptOptions } from '../../support/scripted-peer.ts';
import { established } from '../../support/scripted-states.ts';

const SEGMENT = 1000;
const HEADER = 20;

/** Established, a window of 200 segments of 1000 bytes, and `count` bytes written that wait for a poll. */
function writer(count: number, options: ScriptOptions = {}): ScriptedPeer {
  const peer = established({
    ...options,
    profile: {
      maxDatagramBytes: HEADER + SEGMENT,
      initialWindowSegments: 200,
      sendBufferBytes: 1_000_000,
      windowScale: 7,
      nagle: false,
      ...options.profile,
    },
    peerOptions: { mss: SEGMENT, windowScale: 7, ...options.peerOptions },
  });
  peer.inject({ seq: 1, ack: 1 });
  peer.connection.write(pattern(count));
  return peer;
}

function poll(peer: ScriptedPeer, target: TransmitTarget): Burst {
  const burst = peer.endpoint.pollTransmit(peer.now, target);
  expect(burst, 'a burst').not.to.equal(undefined);
  return burst!;
}

/** The datagrams of `burst`, head and tail room included. */
function datagrams({ strideBytes, count, lastBytes }: Burst, out: Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, (_entry, i) => {
    const start = i * strideBytes;
    return out.slice(start, start + (i === count - 1 ? lastBytes : strideBytes));
  });
}

function textOf(segments: readonly LiteralSegment[]): number[] {
  return segments.flatMap(({ payload }) => [...payload]);
}

describe('a burst', () => {
  it('has many segments of one size back to back, and a shorter last one', () => {
    const peer = writer(20 * SEGMENT + 345);
    const out = new Uint8Array(65_536);

    const burst = poll(peer, { out, maxSegments: 64 });

    expect(burst).to.deep.equal({
      path: PATH,
      strideBytes: HEADER + SEGMENT,
      count: 21,
      lastBytes: HEADER + 345,
    });
    const segments = datagrams(burst, out).map(decodeLiteral);
    expect(textOf(segments)).to.deep.equal([...pattern(20 * SEGMENT + 345)]);
    expect(segments.map(({ flags }) => flags).join(' '), 'one PSH').to.equal(`${'. '.repeat(20)}P.`);
    expect(peer.endpoint.pollTransmit(peer.now, { out })).to.equal(undefined);
  });

  it('has one segment unless more are asked for', () => {
    const peer = writer(3 * SEGMENT);
    const out = new Uint8Array(65_536);
    const counts = [poll(peer, { out }), poll(peer, { out, maxSegments: 16 })].map(({ count }) => count);

    expect(counts).to.deep.equal([1, 2]);
  });

  it('keeps to the room that it is given', () => {
    const peer = writer(100 * SEGMENT);
    const out = new Uint8Array(3 * (HEADER + SEGMENT) + 700);

    const burst = poll(peer, { out, maxSegments: 64 });

    expect([burst.count, burst.lastBytes]).to.deep.equal([3, HEADER + SEGMENT]);
    expect(out.subarray(3 * burst.strideBytes).every((byte) => byte === 0)).to.equal(true);
  });

  it('ends at its quantum of 64 KiB, so that others get their turn', () => {
    const peer = writer(150 * SEGMENT);
    const out = new Uint8Array(1_000_000);

    const { count } = poll(peer, { out, maxSegments: 1000 });

    expect(count * (HEADER + SEGMENT)).to.be.within(64_000, 68_000);
  });

  it('leaves head and tail room in each stride and writes nothing into it', () => {
    const peer = writer(2 * SEGMENT + 10);
    const out = new Uint8Array(65_536).fill(0xee);

    const burst = poll(peer, { out, headroomBytes: 16, tailroomBytes: 9, maxSegments: 8 });

    expect(burst).to.deep.equal({
      path: PATH,
      strideBytes: 25 + HEADER + SEGMENT,
      count: 3,
      lastBytes: 25 + HEADER + 10,
    });
    const all = datagrams(burst, out);
    expect(
      all.every((bytes) => [...bytes.slice(0, 16), ...bytes.slice(-9)].every((byte) => byte === 0xee)),
    ).to.equal(true);
    expect(textOf(all.map((bytes) => decodeLiteral(bytes.slice(16, -9))))).to.deep.equal([
      ...pattern(2 * SEGMENT + 10),
    ]);
  });

  it('carries a CRC-32 for each segment, wherever it lies', () => {
    const peer = writer(3 * SEGMENT, {
      profile: { ptcpOption: true, crc32: true },
      peerOptions: { ptcp: 1 },
    });
    const out = new Uint8Array(65_536);

    const burst = poll(peer, { out, headroomBytes: 5, maxSegments: 8 });

    const fields = datagrams(burst, out).map((bytes) => decodeLiteral(bytes.slice(5)).checkField);
    expect(new Set(fields).size).to.equal(3);
    expect(fields).not.to.include(0);
  });

  it('of received segments is answered with one ACK (RFC 9293 §3.10.7.4, MUST-58, MUST-59)', () => {
    const peer = established({ profile: { quickAckCount: 16, windowScale: 7 } });

    peer.injectBatch(
      Array.from({ length: 16 }, (_entry, i) => ({
        seq: 1 + i * SEGMENT,
        ack: 1,
        payload: pattern(SEGMENT, i * SEGMENT),
      })),
    );

    peer.expect({ flags: '.', ack: 1 + 16 * SEGMENT });
    expect([...peer.connection.read(20_000)]).to.deep.equal([...pattern(16 * SEGMENT)]);
  });

  it('of one path may have segments of several connections in it', () => {
    const peer = established();
    const syn = peer.encode({ flags: 'S', srcPort: 50_001 });
    const text = peer.encode({ seq: 1, ack: 1 });
    const buffer = new Uint8Array(2 * syn.length);
    buffer.set(syn);
    buffer.set(text, syn.length);

    peer.endpoint.handleBatch(peer.now, {
      buffer,
      strideBytes: syn.length,
      count: 2,
      lastBytes: text.length,
      path: PATH,
    });

    peer.expect({ flags: 'S.', dstPort: 50_001 });
  });

  it('never leaves before its pacing time', () => {
    const peer = bulkSender({ profile: { pacing: true, initialWindowSegments: 4 } });
    peer.drain();
    for (let n = 1; n <= 4; n += 1) {
      peer.pass(10);
      peer.inject({ seq: 1, ack: 1 + n * SEGMENT });
    }
    let last = peer.drain().at(-1)?.sentAt ?? 0;
    for (let i = 0; i < 3; i += 1) {
      const dueAt = peer.endpoint.nextTimeout();
      expect(dueAt).to.be.above(last);
      expect(peer.endpoint.pollTransmit(dueAt - 0.001, { out: new Uint8Array(2000) })).to.equal(undefined);
      peer.at(dueAt);
      last = peer.drain().at(-1)?.sentAt ?? last;
    }
  });
});
