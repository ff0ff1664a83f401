import type { X509Certificate } from 'node:crypto';
import {
  CertificateExpired,
  CertificateMissing,
  CertificateNotYetValid,
  CertificateRejected,
  CertificateSelfSigned,
  CertificateUntrusted,
  CertificateWrongPurpose,
  NoCommonAlpn,
  NoCommonTlsVersion,
  NotTls,
  TlsError,
} from '../../errors.ts';
import { errnoOf } from '../../transports/connect-error.ts';

type Failure = new (message: string, options?: ErrorOptions) => TlsError;

/** Names of OpenSSL's reasons: of an alert of the peer, or of what we noticed. The first that fits counts. */
const REASONS: readonly (readonly [RegExp, Failure, string])[] = [
  [
    /ALERT_CERTIFICATE_REQUIRED/,
    CertificateRejected,
    'the peer requires a certificate and was given none: give certificate and key',
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|NO_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/,
    CertificateRejected,
    'the peer refuses our certificate',
  ],
  [
    /NO_APPLICATION_PROTOCOL/,
    NoCommonAlpn,
    'the two have no application protocol in common: compare alpnProtocols on both sides',
  ],
  [
    /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|WRONG_SSL_VERSION|INAPPROPRIATE_FALLBACK/,
    NoCommonTlsVersion,
    'the two have no version of TLS in common: TLS 1.2 is the least, or minVersion',
  ],
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    CertificateMissing,
    'the client has shown no certificate, and one is required',
  ],
  [/UNRECOGNIZED_NAME/, TlsError, 'the server does not know the name that it was asked for by serverName'],
  [
    /ALERT_HANDSHAKE_FAILURE|NO_SHARED_CIPHER|ALERT_INSUFFICIENT_SECURITY|NO_SUITABLE|NO_COMMON/,
    TlsError,
    'the two have no cipher or key in common',
  ],
  [/_ALERT_/, TlsError, 'the peer ended TLS with an alert'],
];

/** What OpenSSL says of bytes that are no TLS, while it expects the first ones. */
const NO_TLS =
  /HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG|RECORD_LENGTH_MISMATCH|BAD_RECORD_TYPE|ENCRYPTED_LENGTH_TOO_LONG|DATA_LENGTH_TOO_LONG|RECORD_TOO_SMALL|LENGTH_TOO_SHORT/;

/** What an error of OpenSSL is called above. `isFirst`: nothing of the peer was understood before. */
export function tlsFailure(cause: Error, isFirst: boolean): TlsError {
  const code = errnoOf(cause) ?? '';
  const options = { cause };
  for (const [pattern, Class, message] of REASONS) {
    if (pattern.test(code)) return new Class(message, options);
  }
  if (isFirst && NO_TLS.test(code))
    return new NotTls('what the peer sends is not TLS: look whether it speaks TLS on that port', options);
  if (code === 'ECONNRESET')
    return new TlsError('the peer ended the connection during the handshake', options);
  return new TlsError(`TLS failed: ${code || cause.message}`, options);
}

type Refusal = new (
  message: string,
  options?: ErrorOptions & { readonly fingerprint?: string | undefined },
) => TlsError;

/** OpenSSL's reasons to refuse a certificate. */
const REFUSALS: Readonly<Record<string, readonly [Refusal, string]>> = {
  CERT_HAS_EXPIRED: [CertificateExpired, 'is out of date, or one that vouches for it: renew it'],
  CERT_NOT_YET_VALID: [
    CertificateNotYetValid,
    'is not valid yet, or one that vouches for it: look at the clocks',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    CertificateSelfSigned,
    'vouches for itself: if it is the right one, give its fingerprint as pin',
  ],
  INVALID_PURPOSE: [CertificateWrongPurpose, 'was made for another purpose (extended key usage)'],
};

/** Why the certificate of `whom` is refused; `code` is OpenSSL's reason. */
export function refusal(code: string, whom: string, certificate: X509Certificate | undefined): TlsError {
  const [Class, message] = REFUSALS[code] ?? [
    CertificateUntrusted,
    `has nobody to vouch for it who is trusted here (${code}): give their certificates as ca, or its fingerprint as pin`,
  ];
  return new Class(`the certificate of ${whom} ${message}`, { fingerprint: certificate?.fingerprint256 });
}
