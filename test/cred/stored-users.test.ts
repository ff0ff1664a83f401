import { expect } from 'chai';
import sinon from 'sinon';
import { UsernamePassword } from '../../lib/cred/credentials.ts';
import { MemoryUsers } from '../../lib/cred/memory-users.ts';
import { type PasswordCost, parseScryptRecord } from '../../lib/cred/password-record.ts';
import { ScramClient } from '../../lib/cred/scram-client.ts';
import { parseServerFirst } from '../../lib/cred/scram-messages.ts';
import { ScramServer } from '../../lib/cred/scram-server.ts';
import { parseScramVerifier } from '../../lib/cred/scram-verifier.ts';
import { StoredUsers, type StoredUsersOptions } from '../../lib/cred/stored-users.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { CancelledError, TooManyAttempts, UnauthorizedLogin, UserStoreFailure } from '../../lib/errors.ts';
import type { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { CHEAP, failureOf, resultOf, settled, spiedCryptography } from '../support/logins.ts';

describe('StoredUsers', () => {
  let cryptography: ReturnType<typeof spiedCryptography>;
  let store: MemoryUsers;
  let problems: string[];

  beforeEach(async () => {
    cryptography = spiedCryptography();
    store = new MemoryUsers({ cryptography, cost: CHEAP });
    await store.set('alice', 'sesame');
    sinon.resetHistory();
    problems = [];
  });

  describe('by password', () => {
    it('lets in whoever has the right one', async () => {
      expect(await checker().requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
    });

    it('compares in constant time', async () => {
      await checker().requestAvatarId(new UsernamePassword('alice', 'sesame'));

      expect(cryptography.isEqual.callCount).to.equal(1);
      expect(cryptography.isEqual.firstCall.args.map((bytes) => bytes.length)).to.deep.equal([32, 32]);
    });

    it('has an unknown name, and one that can be none, cost and look like a wrong password', async () => {
      const wrong = await attempt('alice', 'open');
      const unknown = await attempt('bob', 'open');
      const impossible = await attempt('b\0b', 'open');
      const badPassword = await attempt('alice', 'o\0pen');

      expect(wrong.error).to.be.instanceOf(UnauthorizedLogin);
      for (const other of [unknown, impossible, badPassword]) {
        expect(other.error).to.be.instanceOf(UnauthorizedLogin).with.property('message', wrong.error.message);
        expect(other.costs).to.deep.equal(wrong.costs);
      }
      expect(wrong.costs).to.deep.equal([[6, 16, CHEAP.scrypt, 32]].map(([, ...rest]) => rest));
    });

    it('does not let in as a name that is not there, whatever the password', async () => {
      cryptography.isEqual.restore();
      sinon.stub(cryptography as NodeCryptography, 'isEqual').returns(true);

      expect(await failureOf(checker().requestAvatarId(new UsernamePassword('bob', 'x')))).to.be.instanceOf(
        UnauthorizedLogin,
      );
    });

    it('takes every spelling that SASLprep makes one (RFC 4013)', async () => {
      await store.set('\u2168', 'pa\u00a0ss');

      expect(await checker().requestAvatarId(new UsernamePassword('I\u00adX', 'pa ss'))).to.equal('IX');
    });

    it('takes names in any case where case does not count', async () => {
      const folding = new MemoryUsers({ cryptography, cost: CHEAP, nameCase: 'fold' });
      await folding.set('Straße', 'sesame');
      const checking = new StoredUsers(folding, { cryptography, cost: CHEAP, nameCase: 'fold' });

      expect(await checking.requestAvatarId(new UsernamePassword('STRAßE', 'sesame'))).to.equal('straße');
      expect(
        await failureOf(checker().requestAvatarId(new UsernamePassword('ALICE', 'sesame'))),
      ).to.be.instanceOf(UnauthorizedLogin);
    });
  });

  describe('by SCRAM', () => {
    it('lets in whoever has the right password, without a derivation here', async () => {
      const { avatarId, client, serverFinal } = await scram('alice', 'sesame');

      expect(avatarId).to.equal('alice');
      expect(client.verify(serverFinal as string)).to.equal(true);
      expect(cryptography.scrypt.callCount).to.equal(0);
      expect(cryptography.pbkdf2.callCount, 'the client’s').to.equal(1);
    });

    it('has an unknown name get as many messages as a wrong password, and the same text', async () => {
      const wrong = await scram('alice', 'open');
      const unknown = await scram('bob', 'open');

      expect(wrong.avatarId).to.be.instanceOf(UnauthorizedLogin);
      expect((unknown.avatarId as Error).message).to.equal((wrong.avatarId as Error).message);
      expect(shapeOf(unknown.challenge)).to.deep.equal(shapeOf(wrong.challenge));
    });

    it('shows an unknown name the same salt each time, also after a restart', async () => {
      const first = await scram('bob', 'open');
      const again = await scram('bob', 'open', checker());
      const other = await scram('carol', 'open');

      expect(saltOf(first.challenge)).to.equal(saltOf(again.challenge));
      expect(saltOf(first.challenge)).not.to.equal(saltOf(other.challenge));
    });

    it('refuses a first message that makes no sense, without a challenge', async () => {
      const server = new ScramServer('n,,n=alice', { cryptography });
      const login = checker().requestAvatarId(server);

      expect(await failureOf(server.challenge(login))).to.be.instanceOf(UnauthorizedLogin);
    });

    it('ends when it is cancelled while the client is asked', async () => {
      const server = new ScramServer('n,,n=alice,r=abc', { cryptography });
      const login = checker().requestAvatarId(server);
      await server.challenge(login);

      login.cancel();
      const final = server.answer('c=biws,r=abc,p=abc', login);

      expect(resultOf(login)).to.be.instanceOf(CancelledError);
      expect(resultOf(final)).to.be.instanceOf(CancelledError);
    });
  });

  describe('upgrades', () => {
    const STRONGER: PasswordCost = { scrypt: { logN: 5, r: 1, p: 1 }, iterations: 5000 };

    it('makes a weaker record anew once its user has logged in by password', async () => {
      const replaced = whenReplaced();
      const strict = checker({ cost: STRONGER });

      await strict.requestAvatarId(new UsernamePassword('alice', 'sesame'));
      await replaced;

      const record = await store.find('alice');
      expect(parseScryptRecord(record?.scrypt ?? '')?.cost).to.deep.equal(STRONGER.scrypt);
      expect(parseScramVerifier(record?.scram ?? '')?.iterations).to.equal(5000);
      expect(await strict.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
      expect((await scram('alice', 'sesame', strict)).avatarId).to.equal('alice');
    });

    it('leaves records alone that are strong enough, and those of whom it does not believe', async () => {
      const replace = sinon.spy(store, 'replace');

      await checker().requestAvatarId(new UsernamePassword('alice', 'sesame'));
      await failureOf(checker({ cost: STRONGER }).requestAvatarId(new UsernamePassword('alice', 'open')));
      await settled();

      expect(replace.callCount).to.equal(0);
    });

    it('lets in, and reports, when the store cannot be written', async () => {
      const reported = new Deferred<string>();
      sinon.stub(store, 'replace').rejects(new Error('the disk is full'));
      const strict = checker({ cost: STRONGER, report: (problem) => reported.callback(problem) });

      expect(await strict.requestAvatarId(new UsernamePassword('alice', 'sesame'))).to.equal('alice');
      expect(await reported)
        .to.contain('"alice"')
        .and.to.contain('the disk is full');
    });

    function whenReplaced(): Promise<void> {
      const replace = store.replace.bind(store);
      return new Promise((resolve) => {
        sinon.stub(store, 'replace').callsFake((old, record) => replace(old, record).then(resolve));
      });
    }
  });

  it('shows unknown names costs that users may still have, each always the same and the same for both', async () => {
    const former: PasswordCost = { scrypt: { logN: 5, r: 1, p: 1 }, iterations: 5000 };
    const aware = checker({ formerCosts: [former] });
    const shown = new Set<number | undefined>();

    for (let number = 0; number < 20; number += 1) {
      const { costs } = await attempt(`nobody${number}`, 'x', aware);
      const iterations = await iterationsShownTo(`nobody${number}`, aware);
      expect(await iterationsShownTo(`nobody${number}`, aware)).to.equal(iterations);
      expect(costs[0]?.[1]).to.deep.equal(iterations === 5000 ? former.scrypt : CHEAP.scrypt);
      shown.add(iterations);
    }

    expect([...shown].sort()).to.deep.equal([4096, 5000]);
  });

  it('passes on that the store cannot be read', async () => {
    sinon.stub(store, 'find').rejects(new UserStoreFailure('the disk is gone'));

    expect(await failureOf(checker().requestAvatarId(new UsernamePassword('alice', 'x')))).to.be.instanceOf(
      UserStoreFailure,
    );
  });

  it('treats a garbled record as an unknown name, and reports it without showing it', async () => {
    store.put({ name: 'eve', scrypt: '$scrypt$SECRET', scram: 'SECRET' });

    const byPassword = await attempt('eve', 'x');
    const byScram = await scram('eve', 'x');

    expect(byPassword.error).to.be.instanceOf(UnauthorizedLogin);
    expect(byPassword.costs.length).to.equal(1);
    expect(byScram.avatarId).to.be.instanceOf(UnauthorizedLogin);
    expect(problems).to.deep.equal([
      'the scrypt record of user "eve" is none',
      'the SCRAM verifier of user "eve" is none',
    ]);
  });

  it('derives at most so many keys at once, and turns away who does not fit in the line', async () => {
    const gates: (() => void)[] = [];
    const slow = spiedCryptography();
    slow.scrypt.restore();
    const scrypt = sinon
      .stub(slow as NodeCryptography, 'scrypt')
      .callsFake(() => new Promise((resolve) => gates.push(() => resolve(new Uint8Array(32)))));
    const flooded = checker({ cryptography: slow, derivations: { running: 2, waiting: 3 } });

    const logins = Array.from({ length: 7 }, () =>
      flooded.requestAvatarId(new UsernamePassword('alice', 'x')),
    );
    await settled();

    expect(scrypt.callCount).to.equal(2);
    const turnedAway = logins.map(resultOf).filter((result) => result !== undefined);
    expect(turnedAway.length).to.equal(2);
    for (const error of turnedAway) expect(error).to.be.instanceOf(TooManyAttempts);

    logins[2]?.cancel();
    while (gates.length > 0) {
      gates.shift()?.();
      await settled();
    }
    expect(scrypt.callCount, 'the cancelled one never began').to.equal(4);
    for (const login of logins) expect(resultOf(login)).to.be.an('error');
  });

  it('keeps the place of a derivation that was cancelled until it is really over', async () => {
    const gates: (() => void)[] = [];
    const slow = spiedCryptography();
    slow.scrypt.restore();
    const scrypt = sinon
      .stub(slow as NodeCryptography, 'scrypt')
      .callsFake(() => new Promise((resolve) => gates.push(() => resolve(new Uint8Array(32)))));
    const flooded = checker({ cryptography: slow, derivations: { running: 1 } });
    const first = flooded.requestAvatarId(new UsernamePassword('alice', 'x'));
    const second = flooded.requestAvatarId(new UsernamePassword('alice', 'x'));
    await settled();

    first.cancel();
    await settled();
    expect(scrypt.callCount).to.equal(1);

    gates.shift()?.();
    await settled();
    expect(scrypt.callCount).to.equal(2);
    gates.shift()?.();
    expect(resultOf(first)).to.be.instanceOf(CancelledError);
    expect(await failureOf(second)).to.be.instanceOf(UnauthorizedLogin);
  });

  function checker(options: Partial<StoredUsersOptions> = {}): StoredUsers {
    return new StoredUsers(store, {
      cryptography,
      cost: CHEAP,
      report: (problem) => problems.push(problem),
      ...options,
    });
  }

  /** A failing login by password, and which derivations it took. */
  async function attempt(username: string, password: string, users = checker()) {
    cryptography.scrypt.resetHistory();
    cryptography.pbkdf2.resetHistory();
    const error = await failureOf(users.requestAvatarId(new UsernamePassword(username, password)));
    expect(cryptography.pbkdf2.callCount).to.equal(0);
    const costs = cryptography.scrypt.args.map(([, salt, cost, length]) => [salt.length, cost, length]);
    return { error, costs };
  }

  /** Asks for a challenge, and leaves. */
  async function iterationsShownTo(username: string, users: StoredUsers): Promise<number | undefined> {
    const server = new ScramServer(`n,,n=${username},r=abc`, { cryptography });
    const login = users.requestAvatarId(server);
    login.addErrback(() => '');
    const challenge = parseServerFirst(await server.challenge(login));
    login.cancel();
    return typeof challenge === 'string' ? undefined : challenge.iterations;
  }

  async function scram(username: string, password: string, users = checker()) {
    const client = new ScramClient({ username, password, cryptography });
    const server = new ScramServer(client.first, { cryptography });
    const login = users.requestAvatarId(server);
    const challenge = await server.challenge(login);
    const answered = server.answer(await client.answer(challenge), login);
    const [avatarId, serverFinal] = await Promise.all(
      [login, answered].map((result) => result.then(undefined, (error: unknown) => error as Error)),
    );
    return { client, challenge, avatarId, serverFinal };
  }
});

function saltOf(challenge: string): string {
  return /s=([^,]+)/.exec(challenge)?.[1] ?? '';
}

/** What can be seen of a challenge without knowing what is random in it. */
function shapeOf(challenge: string): unknown {
  const parsed = parseServerFirst(challenge);
  if (typeof parsed === 'string') return parsed;
  return [challenge.length, parsed.nonce.length, parsed.salt.length, parsed.iterations];
}
