import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Settings } from './settings.ts';

const CHUNK_BYTES = 65_536;

/** What is sent, piece by piece. Throws when the file is not to be read, or changes meanwhile. */
export function contentOf({ file, sizeBytes, seed }: Settings): AsyncGenerator<Uint8Array> {
  return file === undefined ? madeUp(sizeBytes, seed) : fromFile(file, sizeBytes);
}

/** Bytes as random as AES makes them, the same for the same seed, and faster than any disk. */
async function* madeUp(sizeBytes: number, seed: string): AsyncGenerator<Uint8Array> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES) {
    yield cipher.update(left < CHUNK_BYTES ? zeros.subarray(0, left) : zeros);
  }
}

async function* fromFile(file: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const before = await stat(file);
  yield* createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const after = await stat(file);
  if (before.size !== sizeBytes || after.size !== sizeBytes || before.mtimeMs !== after.mtimeMs) {
    throw new Error(`${file} changed while it was sent; try again when nothing writes to it`);
  }
}
