import { expect } from 'chai';
import fc from 'fast-check';
import { makeUserRecord } from '../../lib/cred/password-record.ts';
import { ScramClient } from '../../lib/cred/scram-client.ts';
import type { ChannelBinding } from '../../lib/cred/scram-messages.ts';
import { ScramServer } from '../../lib/cred/scram-server.ts';
import type { ScramVerifier } from '../../lib/cred/scram-verifier.ts';
import { parseScramVerifier } from '../../lib/cred/scram-verifier.ts';
import { Deferred } from '../../lib/defer/deferred.ts';
import { TooManyAttempts, UnverifiedServer, UsageError } from '../../lib/errors.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { anyText, CHEAP, failureOf, resultOf, spiedCryptography } from '../support/logins.ts';

const cryptography = new NodeCryptography();
const BINDING: ChannelBinding = { name: 'tls-exporter', bytes: new Uint8Array(32).fill(7) };

// The exchange of RFC 7677 §3.
const RFC = {
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

describe('SCRAM-SHA-256', () => {
  let verifier: ScramVerifier;

  before(async () => {
    verifier = await verifierOf('pencil', 'W22ZaJ0SNY7soEsUEjb6gQ==');
  });

  it('says what the client of RFC 7677 §3 says', async () => {
    const client = new ScramClient({
      username: 'user',
      password: 'pencil',
      cryptography,
      nonce: 'rOprNGfwEbeRWgbNEkqO',
    });

    expect(client.first).to.equal(RFC.clientFirst);
    expect(await client.answer(RFC.serverFirst)).to.equal(RFC.clientFinal);
    expect(client.verify(RFC.serverFinal)).to.equal(true);
  });

  it('says what the server of RFC 7677 §3 says, by the signatures of RFC 5802 §3', () => {
    const server = new ScramServer(RFC.clientFirst, { cryptography, nonce: RFC.serverNonce });

    const proving = server.prove(verifier);

    expect(server.username).to.equal('user');
    expect(resultOf(server.challenge(proving))).to.equal(RFC.serverFirst);
    expect(resultOf(server.answer(RFC.clientFinal, proving))).to.equal(RFC.serverFinal);
    expect(resultOf(proving)).to.equal(true);
  });

  it('refuses the proof of another password, and gives no signature', async () => {
    const { proved, client, serverFinal } = await exchange({ password: 'pen' });

    expect(proved).to.equal(false);
    expect(client.verify(serverFinal)).to.equal(false);
  });

  it('compares the proof in constant time', async () => {
    const spied = spiedCryptography();

    await exchange({ password: 'pen', server: { cryptography: spied } });

    const compared = spied.isEqual.args.some(([, b]) => b === verifier.storedKey);
    expect(compared).to.equal(true);
  });

  it('takes names with commas, equals signs and other letters (RFC 5802 §5.1)', async () => {
    const { proved, server } = await exchange({ username: 'a=b,c ü' });

    expect(server.username).to.equal('a=b,c ü');
    expect(proved).to.equal(true);
  });

  it('is bound to the TLS connection below (RFC 5802 §6, RFC 9266)', async () => {
    const { proved } = await exchange({ client: { binding: BINDING }, server: { binding: BINDING } });
    const other: ChannelBinding = { name: 'tls-exporter', bytes: new Uint8Array(32).fill(8) };
    const tapped = await exchange({ client: { binding: BINDING }, server: { binding: other } });

    expect(proved).to.equal(true);
    expect(tapped.proved).to.equal(false);
    expect(tapped.server.fault).to.equal('channel binding mismatch');
  });

  it('refuses a binding where there is no TLS, and a client whose view of the offer was changed (RFC 5802 §6)', () => {
    const unbound = new ScramServer('p=tls-exporter,,n=user,r=abc', { cryptography });
    const unknown = new ScramServer('p=tls-unique,,n=user,r=abc', { cryptography, binding: BINDING });
    const stripped = new ScramServer('y,,n=user,r=abc', { cryptography, binding: BINDING });
    const honest = new ScramServer('y,,n=user,r=abc', { cryptography });

    expect(unbound.fault).to.equal('channel binding not supported');
    expect(unknown.fault).to.equal('channel binding not supported');
    expect(stripped.fault).to.equal('channel binding stripped');
    expect(honest.fault).to.equal(undefined);
  });

  it('refuses first messages that break the grammar (RFC 5802 §7)', () => {
    const bad: [string, string][] = [
      ['', 'malformed'],
      ['n,n=user,r=abc', 'malformed'],
      ['x,,n=user,r=abc', 'malformed'],
      ['n,,n=,r=abc', 'malformed'],
      ['n,,n=user', 'malformed'],
      ['n,,r=abc,n=user', 'malformed'],
      ['n,,n=us=2cer,r=abc', 'malformed'],
      ['n,,n=us=er,r=abc', 'malformed'],
      ['n,,n=user,r=a c', 'malformed'],
      ['n,,n=user,r=abc,', 'malformed'],
      ['n,,n=user,r=abc,xx=1', 'malformed'],
      ['n,,n=us\0er,r=abc', 'malformed'],
      ['n,,n=us\ud800er,r=abc', 'malformed'],
      ['n,,m=ext,n=user,r=abc', 'unknown mandatory extension'],
      ['n,a=other,n=user,r=abc', 'authorization id of somebody else'],
      [`n,,n=${'u'.repeat(5000)},r=abc`, 'too long'],
    ];

    const faults = bad.map(([text]) => new ScramServer(text, { cryptography }).fault);

    expect(faults).to.deep.equal(bad.map(([, fault]) => fault));
  });

  it('takes an authorization id that is the name, and ignores extensions that are not mandatory (RFC 5801 §4)', () => {
    const server = new ScramServer('n,a=a=2Cb,n=a=2Cb,r=abc,x=y', { cryptography });

    expect(server.fault).to.equal(undefined);
    expect(server.username).to.equal('a,b');
  });

  it('does not prove what it could not read', () => {
    const server = new ScramServer('nonsense', { cryptography });

    expect(server.username).to.equal('');
    expect(resultOf(server.prove(verifier))).to.equal(false);
  });

  it('refuses final messages that break the grammar or are of another exchange (RFC 5802 §5)', async () => {
    const [, nonce = '', proof = ''] = /r=(.*),p=(.*)$/.exec(RFC.clientFinal) ?? [];
    const bad: [string, string][] = [
      ['', 'malformed'],
      [`c=biws,r=${nonce}`, 'malformed'],
      [`c=biws,r=${nonce},p=AAAA`, 'malformed'],
      [`c=biws,r=${nonce},p=${proof},x=y`, 'malformed'],
      [`r=${nonce},c=biws,p=${proof}`, 'malformed'],
      [`c=eSws,r=${nonce},p=${proof}`, 'channel binding mismatch'],
      [`c=biws,r=${nonce}x,p=${proof}`, 'wrong nonce'],
      ['x'.repeat(5000), 'too long'],
    ];

    for (const [text, fault] of bad) {
      const server = new ScramServer(RFC.clientFirst, { cryptography, nonce: RFC.serverNonce });
      const proving = server.prove(verifier);
      server.answer(text, proving);
      expect(resultOf(proving), text).to.equal(false);
      expect(server.fault, text).to.equal(fault);
    }
  });

  it('takes one answer, and none before the challenge', () => {
    const early = new ScramServer(RFC.clientFirst, { cryptography });
    const server = new ScramServer(RFC.clientFirst, { cryptography, nonce: RFC.serverNonce });
    const proving = server.prove(verifier);

    early.answer(RFC.clientFinal, proving);
    server.answer(RFC.clientFinal, proving);
    server.answer(RFC.clientFinal, proving);

    expect(early.fault).to.equal('out of turn');
    expect(server.fault).to.equal('out of turn');
    expect(resultOf(proving)).to.equal(true);
    expect(resultOf(server.prove(verifier)), 'a second run').to.equal(false);
  });

  it('survives any messages of a client: each is a refusal', () => {
    const flags = fc.constantFrom('n,,', 'y,,', 'p=tls-exporter,,', 'n,a=x,', '');
    const parts = fc.array(fc.oneof(anyText(), fc.constantFrom('n=', 'r=', ',', '=', 'm=')));
    const message = fc.tuple(flags, parts).map(([flag, rest]) => flag + rest.join(''));
    fc.assert(
      fc.property(fc.oneof(message, fc.constant('n,,n=user,r=abc')), message, (first, final) => {
        const server = new ScramServer(first, { cryptography });
        const proving = server.prove(verifier);
        server.answer(final, proving);

        expect(resultOf(proving)).to.equal(false);
      }),
    );
  });

  it('survives any messages of a server: each is an UnverifiedServer', async () => {
    const text = fc.oneof(
      anyText(),
      fc.tuple(fc.string(), fc.string(), fc.string()).map(([r, s, i]) => `r=abc${r},s=${s},i=${i}`),
    );
    await fc.assert(
      fc.asyncProperty(text, async (message) => {
        const client = new ScramClient({ username: 'user', password: 'pencil', cryptography, nonce: 'abc' });

        expect(await failureOf(client.answer(message))).to.be.instanceOf(UnverifiedServer);
        expect(client.verify(message)).to.equal(false);
      }),
    );
  });

  it('answers no challenge that is cheap to search, dear to compute, or of another exchange (RFC 7677 §4)', async () => {
    const salt = 'W22ZaJ0SNY7soEsUEjb6gQ==';
    const challenges = [
      `r=abcdef,s=${salt},i=4095`,
      `r=abcdef,s=${salt},i=2000001`,
      `r=abcdef,s=${salt},i=99999999999`,
      `r=xyz,s=${salt},i=4096`,
      `r=abc,s=${salt},i=4096`,
      `r=abcdef,s=,i=4096`,
      `e=unknown-user`,
    ];
    const spied = spiedCryptography();

    for (const challenge of challenges) {
      const client = new ScramClient({
        username: 'user',
        password: 'pencil',
        cryptography: spied,
        nonce: 'abc',
      });
      expect(await failureOf(client.answer(challenge)), challenge).to.be.instanceOf(UnverifiedServer);
    }
    expect(spied.pbkdf2.callCount).to.equal(0);
  });

  it('answers one challenge only', async () => {
    const client = new ScramClient({
      username: 'user',
      password: 'pencil',
      cryptography,
      nonce: 'rOprNGfwEbeRWgbNEkqO',
    });
    await client.answer(RFC.serverFirst);

    expect(await failureOf(client.answer(RFC.serverFirst))).to.be.instanceOf(UsageError);
  });

  it('does not believe a server that refuses, or that signs something else', async () => {
    const client = new ScramClient({
      username: 'user',
      password: 'pencil',
      cryptography,
      nonce: 'rOprNGfwEbeRWgbNEkqO',
    });
    expect(client.verify(RFC.serverFinal), 'too early').to.equal(false);
    await client.answer(RFC.serverFirst);

    expect(client.verify('e=invalid-proof')).to.equal(false);
    expect(client.verify(`v=${Buffer.alloc(32).toString('base64')}`)).to.equal(false);
    expect(client.verify('')).to.equal(false);
  });

  it('ends with the login: who waits for a challenge hears why there will be none', () => {
    const server = new ScramServer(RFC.clientFirst, { cryptography });
    const login = new Deferred<unknown>();
    const challenge = server.challenge(login);

    login.errback(new TooManyAttempts(1000));

    expect(resultOf(challenge)).to.be.instanceOf(TooManyAttempts);
  });

  async function exchange({
    username = 'user',
    password = 'pencil',
    client: clientOptions = {},
    server: serverOptions = {},
  }: {
    username?: string;
    password?: string;
    client?: { binding?: ChannelBinding };
    server?: { binding?: ChannelBinding; cryptography?: NodeCryptography };
  }) {
    const client = new ScramClient({ username, password, cryptography, ...clientOptions });
    const server = new ScramServer(client.first, { cryptography, ...serverOptions });
    const proving = server.prove(verifier);
    const challenge = await server.challenge(proving);
    const serverFinal = await server.answer(await client.answer(challenge), proving);
    return { client, server, proved: await proving, serverFinal };
  }
});

async function verifierOf(password: string, salt: string): Promise<ScramVerifier> {
  const fixed = new NodeCryptography();
  fixed.randomBytes = () => new Uint8Array(Buffer.from(salt, 'base64'));
  const { scram } = await makeUserRecord('user', new TextEncoder().encode(password), fixed, CHEAP);
  const parsed = parseScramVerifier(scram);
  if (parsed === undefined) throw new Error(`${scram} is no verifier`);
  return parsed;
}
