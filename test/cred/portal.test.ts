import { expect } from 'chai';
import sinon from 'sinon';
import { ANONYMOUS, type AvatarId, type Checker } from '../../lib/cred/checker.ts';
import { AllowAnonymous } from '../../lib/cred/checkers.ts';
import {
  Anonymous,
  type CredentialKind,
  type Credentials,
  type PasswordCredentials,
  UsernamePassword,
} from '../../lib/cred/credentials.ts';
import type { AttemptEnd, LoginLimits } from '../../lib/cred/login-limits.ts';
import { Portal } from '../../lib/cred/portal.ts';
import type { Realm } from '../../lib/cred/realm.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import {
  CancelledError,
  LoginDenied,
  TooManyAttempts,
  UnauthorizedLogin,
  UnhandledCredentials,
  UsageError,
} from '../../lib/errors.ts';
import { resultOf, settled } from '../support/logins.ts';

/** Knows one user, and answers at once. */
class OneUser implements Checker<'password'> {
  readonly kinds = ['password'] as const;

  requestAvatarId({ username, password }: PasswordCredentials): string {
    if (username !== 'alice' || password !== 'sesame') throw new UnauthorizedLogin();
    return username;
  }
}

interface Avatar {
  readonly of: AvatarId;
  readonly mind: string;
}

/** Gives everybody an avatar, and counts those who leave. */
class CountingRealm implements Realm<Avatar, string> {
  readonly logout = sinon.spy();

  requestAvatar(avatarId: AvatarId, mind: string) {
    return { avatar: { of: avatarId, mind }, logout: this.logout };
  }
}

const RIGHT = new UsernamePassword('alice', 'sesame');

