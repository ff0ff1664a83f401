import type { Eventual } from '../defer/deferred.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { Files } from '../interfaces/files.ts';
import type { Clock } from '../time/clock.ts';
import type { CredentialKind, CredentialKinds } from './credentials.ts';
import type { PasswordCost } from './password-record.ts';

/** Who somebody is who did not say it. No string, so that no user can be called so. */
export interface AnonymousId {
  readonly anonymous: true;
}

/** The avatar id of everybody who does not say who they are. */
export const ANONYMOUS: AnonymousId = Object.freeze({ anonymous: true });

/** Whether `avatarId` is ANONYMOUS, be it of another copy of this package. */
export function isAnonymousId(avatarId: unknown): avatarId is AnonymousId {
  return typeof avatarId === 'object' && (avatarId as Partial<AnonymousId> | null)?.anonymous === true;
}

/** Who somebody turned out to be: the name of a user as the checker writes it, or ANONYMOUS. */
export type AvatarId = string | AnonymousId;

/** Finds out whether credentials hold. Modelled on Twisted's ICredentialsChecker. */
export interface Checker<K extends CredentialKind = CredentialKind> {
  /** What it can check. It is only given credentials of these kinds. */
  readonly kinds: readonly K[];
  /**
   * Who these credentials belong to. Fails with UnauthorizedLogin when they do not hold, whatever the reason; any
   * other failure means that nobody could find out. A Deferred that is returned is cancelled when the login is.
   */
  requestAvatarId(credentials: CredentialKinds[K]): Eventual<AvatarId>;
  /** Gives back what it holds: files, connections to a database. */
  close?(): Eventual<void>;
}

/** A checker of any kinds. It has to be asked with credentials of one of its own. */
// biome-ignore lint/suspicious/noExplicitAny: what a checker takes is contravariant; its `kinds` say at run time what the type forgets.
export type AnyChecker = Checker<any>;

/** The outside world, as far as checkers made of a string need it. */
export interface CheckerWorld {
  readonly files: Files;
  readonly cryptography: Cryptography;
  readonly clock: Clock;
  /** Told in one line what is wrong and does not stop anybody: a line of a password file that cannot be read. */
  readonly report: (problem: string) => void;
  /** What passwords cost from now on: DEFAULT_PASSWORD_COST unless given. */
  readonly cost?: PasswordCost;
}

/** Makes a checker of the text behind the colon. UsageError, thrown or as the failure, when it makes no sense. */
export type MakeChecker = (argument: string, world: CheckerWorld) => Eventual<AnyChecker>;
