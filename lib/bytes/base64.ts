const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));

/** Whether the last group is filled up with '='. */
export type Base64Padding = 'padded' | 'unpadded';

/** Base64 (RFC 4648 §4) of `bytes`. */
export function encodeBase64(bytes: Uint8Array, padding: Base64Padding = 'padded'): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digitCount = Math.min(bytes.length - at, 3) + 1;
    for (let digit = 0; digit < digitCount; digit += 1) text += ALPHABET[(group >>> (18 - 6 * digit)) & 63];
  }
  return padding === 'padded' ? text.padEnd(Math.ceil(text.length / 4) * 4, '=') : text;
}

/** The bytes of base64 as `encodeBase64` writes it, and undefined for every other spelling of them (RFC 4648 §3.5). */
export function decodeBase64(text: string, padding: Base64Padding = 'padded'): Uint8Array | undefined {
  const digits = padding === 'padded' ? text.replace(/={1,2}$/, '') : text;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let [pending, pendingBits, length] = [0, 0, 0];
  for (const digit of digits) {
    const value = VALUES.get(digit);
    if (value === undefined) return undefined;
    pending = ((pending << 6) | value) & 0xfff;
    pendingBits += 6;
    if (pendingBits < 8) continue;
    pendingBits -= 8;
    bytes[length++] = pending >>> pendingBits;
  }
  return encodeBase64(bytes, padding) === text ? bytes : undefined;
}
