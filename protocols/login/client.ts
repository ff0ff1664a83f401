import { ScramClient } from '../../lib/cred/scram-client.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { LoginDenied, toError, UnverifiedServer } from '../../lib/errors.ts';
import type { Cryptography } from '../../lib/interfaces/cryptography.ts';
import type { Amp } from '../amp/index.ts';
import { bindingOf } from './channel-binding.ts';
import {
  AnonymousLogin,
  CertificateLogin,
  Logout,
  PasswordLogin,
  ScramLogin,
  ScramProof,
  TokenLogin,
} from './commands.ts';

/** Who was let in; without a name for somebody who did not say who they are. */
export interface LoggedIn {
  readonly user?: string | undefined;
}

/** A name, and what proves it. */
export interface PasswordIdentity {
  readonly username: string;
  readonly password: string;
}

/** For sending a secret over a connection that everybody on the way can read. */
export interface InClear {
  readonly allowsSecretsInClear?: true;
}

/**
 * Logs in by name and password, which the server gets to see: LoginDenied without TLS, and nothing is sent.
 *
 * Fails with UnauthorizedLogin, TooManyAttempts, LoginDenied, UnhandledCredentials, or as any call does.
 */
export function loginByPassword(
  amp: Amp,
  { username, password }: PasswordIdentity,
  options: InClear = {},
): Deferred<LoggedIn> {
  return withSecret(amp, options, () => amp.callRemote(PasswordLogin, { username, password }));
}

/** As loginByPassword, by a token. */
export function loginByToken(amp: Amp, token: string, options: InClear = {}): Deferred<LoggedIn> {
  return withSecret(amp, options, () => amp.callRemote(TokenLogin, { token }));
}

/**
 * Logs in by SCRAM-SHA-256: the server gets no password, and has to prove that it knows the user. Over TLS 1.3 the login
 * is bound to the connection (RFC 9266), so that nobody in the middle can pass it on; below that, nobody can pass it on to
 * a server to which they speak TLS 1.3.
 *
 * Fails as loginByPassword does, or with UnverifiedServer: then the connection is lost, too.
 */
export function loginByScram(
  amp: Amp,
  identity: PasswordIdentity,
  cryptography: Cryptography,
): Deferred<LoggedIn> {
  const binding = bindingOf(amp.transport);
  let client: ScramClient;
  try {
    const bound = binding === undefined ? { wouldBind: true } : { binding };
    client = new ScramClient({ ...identity, cryptography, ...bound });
  } catch (error) {
    return Deferred.fail(toError(error));
  }
  return amp
    .callRemote(ScramLogin, { message: client.first })
    .addCallback((challenge) => client.answer(challenge.message))
    .addCallback((message) => amp.callRemote(ScramProof, { message }))
    .addCallback(({ message, user }) => {
      if (client.verify(message)) return { user };
      throw new UnverifiedServer('the server does not know this user: it is not the one that it says it is');
    })
    .addErrback((error) => {
      if (error instanceof UnverifiedServer) amp.transport.abortConnection();
      throw error;
    });
}

/** Logs in by the certificate that this end showed in the TLS handshake. */
export function loginByCertificate(amp: Amp): Deferred<LoggedIn> {
  return amp.callRemote(CertificateLogin);
}

/** Comes in without saying who. */
export function loginAnonymously(amp: Amp): Deferred<LoggedIn> {
  return amp.callRemote(AnonymousLogin);
}

/** Logs out; the connection stays. */
export function logout(amp: Amp): Deferred<void> {
  return amp.callRemote(Logout).addCallback(() => {});
}

function withSecret<T>(amp: Amp, options: InClear, call: () => Deferred<T>): Deferred<T> {
  if (amp.transport.tls !== undefined || options.allowsSecretsInClear === true) return call();
  return Deferred.fail(new LoginDenied('a secret is sent over TLS only; SCRAM sends none'));
}
