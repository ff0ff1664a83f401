import { expect } from 'chai';
import { MemoryBudget } from '../../../lib/ptcp/core/memory.ts';

describe('MemoryBudget', () => {
  it('counts what buffers take and give back', () => {
    const memory = new MemoryBudget(1000);

    memory.account(700);
    memory.account(-100);

    expect([memory.usedBytes, memory.freeBytes, memory.limitBytes]).to.deep.equal([600, 400, 1000]);
    memory.account(600);
    expect(memory.freeBytes, 'never below zero').to.equal(0);
  });

  it('says how far a ring may grow: by doubling, from 512 bytes on, within what is free', () => {
    const memory = new MemoryBudget(4096);
    const limits = [0, 512, 1024, 2048, 4096].map((capacity) => memory.ringLimit(capacity));

    expect(limits).to.deep.equal([4096, 4096, 4096, 4096, 8192]);
    memory.account(3600);
    expect([0, 512, 1024].map((capacity) => memory.ringLimit(capacity))).to.deep.equal([0, 512, 1024]);
  });

  it('knows an end even when nothing limits it', () => {
    expect(new MemoryBudget(Number.POSITIVE_INFINITY).ringLimit(0)).to.equal(2 ** 30);
  });
});
