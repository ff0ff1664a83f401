/** What scrypt costs (RFC 7914): N is 2^logN, and memory is about 128 · N · r bytes. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** The cryptography of logins. What takes long runs elsewhere, and does not hold up the event loop. */
export interface Cryptography {
  scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    cost: ScryptCost,
    lengthBytes: number,
  ): PromiseLike<Uint8Array>;
  /** PBKDF2 with HMAC-SHA-256, 32 bytes: SCRAM's Hi (RFC 5802 §2.2). */
  pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number): PromiseLike<Uint8Array>;
  sha256(bytes: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** Whether both are the same; how long it takes depends on their lengths only. */
  isEqual(a: Uint8Array, b: Uint8Array): boolean;
  randomBytes(count: number): Uint8Array;
}
