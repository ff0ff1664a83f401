/** Shorter than this, a loop is faster than a view and a call. */
const SHORT = 32;

/** A copy of a part of `bytes`. What `slice` makes of a Buffer is a view, and a change of one is a change of both. */
export function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  const copy = new Uint8Array(end - start);
  if (end - start < SHORT) for (let at = start; at < end; at += 1) copy[at - start] = bytes[at] as number;
  else copy.set(bytes.subarray(start, end));
  return copy;
}
