import { encodeBase64 } from '../bytes/base64.ts';
import { formatIpAddress, parseIpAddress } from '../bytes/ip-address.ts';
import { type CertificateRequest, type CryptoKey, loadX509, type SubjectAltName, type X509 } from './x509.ts';

/** A private key and a certificate in which it vouches for itself, both PEM. */
export interface SelfSigned {
  readonly certificate: string;
  /** PKCS #8. */
  readonly key: string;
  /** SHA-256 of the certificate, 64 hexadecimal digits: what an endpoint takes as `pin`. */
  readonly pin: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** What a certificate says, for people. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
  readonly pin: string;
}

/** A host that a certificate can name: its name in ASCII, or its IP address. */
export type CertifiedHost = SubjectAltName;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** RFC 5280 §A.1: ub-common-name. */
const MAX_COMMON_NAME_CHARACTERS = 64;
const MAX_NAME_CHARACTERS = 253;
/** RFC 5280 §4.2.1.6: id-ce-subjectAltName. */
const SUBJECT_ALT_NAME = '2.5.29.17';

/** Makes a key of ECDSA P-256 and its certificate for `hosts`, good for servers and clients, from now for `days`. */
export async function makeSelfSigned(
  hosts: readonly CertifiedHost[],
  nowMs: number,
  days: number,
): Promise<SelfSigned> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const subject = subjectOf(hosts);
  // A peer's clock may be a little behind.
  const validFrom = inWholeSeconds(nowMs - HOUR_MS);
  const validTo = inWholeSeconds(nowMs + days * DAY_MS);
  const request: CertificateRequest = {
    subject,
    issuer: subject,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: validFrom,
    notAfter: validTo,
    extensions: extensionsFor(x509, hosts),
  };
  const certificate = await x509.X509CertificateGenerator.create(request);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: await keyAsPem(keys.privateKey),
    pin: await pinOf(certificate.rawData),
    validFrom,
    validTo,
  };
}

/** What the certificates in a file say, the first one's facts first. Empty where there is none, in PEM or DER. */
export async function readCertificates(file: Uint8Array): Promise<CertificateFacts[]> {
  const x509 = await loadX509();
  const text = new TextDecoder('latin1').decode(file);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [file];
  const facts: CertificateFacts[] = [];
  for (const block of blocks) {
    const read = await factsOf(x509, block).catch(() => undefined);
    if (read !== undefined) facts.push(read);
  }
  return facts;
}

/** The host that `text` names, or undefined when it is none that a certificate can have. `*.` takes all of one level. */
export function parseCertifiedHost(text: string): CertifiedHost | undefined {
  const address = parseIpAddress(text.replace(/^\[(.*)\]$/, '$1'));
  if (address !== undefined) {
    return address.scope === undefined ? { type: 'ip', value: formatIpAddress(address) } : undefined;
  }
  const labels = text.replace(/^\*\./, '').split('.');
  const isName = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  // What ends in a number is a misspelt IPv4 address: no top level is one.
  if (!isName || text.length > MAX_NAME_CHARACTERS || /^\d+$/.test(labels.at(-1) ?? '')) return undefined;
  return { type: 'dns', value: text.toLowerCase() };
}

/** A host name in other letters as certificates and the DNS have it: `xn--…`. Undefined for what is no such name. */
export function asciiNameOf(text: string): string | undefined {
  const address = `http://${text}`;
  if (!/[^\u0020-\u007e]/.test(text) || !URL.canParse(address)) return undefined;
  const host = parseCertifiedHost(new URL(address).hostname);
  return host?.type === 'dns' ? host.value : undefined;
}

/** A pin as OpenSSL and browsers show fingerprints: upper case, a colon between bytes. */
export function fingerprintText(pin: string): string {
  return (pin.match(/../g) ?? []).join(':').toUpperCase();
}

/** The subject, which nobody checks: the first name, where it is short enough. */
function subjectOf(hosts: readonly CertifiedHost[]): string {
  const [first] = hosts;
  const isShort = first !== undefined && first.value.length <= MAX_COMMON_NAME_CHARACTERS;
  return `CN=${isShort ? first.value : 'hawser'}`;
}

/** Certificates know no parts of seconds. */
function inWholeSeconds(atMs: number): Date {
  return new Date(Math.floor(atMs / 1000) * 1000);
}

function extensionsFor(x509: X509, hosts: readonly CertifiedHost[]): CertificateRequest['extensions'] {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const names = hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts)];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
    ...names,
  ];
}

async function factsOf(x509: X509, block: string | Uint8Array): Promise<CertificateFacts> {
  const certificate = new x509.X509Certificate(block);
  const alternatives = certificate.extensions
    .filter(({ type }) => type === SUBJECT_ALT_NAME)
    .flatMap(({ names }) => names?.items ?? []);
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    names: alternatives.map(({ value }) => value),
    validFrom: certificate.notBefore,
    validTo: certificate.notAfter,
    pin: await pinOf(certificate.rawData),
  };
}

async function pinOf(der: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', der));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function keyAsPem(key: CryptoKey): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.exportKey('pkcs8', key));
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}
