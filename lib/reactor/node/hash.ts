import { createHash, type Hash as NodeHash } from 'node:crypto';
import type { Hash, Hashes } from '../../interfaces/hash.ts';

/** Hashes as OpenSSL computes them. */
export class NodeHashes implements Hashes {
  sha256(): Hash {
    return new Sha256(createHash('sha256'));
  }
}

class Sha256 implements Hash {
  readonly #hash: NodeHash;

  constructor(hash: NodeHash) {
    this.#hash = hash;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array {
    // Node's digest ends its hash; a copy's end leaves ours open.
    return new Uint8Array(this.#hash.copy().digest());
  }

  copy(): Hash {
    return new Sha256(this.#hash.copy());
  }
}
