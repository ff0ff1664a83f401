// Read first: RFC 4291 §2.2 (what an IPv6 address may look like) and RFC 5952 §4–5 (what it should look like).

/** An IP address by value. */
export interface IpAddress {
  readonly family: 'IPv4' | 'IPv6';
  /** Most significant first: 4 for IPv4, 16 for IPv6. */
  readonly bytes: Uint8Array;
  /** IPv6 only: the zone after `%`, the name or number of an interface (RFC 4007 §11). */
  readonly scope?: string;
}

const GROUP_COUNT = 8;
const DECIMAL_BYTE = /^(?:0|[1-9][0-9]{0,2})$/;
const HEXADECIMAL_GROUP = /^[0-9a-f]{1,4}$/i;
/** The characters that RFC 6874 §2 lets a zone have without escapes. */
const SCOPE = /^[0-9a-z._~-]+$/i;

/**
 * The address that `text` spells, or undefined. Names, brackets, ports, leading zeros and short IPv4 forms
 * (`127.1`, `0x7f000001`) are none.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const bytes = parseIPv4(text);
    return bytes && { family: 'IPv4', bytes: Uint8Array.from(bytes) };
  }
  const percent = text.indexOf('%');
  const bytes = parseIPv6(percent < 0 ? text : text.slice(0, percent));
  if (bytes === undefined) return undefined;
  if (percent < 0) return { family: 'IPv6', bytes };
  const scope = text.slice(percent + 1);
  return SCOPE.test(scope) ? { family: 'IPv6', bytes, scope } : undefined;
}

/** The one recommended spelling of the address: equal addresses give equal text (RFC 5952 §4). */
export function formatIpAddress(address: IpAddress): string {
  if (address.family === 'IPv4') return address.bytes.join('.');
  return formatIPv6(address.bytes) + (address.scope === undefined ? '' : `%${address.scope}`);
}

/** Whether the address stands for none, or for all of a host's: 0.0.0.0 or ::. */
export function isUnspecified(bytes: Uint8Array): boolean {
  return unmapped(bytes).every((byte) => byte === 0);
}

/** Whether the address is a group of hosts: 224.0.0.0/4 or ff00::/8. */
export function isMulticast(bytes: Uint8Array): boolean {
  const address = unmapped(bytes);
  const first = address[0] as number;
  return address.length === 4 ? first >> 4 === 0xe : first === 0xff;
}

/** Whether the address is 255.255.255.255. The broadcast address of a subnet shows only to whoever knows its mask. */
export function isBroadcast(bytes: Uint8Array): boolean {
  const address = unmapped(bytes);
  return address.length === 4 && address.every((byte) => byte === 255);
}

/** Whether the address is the host itself: 127.0.0.0/8 or ::1. */
export function isLoopback(bytes: Uint8Array): boolean {
  const address = unmapped(bytes);
  if (address.length === 4) return address[0] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => DECIMAL_BYTE.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 1 ? [] : parseGroups(halves[1] as string, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = GROUP_COUNT - head.length - tail.length;
  // `::` stands for one group at least (RFC 4291 §2.2).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The groups of 16 bits between colons. Only the end of an address may be spelled as IPv4. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (HEXADECIMAL_GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const embedded = isEnd && index === parts.length - 1 ? parseIPv4(part) : undefined;
    if (embedded === undefined) return undefined;
    const [a, b, c, d] = embedded as [number, number, number, number];
    groups.push((a << 8) | b, (c << 8) | d);
  }
  return groups;
}

function formatIPv6(bytes: Uint8Array): string {
  const v4 = unmapped(bytes);
  // RFC 5952 §5: the well-known prefix of mapped addresses shows the IPv4 address as such.
  if (v4.length === 4) return `::ffff:${v4.join('.')}`;
  const groups = Array.from({ length: GROUP_COUNT }, (_, i) => {
    return ((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number);
  });
  const { start, length } = longestZeroRun(groups);
  const spell = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  // RFC 5952 §4.2.2: a single group of zeros is spelled out.
  if (length < 2) return spell(groups);
  return `${spell(groups.slice(0, start))}::${spell(groups.slice(start + length))}`;
}

/** RFC 5952 §4.2.3: the longest run, and the first of equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}

/** The IPv4 address in an IPv4-mapped IPv6 one (RFC 4291 §2.5.5.2); any other as it is. */
function unmapped(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  return bytes.subarray(0, 10).every((byte) => byte === 0) ? bytes.subarray(12) : bytes;
}
