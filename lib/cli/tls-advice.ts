import {
  CertificateExpired,
  CertificateMissing,
  CertificateNameMismatch,
  CertificateNotYetValid,
  CertificatePinMismatch,
  CertificateRejected,
  CertificateUntrusted,
  CertificateWrongPurpose,
  NoCommonAlpn,
  NoCommonTlsVersion,
  NotTls,
  TlsError,
  TlsTimeout,
} from '../errors.ts';
import { printable } from './printable.ts';

/** One line: why there is no TLS with `where`, which is printable, and what to do. For the end that connects. */
export function explainTls(where: string, error: TlsError): string {
  const nothing = 'nothing was sent';
  if (error instanceof CertificatePinMismatch) return explainPin(where, error);
  if (error instanceof CertificateNameMismatch) {
    return `${where}: the certificate there is for other names; check the host, or write serverName= or pin=; ${nothing}`;
  }
  if (error instanceof CertificateExpired) {
    return `${where}: the certificate there has ended; it needs a new one, or check this machine's clock; ${nothing}`;
  }
  if (error instanceof CertificateNotYetValid) {
    return `${where}: the certificate there is not good yet; check the clocks of both machines; ${nothing}`;
  }
  if (error instanceof CertificateWrongPurpose) {
    return `${where}: the certificate there is not made for servers; it needs another; ${nothing}`;
  }
  if (error instanceof CertificateMissing) return `${where}: the peer shows no certificate; ${nothing}`;
  if (error instanceof CertificateUntrusted) return explainUntrusted(where, error);
  if (error instanceof CertificateRejected) {
    return `${where}: the receiver refuses our certificate, or that we have none; write certificate=FILE:key=FILE with one that it trusts`;
  }
  if (error instanceof NoCommonAlpn) {
    return `${where}: it speaks none of the protocols in alpn=; leave that out, or check the receiver's; ${nothing}`;
  }
  if (error instanceof NoCommonTlsVersion) {
    return `${where}: the two have no version of TLS in common; check minVersion=; ${nothing}`;
  }
  if (error instanceof TlsTimeout) {
    return `${where}: the TLS handshake took too long; check that a receiver with TLS listens there; ${nothing}`;
  }
  if (error instanceof NotTls) {
    return `${where}: what answers there speaks no TLS; start the receiver with tls: or ptcp+tls:, or check the port; ${nothing}`;
  }
  return `${where}: TLS failed: ${printable(error.message)}`;
}

/** One line: why the receiver turned a sender away in the handshake, and what to do. */
export function explainTurnedAway(peer: string, error: Error): string {
  const what = `${printable(peer)} was turned away: `;
  if (error instanceof NotTls)
    return `${what}it speaks no TLS; it must send to tls: or ptcp+tls:, as we listen`;
  if (error instanceof CertificateMissing) {
    return `${what}it shows no certificate; it must send with certificate=FILE:key=FILE`;
  }
  if (error instanceof CertificateUntrusted) {
    const pin = error.fingerprint === undefined ? '' : ` (its pin is ${pinOf(error.fingerprint)})`;
    return `${what}${printable(error.message)}${pin}`;
  }
  if (error instanceof CertificateRejected) {
    return `${what}it does not believe our certificate; give it the pin on a way that you trust`;
  }
  // A sender that does not believe our certificate may just go away.
  const hint =
    error instanceof TlsError && error.code === 'ERR_TLS' ? '; if it was a sender, give it the pin' : '';
  return `${what}${printable(error.message)}${hint}`;
}

/** Whoever is in the middle shows another certificate than the one that was pinned: this is the case pins are for. */
function explainPin(where: string, { fingerprint }: CertificatePinMismatch): string {
  const shown = fingerprint === undefined ? '' : ` (its pin is ${pinOf(fingerprint)})`;
  return (
    `WARNING: ${where} shows another certificate than the pinned one${shown}: somebody may be in the middle; ` +
    `nothing was sent; compare with the pin that the receiver prints`
  );
}

function explainUntrusted(where: string, { fingerprint }: CertificateUntrusted): string {
  const what = `${where}: nobody trusted here vouches for the certificate there, so nothing was sent`;
  if (fingerprint === undefined) return `${what}; write pin= or ca=`;
  const pin = pinOf(fingerprint);
  return `${what}; if the receiver prints the pin ${pin}, send to ${where}:pin=${pin}`;
}

/** A fingerprint as endpoints take it. */
function pinOf(fingerprint: string): string {
  return printable(fingerprint.replaceAll(':', '').toLowerCase());
}
