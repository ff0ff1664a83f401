import type { Eventual } from '../defer/deferred.ts';
import type { AvatarId } from './checker.ts';

/** What a realm gives: the avatar, and what is to happen when its user is gone. */
export interface Granted<Avatar> {
  readonly avatar: Avatar;
  /** Called exactly once by whoever got this through a Portal. */
  readonly logout?: () => unknown;
}

/**
 * The application's side of a login: turns who somebody is into what they may do. Modelled on Twisted's IRealm.
 *
 * What Twisted asks for by interfaces is a type here: a realm gives one type of avatar, and an application that serves
 * several protocols has a realm, and a Portal, for each.
 */
export interface Realm<Avatar, Mind = undefined> {
  /**
   * The avatar of a user. `mind` is what the protocol gave: often its way to speak to the user. Fails with LoginDenied
   * for somebody who is known and may still not come in. It is not cancelled with the login: what it gives is logged out.
   */
  requestAvatar(avatarId: AvatarId, mind: Mind): Eventual<Granted<Avatar>>;
}
