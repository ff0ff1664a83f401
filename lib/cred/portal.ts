import { maybeDeferred } from '../defer/combinators.ts';
import { Deferred } from '../defer/deferred.ts';
import { type UnauthorizedLogin, UnhandledCredentials, UsageError } from '../errors.ts';
import { ANONYMOUS, type AnyChecker, type AvatarId, isAnonymousId } from './checker.ts';
import type { CredentialKind, Credentials } from './credentials.ts';
import type { LimitedAttempt, LoginLimits, LoginOrigin } from './login-limits.ts';
import type { Granted, Realm } from './realm.ts';

const REFUSAL_CODE: UnauthorizedLogin['code'] = 'ERR_UNAUTHORIZED_LOGIN';

/** A login that succeeded. */
export interface Login<Avatar> {
  readonly avatarId: AvatarId;
  readonly avatar: Avatar;
  /**
   * Has the realm's logout run, once: a later call only waits for the first. Whoever has the login must call this when
   * the user is gone; a Session sees to it.
   */
  logout(): Deferred<void>;
}

/** What a Portal may be given. */
export interface PortalOptions {
  /** Slows guessing down. */
  readonly limits?: LoginLimits;
}

/**
 * The door between protocols, which know credentials, and an application, which knows users. Modelled on Twisted's.
 *
 * For each kind of credentials there is one checker. Registering another one for it takes its place, as in Twisted: to
 * ask a second store after the first would cost a second key derivation, and time would tell where a name is kept.
 */
export class Portal<Avatar, Mind = undefined> {
  readonly #realm: Realm<Avatar, Mind>;
  readonly #limits: LoginLimits | undefined;
  readonly #checkers = new Map<CredentialKind, AnyChecker>();

  constructor(
    realm: Realm<Avatar, Mind>,
    checkers: Iterable<AnyChecker> = [],
    { limits }: PortalOptions = {},
  ) {
    this.#realm = realm;
    this.#limits = limits;
    for (const checker of checkers) this.registerChecker(checker);
  }

  /** Has `checker` check credentials of `kinds`: all that it can, unless given. */
  registerChecker(checker: AnyChecker, kinds: readonly CredentialKind[] = checker.kinds): void {
    for (const kind of kinds) {
      if (!checker.kinds.includes(kind)) throw new UsageError(`this checker does not check ${kind}`);
      this.#checkers.set(kind, checker);
    }
  }

  /** The kinds of credentials that can be checked, those registered first in front. */
  get kinds(): readonly CredentialKind[] {
    return [...this.#checkers.keys()];
  }

  /**
   * Checks `credentials` and gets their owner's avatar from the realm, which is told `mind`.
   *
   * Fails with a LoginFailed when nobody may come in like that: UnauthorizedLogin, UnhandledCredentials, LoginDenied,
   * TooManyAttempts. Any other failure is a fault on this side, to be logged here and not shown to the peer. After a
   * cancel, an avatar that the realm gives all the same is logged out as soon as it is there.
   */
  login(credentials: Credentials, mind: Mind, origin: LoginOrigin = {}): Deferred<Login<Avatar>> {
    const checker = this.#checkerOf(credentials);
    if (checker === undefined) return Deferred.fail(this.#unhandled(credentials));
    return maybeDeferred(() => {
      const attempt = this.#limits?.admit(credentials.username, origin);
      return this.#run({ checker, credentials, mind, attempt });
    });
  }

  /** The first one registered of those that fit. */
  #checkerOf(credentials: Credentials): AnyChecker | undefined {
    for (const [kind, checker] of this.#checkers) {
      if (credentials.kinds.includes(kind)) return checker;
    }
    return undefined;
  }

  #unhandled(credentials: Credentials): UnhandledCredentials {
    const known = this.kinds.length === 0 ? 'none' : this.kinds.join(', ');
    return new UnhandledCredentials(
      `nobody here checks credentials of kind ${credentials.kinds.join(', ')}; there are checkers for: ${known}`,
    );
  }

  #run({ checker, credentials, mind, attempt }: Run<Mind>): Deferred<Login<Avatar>> {
    let isWanted = true;
    const checking = maybeDeferred(() => checker.requestAvatarId(credentials));
    const login = new Deferred<Login<Avatar>>(() => {
      isWanted = false;
      attempt?.end('abandoned');
      checking.cancel();
    });
    checking.addCallback(checkedId).addCallbacks(
      (avatarId) => {
        attempt?.end('succeeded');
        if (isWanted) this.#grant(avatarId, mind, login, () => isWanted);
      },
      (error) => {
        attempt?.end(isRefusal(error) ? 'failed' : 'unknown');
        if (isWanted) login.errback(error);
      },
    );
    return login;
  }

  /** The realm's own work is never cancelled: what it then gave would be lost, and nobody could log it out. */
  #grant(avatarId: AvatarId, mind: Mind, login: Deferred<Login<Avatar>>, isWanted: () => boolean): void {
    maybeDeferred(() => this.#realm.requestAvatar(avatarId, mind)).addCallbacks(
      ({ avatar, logout }) => {
        const given: Login<Avatar> = { avatarId, avatar, logout: once(logout) };
        if (isWanted()) login.callback(given);
        else given.logout();
      },
      (error) => {
        if (isWanted()) login.errback(error);
      },
    );
  }
}

interface Run<Mind> {
  readonly checker: AnyChecker;
  readonly credentials: Credentials;
  readonly mind: Mind;
  readonly attempt: LimitedAttempt | undefined;
}

/** Not by class: a plugin of another package may have classes of its own. */
function isRefusal(error: Error): boolean {
  return 'code' in error && error.code === REFUSAL_CODE;
}

/** A checker without types may give anything; only a name is somebody. */
function checkedId(avatarId: unknown): AvatarId {
  if (isAnonymousId(avatarId)) return ANONYMOUS;
  if (typeof avatarId === 'string') return avatarId;
  throw new UsageError('the checker gave no avatar id: that is a string, or ANONYMOUS');
}

/** `logout` at the first call only. Whoever calls later hears when that is through, but not how it went. */
function once(logout: Granted<unknown>['logout']): () => Deferred<void> {
  let first: Deferred<unknown> | undefined;
  return () => {
    if (first === undefined) {
      first = maybeDeferred(() => logout?.());
      return first.addCallback(() => {});
    }
    const over = new Deferred<void>();
    first.observe(
      () => over.callback(),
      () => over.callback(),
    );
    return over;
  };
}
