import { expect } from 'chai';
import { keptBytes } from '../../../protocols/amp/kept-bytes.ts';

describe('keptBytes', () => {
  it('copies what is short, and what would keep much alive', () => {
    const chunk = new Uint8Array(65_536);

    const kept = [keptBytes(chunk, 0, 100), keptBytes(chunk, 0, 10_000), keptBytes(new Uint8Array(100))];

    expect(kept.map((each) => each.buffer.byteLength)).to.deep.equal([100, 10_000, 100]);
  });

  it('gives a view of most of a chunk, and never a Buffer', () => {
    const chunk = Buffer.from(new Uint8Array(65_536).fill(7).buffer, 1000);

    const kept = keptBytes(chunk, 2000, 34_000);

    expect(kept).to.include({ byteOffset: 3000, length: 32_000 });
    expect(kept.buffer).to.equal(chunk.buffer);
    expect(Buffer.isBuffer(kept)).to.equal(false);
  });
});
