import type { Hashes } from '../../lib/interfaces/hash.ts';
import { MAX_NAME_BYTES } from './messages.ts';

const PART_SUFFIX = '.hawser-part';
const JOURNAL_SUFFIX = '.hawser-journal';
const LOCK_SUFFIX = '.hawser-lock';
const LONGEST_SUFFIX_BYTES = JOURNAL_SUFFIX.length;

/**
 * Whether a peer may give a file this name: it stays in its folder on every system, Windows included, hides nothing
 * on a terminal but what escaping shows, and is none of our own temporary names.
 */
export function isSafeName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  if (/\p{Cs}/u.test(name) || utf8Length(name) > MAX_NAME_BYTES) return false;
  // Separators, and what Windows takes for a drive, a stream, a wildcard or a redirection.
  if (/[/\\:*?"<>|]/.test(name)) return false;
  if (/\p{Cc}/u.test(name)) return false;
  // Windows drops these silently, so that two names would be one.
  if (/[. ]$/.test(name)) return false;
  if (WINDOWS_DEVICE.test(name)) return false;
  return !/\.hawser-(?:part|journal|lock)$/i.test(name);
}

/** Devices on Windows, whatever extension follows. The superscripts count as digits there. */
const WINDOWS_DEVICE =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\..*)?$/i;

/** Where a file is while it arrives. All are beside the final name, so that a rename suffices. */
export interface PartPaths {
  readonly part: string;
  readonly journal: string;
  readonly lock: string;
  readonly final: string;
}

/** The paths for a safe name in `directory`. Different names have different paths. */
export function partPaths(directory: string, name: string, hashes: Hashes): PartPaths {
  const stem = `${directory}/.${shortened(name, hashes)}`;
  return {
    part: stem + PART_SUFFIX,
    journal: stem + JOURNAL_SUFFIX,
    lock: stem + LOCK_SUFFIX,
    final: `${directory}/${name}`,
  };
}

/** A name that leaves room for a dot and a suffix. Long ones are cut and told apart by a hash. */
function shortened(name: string, hashes: Hashes): string {
  const roomBytes = MAX_NAME_BYTES - 1 - LONGEST_SUFFIX_BYTES;
  if (utf8Length(name) <= roomBytes) return name;
  const hash = hashes.sha256();
  hash.update(new TextEncoder().encode(name));
  const mark = `~${toHex(hash.digest()).slice(0, 32)}`;
  let kept = '';
  for (const character of name) {
    if (utf8Length(kept + character) > roomBytes - mark.length) break;
    kept += character;
  }
  return kept + mark;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Lower-case hexadecimal digits, as sha256sum prints them. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
