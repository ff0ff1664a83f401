import { expect } from 'chai';
import sinon from 'sinon';
import { Ping, Said, Who } from '../../../examples/chat/commands.ts';
import { Deferred } from '../../../lib/defer/deferred.ts';
import {
  ConnectionDone,
  LoginDenied,
  TooManyAttempts,
  UnauthorizedLogin,
  UserStoreFailure,
} from '../../../lib/errors.ts';
import { UnhandledCommand, UnknownRemoteError } from '../../../protocols/amp/index.ts';
import { loginAnonymously, loginByPassword, ScramLogin } from '../../../protocols/login/index.ts';
import { testCertificates } from '../../support/certificates.ts';
import { ChatWorld, type Guest, PASSWORDS, SERVER } from '../../support/chat-world.ts';

const GUESSER = '10.0.0.66';
/** Longer than the server waits for a ping, and between two of them. */
const VANISHED_MS = 90_000;

describe('the chat of examples/chat', () => {
  let world: ChatWorld;

  before(async function () {
    // Loads a library, and makes keys.
    this.timeout(10_000);
    await testCertificates();
  });

  beforeEach(async () => {
    world = new ChatWorld();
    await world.start();
  });

  afterEach(() => world.over());

  describe('with the right user', () => {
    it('carries what two say to each other, tells who comes and goes, and who is there', async () => {
      const alice = await world.member('alice');
      const bob = await world.member('bob', '10.0.0.3');

      await world.until(alice.chat.say('hello bob'), 'alice has spoken');
      await world.until(bob.chat.say('hello alice'), 'bob has spoken');
      await world.until(alice.chat.who(), 'she knows who is here');
      bob.chat.loseConnection();
      await world.happens(() => alice.shown.length === 4, 'she hears that bob left');
      await world.leave(alice);

      expect(alice.shown).to.deep.equal([
        '* bob is here',
        'bob: hello alice',
        '* here: alice, bob',
        '* bob has left',
      ]);
      expect(bob.shown).to.deep.equal(['alice: hello bob']);
      expect(world.log).to.deep.equal(['alice came', 'bob came', 'bob left', 'alice left']);
    });

    it('knows users by the names that the checker wrote, however they spell them', async () => {
      const guest = await world.guest();

      const { user } = await world.until(guest.logIn('al\u00adice', PASSWORDS.alice), 'alice is in');
      await world.until(guest.chat.who(), 'she knows who is here');
      await world.leave(guest);

      expect(user).to.equal('alice');
      expect(guest.shown).to.deep.equal(['* here: alice']);
    });

    it('has the same user come once and leave once, from however many places', async () => {
      const bob = await world.member('bob');
      const home = await world.member('alice', '10.0.0.3');
      const work = await world.member('alice', '10.0.0.4');

      await world.until(home.chat.say('from home'), 'she speaks');
      await world.until(bob.chat.who(), 'bob knows who is here');
      home.chat.loseConnection();
      await world.happens(() => world.server.room.seatCount === 2, 'she has left at home');
      await world.until(work.chat.say('from work'), 'she speaks');
      work.chat.loseConnection();
      await world.happens(() => bob.shown.length === 5, 'bob has heard that she left');
      await world.leave(bob);

      const said = ['alice: from home', '* here: alice, bob', 'alice: from work'];
      expect(bob.shown).to.deep.equal(['* alice is here', ...said, '* alice has left']);
      expect(work.shown).to.deep.equal(['alice: from home']);
    });
  });

  describe('with a wrong password or an unknown user', () => {
    for (const [way, logIn] of [
      ['by SCRAM', (guest: Guest, name: string) => guest.logIn(name, 'a guess')],
      [
        'by password',
        (guest: Guest, name: string) => {
          return loginByPassword(guest.chat, { username: name, password: 'a guess' });
        },
      ],
    ] as const) {
      it(`refuses both with the same text after the same work, ${way}`, async () => {
        const guest = await world.guest();
        const { scrypt, pbkdf2 } = world.cryptography;
        const work = () => [scrypt.callCount, pbkdf2.callCount];
        const before = work();

        const wrong = await world.failure(logIn(guest, 'alice'));
        const afterWrong = work();
        const unknown = await world.failure(logIn(guest, 'nobody'));
        const afterUnknown = work();

        expect(wrong).to.be.instanceOf(UnauthorizedLogin);
        expect([unknown.constructor, unknown.message]).to.deep.equal([wrong.constructor, wrong.message]);
        expect(difference(afterUnknown, afterWrong)).to.deep.equal(difference(afterWrong, before));
        expect(world.log).to.deep.equal([]);
      });
    }

    it('answers nothing but logins before one, and lets nobody in without a name', async () => {
      const guest = await world.guest();

      const early = await world.failure(guest.chat.callRemote(Who));
      const nameless = await world.failure(loginAnonymously(guest.chat));

      expect(early).to.be.instanceOf(UnhandledCommand);
      expect(nameless.message).to.contain('nobody here checks credentials of kind anonymous');
      expect(guest.chat.connected).to.equal(true);
    });

    it('tells the client nothing of what is broken at the server, but the log', async () => {
      world.users.find = () => Promise.reject(new UserStoreFailure('users cannot be read (EIO)'));
      const guest = await world.guest();

      const failure = await world.failure(guest.logIn('alice', PASSWORDS.alice));

      expect(failure).to.be.instanceOf(UnknownRemoteError);
      expect(failure.message).not.to.contain('users cannot be read');
      expect(world.log).to.deep.equal(['something is broken here: users cannot be read (EIO)']);
    });
  });

  describe('under a flood of guesses', () => {
    it('has the guesser wait, but not the user at an address of their own', async () => {
      const failures = await guessUntilRefused(GUESSER);

      const alice = await world.member('alice');
      const late = await world.guest(GUESSER);
      const refused = await world.failure(late.logIn('alice', PASSWORDS.alice));
      await world.leave(alice);

      const [last] = failures.slice(-1) as [TooManyAttempts];
      expect(failures.slice(0, -1).every((failure) => failure instanceof UnauthorizedLogin)).to.equal(true);
      expect(failures.length).to.be.lessThan(10);
      expect(last.retryAfterMs).to.be.within(1, 60_000);
      expect(refused, 'the right password, from there').to.be.instanceOf(TooManyAttempts);
    });

    it('lets the right password in from there too, after the wait', async () => {
      const [last] = (await guessUntilRefused(GUESSER)).slice(-1) as [TooManyAttempts];

      await world.pass(last.retryAfterMs);
      const alice = await world.member('alice', GUESSER);
      await world.leave(alice);

      expect(world.log).to.deep.equal(['alice came', 'alice left']);
    });

    it('remembers no more than it is to, of many names from many addresses', async () => {
      for (let place = 100; place < 112; place += 1) {
        const guest = await world.guest(`10.0.0.${place}`);
        await world.failure(guest.logIn(`name-${place}`, 'a guess'));
        guest.chat.transport.abortConnection();
      }

      expect(world.limits.entryCount).to.be.within(8, 24);
    });
  });

  describe('when the connection is cut during the login', () => {
    it('makes no avatar where the password was still being looked up', async () => {
      const bob = await world.member('bob');
      const gate = new Deferred<void>();
      const find = world.users.find.bind(world.users);
      world.users.find = (name) => gate.toPromise().then(() => find(name));
      const guest = await world.guest('10.0.0.3');

      const login = world.failure(guest.logIn('alice', PASSWORDS.alice));
      await world.pass(500);
      guest.chat.transport.abortConnection();
      await login;
      await world.pass(500);
      gate.callback();
      await world.pass(500);
      const names = [...world.server.room.names];
      await world.leave(bob);

      expect(names).to.deep.equal(['bob']);
      expect(bob.shown).to.deep.equal([]);
      expect(world.log).to.deep.equal(['bob came', 'bob left']);
    });

    it('makes no avatar where it was cut between two messages of SCRAM', async () => {
      const guest = await world.guest();

      await world.until(
        guest.chat.callRemote(ScramLogin, { message: 'n,,n=alice,r=abcdefghijklmnop' }).addErrback(() => {}),
        'the server has answered',
      );
      guest.chat.transport.abortConnection();
      await world.pass(1_000);

      expect(world.log).to.deep.equal([]);
    });

    it('logs out once whom it let in at that moment', async () => {
      const bob = await world.member('bob');
      const enter = sinon.spy(world.server, 'requestAvatar');
      const guest = await world.guest('10.0.0.3');

      const login = world.failure(guest.logIn('alice', PASSWORDS.alice));
      await world.happens(() => enter.called, 'she is in');
      world.network.partition(SERVER, '10.0.0.3');
      await world.pass(1_000);
      guest.chat.transport.abortConnection();
      await login;
      await world.pass(VANISHED_MS);
      const names = [...world.server.room.names];
      await world.leave(bob);

      expect(names).to.deep.equal(['bob']);
      expect(bob.shown).to.deep.equal(['* alice is here', '* alice has left']);
      expect(world.log).to.deep.equal(['bob came', 'alice came', 'alice left', 'bob left']);
    });

    it('lets the user in afterwards', async () => {
      const guest = await world.guest();
      const login = world.failure(guest.logIn('alice', PASSWORDS.alice));
      guest.chat.transport.abortConnection();
      await login;

      const alice = await world.member('alice');
      await world.leave(alice);

      expect(world.log).to.deep.equal(['alice came', 'alice left']);
    });
  });

  describe('when the connection is cut while somebody chats', () => {
    it('tells the others once', async () => {
      const bob = await world.member('bob');
      const alice = await world.member('alice', '10.0.0.3');

      alice.chat.transport.abortConnection();
      await world.happens(() => bob.shown.length === 2, 'bob has heard');
      await world.pass(5_000);
      await world.leave(bob);

      expect(bob.shown).to.deep.equal(['* alice is here', '* alice has left']);
    });

    it('notices by a ping that somebody has vanished without a word', async () => {
      const bob = await world.member('bob');
      await world.member('alice', '10.0.0.3');

      world.network.partition(SERVER, '10.0.0.3');
      await world.pass(VANISHED_MS);
      await world.leave(bob);

      expect(bob.shown).to.deep.equal(['* alice is here', '* alice has left']);
      expect(world.log).to.deep.equal(['bob came', 'alice came', 'alice left', 'bob left']);
    });

    it('keeps those who are silent and answer pings', async () => {
      const alice = await world.member('alice');
      const ping = sinon.spy(alice.chat, 'ping');

      await world.pass(VANISHED_MS);
      const names = [...world.server.room.names];
      await world.leave(alice);

      expect(names).to.deep.equal(['alice']);
      expect(ping.callCount).to.equal(3);
    });
  });

  describe('when the server stops', () => {
    it('closes every connection well, and logs everybody out once', async () => {
      const stopped = world.reactor.run();
      const alice = await world.member('alice');
      const bob = await world.member('bob', '10.0.0.3');

      world.reactor.stop();
      await world.until(stopped, 'the server has stopped');
      await world.happens(() => (alice.reason && bob.reason) !== undefined, 'both have heard');

      expect([alice.reason, bob.reason].every((reason) => reason instanceof ConnectionDone)).to.equal(true);
      expect([...world.log].sort()).to.deep.equal(['alice came', 'alice left', 'bob came', 'bob left']);
    });
  });

  it('takes no calls that are for the server to make, and no second login', async () => {
    const bob = await world.member('bob', '10.0.0.3');
    const alice = await world.member('alice');

    const second = await world.failure(alice.logIn('carol', PASSWORDS.carol));
    const ping = await world.failure(alice.chat.callRemote(Ping));
    await world.until(alice.chat.callRemote(Said, { name: 'carol', text: 'forged' }), 'it is sent');
    await world.happens(() => bob.shown.length === 2, 'alice is thrown out');
    await world.leave(bob);

    expect(second).to.be.instanceOf(LoginDenied);
    expect(ping).to.be.instanceOf(UnhandledCommand);
    expect(bob.shown).to.deep.equal(['* alice is here', '* alice has left']);
  });

  /** The failures of guesses at alice's password, up to the first that is not even looked at. */
  async function guessUntilRefused(address: string): Promise<Error[]> {
    const failures: Error[] = [];
    while (!(failures.at(-1) instanceof TooManyAttempts)) {
      expect(failures.length, 'guesses that are taken').to.be.lessThan(50);
      const guest = await world.guest(address);
      failures.push(await world.failure(guest.logIn('alice', `guess ${failures.length}`)));
      guest.chat.transport.abortConnection();
    }
    return failures;
  }
});

function difference(after: readonly number[], before: readonly number[]): number[] {
  return after.map((count, index) => count - (before[index] ?? 0));
}
