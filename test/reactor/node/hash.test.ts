import { expect } from 'chai';
import { NodeHashes } from '../../../lib/reactor/node/hash.ts';

describe('NodeHashes', () => {
  it('tells the hash so far and goes on', () => {
    const hash = new NodeHashes().sha256();

    const empty = hex(hash.digest());
    hash.update(new TextEncoder().encode('abc'));
    const abc = hex(hash.digest());
    const copy = hash.copy();
    copy.update(new TextEncoder().encode('d'));

    expect(empty).to.equal('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(abc).to.equal('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex(hash.digest())).to.equal(abc);
    expect(hex(copy.digest())).not.to.equal(abc);
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
