import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';

/** What a server keeps of a password for SCRAM-SHA-256: enough to check who has it, not to be taken for them. */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** The length of SHA-256 and of everything made with it. */
export const KEY_BYTES = 32;

/** More would be a mistake, or somebody's way to keep a client busy: 10 s of a fast machine. */
export const MAX_ITERATIONS = 20_000_000;

const SCHEME = 'SCRAM-SHA-256';

/** The verifier as RFC 5803 §2 writes it: `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`. */
export function formatScramVerifier({ iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  const keys = `${encodeBase64(storedKey)}:${encodeBase64(serverKey)}`;
  return `${SCHEME}$${iterations}:${encodeBase64(salt)}$${keys}`;
}

/** The verifier in an RFC 5803 text; undefined where it is none, or of another mechanism. */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const match = /^SCRAM-SHA-256\$([1-9]\d{0,8}):([^:$]+)\$([^:$]+):([^:$]+)$/.exec(text);
  if (match === null) return undefined;
  const iterations = Number(match[1]);
  const [salt, storedKey, serverKey] = match.slice(2).map((field) => decodeBase64(field));
  if (salt === undefined || iterations > MAX_ITERATIONS) return undefined;
  if (storedKey?.length !== KEY_BYTES || serverKey?.length !== KEY_BYTES) return undefined;
  return { iterations, salt, storedKey, serverKey };
}

/** ClientKey and ServerKey of a SaltedPassword (RFC 5802 §3). */
export function scramKeys(
  saltedPassword: Uint8Array,
  cryptography: Cryptography,
): { clientKey: Uint8Array; serverKey: Uint8Array } {
  const clientKey = cryptography.hmacSha256(saltedPassword, ascii('Client Key'));
  const serverKey = cryptography.hmacSha256(saltedPassword, ascii('Server Key'));
  return { clientKey, serverKey };
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
