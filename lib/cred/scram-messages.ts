import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { KEY_BYTES, MAX_ITERATIONS } from './scram-verifier.ts';

// Read first: RFC 5802 §5 (the attributes) and §7 (the grammar). Every parser is total: hostile text is a fault, a value.

/** Why a message is refused. */
export type ScramFault =
  | 'too long'
  | 'malformed'
  | 'unknown mandatory extension'
  | 'authorization id of somebody else'
  | 'channel binding not supported'
  | 'channel binding stripped'
  | 'channel binding mismatch'
  | 'wrong nonce'
  | 'too many iterations'
  | 'refused by the server'
  | 'out of turn';

/** What both ends know of the channel below them: RFC 9266's tls-exporter, 32 bytes of the TLS connection. */
export interface ChannelBinding {
  readonly name: 'tls-exporter';
  readonly bytes: Uint8Array;
}

/** The header in front of the client's first message (RFC 5801 §4). */
export interface Gs2Header {
  /** As it was sent, to be compared with what comes back in the client's final message. */
  readonly text: string;
  /** 'no': the client has none. 'unused': it has, and thinks that the server has not. */
  readonly binding: 'no' | 'unused' | 'used';
}

export interface ClientFirst {
  readonly header: Gs2Header;
  readonly bare: string;
  readonly username: string;
  readonly nonce: string;
}

export interface ServerFirst {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export interface ClientFinal {
  /** What was sent as c=: the header again, and the binding behind it. */
  readonly binding: Uint8Array;
  readonly nonce: string;
  readonly proof: Uint8Array;
  readonly withoutProof: string;
}

/** No message of ours is near this, nor is an honest peer's. */
const MAX_MESSAGE_CHARACTERS = 4096;

const BINDING = { n: 'no', y: 'unused' } as const;

/** `n,,n=user,r=nonce` (RFC 5802 §7, client-first-message). */
export function parseClientFirst(text: string): ClientFirst | ScramFault {
  if (text.length > MAX_MESSAGE_CHARACTERS) return 'too long';
  const match = /^([ny]|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,(.*)$/su.exec(text);
  if (match === null) return 'malformed';
  const [, flag = '', bindingName, authorization, bare = ''] = match;
  if (bindingName !== undefined && bindingName !== 'tls-exporter') return 'channel binding not supported';
  const attributes = parseAttributes(bare);
  if (attributes === undefined) return 'malformed';
  if (attributes[0]?.name === 'm') return 'unknown mandatory extension';
  const username = unescapeName(valueAt(attributes, 0, 'n'));
  const nonce = valueAt(attributes, 1, 'r');
  if (username === undefined || !isNonce(nonce)) return 'malformed';
  if (authorization !== undefined && unescapeName(authorization) !== username)
    return 'authorization id of somebody else';
  const binding = flag === 'n' || flag === 'y' ? BINDING[flag] : 'used';
  return { header: { text: text.slice(0, text.length - bare.length), binding }, bare, username, nonce };
}

/** `r=nonce,s=salt,i=4096` (server-first-message). */
export function parseServerFirst(text: string): ServerFirst | ScramFault {
  if (text.length > MAX_MESSAGE_CHARACTERS) return 'too long';
  const attributes = parseAttributes(text);
  if (attributes === undefined) return 'malformed';
  if (attributes[0]?.name === 'm') return 'unknown mandatory extension';
  if (attributes[0]?.name === 'e') return 'refused by the server';
  const nonce = valueAt(attributes, 0, 'r');
  const salt = decodeBase64(valueAt(attributes, 1, 's') ?? '');
  const iterations = valueAt(attributes, 2, 'i') ?? '';
  if (!isNonce(nonce) || salt === undefined || salt.length === 0) return 'malformed';
  if (!/^[1-9]\d*$/.test(iterations)) return 'malformed';
  if (iterations.length > 9 || Number(iterations) > MAX_ITERATIONS) return 'too many iterations';
  return { nonce, salt, iterations: Number(iterations) };
}

/** `c=biws,r=nonce,p=proof` (client-final-message). */
export function parseClientFinal(text: string): ClientFinal | ScramFault {
  if (text.length > MAX_MESSAGE_CHARACTERS) return 'too long';
  const attributes = parseAttributes(text);
  if (attributes === undefined) return 'malformed';
  const binding = decodeBase64(valueAt(attributes, 0, 'c') ?? '=');
  const nonce = valueAt(attributes, 1, 'r');
  // Extensions may stand between; the proof is the last.
  const last = attributes.length - 1;
  const proof = decodeBase64(last >= 2 ? (valueAt(attributes, last, 'p') ?? '') : '');
  if (binding === undefined || !isNonce(nonce) || proof?.length !== KEY_BYTES) return 'malformed';
  return { binding, nonce, proof, withoutProof: text.slice(0, text.lastIndexOf(',p=')) };
}

/** `v=signature`, or `e=error` (server-final-message). */
export function parseServerFinal(text: string): Uint8Array | ScramFault {
  if (text.length > MAX_MESSAGE_CHARACTERS) return 'too long';
  const attributes = parseAttributes(text);
  if (attributes === undefined) return 'malformed';
  if (attributes[0]?.name === 'e') return 'refused by the server';
  const signature = decodeBase64(valueAt(attributes, 0, 'v') ?? '');
  return signature?.length === KEY_BYTES ? signature : 'malformed';
}

/** `=` and `,` in a name are written as =3D and =2C (RFC 5802 §5.1). */
export function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

/** What c= has to say: the header once more, and the binding behind it if it is used. */
export function bindingInput(header: Gs2Header, binding: ChannelBinding | undefined): Uint8Array {
  const text = new TextEncoder().encode(header.text);
  if (header.binding !== 'used' || binding === undefined) return text;
  const input = new Uint8Array(text.length + binding.bytes.length);
  input.set(text);
  input.set(binding.bytes, text.length);
  return input;
}

/** A new nonce: 144 bits that nobody can guess, as printable text. */
export function formatNonce(randomBytes: Uint8Array): string {
  return encodeBase64(randomBytes);
}

export const NONCE_BYTES = 18;

interface Attribute {
  readonly name: string;
  readonly value: string;
}

/** `a=value,b=value`: one letter and at least one character each. NUL is in none of them, nor half a character. */
function parseAttributes(text: string): Attribute[] | undefined {
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) return undefined;
  const fields = text.split(',');
  if (!fields.every((field) => /^[A-Za-z]=./su.test(field))) return undefined;
  return fields.map((field) => ({ name: field.charAt(0), value: field.slice(2) }));
}

/** The order of the attributes is fixed (RFC 5802 §5). */
function valueAt(attributes: readonly Attribute[], index: number, name: string): string | undefined {
  const attribute = attributes[index];
  return attribute?.name === name ? attribute.value : undefined;
}

function isNonce(text: string | undefined): text is string {
  return text !== undefined && /^[!-+\--~]+$/.test(text);
}

function unescapeName(text: string | undefined): string | undefined {
  if (text === undefined || text === '' || /=(?!2C|3D)/.test(text)) return undefined;
  return text.replace(/=2C|=3D/g, (escaped) => (escaped === '=2C' ? ',' : '='));
}
