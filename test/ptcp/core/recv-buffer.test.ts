import { expect } from 'chai';
import fc from 'fast-check';
import { MemoryBudget } from '../../../lib/ptcp/core/memory.ts';
import { RecvBuffer } from '../../../lib/ptcp/core/recv-buffer.ts';
import { pattern } from '../../support/scripted-peer.ts';

const PLENTY = 10_000_000;
const STREAM = pattern(2000);

function insert(buffer: RecvBuffer, start: number, end: number): number {
  return buffer.insert(start, STREAM, start, end);
}

/** A reassembler that keeps every byte by its place. */
class Naive {
  readonly #bytes = new Map<number, number>();
  #next = 0;

  insert(start: number, end: number): number {
    for (let at = start; at < end; at += 1) this.#bytes.set(at, STREAM[at]!);
    const before = this.#next;
    while (this.#bytes.has(this.#next)) this.#next += 1;
    return this.#next - before;
  }

  get next(): number {
    return this.#next;
  }

  /** The isles beyond the first gap. */
  get isles(): number[][] {
    const places = [...this.#bytes.keys()].filter((at) => at >= this.#next).sort((a, b) => a - b);
    const isles: number[][] = [];
    for (const at of places) {
      const last = isles.at(-1);
      if (last?.[1] === at) last[1] = at + 1;
      else isles.push([at, at + 1]);
    }
    return isles;
  }
}

describe('RecvBuffer', () => {
  it('puts a stream together as a naive reassembler does, however it is cut and mixed (RFC 9293 §3.10.7.4)', () => {
    const step = fc.record({ at: fc.nat(1800), count: fc.nat(200), read: fc.nat(150) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = new MemoryBudget(PLENTY);
        const buffer = new RecvBuffer(memory);
        const naive = new Naive();
        let readCount = 0;
        for (const { at, count, read } of steps) {
          // Mostly near the gap, so that it is filled.
          const start = at % 3 === 0 ? at : Math.min(1800, Math.max(0, naive.next - 30 + (at % 90)));
          expect(insert(buffer, start, start + count)).to.equal(naive.insert(start, start + count));
          expect(buffer.nextOffset).to.equal(naive.next);
          expect([...buffer.isles].map((isle) => [isle.start, isle.end])).to.deep.equal(naive.isles);
          expect(buffer.hasIsles).to.equal(naive.isles.length > 0);
          const bytes = buffer.read(read);
          expect([...bytes]).to.deep.equal([...STREAM.subarray(readCount, readCount + bytes.length)]);
          readCount += bytes.length;
          expect(buffer.readableBytes).to.equal(naive.next - readCount);
          expect(memory.usedBytes).to.equal(buffer.capacityBytes);
        }
        buffer.clear();
        expect(memory.usedBytes).to.equal(0);
      }),
      { numRuns: 100 },
    );
  });

  it('knows a duplicate: every byte of it is here, or was', () => {
    const buffer = new RecvBuffer(new MemoryBudget(PLENTY));
    insert(buffer, 0, 100);
    insert(buffer, 200, 300);
    buffer.read(50);

    expect(buffer.holds(0, 100)).to.equal(true);
    expect(buffer.holds(210, 300)).to.equal(true);
    expect(buffer.holds(90, 101)).to.equal(false);
    expect(buffer.holds(50, 250)).to.equal(false);
    expect(buffer.isleAt(250)).to.deep.equal({ start: 200, end: 300 });
    expect(buffer.isleAt(150)).to.equal(undefined);
  });

  it('keeps a bounded number of isles, and fills gaps all the same (CVE-2018-5390)', () => {
    const buffer = new RecvBuffer(new MemoryBudget(PLENTY));
    const crumbs = new Uint8Array(100_000);
    let kept = 0;
    for (let at = 1; at < crumbs.length; at += 2) {
      if (buffer.insert(at, crumbs, at, at + 1) === 0) kept += 1;
    }

    expect(kept).to.equal(1024);
    expect(buffer.isles.count).to.equal(1024);
    expect(buffer.insert(2, crumbs, 2, 3), 'what touches an isle is still taken').to.equal(0);
    expect(buffer.insert(0, crumbs, 0, 1)).to.equal(4);
    expect(buffer.insert(4, crumbs, 4, 2049)).to.equal(2045);
    expect(buffer.hasIsles).to.equal(false);
  });

  it('refuses what there is no memory for, and takes it when there is', () => {
    const memory = new MemoryBudget(4096);
    const buffer = new RecvBuffer(memory);
    memory.account(4000);

    expect(insert(buffer, 0, 100), 'in order').to.equal(-1);
    expect(insert(buffer, 500, 600), 'out of order').to.equal(-1);
    expect([buffer.nextOffset, buffer.capacityBytes, buffer.hasIsles]).to.deep.equal([0, 0, false]);
    memory.account(-4000);

    expect(insert(buffer, 0, 100)).to.equal(100);
  });

  it('never takes more memory than the endpoint may', () => {
    const piece = fc.record({ at: fc.nat(1500), count: fc.nat(500) });
    fc.assert(
      fc.property(fc.nat(6000), fc.array(piece, { maxLength: 20 }), (limit, pieces) => {
        const memory = new MemoryBudget(limit);
        const buffer = new RecvBuffer(memory);
        for (const { at, count } of pieces) {
          insert(buffer, at, at + count);
          expect(memory.usedBytes).to.be.at.most(limit);
        }
      }),
    );
  });

  it('throws away what comes in order once nobody will read it, and holds no memory for it', () => {
    const memory = new MemoryBudget(PLENTY);
    const buffer = new RecvBuffer(memory);
    insert(buffer, 0, 70);

    expect(buffer.discardAll(), 'unread').to.equal(70);
    expect(insert(buffer, 70, 170)).to.equal(100);
    expect(insert(buffer, 200, 300)).to.equal(0);
    expect(insert(buffer, 170, 200)).to.equal(130);
    buffer.releaseIfEmpty();

    expect([buffer.nextOffset, buffer.readableBytes, memory.usedBytes]).to.deep.equal([300, 0, 0]);
  });

  it('keeps its memory while something waits behind a gap', () => {
    const memory = new MemoryBudget(PLENTY);
    const buffer = new RecvBuffer(memory);
    insert(buffer, 100, 200);

    buffer.releaseIfEmpty();
    insert(buffer, 0, 100);

    expect([...buffer.read(200)]).to.deep.equal([...STREAM.subarray(0, 200)]);
  });
});
