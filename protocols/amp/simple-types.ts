import { UsageError } from '../../lib/errors.ts';
import type { ArgumentType } from './argument.ts';
import { ArgumentError } from './errors.ts';
import { keptBytes } from './kept-bytes.ts';
import { byteString } from './wire-key.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const TRUE = byteString('True');
const FALSE = byteString('False');
/** Shorter than this, a loop is faster than a decoder. */
const SHORT = 24;

/**
 * Bytes as they are: amp.String. What is written is taken over, as a transport does: long values are not copied, and must
 * not change afterwards. What is read is the reader's own.
 */
export const bytes: ArgumentType<Uint8Array> = {
  write: (value, sink) => {
    if (!(value instanceof Uint8Array)) throw new UsageError(`a ${typeof value} is no Uint8Array`);
    sink.bytes(value);
  },
  read: keptBytes,
  readPart: keptBytes,
};

/** Text as UTF-8: amp.Unicode. Strict both ways: halves of surrogate pairs and bad bytes are refused. */
export const unicode: ArgumentType<string> = {
  write: (value, sink) => {
    if (typeof value !== 'string') throw new UsageError(`a ${typeof value} is no text`);
    sink.utf8(value);
  },
  read: (value) => readText(value, 0, value.length),
  readPart: readText,
};

/** The path of a file, as UTF-8: amp.Path. Names that are no UTF-8, which Python carries in surrogates, are refused. */
export const path: ArgumentType<string> = {
  write: (value, sink) => {
    if (typeof value === 'string' && value.includes('\0')) throw new UsageError('no path has a NUL in it');
    unicode.write(value, sink);
  },
  read: (value) => readPath(value, 0, value.length),
  readPart: readPath,
};

/** `True` or `False`: amp.Boolean. */
export const boolean: ArgumentType<boolean> = {
  write: (value, sink) => {
    if (typeof value !== 'boolean') throw new UsageError(`a ${typeof value} is no boolean`);
    sink.bytes(value ? TRUE : FALSE);
  },
  read: (value) => readBoolean(value, 0, value.length),
  readPart: readBoolean,
};

function readBoolean(value: Uint8Array, start: number, end: number): boolean {
  if (isSame(value, start, end, TRUE)) return true;
  if (isSame(value, start, end, FALSE)) return false;
  throw new ArgumentError('neither True nor False');
}

function isSame(value: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let index = 0; index < other.length; index += 1) {
    if (value[start + index] !== other[index]) return false;
  }
  return true;
}

function readPath(value: Uint8Array, start: number, end: number): string {
  const text = readText(value, start, end);
  if (text.includes('\0')) throw new ArgumentError('a path with a NUL in it');
  return text;
}

function readText(value: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT) {
    let text = '';
    let at = start;
    for (; at < end && (value[at] as number) < 0x80; at += 1)
      text += String.fromCharCode(value[at] as number);
    if (at === end) return text;
  }
  try {
    return DECODER.decode(value.subarray(start, end));
  } catch (error) {
    throw new ArgumentError('no UTF-8', { cause: error });
  }
}