describe('Portal', () => {
  it('gives the avatar of whoever has the right password, and tells the realm the mind', () => {
    const portal = new Portal(new CountingRealm(), [new OneUser()]);

    const login = resultOf(portal.login(RIGHT, 'a mind'));

    expect(login).to.deep.include({ avatarId: 'alice', avatar: { of: 'alice', mind: 'a mind' } });
  });

  it('refuses a wrong password and an unknown name with the same words', () => {
    const portal = new Portal(new CountingRealm(), [new OneUser()]);

    const wrong = resultOf(portal.login(new UsernamePassword('alice', 'open'), ''));
    const unknown = resultOf(portal.login(new UsernamePassword('bob', 'sesame'), ''));

    expect(wrong).to.be.instanceOf(UnauthorizedLogin);
    expect(unknown).to.be.instanceOf(UnauthorizedLogin);
    expect((wrong as Error).message).to.equal((unknown as Error).message);
    expect((wrong as UnauthorizedLogin).code).to.equal('ERR_UNAUTHORIZED_LOGIN');
  });

  it('says which kinds of credentials there are checkers for when it has none', () => {
    const portal = new Portal(new CountingRealm(), [new OneUser(), new AllowAnonymous()]);
    const credentials: Credentials = { kinds: ['token'] };

    const failure = resultOf(portal.login(credentials, ''));

    expect(failure).to.be.instanceOf(UnhandledCredentials);
    expect((failure as Error).message)
      .to.contain('password, anonymous')
      .and.to.contain('token');
    expect(portal.kinds).to.deep.equal(['password', 'anonymous']);
  });

  it('says so when it has no checkers at all', () => {
    const portal = new Portal(new CountingRealm());

    expect((resultOf(portal.login(RIGHT, '')) as Error).message).to.contain('none');
  });

  it('takes credentials of a kind that is derived from one it knows', () => {
    const portal = new Portal(new CountingRealm(), [new OneUser()]);
    const derived = { kinds: ['token', 'password'] as const, username: 'alice', password: 'sesame' };

    expect(resultOf(portal.login(derived, ''))).to.deep.include({ avatarId: 'alice' });
  });

  it('asks the checker that was registered first, of those that fit', () => {
    const asked: string[] = [];
    const checker = (kinds: readonly CredentialKind[], name: string): Checker => ({
      kinds,
      requestAvatarId: () => {
        asked.push(name);
        return name;
      },
    });
    const portal = new Portal(new CountingRealm(), [
      checker(['token'], 'tokens'),
      checker(['password'], 'passwords'),
    ]);

    resultOf(portal.login({ kinds: ['password', 'token'] }, ''));

    expect(asked).to.deep.equal(['tokens']);
  });

  it('has a checker registered later for the same kind take the place of the first', () => {
    const portal = new Portal(new CountingRealm(), [new OneUser(), new AllowAnonymous()]);
    portal.registerChecker({ kinds: ['password', 'token'], requestAvatarId: () => 'anybody' }, ['password']);

    expect(resultOf(portal.login(new UsernamePassword('x', 'y'), ''))).to.deep.include({
      avatarId: 'anybody',
    });
    expect(portal.kinds).to.deep.equal(['password', 'anonymous']);
  });

  it('does not register a checker for what it cannot check', () => {
    const portal = new Portal(new CountingRealm());

    expect(() => portal.registerChecker(new OneUser(), ['token'])).to.throw(UsageError);
  });

  it('lets in who does not say who they are as ANONYMOUS, which is nobody’s name', () => {
    const portal = new Portal(new CountingRealm(), [new AllowAnonymous()]);

    expect(resultOf(portal.login(new Anonymous(), ''))).to.deep.include({ avatarId: ANONYMOUS });
    expect(ANONYMOUS).not.to.be.a('string');
  });

  it('takes realms and checkers that need time, by promise or by Deferred', async () => {
    const portal = new Portal<string>(
      { requestAvatar: async (avatarId) => ({ avatar: `avatar of ${avatarId}` }) },
      [{ kinds: ['password'], requestAvatarId: () => Deferred.succeed('alice') }],
    );

    expect((await portal.login(RIGHT, undefined)).avatar).to.equal('avatar of alice');
  });

  it('passes the failure of the realm on', () => {
    const refusing: Realm<never> = {
      requestAvatar: () => {
        throw new LoginDenied('not on Sundays');
      },
    };
    const portal = new Portal(refusing, [new OneUser()]);

    const failure = resultOf(portal.login(RIGHT, undefined));

    expect(failure).to.be.instanceOf(LoginDenied).with.property('message', 'not on Sundays');
  });

  it('lets nobody in for a checker that names nobody', () => {
    const careless = { kinds: ['password'], requestAvatarId: () => undefined } as unknown as Checker;
    const portal = new Portal(new CountingRealm(), [careless]);

    expect(resultOf(portal.login(RIGHT, ''))).to.be.instanceOf(UsageError);
  });

  describe('logout', () => {
    it('runs the realm’s logout once, however often it is called', () => {
      const realm = new CountingRealm();
      const login = loginOf(new Portal(realm, [new OneUser()]));

      const [first, second] = [login.logout(), login.logout()];

      expect(realm.logout.callCount).to.equal(1);
      expect(first.called && second.called).to.equal(true);
    });

    it('waits at the second call for what the first began', () => {
      const leaving = new Deferred<void>();
      const portal = new Portal({ requestAvatar: () => ({ avatar: '', logout: () => leaving }) }, [
        new OneUser(),
      ]);
      const login = loginOf(portal as never);
      login.logout();
      const second = login.logout();

      expect(second.called).to.equal(false);
      leaving.callback();
      expect(second.called).to.equal(true);
    });

    it('gives the failure of the realm’s logout to the first caller only', () => {
      const portal = new Portal(
        {
          requestAvatar: () => ({
            avatar: '',
            logout: () => {
              throw new Error('the door is stuck');
            },
          }),
        },
        [new OneUser()],
      );
      const login = loginOf(portal as never);

      const [first, second] = [login.logout(), login.logout()];

      expect(resultOf(first)).to.be.an('error');
      expect(resultOf(second)).to.equal(undefined);
    });

    it('is there also where the realm has none', () => {
      const portal = new Portal({ requestAvatar: () => ({ avatar: '' }) }, [new OneUser()]);

      expect(loginOf(portal as never).logout().called).to.equal(true);
    });
  });

  describe('cancel', () => {
    it('cancels the checker', () => {
      const canceller = sinon.spy();
      const realm = new CountingRealm();
      const portal = new Portal(realm, [
        { kinds: ['password'], requestAvatarId: () => new Deferred<string>(canceller) },
      ]);
      const login = portal.login(RIGHT, '');

      login.cancel();

      expect(canceller.callCount).to.equal(1);
      expect(resultOf(login)).to.be.instanceOf(CancelledError);
    });

    it('asks for no avatar when the checker cannot be stopped', async () => {
      const realm = new CountingRealm();
      const asked = sinon.spy(realm, 'requestAvatar');
      const checking = new Deferred<string>();
      const portal = new Portal(realm, [{ kinds: ['password'], requestAvatarId: async () => checking }]);
      const login = portal.login(RIGHT, '');

      login.cancel();
      checking.callback('alice');
      await settled();

      expect(resultOf(login)).to.be.instanceOf(CancelledError);
      expect(asked.callCount).to.equal(0);
    });

    it('logs the avatar out as soon as the realm gives it', () => {
      const logout = sinon.spy();
      const giving = new Deferred<{ avatar: string; logout: () => void }>();
      const portal = new Portal({ requestAvatar: () => giving }, [new OneUser()]);
      const login = portal.login(RIGHT, undefined);

      login.cancel();
      expect(logout.callCount).to.equal(0);
      giving.callback({ avatar: '', logout });

      expect(logout.callCount).to.equal(1);
      expect(resultOf(login)).to.be.instanceOf(CancelledError);
    });

    it('forgets a failure of the realm that comes too late', () => {
      const giving = new Deferred<{ avatar: string }>();
      const portal = new Portal({ requestAvatar: () => giving }, [new OneUser()]);
      const login = portal.login(RIGHT, undefined);

      login.cancel();
      giving.errback(new Error('too late'));

      expect(resultOf(login)).to.be.instanceOf(CancelledError);
    });
  });

  describe('limits', () => {
    it('does not look at credentials that come too soon', () => {
      const limits: LoginLimits = {
        admit: () => {
          throw new TooManyAttempts(3000);
        },
      };
      const checker = new OneUser();
      const asked = sinon.spy(checker, 'requestAvatarId');
      const portal = new Portal(new CountingRealm(), [checker], { limits });

      const failure = resultOf(portal.login(RIGHT, ''));

      expect(failure).to.be.instanceOf(TooManyAttempts).with.property('retryAfterMs', 3000);
      expect(asked.callCount).to.equal(0);
    });

    it('tells how each attempt ended, whose it was and where it came from', () => {
      const ends: AttemptEnd[] = [];
      const admit = sinon.spy(() => ({ end: (end: AttemptEnd) => ends.push(end) }));
      const failing: Checker<'token'> = {
        kinds: ['token'],
        requestAvatarId: () => {
          throw new Error('the disk is gone');
        },
      };
      const slow: Checker<'certificate'> = {
        kinds: ['certificate'],
        requestAvatarId: () => new Deferred<string>(),
      };
      const portal = new Portal(new CountingRealm(), [new OneUser(), failing, slow], { limits: { admit } });

      portal.login(RIGHT, '', { peer: '192.0.2.1' });
      resultOf(portal.login(new UsernamePassword('alice', 'open'), ''));
      resultOf(portal.login({ kinds: ['token'] }, ''));
      const cut = portal.login({ kinds: ['certificate'] }, '');
      cut.cancel();
      resultOf(cut);

      expect(ends).to.deep.equal(['succeeded', 'failed', 'unknown', 'abandoned', 'unknown']);
      expect(admit.args[0]).to.deep.equal(['alice', { peer: '192.0.2.1' }]);
    });
  });

  function loginOf(portal: Portal<Avatar, string>) {
    const login = resultOf(portal.login(RIGHT, ''));
    if (login === undefined || login instanceof Error) throw login ?? new Error('no login yet');
    return login;
  }
});
