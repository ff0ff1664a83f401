import { maybeDeferred } from '../defer/combinators.ts';
import type { Eventual } from '../defer/deferred.ts';
import { UnauthorizedLogin, UsageError } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { PeerCertificate } from '../interfaces/tls.ts';
import { ANONYMOUS, type AnonymousId, type Checker } from './checker.ts';
import type { CertificateCredentials, HashedPasswordCredentials, TokenCredentials } from './credentials.ts';

/** Lets in whoever does not say who they are, as ANONYMOUS. */
export class AllowAnonymous implements Checker<'anonymous'> {
  readonly kinds = ['anonymous'] as const;

  requestAvatarId(): AnonymousId {
    return ANONYMOUS;
  }
}

/**
 * Tokens and whose they are. Kept as hashes under a key of this run: nothing here is worth stealing, and the time of a
 * look-up tells nothing of a token.
 */
export class TokenTable implements Checker<'token'> {
  readonly kinds = ['token'] as const;
  readonly #cryptography: Cryptography;
  readonly #key: Uint8Array;
  readonly #owners = new Map<string, { readonly hash: Uint8Array; readonly avatarId: string }>();

  constructor(cryptography: Cryptography, tokens: Iterable<readonly [token: string, avatarId: string]> = []) {
    this.#cryptography = cryptography;
    this.#key = cryptography.randomBytes(32);
    for (const [token, avatarId] of tokens) this.add(token, avatarId);
  }

  /** UsageError for a token that could be guessed: one of less than 16 characters. */
  add(token: string, avatarId: string): void {
    if (token.length < 16) throw new UsageError('a token has at least 16 characters, drawn at random');
    const hash = this.#hash(token);
    this.#owners.set(shown(hash), { hash, avatarId });
  }

  /** Whether it was there. Who is logged in already stays so. */
  revoke(token: string): boolean {
    return this.#owners.delete(shown(this.#hash(token)));
  }

  requestAvatarId({ token }: TokenCredentials): string {
    const hash = this.#hash(token);
    const owner = this.#owners.get(shown(hash));
    const isRight = this.#cryptography.isEqual(owner?.hash ?? this.#key, hash);
    if (owner === undefined || !isRight) throw new UnauthorizedLogin();
    return owner.avatarId;
  }

  #hash(token: string): Uint8Array {
    return this.#cryptography.hmacSha256(this.#key, new TextEncoder().encode(token));
  }
}

/** Who comes in by a certificate. At least one of the two. */
export interface CertificateOwners {
  /** The SHA-256 fingerprint of a certificate, in hexadecimal with or without colons, and whose it is. */
  readonly fingerprints?: Iterable<readonly [fingerprint: string, avatarId: string]>;
  /**
   * Whose a certificate is by what is written in it, or undefined. Only safe where the TLS listener takes no
   * certificates but those of a CA of yours: `ca` and `clientCertificate` of its options.
   */
  readonly byName?: (certificate: PeerCertificate) => string | undefined;
}

/** Lets in by client certificates, by their fingerprints or by their names under a CA. */
export class CertificateTable implements Checker<'certificate'> {
  readonly kinds = ['certificate'] as const;
  readonly #byFingerprint = new Map<string, string>();
  readonly #byName: (certificate: PeerCertificate) => string | undefined;

  constructor({ fingerprints = [], byName = () => undefined }: CertificateOwners) {
    this.#byName = byName;
    for (const [fingerprint, avatarId] of fingerprints) {
      const plain = plainFingerprint(fingerprint);
      if (!/^[0-9A-F]{64}$/.test(plain)) throw new UsageError(`${fingerprint} is no SHA-256 fingerprint`);
      this.#byFingerprint.set(plain, avatarId);
    }
  }

  requestAvatarId({ certificate }: CertificateCredentials): string {
    const known = this.#byFingerprint.get(plainFingerprint(certificate.fingerprint));
    const avatarId = known ?? this.#byName(certificate);
    if (avatarId === undefined) throw new UnauthorizedLogin();
    return avatarId;
  }
}

/**
 * Names and secrets that the server knows as they are, for credentials that were made of a secret: UsernameHashedPassword
 * and challenges of old protocols. Passwords do not belong here: whoever reads them can log in.
 */
export class SharedSecrets implements Checker<'hashed-password'> {
  readonly kinds = ['hashed-password'] as const;
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #decoy: string;

  constructor(secrets: Iterable<readonly [username: string, secret: string]>, cryptography: Cryptography) {
    this.#secrets = new Map(secrets);
    this.#decoy = shown(cryptography.randomBytes(32));
  }

  requestAvatarId(credentials: HashedPasswordCredentials): Eventual<string> {
    const { username } = credentials;
    const secret = this.#secrets.get(username);
    // An unknown name is compared as well, so that it takes as long.
    return maybeDeferred(() => credentials.checkPassword(secret ?? this.#decoy)).addCallback((isRight) => {
      if (!isRight || secret === undefined) throw new UnauthorizedLogin();
      return username;
    });
  }
}

function plainFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toUpperCase();
}

function shown(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
