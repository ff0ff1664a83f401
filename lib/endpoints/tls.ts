import { CannotRead, UsageError } from '../errors.ts';
import type { Files } from '../interfaces/files.ts';
import type { EndpointReactor } from './endpoint.ts';
import { type InetOptions, inetEndpoints, PTCP_OPTIONS, type SettleOptions, TCP_OPTIONS } from './inet.ts';
import { commaList, milliseconds, type OptionReaders, oneOf } from './options.ts';
import type { EndpointParser } from './parse.ts';

/** Longer than any chain, or bundle of authorities. */
const MAX_PEM_BYTES = 4 << 20;

const BOTH: OptionReaders = {
  certificate: fileName,
  key: fileName,
  ca: fileName,
  pin: (text) => commaList(text, 'pin').map(requirePin),
  alpn: commaList,
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
  handshakeTimeoutMs: milliseconds,
  closeTimeoutMs: milliseconds,
  insecure: oneOf('yes'),
};
const SERVER: OptionReaders = { ...BOTH, clientCertificate: oneOf('ask', 'require') };
const CLIENT: OptionReaders = { ...BOTH, serverName: (text) => text };

/** TLS over the operating system's TCP: `tls:HOST:PORT…`, `tls:PORT:certificate=FILE…`; docs/tls.md has the options. */
export const tlsEndpoints: EndpointParser = inetEndpoints('tls', withTls(TCP_OPTIONS), settle);

/** TLS over PTCP: `ptcp+tls:HOST:PORT…`, `ptcp+tls:PORT:certificate=FILE…`, with the options of `tls:`. */
export const ptcpTlsEndpoints: EndpointParser = inetEndpoints('ptcp+tls', withTls(PTCP_OPTIONS), settle);

function withTls({ server, client }: InetOptions): InetOptions {
  return { server: { ...server, ...SERVER }, client: { ...client, ...CLIENT } };
}

/** Files are read when the endpoint is used, each time: a certificate may have been renewed. */
function settle(read: Record<string, unknown>): ReturnType<SettleOptions> {
  const { certificate, key, ca, alpn, insecure, ...others } = read;
  if (key !== undefined && certificate === undefined) {
    throw new UsageError('key= needs its certificate; give certificate=FILE too');
  }
  if (insecure !== undefined && others['pin'] !== undefined) {
    throw new UsageError('insecure= takes any certificate, pin= only one; leave one of them out');
  }
  return async (reactor) => {
    // Without a file for the key, it is in that of the certificate.
    const keyPath = key ?? certificate;
    return {
      ...others,
      ...(alpn !== undefined && { alpnProtocols: alpn }),
      ...(insecure !== undefined && { insecure: true }),
      ...(certificate !== undefined && { certificate: await readPem(reactor, certificate, 'certificate') }),
      ...(keyPath !== undefined && { key: await readPem(reactor, keyPath, 'key') }),
      ...(ca !== undefined && { ca: await readPem(reactor, ca, 'certificate') }),
    };
  };
}

function fileName(text: string, name: string): string {
  if (text !== '') return text;
  throw new UsageError(`${name} is the name of a file`);
}

/** A fingerprint without its colons. With colons it would have to be quoted, which is taken too. */
function requirePin(text: string): string {
  const digits = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new UsageError(
    `pin is a SHA-256 fingerprint, 64 hexadecimal digits without colons, not ${JSON.stringify(text)}`,
  );
}

/** The text of a PEM file. CannotRead where there is none, or it has not what it should. */
async function readPem(
  { files }: EndpointReactor,
  path: unknown,
  kind: 'certificate' | 'key',
): Promise<string> {
  const name = String(path);
  if (files === undefined) throw new CannotRead(`${name} cannot be read: this reactor has no files`);
  const text = await readText(files, name).catch((error: unknown) => {
    throw new CannotRead(`${name} cannot be read: ${reasonOf(error)}`, { cause: error });
  });
  if (kind === 'key' && /ENCRYPTED PRIVATE KEY-|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new CannotRead(`${name} holds a key that is encrypted; decrypt it, or give it in a program`);
  }
  const isThere =
    kind === 'key'
      ? /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(text)
      : text.includes('-----BEGIN CERTIFICATE-----');
  if (isThere) return text;
  throw new CannotRead(
    kind === 'key'
      ? `${name} holds no private key in PEM; give its file as key=FILE`
      : `${name} holds no certificate in PEM`,
  );
}

async function readText(files: Files, path: string): Promise<string> {
  const file = await files.open(path, 'read');
  try {
    return new TextDecoder('latin1').decode(await file.read(0, MAX_PEM_BYTES));
  } finally {
    await file.close();
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'its permissions forbid it';
  if (code === 'EISDIR') return 'it is a folder';
  return code;
}
