import { copyOf } from './copy-of.ts';

/** Shorter ones are copied: a view of them is no cheaper. */
const VIEW_FROM_BYTES = 2048;
/** A view may keep so many times its own length alive. */
const MOST_KEPT = 4;

/**
 * A part of bytes that nobody else changes, to be kept: a view, or a copy where a view would keep much alive that is of
 * no use any more.
 */
export function keptBytes(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  const length = end - start;
  if (length < VIEW_FROM_BYTES || length * MOST_KEPT < bytes.buffer.byteLength)
    return copyOf(bytes, start, end);
  // Not subarray: of a Buffer that would be a Buffer.
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
}
