import { expect } from 'chai';
import fc from 'fast-check';
import { MemoryBudget } from '../../../lib/ptcp/core/memory.ts';
import { SendBuffer } from '../../../lib/ptcp/core/send-buffer.ts';
import { seqAdd } from '../../../lib/ptcp/core/seq.ts';
import { pattern } from '../../support/scripted-peer.ts';

const HEAD = 0xffff_ff00;
const PLENTY = 1_000_000;

function held(buffer: SendBuffer, head: number): number[] {
  const out = new Uint8Array(buffer.length);
  buffer.copyTo(head, buffer.length, out, 0);
  return [...out];
}

describe('SendBuffer', () => {
  it('gives bytes their sequence numbers, across 2^32 (RFC 9293 §3.4)', () => {
    const buffer = new SendBuffer(HEAD, new MemoryBudget(PLENTY));
    buffer.append(pattern(600), PLENTY);
    const out = new Uint8Array(4);

    buffer.copyTo(seqAdd(HEAD, 300), 4, out, 0);

    expect([...out]).to.deep.equal([...pattern(4, 300)]);
    expect(buffer.tail).to.equal(seqAdd(HEAD, 600));
  });

  it('takes no more than its limit and says how much it took', () => {
    const buffer = new SendBuffer(HEAD, new MemoryBudget(PLENTY));

    expect(buffer.append(pattern(60), 100)).to.equal(60);
    expect(buffer.append(pattern(60), 100)).to.equal(40);
    expect(buffer.append(pattern(60), 100)).to.equal(0);
    expect(buffer.append(pattern(60), 50), 'a limit that has shrunk').to.equal(0);
  });

  it('takes whole bytes, whatever fraction its limit has', () => {
    const buffer = new SendBuffer(HEAD, new MemoryBudget(PLENTY));

    expect([buffer.append(pattern(60), 50.5), buffer.append(pattern(60), 80.75)]).to.deep.equal([50, 30]);

    expect([buffer.length, buffer.tail]).to.deep.equal([80, seqAdd(HEAD, 80)]);
  });

  it('holds what a byte queue holds, whatever is written and acknowledged', () => {
    const step = fc.record({ write: fc.nat(300), acknowledge: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const memory = new MemoryBudget(PLENTY);
        const buffer = new SendBuffer(HEAD, memory);
        let model: number[] = [];
        let head = HEAD;
        let written = 0;
        for (const { write, acknowledge } of steps) {
          const bytes = pattern(write, written);
          const accepted = buffer.append(bytes, 1000);
          model.push(...bytes.subarray(0, accepted));
          written += accepted;
          // An ACK of the FIN lies one beyond the text; one from before is old.
          buffer.acknowledge(seqAdd(head, acknowledge - 50));
          const count = Math.max(0, Math.min(acknowledge - 50, model.length));
          model = model.slice(count);
          head = seqAdd(head, count);

          expect(held(buffer, head)).to.deep.equal(model);
          expect(buffer.tail).to.equal(seqAdd(head, model.length));
          expect(memory.usedBytes).to.equal(buffer.capacityBytes);
        }
        buffer.clear();
        expect([buffer.length, memory.usedBytes]).to.deep.equal([0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('never takes more memory than the endpoint may', () => {
    fc.assert(
      fc.property(
        fc.nat(20_000),
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 20 }),
        (limit, writes) => {
          const memory = new MemoryBudget(limit);
          const buffer = new SendBuffer(HEAD, memory);
          for (const count of writes) {
            buffer.append(pattern(count), PLENTY);
            expect(memory.usedBytes).to.be.at.most(limit);
          }
        },
      ),
    );
  });

  it('takes part of a write when memory is short, and goes on when there is some', () => {
    const memory = new MemoryBudget(8192);
    const buffer = new SendBuffer(HEAD, memory);
    memory.account(4096);

    const first = buffer.append(pattern(8000), PLENTY);
    expect(first).to.be.within(1, 4096);
    memory.account(-4096);
    buffer.acknowledge(seqAdd(HEAD, first));
    buffer.releaseIfEmpty();

    expect(buffer.append(pattern(8000), PLENTY)).to.equal(8000);
  });

  it('gives its memory back when it is empty, and only then', () => {
    const memory = new MemoryBudget(PLENTY);
    const buffer = new SendBuffer(HEAD, memory);
    expect(memory.usedBytes, 'before the first byte').to.equal(0);
    buffer.append(pattern(100), PLENTY);

    buffer.releaseIfEmpty();
    expect(memory.usedBytes).to.be.above(0);
    buffer.acknowledge(seqAdd(HEAD, 100));
    buffer.releaseIfEmpty();

    expect([memory.usedBytes, buffer.capacityBytes]).to.deep.equal([0, 0]);
  });
});
