import { saslprep } from '@mongodb-js/saslprep';

/** Longer names and passwords are nobody's: preparing them would only cost time. */
export const MAX_NAME_CHARACTERS = 256;
export const MAX_PASSWORD_CHARACTERS = 1024;

/** Whether names that differ only in case are one user's. */
export type NameCase = 'exact' | 'fold';

/**
 * A user's name as it is compared and kept: SASLprep (RFC 4013), and in lower case where case does not count.
 * Undefined for what can be no name: empty, too long, or with characters that RFC 4013 forbids.
 */
export function prepareName(name: string, nameCase: NameCase = 'exact'): string | undefined {
  const prepared = prepare(name, MAX_NAME_CHARACTERS);
  // Folding may undo the normal form; once more makes it the same for every spelling.
  return nameCase === 'exact' ? prepared : prepare(prepared?.toLowerCase() ?? '', MAX_NAME_CHARACTERS);
}

/** A password as it is hashed, in bytes (RFC 5802 §2.2). Undefined for what can be no password, as with names. */
export function preparePassword(password: string): Uint8Array | undefined {
  const prepared = prepare(password, MAX_PASSWORD_CHARACTERS);
  return prepared === undefined ? undefined : new TextEncoder().encode(prepared);
}

function prepare(text: string, maxCharacters: number): string | undefined {
  if (text.length === 0 || text.length > maxCharacters) return undefined;
  // What everybody has needs no tables. Printable ASCII is mapped to itself.
  if (/^[ -~]+$/.test(text)) return text;
  try {
    const prepared = saslprep(text);
    return prepared === '' ? undefined : prepared;
  } catch {
    return undefined;
  }
}
