import { UsageError } from '../errors.ts';

const LAST_PORT = 65_535;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i;
const IPV6_GROUPS = 8;

/** The family of an IP literal, undefined for anything else. An IPv6 literal may carry its scope after `%`. */
export function ipFamily(host: string): 'IPv4' | 'IPv6' | undefined {
  if (IPV4.test(host)) return 'IPv4';
  return isIPv6(host) ? 'IPv6' : undefined;
}

/** The family that `host` has, or would have if it were a literal. */
export function likelyFamily(host: string): 'IPv4' | 'IPv6' {
  return host.includes(':') ? 'IPv6' : 'IPv4';
}

/** Throws UsageError unless `port` is one that can be bound (0 included) or, with `least` 1, sent to. */
export function requirePort(port: number, least: 0 | 1): void {
  if (!Number.isInteger(port) || port < least || port > LAST_PORT) {
    throw new UsageError(`a port is a whole number from ${least} to ${LAST_PORT}, not ${port}`);
  }
}

/** RFC 4291 §2.2: eight groups, `::` once for some of them, and the last two may be an IPv4 address. */
function isIPv6(host: string): boolean {
  const scopeAt = host.indexOf('%');
  if (scopeAt === host.length - 1) return false;
  const address = scopeAt < 0 ? host : host.slice(0, scopeAt);
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const [before = 0, after = 0] = halves.map((half, index) => groupCount(half, index === halves.length - 1));
  return halves.length === 2 ? before + after < IPV6_GROUPS : before === IPV6_GROUPS;
}

/** How many groups `text` holds; NaN when it is not made of groups. */
function groupCount(text: string, mayEndInIPv4: boolean): number {
  if (text === '') return 0;
  const groups = text.split(':');
  const last = groups[groups.length - 1] ?? '';
  const isEmbedded = mayEndInIPv4 && IPV4.test(last);
  const plain = isEmbedded ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => IPV6_GROUP.test(group))) return Number.NaN;
  return plain.length + (isEmbedded ? 2 : 0);
}
