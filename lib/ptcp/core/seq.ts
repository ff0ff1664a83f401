/**
 * Sequence arithmetic, RFC 9293 §3.4. Every function is total: no input makes it throw.
 *
 * Comparisons are right while the two numbers are less than 2^31 apart.
 */
export type Seq = number;

export function seqAdd(seq: Seq, count: number): Seq {
  return (seq + count) >>> 0;
}

/** How far `a` is ahead of `b`; negative when behind. */
export function seqDiff(a: Seq, b: Seq): number {
  return (a - b) | 0;
}

export function seqLess(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) < 0;
}

export function seqLessOrEqual(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) <= 0;
}
