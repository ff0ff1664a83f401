import { inspect } from 'node:util';
import { expect } from 'chai';
import sinon from 'sinon';
import { Deferred } from '../../../lib/defer/deferred.ts';
import {
  CancelledError,
  LoginDenied,
  TooManyAttempts,
  UnauthorizedLogin,
  UnverifiedServer,
} from '../../../lib/errors.ts';
import { UnhandledCommand } from '../../../protocols/amp/index.ts';
import {
  type LoginAmp,
  loginAnonymously,
  loginByCertificate,
  loginByPassword,
  loginByScram,
  loginByToken,
  logout,
  PasswordLogin,
  ScramLogin,
  ScramProof,
} from '../../../protocols/login/index.ts';
import { Greet, LoginWorld, TOKEN, WhoAmI } from '../../support/login-world.ts';

const ALICE = { username: 'alice', password: 'secret' };

for (const kind of ['memory+tls', 'ptcp+tls']) {
  describe(`logging in over ${kind}`, () => {
    let world: LoginWorld;

    beforeEach(async () => {
      world = new LoginWorld(kind);
      await world.start();
    });

    it('answers nothing but logins before the login', async () => {
      const amp = await world.client();

      const failure = await world.failure(amp.callRemote(WhoAmI));

      expect(failure).to.be.instanceOf(UnhandledCommand);
      expect(amp.connected).to.equal(true);
    });

    it('has the avatar answer after a login by password, and logs it out when the connection ends', async () => {
      const amp = await world.client();

      const who = await world.until(loginByPassword(amp, ALICE), 'alice is in');
      const answer = await world.until(amp.callRemote(WhoAmI), 'the avatar answers');
      amp.transport.abortConnection();
      await world.happens(() => world.realm.events.length === 2, 'alice is out');

      expect([who.user, answer.name]).to.deep.equal(['alice', 'alice']);
      expect(world.realm.events).to.deep.equal(['in alice', 'out alice']);
    });

    it('logs in by SCRAM, bound to TLS, without the password on the wire', async () => {
      const amp = await world.client();

      const who = await world.until(loginByScram(amp, ALICE, world.cryptography), 'alice is in');
      const answer = await world.until(amp.callRemote(WhoAmI), 'the avatar answers');

      expect([who.user, answer.name]).to.deep.equal(['alice', 'alice']);
      expect(amp.transport.tls?.channelBinding).to.deep.equal(
        world.servers[0]?.transport.tls?.channelBinding,
      );
    });

    it('logs in by the certificate of the connection', async () => {
      const amp = await world.client();

      const who = await world.until(loginByCertificate(amp), 'carol is in');

      expect(who.user).to.equal('carol');
    });

    it('logs in by token, and without saying who', async () => {
      const robot = await world.client();
      const nobody = await world.client();

      const who = await world.until(loginByToken(robot, TOKEN), 'the robot is in');
      const anonymous = await world.until(loginAnonymously(nobody), 'nobody is in');

      expect([who.user, anonymous.user]).to.deep.equal(['robot', undefined]);
      expect(world.realm.events).to.deep.equal(['in robot', 'in nobody']);
    });

    it('says the same to a wrong password and an unknown user, and derives as many keys', async () => {
      const amp = await world.client();
      world.cryptography.scrypt.resetHistory();

      const wrong = await world.failure(loginByPassword(amp, { username: 'alice', password: 'guess' }));
      const derivations = world.cryptography.scrypt.callCount;
      const unknown = await world.failure(loginByPassword(amp, { username: 'bob', password: 'guess' }));

      expect(wrong).to.be.instanceOf(UnauthorizedLogin);
      expect([unknown.constructor, unknown.message]).to.deep.equal([wrong.constructor, wrong.message]);
      expect(world.cryptography.scrypt.callCount).to.equal(2 * derivations);
    });
  });
}

