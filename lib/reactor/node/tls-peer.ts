import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  CertificateMissing,
  CertificateNameMismatch,
  CertificatePinMismatch,
  NoCommonAlpn,
} from '../../errors.ts';
import type { PeerCertificate, TlsFacts } from '../../interfaces/tls.ts';
import { refusal } from './tls-failure.ts';

/** What a peer must be. */
export interface PeerRules {
  readonly isServer: boolean;
  readonly isInsecure: boolean;
  /** Whether one without a certificate is refused. */
  readonly isCertificateRequired: boolean;
  readonly pins: ReadonlySet<string> | undefined;
  readonly needsAlpn: boolean;
  /** Clients only: the name that the certificate must have. */
  readonly serverName: string | undefined;
}

/**
 * Why the peer is refused, once the handshake is over; undefined when it is as it must be. OpenSSL has looked at the
 * chain, the dates and the purpose, and left its opinion in the socket.
 */
export function refusePeer(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  rules: PeerRules,
): Error | undefined {
  if (rules.needsAlpn && typeof socket.alpnProtocol !== 'string')
    return new NoCommonAlpn(
      'the peer names no application protocol (ALPN): compare alpnProtocols on both sides',
    );
  const whom = rules.isServer ? 'the client' : (rules.serverName ?? 'the server');
  if (certificate === undefined) {
    if (!rules.isCertificateRequired) return undefined;
    return new CertificateMissing(`${whom} has shown no certificate, and one is required`);
  }
  if (rules.isInsecure) return undefined;
  if (rules.pins !== undefined) return refuseUnpinned(certificate, rules.pins, whom);
  if (!socket.authorized) return refusal(String(socket.authorizationError), whom, certificate);
  return rules.serverName === undefined ? undefined : refuseName(certificate, rules.serverName);
}

function refuseUnpinned(
  certificate: X509Certificate,
  pins: ReadonlySet<string>,
  whom: string,
): Error | undefined {
  if (pins.has(certificate.fingerprint256.replaceAll(':', ''))) return undefined;
  return new CertificatePinMismatch(
    `the certificate of ${whom} is not the pinned one; its fingerprint is ${certificate.fingerprint256}`,
    { fingerprint: certificate.fingerprint256 },
  );
}

/** RFC 9525 §6: alternative names only, the common name does not count; `*` stands for a whole label. */
function refuseName(certificate: X509Certificate, name: string): Error | undefined {
  const isIp = isIP(name) !== 0;
  const found = isIp
    ? certificate.checkIP(name)
    : certificate.checkHost(name, { subject: 'never', partialWildcards: false });
  if (found !== undefined) return undefined;
  const names = certificate.subjectAltName ?? 'none';
  return new CertificateNameMismatch(`the certificate is not for ${name}; its names: ${names}`, {
    fingerprint: certificate.fingerprint256,
  });
}

/** What the handshake agreed on. */
export function factsOf(socket: TLSSocket, certificate: X509Certificate | undefined): TlsFacts {
  const { alpnProtocol } = socket;
  const serverName: unknown = (socket as { servername?: unknown }).servername;
  return {
    version: socket.getProtocol() as TlsFacts['version'],
    cipher: socket.getCipher().standardName,
    alpnProtocol: typeof alpnProtocol === 'string' ? alpnProtocol : undefined,
    peerCertificate: certificate === undefined ? undefined : shown(certificate),
    serverName: typeof serverName === 'string' && serverName !== '' ? serverName : undefined,
    channelBinding: channelBinding(socket),
  };
}

/** RFC 9266 §4.2 wants an extended master secret under TLS 1.2, and Node does not tell whether there is one. */
function channelBinding(socket: TLSSocket): Uint8Array | undefined {
  if (socket.getProtocol() !== 'TLSv1.3') return undefined;
  return new Uint8Array(socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
}

function shown(certificate: X509Certificate): PeerCertificate {
  const subject: unknown = certificate.toLegacyObject().subject?.CN;
  const commonName: unknown = Array.isArray(subject) ? subject.at(-1) : subject;
  // Node has none where there is no name, whatever its types say.
  const issuer: string | undefined = certificate.issuer;
  return {
    der: certificate.raw,
    fingerprint: certificate.fingerprint256,
    commonName: typeof commonName === 'string' ? commonName : '',
    subjectAltNames: namesIn(certificate.subjectAltName ?? ''),
    issuer: (issuer ?? '').replaceAll('\n', ', '),
    validFrom: certificate.validFrom,
    validTo: certificate.validTo,
  };
}

/** Names are divided by a comma; one that has a comma in it is a JSON string behind its type. */
function namesIn(text: string): string[] {
  return text.match(/[^,\s"](?:[^,"]|"(?:[^"\\]|\\.)*")*/g) ?? [];
}
