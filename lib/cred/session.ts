import { Deferred } from '../defer/deferred.ts';
import { LoginDenied } from '../errors.ts';
import type { Credentials } from './credentials.ts';
import type { LoginOrigin } from './login-limits.ts';
import type { Login, Portal } from './portal.ts';

/**
 * The login of one connection. Its protocol calls `end` in connectionLost, and then, whatever was under way, the
 * avatar is logged out exactly once, or never made.
 */
export class Session<Avatar, Mind = undefined> {
  readonly #portal: Portal<Avatar, Mind>;
  #running: Deferred<Login<Avatar>> | undefined;
  #login: Login<Avatar> | undefined;
  /** The one that a logout has put an end to. */
  #loggedOut: Deferred<Login<Avatar>> | undefined;
  #isOver = false;

  constructor(portal: Portal<Avatar, Mind>) {
    this.#portal = portal;
  }

  /** Who is logged in; undefined before, and after the end. */
  get login(): Login<Avatar> | undefined {
    return this.#login;
  }

  /**
   * Logs in through the portal; `login` is there when this fires. After a failure another attempt may be made.
   *
   * LoginDenied while one is under way or somebody is logged in already, and after the end. Cancelling cancels the attempt.
   */
  begin(credentials: Credentials, mind: Mind, origin?: LoginOrigin): Deferred<Login<Avatar>> {
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) return Deferred.fail(new LoginDenied(obstacle));
    const running = this.#portal.login(credentials, mind, origin);
    this.#running = running;
    return running.addCallbacks(
      (login) => {
        this.#running = undefined;
        this.#login = login;
        return login;
      },
      (error) => {
        this.#running = undefined;
        throw this.#loggedOut === running ? new LoginDenied('a logout came during the login') : error;
      },
    );
  }

  /**
   * Logs out whoever is logged in, so that somebody else may log in over the same connection. A login that is under
   * way fails with LoginDenied: who asks for a logout is to be nobody from then on.
   */
  logout(): Deferred<void> {
    this.#loggedOut = this.#running;
    this.#running?.cancel();
    const login = this.#login;
    this.#login = undefined;
    return login?.logout() ?? Deferred.succeed(undefined);
  }

  /** The connection is gone: logs out, and cancels a login that is under way. Later calls do nothing. */
  end(): void {
    this.#isOver = true;
    this.#running?.cancel();
    // A logout that fails and that nobody waits for is reported as every unheard failure is.
    this.logout();
  }

  #obstacle(): string | undefined {
    if (this.#isOver) return 'the connection is over';
    if (this.#running !== undefined) return 'a login is under way already';
    return this.#login === undefined ? undefined : 'somebody is logged in already';
  }
}
