import { UsageError } from '../../errors.ts';
import type { TlsOptions } from '../../interfaces/tls.ts';

const COMMON_OPTIONS = [
  'certificate',
  'key',
  'passphrase',
  'ca',
  'pin',
  'alpnProtocols',
  'minVersion',
  'handshakeTimeoutMs',
  'closeTimeoutMs',
  'insecure',
] as const;

/** The options of TLS for the end that connects, and for the one that listens. */
export const TLS_CLIENT_OPTIONS: readonly string[] = [...COMMON_OPTIONS, 'serverName'];
export const TLS_SERVER_OPTIONS: readonly string[] = [...COMMON_OPTIONS, 'clientCertificate', 'hosts'];

/** How long a handshake may take unless told otherwise. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Options of two kinds, given as one object: those of TLS, and those of the transport below. */
export function splitOptions(
  options: object,
  tlsNames: readonly string[],
): { readonly tls: TlsOptions; readonly below: object } {
  if (typeof options !== 'object' || options === null)
    throw new UsageError(`the options of TLS are an object, not ${String(options)}`);
  const entries = Object.entries(options);
  return {
    tls: Object.fromEntries(entries.filter(([name]) => tlsNames.includes(name))),
    below: Object.fromEntries(entries.filter(([name]) => !tlsNames.includes(name))),
  };
}
