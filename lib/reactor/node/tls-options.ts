import { X509Certificate } from 'node:crypto';
import { UsageError } from '../../errors.ts';
import type { Pem, StartTlsOptions, TlsIdentity, TlsServerOptions } from '../../interfaces/tls.ts';
import { requireKnownNames } from '../../transports/known-options.ts';
import { TLS_CLIENT_OPTIONS, TLS_SERVER_OPTIONS } from '../../transports/tls/options.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const FINGERPRINT = /^[0-9A-F]{64}$/;
/** The length of a name has one byte (RFC 7301 §3.1). */
const MAX_ALPN_BYTES = 255;

/** Throws UsageError for options that cannot work, or that would not do what they seem to. */
export function requireTlsOptions(options: StartTlsOptions): void {
  const { isServer = false } = options;
  const known = isServer ? TLS_SERVER_OPTIONS : TLS_CLIENT_OPTIONS;
  requireKnownNames(options, [...known, 'isServer', 'unread'], 'TLS');
  if ((options.certificate === undefined) !== (options.key === undefined))
    throw new UsageError('a certificate and its key are given together');
  requireOneOf('minVersion', options.minVersion, ['TLSv1.2', 'TLSv1.3']);
  requireOneOf('insecure', options.insecure, [true]);
  if (options.insecure && options.pin !== undefined)
    throw new UsageError(
      'insecure takes whatever certificate the peer has: leave it out where there is a pin',
    );
  for (const name of ['handshakeTimeoutMs', 'closeTimeoutMs'] as const) requireDuration(name, options[name]);
  requireAlpn(options.alpnProtocols);
  if (options.isServer) requireServerOptions(options);
  else requireServerName(options);
}

/** The pins as Node writes fingerprints, but without colons. */
export function pinsOf({ pin }: StartTlsOptions): ReadonlySet<string> | undefined {
  if (pin === undefined) return undefined;
  const pins = (typeof pin === 'string' ? [pin] : pin).map((each) => each.replaceAll(':', '').toUpperCase());
  const isGood = pins.length > 0 && pins.every((each) => FINGERPRINT.test(each));
  if (!isGood)
    throw new UsageError('a pin is the SHA-256 fingerprint of a certificate: 64 hexadecimal digits');
  return new Set(pins);
}

/** The certificates in `ca`, each by itself. UsageError where there are none: nobody could be trusted. */
export function authoritiesOf({ ca }: StartTlsOptions): string[] | undefined {
  if (ca === undefined) return undefined;
  const given: readonly Pem[] = typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca;
  const found = given.flatMap((pem) => textOf(pem).match(CERTIFICATE) ?? []);
  if (found.length === 0) throw new UsageError('ca has no certificate in PEM');
  for (const pem of found) requireCertificate(pem);
  return found;
}

/** Node takes both, but for bytes that are no Buffer in some places. */
export function textOf(pem: Pem): string {
  return typeof pem === 'string'
    ? pem
    : Buffer.from(pem.buffer, pem.byteOffset, pem.length).toString('latin1');
}

function requireCertificate(pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new UsageError('a certificate in ca cannot be read', { cause });
  }
}

function requireServerOptions(options: TlsServerOptions): void {
  if (options.certificate === undefined) throw new UsageError('a TLS server needs certificate and key');
  for (const [name, identity] of Object.entries(options.hosts ?? {})) requireIdentity(name, identity);
  requireOneOf('clientCertificate', options.clientCertificate, ['ask', 'require']);
  if (options.clientCertificate !== undefined) return;
  const useless = (['ca', 'pin', 'insecure'] as const).find((name) => options[name] !== undefined);
  if (useless !== undefined)
    throw new UsageError(
      `${useless} is about the certificates of clients: ask for them by clientCertificate`,
    );
}

function requireIdentity(name: string, identity: TlsIdentity): void {
  requireKnownNames(identity, ['certificate', 'key', 'passphrase'], `hosts[${JSON.stringify(name)}]`);
  if (name === '' || identity.certificate === undefined || identity.key === undefined)
    throw new UsageError(
      `hosts needs names, and certificate and key for each: look at ${JSON.stringify(name)}`,
    );
}

function requireServerName({ serverName, pin, insecure }: StartTlsOptions & { serverName?: string }): void {
  if (serverName === undefined && pin === undefined && insecure === undefined)
    throw new UsageError(
      'a TLS client needs serverName, the name that the certificate of its peer must have, or pin',
    );
  if (serverName !== undefined && (typeof serverName !== 'string' || serverName === ''))
    throw new UsageError(`serverName is a host name or an IP address, not ${JSON.stringify(serverName)}`);
}

function requireAlpn(names: readonly string[] | undefined): void {
  if (names === undefined) return;
  const isGood = (name: unknown): boolean =>
    typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= MAX_ALPN_BYTES;
  if (!Array.isArray(names) || names.length === 0 || !names.every(isGood))
    throw new UsageError('alpnProtocols is a list of names, each of 1 to 255 bytes');
}

function requireOneOf(name: string, given: unknown, allowed: readonly unknown[]): void {
  if (given === undefined || allowed.includes(given)) return;
  throw new UsageError(`${name} is ${allowed.join(' or ')}, not ${String(given)}`);
}

function requireDuration(name: string, given: number | undefined): void {
  if (given === undefined || (typeof given === 'number' && given > 0)) return;
  throw new UsageError(`${name} is a number of milliseconds above 0, not ${String(given)}`);
}