describe('a login over AMP', () => {
  let world: LoginWorld;

  beforeEach(async () => {
    world = new LoginWorld('memory+tls');
    await world.start();
  });

  it('gives the avatar the connection, for calls back', async () => {
    const amp = await world.client();
    const heard: string[] = [];
    amp.respond(Greet, ({ text }) => {
      heard.push(text);
      return {};
    });

    await world.until(loginByPassword(amp, ALICE), 'alice is in');
    await world.until(amp.callRemote(Greet, { text: 'hello' }), 'she is greeted');

    expect(heard).to.deep.equal(['hello, alice']);
  });

  it('does not answer a call that is sent together with the login', async () => {
    const amp = await world.client();

    const login = loginByPassword(amp, ALICE);
    const early = await world.failure(amp.callRemote(WhoAmI));

    expect(early).to.be.instanceOf(UnhandledCommand);
    expect((await world.until(login, 'alice is in')).user).to.equal('alice');
  });

  it('lets somebody else in after a logout, and nobody while somebody is', async () => {
    const amp = await world.client();

    await world.until(loginByPassword(amp, ALICE), 'alice is in');
    const second = await world.failure(loginByToken(amp, TOKEN));
    await world.until(logout(amp), 'alice is out');
    const nobody = await world.failure(amp.callRemote(WhoAmI));
    await world.until(loginByToken(amp, TOKEN), 'the robot is in');

    expect(second).to.be.instanceOf(LoginDenied);
    expect(nobody).to.be.instanceOf(UnhandledCommand);
    expect(world.realm.events).to.deep.equal(['in alice', 'out alice', 'in robot']);
  });

  it('logs out once where the client logs out and the connection ends at the same time', async () => {
    const amp = await world.client();
    await world.until(loginByPassword(amp, ALICE), 'alice is in');

    const leaving = logout(amp);
    await world.until(leaving, 'alice is out');
    amp.transport.abortConnection();
    await world.pass(1_000);

    expect(world.realm.events).to.deep.equal(['in alice', 'out alice']);
  });

  it('logs the avatar out as soon as it is there when the connection was cut during the login', async () => {
    const gate = new Deferred<void>();
    world.realm.gate = gate;
    const asked = sinon.spy(world.realm, 'requestAvatar');
    const amp = await world.client();
    const login = loginByPassword(amp, ALICE);
    login.observe(
      () => {},
      () => {},
    );
    await world.happens(() => asked.called, 'the realm is asked');

    amp.transport.abortConnection();
    await world.pass(1_000);
    gate.callback(undefined);

    expect(world.realm.events).to.deep.equal(['in alice', 'out alice']);
  });

  it('never makes an avatar when the connection was cut before the password was checked', async () => {
    const amp = await world.client();
    const gate = new Deferred<void>();
    world.users.find = (name) => gate.toPromise().then(() => ({ name, scrypt: '', scram: '' }));
    const login = loginByPassword(amp, ALICE);
    login.observe(
      () => {},
      () => {},
    );
    await world.pass(200);

    amp.transport.abortConnection();
    await world.pass(200);
    gate.callback(undefined);
    await world.pass(200);

    expect(world.realm.events).to.deep.equal([]);
  });

  it('lets nobody send large boxes who is not logged in', async () => {
    const [stranger, user] = [await world.client(), await world.client()];
    const box = new Map(Array.from({ length: 10 }, (_, index) => [`part-${index}`, new Uint8Array(60_000)]));
    await world.until(loginByScram(user, ALICE, world.cryptography), 'alice is in');

    const refused = await world.failure(stranger.callRemoteBox('anything', box));
    const taken = await world.failure(user.callRemoteBox('anything', box));
    await world.until(logout(user), 'alice is out');
    await world.failure(user.callRemoteBox('anything', box));

    expect(taken).to.be.instanceOf(UnhandledCommand);
    expect(refused).not.to.be.instanceOf(UnhandledCommand);
    expect([stranger.connected, user.connected]).to.deep.equal([false, false]);
  });

  it('closes a connection on which nobody logs in', async () => {
    const amp = await world.client();

    await world.pass(59_000);
    const wasConnected = amp.connected;
    await world.pass(3_000);

    expect([wasConnected, amp.connected]).to.deep.equal([true, false]);
  });

  it('closes a connection that leaves a SCRAM exchange where it is', async () => {
    const amp = await world.client();

    await world.until(
      amp.callRemote(ScramLogin, { message: 'n,,n=alice,r=abcdefghijklmnop' }).addErrback(() => {}),
      'it is answered',
    );
    await world.pass(59_000);
    const wasConnected = amp.connected;
    await world.pass(3_000);

    expect([wasConnected, amp.connected]).to.deep.equal([true, false]);
    expect(world.realm.events).to.deep.equal([]);
  });

  it('closes a connection after five failed logins, each of them answered', async () => {
    const amp = await world.client();
    const failures: Error[] = [];

    for (let count = 0; count < 5; count += 1) {
      failures.push(await world.failure(loginByPassword(amp, { username: 'alice', password: `${count}` })));
    }
    await world.happens(() => !amp.connected, 'the connection is closed');

    expect(failures.every((failure) => failure instanceof UnauthorizedLogin)).to.equal(true);
  });

  it('has whoever guesses on many connections wait, and says how long', async () => {
    world = new LoginWorld('ptcp+tls');
    await world.start();
    const failures: Error[] = [];

    for (let count = 0; count < 8; count += 1) {
      const amp = await world.client();
      failures.push(await world.failure(loginByPassword(amp, { username: 'alice', password: `${count}` })));
    }

    const refused = failures.filter((failure) => failure instanceof TooManyAttempts);
    expect(refused).to.have.lengthOf.above(0);
    expect((refused[0] as TooManyAttempts).retryAfterMs).to.be.above(0);
  });

  it('refuses a server that does not know the user, and cuts the connection', async () => {
    const amp = await world.client();
    const server = world.servers[0] as LoginAmp;
    const forged = { message: `v=${Buffer.alloc(32).toString('base64')}` };
    server.respond(ScramProof, () => forged);

    const failure = await world.failure(loginByScram(amp, ALICE, world.cryptography));
    await world.happens(() => !amp.connected, 'the connection is cut');

    expect(failure).to.be.instanceOf(UnverifiedServer);
  });

  it('refuses what is no SCRAM as it refuses a wrong password', async () => {
    const amp = await world.client();

    const early = await world.failure(amp.callRemote(ScramProof, { message: 'c=,r=,p=' }));
    const first = await world.failure(amp.callRemote(ScramLogin, { message: 'nonsense' }));
    const final = await world.failure(amp.callRemote(ScramProof, { message: 'c=,r=,p=' }));

    expect(early).to.be.instanceOf(LoginDenied);
    expect([first, final].every((failure) => failure instanceof UnauthorizedLogin)).to.equal(true);
    expect(amp.connected).to.equal(true);
  });

  it('gives a login up when the call is cancelled', async () => {
    const amp = await world.client();

    const login = loginByPassword(amp, ALICE);
    login.cancel();

    expect(await world.failure(login)).to.be.instanceOf(CancelledError);
  });

  it('shows no password when the server is inspected', async () => {
    const amp = await world.client();
    await world.until(loginByPassword(amp, ALICE), 'alice is in');

    const shown = inspect([world.servers[0], amp], { depth: 12, showHidden: true });

    expect(shown).not.to.include('secret');
  });
});

