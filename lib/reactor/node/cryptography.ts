import { createHash, createHmac, pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { Cryptography, ScryptCost } from '../../interfaces/cryptography.ts';

/** What OpenSSL wants beside the 128 · r · (N + p) bytes of RFC 7914. */
const SCRYPT_SPARE_BYTES = 1 << 20;

/** Cryptography as OpenSSL computes it. Key derivations run on libuv's threads. */
export class NodeCryptography implements Cryptography {
  scrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost, lengthBytes: number): Promise<Uint8Array> {
    const { logN, r, p } = cost;
    const N = 2 ** logN;
    const options = { N, r, p, maxmem: 128 * r * (N + p) + SCRYPT_SPARE_BYTES };
    return new Promise((resolve, reject) => {
      scrypt(password, salt, lengthBytes, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key));
        else reject(error);
      });
    });
  }

  pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      pbkdf2(password, salt, iterations, 32, 'sha256', (error, key) => {
        if (error === null) resolve(new Uint8Array(key));
        else reject(error);
      });
    });
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHash('sha256').update(bytes).digest());
  }

  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac('sha256', key).update(bytes).digest());
  }

  isEqual(a: Uint8Array, b: Uint8Array): boolean {
    return a.length === b.length && timingSafeEqual(a, b);
  }

  randomBytes(count: number): Uint8Array {
    return new Uint8Array(randomBytes(count));
  }
}
