import { decodeBase64 } from '../bytes/base64.ts';
import type { EndpointReactor } from '../endpoints/endpoint.ts';
import { parseEndpoint } from '../endpoints/parse.ts';
import { UsageError } from '../errors.ts';
import type { Files } from '../interfaces/files.ts';
import type { Hashes } from '../interfaces/hash.ts';
import type { ConnectorLike, StreamClientFactory, StreamFactory } from '../interfaces/protocol.ts';
import type { ListeningPort } from '../interfaces/reactor.ts';
import type { ConnectTarget, ListenTarget } from '../transports/provider.ts';

/** A certificate and its key, PEM. */
interface OwnCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Whether `endpoint` listens with TLS and names no certificate. */
export function lacksCertificate(endpoint: string): boolean {
  try {
    const { word, options } = parseEndpoint(endpoint);
    return /^(?:.+\+)?tls$/.test(word) && !('certificate' in options);
  } catch (error) {
    // Whoever listens there says what is wrong with it.
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** What an endpoint listens through: lends it a certificate where it has none, and knows the pin of the one it shows. */
export class CertificateLender implements EndpointReactor {
  readonly #reactor: EndpointReactor;
  readonly #hashes: Hashes;
  readonly #own: OwnCertificate | undefined;
  #pin: string | undefined = undefined;

  constructor(reactor: EndpointReactor, hashes: Hashes, own: OwnCertificate | undefined) {
    this.#reactor = reactor;
    this.#hashes = hashes;
    // Whoever lends it may know more of it than goes into options.
    this.#own = own && { certificate: own.certificate, key: own.key };
  }

  /** The pin of the certificate that is shown: once it listens, and if it speaks TLS. */
  get pin(): string | undefined {
    return this.#pin;
  }

  get files(): Files | undefined {
    return this.#reactor.files;
  }

  listen(kind: string, target: ListenTarget, factory: StreamFactory, options: object = {}): ListeningPort {
    const whole: { certificate?: unknown } = { ...this.#own, ...options };
    if (typeof whole.certificate === 'string') this.#pin = pinOfPem(whole.certificate, this.#hashes);
    return this.#reactor.listen(kind, target, factory, whole);
  }

  connect(
    kind: string,
    target: ConnectTarget,
    factory: StreamClientFactory,
    options?: object,
  ): ConnectorLike {
    return this.#reactor.connect(kind, target, factory, options);
  }
}

/** SHA-256 of the first certificate in PEM text, 64 hexadecimal digits; undefined where there is none. */
export function pinOfPem(pem: string, hashes: Hashes): string | undefined {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  const der = body && decodeBase64(body.replace(/\s/g, ''));
  if (!der) return undefined;
  const hash = hashes.sha256();
  hash.update(der);
  return Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
