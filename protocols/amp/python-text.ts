// What Python takes for a number, where it differs from JavaScript.
import { byteText } from './wire-key.ts';

/** As int() and float() of Python strip bytes: \t \n \v \f \r and the blank. */
export function isPythonBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** The bytes between the blanks around them as text, a character for each byte. */
export function stripped(bytes: Uint8Array, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isPythonBlank(bytes[from] as number)) from += 1;
  while (to > from && isPythonBlank(bytes[to - 1] as number)) to -= 1;
  return byteText(bytes, from, to);
}
