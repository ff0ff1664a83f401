/** A source of randomness. Real ones cannot be predicted; those of tests are seeded. */
export interface Entropy {
  /** Fills `out` with random bytes. */
  fill(out: Uint8Array): void;
}
