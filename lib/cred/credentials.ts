import type { Deferred, Eventual } from '../defer/deferred.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { PeerCertificate } from '../interfaces/tls.ts';
import type { ScramVerifier } from './scram-verifier.ts';

/**
 * What each kind of credentials has: Twisted's credentials interfaces, by name.
 *
 * A kind of your own is added by declaration merging.
 */
export interface CredentialKinds {
  password: PasswordCredentials;
  'hashed-password': HashedPasswordCredentials;
  'scram-sha-256': ScramCredentials;
  certificate: CertificateCredentials;
  token: TokenCredentials;
  anonymous: Credentials;
}

/** The name of a kind of credentials. */
export type CredentialKind = keyof CredentialKinds;

/** What somebody shows who wants to come in. */
export interface Credentials {
  /**
   * Every kind that these are, their own first. One that is derived from another names both, and is taken by a checker
   * of either.
   */
  readonly kinds: readonly CredentialKind[];
  /** Whom they name, as it was sent, where they name somebody: attempts are counted by it. */
  readonly username?: string;
}

/** A name and the password itself. */
export interface PasswordCredentials extends Credentials {
  readonly username: string;
  readonly password: string;
}

/** A name, and something made of the password that can be compared with a secret that the server knows. */
export interface HashedPasswordCredentials extends Credentials {
  readonly username: string;
  /** Whether they were made of `secret`. Compares in constant time. */
  checkPassword(secret: string): Eventual<boolean>;
}

/** One run of SCRAM-SHA-256 (RFC 7677), seen from the checker. */
export interface ScramCredentials extends Credentials {
  readonly username: string;
  /**
   * Goes through with the exchange for the user of `verifier`: sends the challenge, waits for the answer. Fires with
   * whether the client has the password. Cancelling ends the exchange.
   */
  prove(verifier: ScramVerifier): Deferred<boolean>;
}

/** The certificate of a peer with which a TLS handshake was made: it has the key, and somebody vouched for it. */
export interface CertificateCredentials extends Credentials {
  readonly certificate: PeerCertificate;
}

/** A secret that whoever bears it may come in with (RFC 6750's bearer token, without HTTP). */
export interface TokenCredentials extends Credentials {
  readonly token: string;
}

/** Whether `credentials` are of `kind`; then they have what that kind has. */
export function isOfKind<K extends CredentialKind>(
  credentials: Credentials,
  kind: K,
): credentials is CredentialKinds[K] {
  return credentials.kinds.includes(kind);
}

/** A user name and a password, as somebody typed them. The password is not shown by inspection or JSON. */
export class UsernamePassword implements PasswordCredentials {
  readonly kinds = ['password'] as const;
  readonly username: string;
  readonly #password: string;

  constructor(username: string, password: string) {
    this.username = username;
    this.#password = password;
  }

  get password(): string {
    return this.#password;
  }
}

/** A user name and a hash, for protocols of old whose server keeps the same hash. The hash is not shown. */
export class UsernameHashedPassword implements HashedPasswordCredentials {
  readonly kinds = ['hashed-password'] as const;
  readonly username: string;
  readonly #hashed: string;
  readonly #cryptography: Cryptography;

  constructor(username: string, hashed: string, cryptography: Cryptography) {
    this.username = username;
    this.#hashed = hashed;
    this.#cryptography = cryptography;
  }

  checkPassword(secret: string): boolean {
    return isSameText(this.#hashed, secret, this.#cryptography);
  }
}

/** Somebody who does not say who they are. */
export class Anonymous implements Credentials {
  readonly kinds = ['anonymous'] as const;
}

/** The certificate that a connection's peer has shown: `tls.peerCertificate` of its transport. */
export class ClientCertificate implements CertificateCredentials {
  readonly kinds = ['certificate'] as const;
  readonly certificate: PeerCertificate;

  constructor(certificate: PeerCertificate) {
    this.certificate = certificate;
  }
}

/** A token. It is not shown by inspection or JSON. */
export class BearerToken implements TokenCredentials {
  readonly kinds = ['token'] as const;
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  get token(): string {
    return this.#token;
  }
}

/** Whether two secrets are the same. Compares hashes: the time tells nothing, not even of their lengths. */
export function isSameText(a: string, b: string, cryptography: Cryptography): boolean {
  const [hashA, hashB] = [a, b].map((text) => cryptography.sha256(new TextEncoder().encode(text)));
  return cryptography.isEqual(hashA as Uint8Array, hashB as Uint8Array);
}
