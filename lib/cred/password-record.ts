import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import type { Cryptography, ScryptCost } from '../interfaces/cryptography.ts';
import { formatScramVerifier, KEY_BYTES, parseScramVerifier, scramKeys } from './scram-verifier.ts';
import type { UserRecord } from './user-store.ts';

/** What finding out one password from its record costs whoever stole it, and each login the server or its client. */
export interface PasswordCost {
  readonly scrypt: ScryptCost;
  /** PBKDF2's rounds, computed by clients that log in by SCRAM. */
  readonly iterations: number;
}

/** What OWASP asked for in 2023: scrypt in 32 MiB (about 0.2 s), and 600 000 rounds of PBKDF2. */
export const DEFAULT_PASSWORD_COST: PasswordCost = {
  scrypt: { logN: 15, r: 8, p: 3 },
  iterations: 600_000,
};

/** A scrypt record that was read. */
export interface ScryptRecord {
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export const SALT_BYTES = 16;

// A record may be hostile: at most 1 GiB and some seconds for one login.
const MAX_SCRYPT_BYTES = 2 ** 30;
const MAX_SCRYPT_BLOCKS = 2 ** 24;

/** The record of a user whose password is `password`, prepared. Takes two key derivations, one after the other. */
export async function makeUserRecord(
  name: string,
  password: Uint8Array,
  cryptography: Cryptography,
  { scrypt, iterations }: PasswordCost = DEFAULT_PASSWORD_COST,
): Promise<UserRecord> {
  const salt = cryptography.randomBytes(SALT_BYTES);
  const hash = await cryptography.scrypt(password, salt, scrypt, KEY_BYTES);
  const scramSalt = cryptography.randomBytes(SALT_BYTES);
  const salted = await cryptography.pbkdf2(password, scramSalt, iterations);
  const { clientKey, serverKey } = scramKeys(salted, cryptography);
  const storedKey = cryptography.sha256(clientKey);
  return {
    name,
    scrypt: formatScryptRecord({ cost: scrypt, salt, hash }),
    scram: formatScramVerifier({ iterations, salt: scramSalt, storedKey, serverKey }),
  };
}

/** The record as text: `$scrypt$ln=15,r=8,p=3$SALT$HASH`, as passlib writes it too. */
export function formatScryptRecord({ cost: { logN, r, p }, salt, hash }: ScryptRecord): string {
  return `$scrypt$ln=${logN},r=${r},p=${p}$${encodeBase64(salt, 'unpadded')}$${encodeBase64(hash, 'unpadded')}`;
}

/** The record in a text; undefined where it is none, or one that asks for more than any login may cost. */
export function parseScryptRecord(text: string): ScryptRecord | undefined {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/.exec(text);
  if (match === null) return undefined;
  const [logN, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  const [salt, hash] = match.slice(4).map((field) => decodeBase64(field, 'unpadded'));
  if (salt === undefined || hash === undefined || hash.length < SALT_BYTES) return undefined;
  const cost = { logN, r, p };
  return isBearable(cost) ? { cost, salt, hash } : undefined;
}

function isBearable({ logN, r, p }: ScryptCost): boolean {
  if (logN < 1 || r < 1 || p < 1) return false;
  return 128 * r * 2 ** logN <= MAX_SCRYPT_BYTES && 2 ** logN * r * p <= MAX_SCRYPT_BLOCKS;
}

/** Whether a record of a right password should be made anew because it costs a thief less than `wanted`. */
export function isWeaker(record: UserRecord, { scrypt: wanted, iterations }: PasswordCost): boolean {
  const scrypt = parseScryptRecord(record.scrypt);
  const scram = parseScramVerifier(record.scram);
  if (scrypt === undefined || scram === undefined || scram.iterations < iterations) return true;
  const { cost } = scrypt;
  const isSmaller = cost.r * 2 ** cost.logN < wanted.r * 2 ** wanted.logN;
  return isSmaller || cost.r * 2 ** cost.logN * cost.p < wanted.r * 2 ** wanted.logN * wanted.p;
}
