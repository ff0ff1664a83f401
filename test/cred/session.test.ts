import { expect } from 'chai';
import sinon from 'sinon';
import { AllowAnonymous } from '../../lib/cred/checkers.ts';
import { Anonymous } from '../../lib/cred/credentials.ts';
import { Portal } from '../../lib/cred/portal.ts';
import type { Granted } from '../../lib/cred/realm.ts';
import { Session } from '../../lib/cred/session.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { CancelledError, LoginDenied } from '../../lib/errors.ts';
import { resultOf } from '../support/logins.ts';

describe('Session', () => {
  let logout: sinon.SinonSpy;
  let giving: Deferred<Granted<string>>;
  let session: Session<string>;

  beforeEach(() => {
    logout = sinon.spy();
    giving = new Deferred();
    session = new Session(new Portal({ requestAvatar: () => giving }, [new AllowAnonymous()]));
  });

  it('has the login once it succeeded', () => {
    const begun = session.begin(new Anonymous(), undefined);
    expect(session.login).to.equal(undefined);

    giving.callback({ avatar: 'an avatar', logout });

    expect(resultOf(begun)).to.equal(session.login);
    expect(session.login?.avatar).to.equal('an avatar');
  });

  it('logs out when the connection ends, once', () => {
    session.begin(new Anonymous(), undefined);
    giving.callback({ avatar: '', logout });

    session.end();
    session.end();

    expect(logout.callCount).to.equal(1);
    expect(session.login).to.equal(undefined);
  });

  it('logs out once when the user logged out before the connection ended', () => {
    session.begin(new Anonymous(), undefined);
    giving.callback({ avatar: '', logout });

    session.logout();
    session.end();

    expect(logout.callCount).to.equal(1);
  });

  it('cancels a login that is under way when the connection ends, and logs out what still comes of it', () => {
    const begun = session.begin(new Anonymous(), undefined);

    session.end();
    giving.callback({ avatar: '', logout });

    expect(resultOf(begun)).to.be.instanceOf(CancelledError);
    expect(logout.callCount).to.equal(1);
    expect(session.login).to.equal(undefined);
  });

  it('denies a second login while one is under way, while somebody is logged in, and after the end', () => {
    session.begin(new Anonymous(), undefined);
    const during = resultOf(session.begin(new Anonymous(), undefined));
    giving.callback({ avatar: '', logout });
    const after = resultOf(session.begin(new Anonymous(), undefined));
    session.end();
    const late = resultOf(session.begin(new Anonymous(), undefined));

    for (const denied of [during, after, late]) expect(denied).to.be.instanceOf(LoginDenied);
    expect(logout.callCount).to.equal(1);
  });

  it('lets another login follow one that failed, and one that logged out', () => {
    const failed = session.begin(new Anonymous(), undefined);
    giving.errback(new LoginDenied());
    resultOf(failed);

    giving = new Deferred();
    session.begin(new Anonymous(), undefined);
    giving.callback({ avatar: 'one', logout });
    session.logout();
    giving = new Deferred();
    session.begin(new Anonymous(), undefined);
    giving.callback({ avatar: 'two', logout });

    expect(session.login?.avatar).to.equal('two');
  });
});