describe('a login without TLS', () => {
  let world: LoginWorld;

  beforeEach(() => {
    world = new LoginWorld('memory');
  });

  it('is refused by both sides where the secret itself would be sent', async () => {
    await world.start();
    const amp = await world.client();

    const own = await world.failure(loginByPassword(amp, ALICE));
    const other = await world.failure(amp.callRemote(PasswordLogin, ALICE));

    expect([own, other].every((failure) => failure instanceof LoginDenied)).to.equal(true);
  });

  it('works by SCRAM', async () => {
    await world.start();
    const amp = await world.client();

    const who = await world.until(loginByScram(amp, ALICE, world.cryptography), 'alice is in');

    expect(who.user).to.equal('alice');
  });

  it('is not passed on by somebody in the middle to a server with TLS', async () => {
    await world.start();
    const secure = new LoginWorld('memory+tls');
    await secure.start();
    const victim = await world.client();
    const attacker = await secure.client();
    const middle = world.servers[0] as LoginAmp;
    middle.respond(ScramLogin, (message) => attacker.callRemote(ScramLogin, message));
    middle.respond(ScramProof, (message) => attacker.callRemote(ScramProof, message));

    const login = world.failure(loginByScram(victim, ALICE, world.cryptography));
    await secure.pass(1_000);
    await login;

    expect(secure.realm.events).to.deep.equal([]);
  });

  it('takes the secret where both sides say so', async () => {
    await world.start({ allowsSecretsInClear: true });
    const amp = await world.client();

    const who = await world.until(loginByPassword(amp, ALICE, { allowsSecretsInClear: true }), 'alice is in');

    expect(who.user).to.equal('alice');
  });
});
