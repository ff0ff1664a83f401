import { expect } from 'chai';

/** A block of a pcapng file; `body` lies between its two lengths. */
export interface Block {
  readonly type: number;
  readonly body: DataView;
}

/** Reads a file as draft-ietf-opsawg-pcapng §3.1 cuts it: each length stands before and behind a block. */
export function blocksOf(file: Uint8Array): Block[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const blocks: Block[] = [];
  for (let at = 0; at < file.length; ) {
    const length = view.getUint32(at + 4);
    expect(length % 4, 'a multiple of four').to.equal(0);
    expect(view.getUint32(at + length - 4), 'the length behind').to.equal(length);
    blocks.push({
      type: view.getUint32(at),
      body: new DataView(file.buffer, file.byteOffset + at + 8, length - 12),
    });
    at += length;
  }
  return blocks;
}
