import { parseIpAddress } from '../bytes/ip-address.ts';
import { UsageError } from '../errors.ts';

const LAST_PORT = 65_535;

/** The family of an IP literal, undefined for anything else. */
export function ipFamily(host: string): 'IPv4' | 'IPv6' | undefined {
  return parseIpAddress(host)?.family;
}

/** The family that `host` has if it is a literal; IPv4 for names. */
export function likelyFamily(host: string): 'IPv4' | 'IPv6' {
  return host.includes(':') ? 'IPv6' : 'IPv4';
}

/** `host:port` as people write it: IPv6 in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Throws UsageError unless `port` is one that can be bound (0 included) or, with `least` 1, sent to. */
export function requirePort(port: number, least: 0 | 1): void {
  if (!Number.isInteger(port) || port < least || port > LAST_PORT) {
    const given = typeof port === 'string' ? `the string ${JSON.stringify(port)}` : String(port);
    throw new UsageError(`a port is a whole number from ${least} to ${LAST_PORT}, not ${given}`);
  }
}

/** Throws UsageError unless `host` is an IP literal; `what` names the option it was given in. */
export function requireLiteral(host: string, what: string): void {
  if (ipFamily(host) === undefined) throw new UsageError(`${what} must be an IP address, not ${host}`);
}
