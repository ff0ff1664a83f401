import { decodeBase64, encodeBase64 } from '../bytes/base64.ts';
import { UserStoreFailure } from '../errors.ts';
import { type NameCase, prepareName } from './names.ts';
import type { UserRecord } from './user-store.ts';

/** A line of a password file that is no user, and why. Never what it says: it may be a secret in the wrong place. */
export interface LineProblem {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

const HEADER = /^\ufeff?# hawser users 1 decoy-key=([A-Za-z0-9+/=]+)\r?\n/;
// Loose about base64, which is checked when its user logs in: a file may have 100 000 lines.
const RECORD =
  /([^:\n]+):(\$scrypt\$ln=\d{1,2},r=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]{22,}):(SCRAM-SHA-256\$\d{1,9}:[A-Za-z0-9+/]+={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=)\r?(?![^\n])/y;
const COMMENT = /\ufeff?(?:#|[ \t\r]*(?![^\n]))/y;
/** What TextDecoder writes for bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/** The text of a password file: which users it has, and the text with one of them changed. Never changes itself. */
export class UsersText {
  readonly problems: readonly LineProblem[];
  readonly #text: string;
  readonly #nameCase: NameCase;
  /** Where the line of each user begins, by the name as it is looked for. */
  readonly #starts: ReadonlyMap<string, number>;

  constructor(text: string, nameCase: NameCase = 'exact') {
    this.#text = text;
    this.#nameCase = nameCase;
    const { starts, problems } = read(text, nameCase);
    this.#starts = starts;
    this.problems = problems;
  }

  static decode(bytes: Uint8Array, nameCase?: NameCase): UsersText {
    return new UsersText(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), nameCase);
  }

  /** A text without users. */
  static empty(decoyKey: Uint8Array, nameCase?: NameCase): UsersText {
    return new UsersText(`# hawser users 1 decoy-key=${encodeBase64(decoyKey)}\n`, nameCase);
  }

  encode(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }

  /** The secret in the first line; undefined where somebody wrote the file by hand. */
  get decoyKey(): Uint8Array | undefined {
    return decodeBase64(HEADER.exec(this.#text)?.[1] ?? '=');
  }

  /** In the order of the text. */
  get names(): string[] {
    return [...this.#starts.keys()];
  }

  /** Every user with the number of their line, from 1. */
  get lines(): { readonly line: number; readonly record: UserRecord }[] {
    const found: { line: number; record: UserRecord }[] = [];
    let [line, at] = [1, 0];
    for (const [name, start] of this.#starts) {
      for (let newline = this.#text.indexOf('\n', at); newline >= 0 && newline < start; line += 1) {
        at = newline + 1;
        newline = this.#text.indexOf('\n', at);
      }
      const record = this.find(name);
      if (record !== undefined) found.push({ line, record });
    }
    return found;
  }

  find(name: string): UserRecord | undefined {
    const start = this.#starts.get(name);
    const match = start === undefined ? null : matchAt(RECORD, this.#text, start);
    if (match === null) return undefined;
    const [, , scrypt = '', scram = ''] = match;
    return { name, scrypt, scram };
  }

  /**
   * The text with `record` in the place of its user's line, in which the name stays as it is written, or behind the last
   * line. Everything else stays as it is.
   */
  with(record: UserRecord): UsersText {
    const start = this.#starts.get(record.name);
    const written = start === undefined ? null : matchAt(RECORD, this.#text, start);
    const line = `${written?.[1] ?? escapeName(record.name)}:${record.scrypt}:${record.scram}\n`;
    if (start !== undefined) return this.#spliced(start, this.#nextAfter(start), line);
    const end = this.#text.length;
    return this.#spliced(end, end, end === 0 || this.#text.endsWith('\n') ? line : `\n${line}`);
  }

  /** The text without the line of `name`. */
  without(name: string): UsersText {
    const start = this.#starts.get(name);
    return start === undefined ? this : this.#spliced(start, this.#nextAfter(start), '');
  }

  /** UserStoreFailure where what is not to be changed would be: bytes that cannot be read cannot be written again. */
  #spliced(from: number, to: number, line: string): UsersText {
    if (this.#text.includes(REPLACEMENT)) {
      const lineNumber = this.#text.slice(0, this.#text.indexOf(REPLACEMENT)).split('\n').length;
      throw new UserStoreFailure(`line ${lineNumber} is not UTF-8; mend or remove it first`);
    }
    return new UsersText(this.#text.slice(0, from) + line + this.#text.slice(to), this.#nameCase);
  }

  #nextAfter(start: number): number {
    const newline = this.#text.indexOf('\n', start);
    return newline < 0 ? this.#text.length : newline + 1;
  }
}

function read(text: string, nameCase: NameCase): { starts: Map<string, number>; problems: LineProblem[] } {
  const starts = new Map<string, number>();
  const problems: LineProblem[] = [];
  let start = 0;
  for (let line = 1; start < text.length; line += 1) {
    if (matchAt(COMMENT, text, start) === null) {
      const name = nameAt(text, start, nameCase);
      if (typeof name !== 'string') problems.push({ line, ...name });
      else if (!starts.has(name)) starts.set(name, start);
      else problems.push({ line, reason: 'an earlier line has the same name; that one counts' });
    }
    const newline = text.indexOf('\n', start);
    start = newline < 0 ? text.length : newline + 1;
  }
  return { starts, problems };
}

function nameAt(text: string, start: number, nameCase: NameCase): string | { readonly reason: string } {
  const written = matchAt(RECORD, text, start)?.[1];
  if (written === undefined) return { reason: 'it is not of the form NAME:SCRYPT:SCRAM' };
  if (written.includes(REPLACEMENT)) return { reason: 'its name is not UTF-8' };
  const name = unescapeName(written);
  if (name === undefined) return { reason: 'its name has an escape that is none' };
  if (prepareName(name) !== name) return { reason: 'its name is not written as SASLprep writes it' };
  if (nameCase === 'exact') return name;
  return prepareName(name, nameCase) ?? { reason: 'its name is none in lower case' };
}

function matchAt(pattern: RegExp, text: string, start: number): RegExpExecArray | null {
  pattern.lastIndex = start;
  return pattern.exec(text);
}

/** What would be taken for something else: the colon, the escape itself, and what looks like a comment. */
function escapeName(name: string): string {
  return name.replaceAll('%', '%25').replaceAll(':', '%3A').replace(/^#/, '%23');
}

function unescapeName(written: string): string | undefined {
  if (!written.includes('%')) return written;
  if (/%(?!25|3A|23)/.test(written)) return undefined;
  return written.replace(/%../g, (escaped) => String.fromCharCode(Number.parseInt(escaped.slice(1), 16)));
}
