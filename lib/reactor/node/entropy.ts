import { randomFillSync } from 'node:crypto';
import type { Entropy } from '../../interfaces/entropy.ts';

/** The system's generator: what it gives cannot be predicted. */
export const nodeEntropy: Entropy = {
  fill(out: Uint8Array): void {
    randomFillSync(out);
  },
};
