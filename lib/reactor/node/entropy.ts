import { randomFillSync } from 'node:crypto';
import type { Entropy } from '../../interfaces/entropy.ts';

/** Drawn at once and given out in pieces: a call takes several microseconds, however little it is for. */
const drawn = new Uint8Array(1024);
let next = drawn.length;

/** The system's generator: what it gives cannot be predicted. */
export const nodeEntropy: Entropy = {
  fill(out: Uint8Array): void {
    if (out.length > drawn.length) {
      randomFillSync(out);
      return;
    }
    if (next + out.length > drawn.length) {
      randomFillSync(drawn);
      next = 0;
    }
    out.set(drawn.subarray(next, next + out.length));
    // What was given out is nobody else's to find here.
    drawn.fill(0, next, next + out.length);
    next += out.length;
  },
};
