/** RFC 6928 §2, generalised: ten segments of up to 1460 bytes, and never less than two segments. */
export function initialWindowBytes(mssBytes: number, segments: number): number {
  return Math.min(segments * mssBytes, Math.max(2 * mssBytes, segments * 1460));
}
