/** A key of WebCrypto. */
export type CryptoKey = Parameters<typeof crypto.subtle.exportKey>[1];

/** A certificate, made or read. */
export interface X509Certificate {
  /** As text: 'CN=…, O=…'. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly rawData: ArrayBuffer;
  readonly extensions: readonly X509Extension[];
  toString(format: 'pem'): string;
}

/** An extension of a certificate. That with the subject's alternative names has `names`. */
export interface X509Extension {
  readonly type: string;
  readonly names?: { readonly items: readonly { readonly type: string; readonly value: string }[] };
}

export interface SubjectAltName {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

export interface CertificateRequest {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: CryptoKey;
  readonly signingKey: CryptoKey;
  readonly signingAlgorithm: { readonly name: string; readonly hash: string };
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly X509Extension[];
}

/**
 * What is used of @peculiar/x509. Its own declarations need those of browsers, which this project does without, so they
 * are written down here.
 */
export interface X509 {
  readonly X509CertificateGenerator: { create(request: CertificateRequest): Promise<X509Certificate> };
  /** Reads PEM or DER; throws when it is none. */
  readonly X509Certificate: new (
    raw: string | Uint8Array,
  ) => X509Certificate;
  readonly BasicConstraintsExtension: new (
    isCa: boolean,
    pathLength: number | undefined,
    isCritical: boolean,
  ) => X509Extension;
  readonly KeyUsagesExtension: new (flags: number, isCritical: boolean) => X509Extension;
  readonly KeyUsageFlags: {
    readonly digitalSignature: number;
    readonly keyCertSign: number;
    readonly cRLSign: number;
  };
  readonly ExtendedKeyUsageExtension: new (purposes: readonly string[]) => X509Extension;
  readonly ExtendedKeyUsage: { readonly serverAuth: string; readonly clientAuth: string };
  readonly SubjectAlternativeNameExtension: new (names: readonly SubjectAltName[]) => X509Extension;
}

/** Loads it: a tenth of a second, so only the commands that make or show certificates do. */
export async function loadX509(): Promise<X509> {
  satisfyTsyringe();
  // A variable, lest the compiler reads the declarations.
  const name: string = '@peculiar/x509';
  return (await import(name)) as X509;
}

/**
 * The library finds its algorithms through tsyringe, which refuses to load without reflect-metadata's functions on
 * Reflect. None of those classes has metadata, so functions that know of none are all it needs.
 */
function satisfyTsyringe(): void {
  const reflect = Reflect as { getMetadata?: () => undefined; getOwnMetadata?: () => undefined };
  reflect.getMetadata ??= () => undefined;
  reflect.getOwnMetadata ??= () => undefined;
}
