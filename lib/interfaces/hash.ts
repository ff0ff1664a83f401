/** A SHA-256 being computed. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** The 32 bytes of the hash of all that was given so far. More may follow. */
  digest(): Uint8Array;
  /** Another one that was given the same so far. */
  copy(): Hash;
}

/** Where hashes come from. */
export interface Hashes {
  sha256(): Hash;
}
