import {
  Anonymous,
  BearerToken,
  ClientCertificate,
  type Credentials,
  UsernamePassword,
} from '../../lib/cred/credentials.ts';
import type { Login, Portal } from '../../lib/cred/portal.ts';
import { ScramServer } from '../../lib/cred/scram-server.ts';
import { Session } from '../../lib/cred/session.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { LoginDenied, LoginFailed, TooManyAttempts } from '../../lib/errors.ts';
import type { Cryptography } from '../../lib/interfaces/cryptography.ts';
import { Factory } from '../../lib/protocol/factory.ts';
import type { Clock, DelayedCall } from '../../lib/time/clock.ts';
import { Amp, type AmpOptions, type CommandLocator } from '../amp/index.ts';
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
import { TooManyLogins } from './errors.ts';

const LOGIN_TIMEOUT_MS = 60_000;
const MAX_FAILED_LOGINS = 5;
/** More than the longest name and password take: thousands who have not logged in are not to fill the memory. */
const LOGIN_BOX_BYTES = 262_144;

/** Who may come in, and how long they may take. */
export interface LoginAmpOptions extends Omit<AmpOptions, 'locator' | 'boxReceiver' | 'router'> {
  /** Its avatars answer the calls of those who logged in; the mind is the connection: to call back, to know, to end. */
  readonly portal: Portal<CommandLocator, Amp>;
  readonly cryptography: Cryptography;
  readonly clock: Clock;
  /** A connection on which nobody is logged in for so long is closed. 60 s when left out. */
  readonly loginTimeoutMs?: number;
  /** After so many failed logins the connection is closed. 5 when left out. */
  readonly maxFailedLogins?: number;
  /** Takes passwords and tokens that come without TLS, for everybody on the way to read. */
  readonly allowsSecretsInClear?: true;
}

/**
 * The server's end of an AMP connection that begins with a login.
 *
 * Before it nothing is answered but the login commands. From then on the avatar answers, until it logs out or the
 * connection ends: either way it is logged out exactly once.
 */
export class LoginAmp extends Amp {
  readonly #options: LoginAmpOptions;
  readonly #session: Session<CommandLocator, Amp>;
  #scram: { readonly server: ScramServer; readonly login: Deferred<Login<CommandLocator>> } | undefined;
  #deadline: DelayedCall | undefined = undefined;
  #failedCount = 0;

  constructor(options: LoginAmpOptions) {
    super(options);
    this.#options = options;
    this.#limitToLogins();
    this.#session = new Session(options.portal);
    this.respond(PasswordLogin, ({ username, password }) => {
      return this.#secretLogin(() => new UsernamePassword(username, password));
    });
    this.respond(TokenLogin, ({ token }) => this.#secretLogin(() => new BearerToken(token)));
    this.respond(AnonymousLogin, () => this.#login(new Anonymous()).addCallback(userOf));
    this.respond(CertificateLogin, () => this.#certificateLogin());
    this.respond(ScramLogin, ({ message }) => this.#beginScram(message));
    this.respond(ScramProof, ({ message }) => this.#endScram(message));
    this.respond(Logout, () => this.#logout());
  }

  /** Who is logged in: undefined where nobody is. */
  get login(): Login<CommandLocator> | undefined {
    return this.#session.login;
  }

  override connectionMade(): void {
    this.#awaitLogin();
  }

  override connectionLost(reason: Error): void {
    super.connectionLost(reason);
    this.#stopWaiting();
    this.#session.end();
  }

  #secretLogin(credentials: () => Credentials): Deferred<{ user?: string }> {
    if (this.transport.tls === undefined && this.#options.allowsSecretsInClear !== true) {
      throw new LoginDenied('passwords and tokens are taken over TLS only; SCRAM needs none');
    }
    return this.#login(credentials()).addCallback(userOf);
  }

  #certificateLogin(): Deferred<{ user?: string }> {
    const certificate = this.transport.tls?.peerCertificate;
    if (certificate === undefined) throw new LoginDenied('this connection shows no certificate');
    return this.#login(new ClientCertificate(certificate)).addCallback(userOf);
  }

  #beginScram(clientFirst: string): Deferred<{ message: string }> {
    const binding = bindingOf(this.transport);
    const server = new ScramServer(clientFirst, {
      cryptography: this.#options.cryptography,
      ...(binding === undefined ? {} : { binding }),
    });
    const login = this.#login(server);
    // What becomes of it is told to whoever waits for a message of the exchange.
    login.observe(
      () => {},
      () => {},
    );
    const exchange = { server, login };
    this.#scram = exchange;
    return server.challenge(login).addCallback((message) => ({ message }));
  }

  #endScram(clientFinal: string): Deferred<{ message: string; user?: string }> {
    const exchange = this.#scram;
    if (exchange === undefined) throw new LoginDenied('there is no exchange to be ended');
    this.#scram = undefined;
    const { server, login } = exchange;
    return server.answer(clientFinal, login).addCallback((message) => {
      return { message, ...userOf(this.#session.login) };
    });
  }

  #login(credentials: Credentials): Deferred<Login<CommandLocator>> {
    if (this.#hasFailedTooOften)
      return Deferred.fail(new LoginDenied('too many logins have failed; the connection ends'));
    const { host } = this.transport.getPeer() as { readonly host?: string };
    const origin = host === undefined ? {} : { peer: host };
    return this.#session.begin(credentials, this, origin).addCallbacks(
      (login) => {
        this.#stopWaiting();
        this.#failedCount = 0;
        this.locator = login.avatar;
        this.limitBoxes(this.#options);
        return login;
      },
      (error) => this.#refused(error),
    );
  }

  get #hasFailedTooOften(): boolean {
    return this.#failedCount >= (this.#options.maxFailedLogins ?? MAX_FAILED_LOGINS);
  }

  #refused(error: Error): never {
    if (error instanceof LoginFailed) this.#failedCount += 1;
    if (this.#hasFailedTooOften) {
      // Later: the caller is told first.
      this.#options.clock.callSoon(() => this.loseConnection());
    }
    if (error instanceof TooManyAttempts) throw new TooManyLogins(error.message);
    throw error;
  }

  #logout(): Deferred<Record<string, never>> {
    this.locator = undefined;
    this.#limitToLogins();
    if (this.#session.login !== undefined) this.#awaitLogin();
    return this.#session.logout().addCallback(() => ({}));
  }

  #limitToLogins(): void {
    const { maxBoxBytes = LOGIN_BOX_BYTES } = this.#options;
    this.limitBoxes({ ...this.#options, maxBoxBytes: Math.min(maxBoxBytes, LOGIN_BOX_BYTES) });
  }

  #awaitLogin(): void {
    const timeoutMs = this.#options.loginTimeoutMs ?? LOGIN_TIMEOUT_MS;
    this.#deadline = this.#options.clock.callLater(timeoutMs, () => this.loseConnection());
  }

  #stopWaiting(): void {
    if (this.#deadline?.active) this.#deadline.cancel();
    this.#deadline = undefined;
  }
}

/** Makes a LoginAmp for each connection. */
export class LoginFactory extends Factory {
  readonly #options: LoginAmpOptions;

  constructor(options: LoginAmpOptions) {
    super();
    this.#options = options;
  }

  override buildProtocol(): LoginAmp {
    const protocol = new LoginAmp(this.#options);
    protocol.factory = this;
    return protocol;
  }
}

function userOf(login: Login<CommandLocator> | undefined): { user?: string } {
  return typeof login?.avatarId === 'string' ? { user: login.avatarId } : {};
}
