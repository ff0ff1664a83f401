// The server: accounts in front, the room behind.
import {
  type AnyChecker,
  type AvatarId,
  type Clock,
  type Cryptography,
  type Granted,
  LoginDenied,
  LoginLimiter,
  type LoginLimits,
  Portal,
  type Realm,
} from 'hawser';
import { type Amp, type CommandLocator, locatorOf } from 'hawser/protocols/amp';
import { LoginFactory } from 'hawser/protocols/login';
import { Member } from './member.ts';
import { Room } from './room.ts';

/** Calls of one client that wait for their answers; while there are so many, no more of theirs are read. */
const MAX_ANSWERS_OWED = 8;

/** What a chat server is made of. All that touches the outside world is given to it, so that a test may give another. */
export interface ChatOptions {
  readonly clock: Clock;
  readonly cryptography: Cryptography;
  /** Knows who is who: `new StoredUsers(…)`, for instance. */
  readonly checker: AnyChecker;
  /** Against guessing. A LoginLimiter when left out. */
  readonly limits?: LoginLimits;
  /** Is told who comes and goes, and what is broken. */
  readonly log?: (line: string) => void;
}

/** A chat server: a realm whose avatars are members of one room. */
export class ChatServer implements Realm<CommandLocator, Amp> {
  readonly room = new Room();
  /** To be listened with. */
  readonly factory: LoginFactory;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;

  constructor({ clock, cryptography, checker, limits = new LoginLimiter({ clock }), log }: ChatOptions) {
    this.#clock = clock;
    this.#log = log ?? (() => {});
    this.factory = new LoginFactory({
      portal: new Portal(this, [checker], { limits }),
      cryptography,
      clock,
      maxAnswersOwed: MAX_ANSWERS_OWED,
      // A password file that cannot be read, say: the client is told nothing of it.
      reportError: (error) => this.#log(`something is broken here: ${error.message}`),
    });
  }

  /** Called by the portal for somebody whose secret was right. `name` is as the checker wrote it. */
  requestAvatar(name: AvatarId, mind: Amp): Granted<CommandLocator> {
    if (typeof name !== 'string') throw new LoginDenied('say who you are');
    const member = new Member(name, mind, this.room, this.#clock);
    member.enter();
    this.#log(`${name} came`);
    return {
      avatar: locatorOf(member),
      logout: () => {
        member.leave();
        this.#log(`${name} left`);
      },
    };
  }
}
