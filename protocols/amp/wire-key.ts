import { UsageError } from '../../lib/errors.ts';
import { MAX_KEY_BYTES } from './box.ts';
import { TooLong } from './errors.ts';

/** A key as it stands on the wire: two bytes of length, then the bytes. */
export type WireKey = Uint8Array;

/** Where the bytes of a WireKey begin. */
export const KEY_OFFSET = 2;

/** UsageError for what is no byte-string of at least one byte, TooLong for more than 255. */
export function wireKey(name: string): WireKey {
  if (typeof name !== 'string' || name === '') throw new UsageError('a key has at least one byte');
  if (name.length > MAX_KEY_BYTES) {
    throw new TooLong({ isKey: true, isLocal: true, length: name.length, keyName: name });
  }
  const key = new Uint8Array(KEY_OFFSET + name.length);
  key[1] = name.length;
  for (let at = 0; at < name.length; at += 1) {
    const byte = name.charCodeAt(at);
    if (byte > 0xff) throw new UsageError(`'${name}' is no key: its characters stand for bytes`);
    key[KEY_OFFSET + at] = byte;
  }
  return key;
}

/** The name of a key: a character for each byte. */
export function keyName(key: WireKey): string {
  return byteText(key, KEY_OFFSET, key.length);
}

/** Bytes as a byte-string: a character for each. */
export function byteText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** The bytes that a byte-string stands for. UsageError for characters that stand for none. */
export function byteString(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const byte = text.charCodeAt(at);
    if (byte > 0xff) throw new UsageError(`'${text}' is no byte-string: a character is beyond ÿ`);
    bytes[at] = byte;
  }
  return bytes;
}
