import { expect } from 'chai';
import type { Checker } from '../../lib/cred/checker.ts';
import { type PasswordCredentials, UsernamePassword } from '../../lib/cred/credentials.ts';
import { LoginLimiter, type LoginLimiterOptions } from '../../lib/cred/login-limiter.ts';
import type { AttemptEnd } from '../../lib/cred/login-limits.ts';
import { Portal } from '../../lib/cred/portal.ts';
import { TooManyAttempts, UnauthorizedLogin, UsageError } from '../../lib/errors.ts';
import { VirtualClock } from '../../lib/testing/virtual-clock.ts';
import { resultOf } from '../support/logins.ts';

const MINUTE_MS = 60_000;

describe('LoginLimiter', () => {
  let clock: VirtualClock;
  let limiter: LoginLimiter;

  beforeEach(() => {
    clock = new VirtualClock();
    limiter = limited();
  });

  it('has nobody wait before the fifth failure of a user from an address', () => {
    for (let failure = 1; failure <= 5; failure += 1) expect(tried('alice', '192.0.2.1')).to.equal(0);

    expect(tried('alice', '192.0.2.1')).to.equal(1000);
  });

  it('doubles the wait with each further failure, up to 15 minutes', () => {
    for (let failure = 1; failure <= 5; failure += 1) tried('alice', '192.0.2.1');

    const waits: number[] = [];
    for (let failure = 0; failure < 12; failure += 1) {
      const waitMs = tried('alice', '192.0.2.1');
      waits.push(waitMs / 1000);
      clock.advance(waitMs);
      expect(tried('alice', '192.0.2.1'), 'after the wait').to.equal(0);
    }

    expect(waits).to.deep.equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  it('says how much of the wait is left, and does not lengthen it for those who do not wait', () => {
    for (let failure = 1; failure <= 7; failure += 1) {
      tried('alice', '192.0.2.1');
      clock.advance(failure === 6 ? 1000 : 0);
    }

    clock.advance(500);
    expect(tried('alice', '192.0.2.1')).to.equal(1500);
    expect(tried('alice', '192.0.2.1')).to.equal(1500);
  });

  it('counts attempts that are not over: many at once are many', () => {
    const outcomes = Array.from({ length: 10 }, () => waitFor('alice', '192.0.2.1'));

    expect(outcomes.filter((outcome) => typeof outcome === 'number').length).to.equal(5);
  });

  it('forgets what a user did from an address with a success', () => {
    for (let failure = 1; failure <= 4; failure += 1) tried('alice', '192.0.2.1');

    tried('alice', '192.0.2.1', 'succeeded');

    for (let failure = 1; failure <= 5; failure += 1) expect(tried('alice', '192.0.2.1')).to.equal(0);
    expect(tried('alice', '192.0.2.1')).to.equal(1000);
  });

  it('is not got around with an account of one’s own', () => {
    const names = Array.from({ length: 60 }, (_, n) => `user${n}`);

    const waits = names.map((name) => {
      tried('mallory', '192.0.2.1', 'succeeded');
      return tried(name, '192.0.2.1');
    });

    expect(waits.filter((waitMs) => waitMs === 0).length).to.equal(50);
  });

  it('slows an address down that goes through many names', () => {
    for (let failure = 1; failure <= 50; failure += 1) tried(`user${failure}`, '192.0.2.1');

    expect(tried('another', '192.0.2.1')).to.equal(1000);
    expect(tried('another', '192.0.2.2')).to.equal(0);
  });

  it('counts a name in every spelling as one, and all that are none as one', () => {
    for (const name of ['alice', 'ALICE', 'Alice', 'ali\u00adce', '\uff41lice']) tried(name, '192.0.2.1');
    for (const name of ['\0', '\u0001', '\u0007', '\ud800', 'x'.repeat(999)]) tried(name, '192.0.2.2');

    expect(tried('alice', '192.0.2.1')).to.equal(1000);
    expect(tried('\u0002', '192.0.2.2')).to.equal(1000);
  });

  it('counts the addresses of an IPv6 network as one, and a mapped IPv4 address as that (RFC 6177 §2)', () => {
    for (let host = 1; host <= 5; host += 1) tried('alice', `2001:db8:0:1::${host}`);
    for (let failure = 1; failure <= 5; failure += 1) tried('alice', '::ffff:192.0.2.1');

    expect(tried('alice', '2001:db8:0:1::77')).to.equal(1000);
    expect(tried('alice', '2001:db8:0:2::77')).to.equal(0);
    expect(tried('alice', '192.0.2.1')).to.equal(1000);
    expect(tried('alice', '192.0.2.2')).to.equal(0);
  });

  it('forgets one failure each half hour', () => {
    for (let failure = 1; failure <= 5; failure += 1) tried('alice', '192.0.2.1');

    clock.advance(30 * MINUTE_MS);

    expect(tried('alice', '192.0.2.1')).to.equal(0);
    expect(tried('alice', '192.0.2.1')).to.equal(1000);
    clock.advance(5 * 30 * MINUTE_MS);
    expect(tried('bob', '192.0.2.1', 'succeeded')).to.equal(0);
    expect(limiter.entryCount).to.be.at.most(3);
  });

  it('does not count what was not found out, and a cut connection only against where it came from', () => {
    for (let attempt = 0; attempt < 200; attempt += 1)
      expect(tried('alice', '192.0.2.1', 'unknown')).to.equal(0);
    for (let attempt = 0; attempt < 5; attempt += 1) tried('alice', '192.0.2.2', 'abandoned');

    expect(tried('alice', '192.0.2.2')).to.equal(1000);
    expect(limiter.entryCount, 'one pair and one address').to.equal(2);
  });

  it('takes the first word only of how an attempt ended', () => {
    const attempt = limiter.admit('alice', { peer: '192.0.2.1' });
    attempt.end('failed');
    attempt.end('succeeded');

    expect(limiter.entryCount).to.equal(3);
  });

  describe('under an attack from everywhere', () => {
    beforeEach(() => {
      for (let host = 0; host < 1000; host += 1) tried('alice', `10.0.${host >> 8}.${host & 255}`);
    });

    it('lets the user in at once from an address that has not failed', () => {
      expect(tried('alice', '192.0.2.1', 'succeeded')).to.equal(0);
    });

    it('has a user who mistyped wait at most 10 s, and then lets them in', () => {
      tried('alice', '192.0.2.1');

      const waitMs = tried('alice', '192.0.2.1');
      expect(waitMs).to.be.within(1, 10_000);
      clock.advance(waitMs);
      expect(tried('alice', '192.0.2.1', 'succeeded')).to.equal(0);
    });

    it('gives the attackers one guess in 10 s, and other users their peace', () => {
      let guesses = 0;
      for (let second = 0; second < 600; second += 1) {
        clock.advance(1000);
        if (tried('alice', `10.0.0.${second & 255}`) === 0) guesses += 1;
      }

      expect(guesses).to.be.within(1, 60);
      expect(tried('bob', '10.0.0.1')).to.equal(0);
    });

    it('is over an hour or two after the attack is', () => {
      tried('alice', '192.0.2.1');
      clock.advance(3 * 60 * MINUTE_MS);
      tried('bob', '192.0.2.1');

      expect(tried('alice', '192.0.2.1')).to.equal(0);
    });
  });

  it('remembers a bounded number, however many names and addresses there are', () => {
    limiter = limited({ maxEntries: 100 });

    for (let n = 0; n < 5000; n += 1) tried(`user${n}`, `10.0.${n >> 8}.${n & 255}`);

    expect(limiter.entryCount).to.equal(300);
  });

  it('remembers those who failed often longer than those who failed once', () => {
    limiter = limited({ maxEntries: 100 });
    for (let failure = 1; failure <= 5; failure += 1) tried('alice', '192.0.2.1');

    for (let n = 0; n < 5000; n += 1) tried(`user${n}`, `10.0.${n >> 8}.${n & 255}`);

    expect(tried('alice', '192.0.2.1')).to.equal(1000);
  });

  it('works without names and without addresses', () => {
    for (let failure = 1; failure <= 50; failure += 1) expect(tried(undefined, '192.0.2.1')).to.equal(0);
    for (let failure = 1; failure <= 100; failure += 1) expect(tried('alice', undefined)).to.equal(0);

    expect(tried(undefined, '192.0.2.1')).to.equal(1000);
    expect(tried('alice', undefined)).to.equal(1000);
    expect(tried(undefined, undefined)).to.equal(0);
  });

  it('takes no limits that are none', () => {
    expect(() => limited({ freePerPeer: 0 })).to.throw(UsageError);
    expect(() => limited({ maxEntries: 0.5 })).to.throw(UsageError);
    expect(() => limited({ firstDelayMs: -1 })).to.throw(UsageError);
    expect(() => limited({ forgiveMs: Number.NaN })).to.throw(UsageError);
  });

  it('stands in front of a portal: the right password is not looked at before its time', () => {
    let looked = 0;
    const checker: Checker<'password'> = {
      kinds: ['password'],
      requestAvatarId: ({ username, password }: PasswordCredentials) => {
        looked += 1;
        if (password !== 'right') throw new UnauthorizedLogin();
        return username;
      },
    };
    const portal = new Portal({ requestAvatar: () => ({ avatar: 'in' }) }, [checker], { limits: limiter });
    const login = (password: string) =>
      resultOf(portal.login(new UsernamePassword('alice', password), undefined, { peer: '192.0.2.1' }));
    for (let guess = 1; guess <= 5; guess += 1) expect(login('wrong')).to.be.instanceOf(UnauthorizedLogin);

    const early = login('right');
    clock.advance(1000);
    const late = login('right');

    expect(early).to.be.instanceOf(TooManyAttempts).with.property('retryAfterMs', 1000);
    expect((early as Error).message).to.contain('1 s');
    expect(late).to.deep.include({ avatar: 'in' });
    expect(looked).to.equal(6);
  });

  function limited(options: Partial<LoginLimiterOptions> = {}): LoginLimiter {
    return new LoginLimiter({ clock, ...options });
  }

  /** An attempt that ends as given: how long it would have to wait, 0 when it was made. */
  function tried(username: string | undefined, peer: string | undefined, end: AttemptEnd = 'failed'): number {
    const outcome = waitFor(username, peer);
    if (typeof outcome === 'number') return outcome;
    outcome(end);
    return 0;
  }

  function waitFor(username: string | undefined, peer: string | undefined) {
    try {
      const attempt = limiter.admit(username, peer === undefined ? {} : { peer });
      return (end: AttemptEnd) => attempt.end(end);
    } catch (error) {
      if (error instanceof TooManyAttempts) return error.retryAfterMs;
      throw error;
    }
  }
});
