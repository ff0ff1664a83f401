import { expect } from 'chai';
import { CertificateTable, SharedSecrets, TokenTable } from '../../lib/cred/checkers.ts';
import { BearerToken, ClientCertificate, UsernameHashedPassword } from '../../lib/cred/credentials.ts';
import { UnauthorizedLogin, UsageError } from '../../lib/errors.ts';
import type { PeerCertificate } from '../../lib/interfaces/tls.ts';
import { failureOf, spiedCryptography } from '../support/logins.ts';

const TOKEN = '0123456789abcdef';
const OTHER_TOKEN = 'fedcba9876543210';

describe('TokenTable', () => {
  it('lets in the bearer of a token as its owner', () => {
    const table = new TokenTable(spiedCryptography(), [[TOKEN, 'alice']]);

    expect(table.requestAvatarId(new BearerToken(TOKEN))).to.equal('alice');
  });

  it('refuses other tokens, and those that were revoked', () => {
    const table = new TokenTable(spiedCryptography(), [[TOKEN, 'alice']]);

    expect(() => table.requestAvatarId(new BearerToken(OTHER_TOKEN))).to.throw(UnauthorizedLogin);
    expect(() => table.requestAvatarId(new BearerToken(''))).to.throw(UnauthorizedLogin);
    expect(table.revoke(TOKEN)).to.equal(true);
    expect(table.revoke(TOKEN)).to.equal(false);
    expect(() => table.requestAvatarId(new BearerToken(TOKEN))).to.throw(UnauthorizedLogin);
  });

  it('compares hashes in constant time, as often for an unknown token', () => {
    const cryptography = spiedCryptography();
    const table = new TokenTable(cryptography, [[TOKEN, 'alice']]);
    cryptography.hmacSha256.resetHistory();

    table.requestAvatarId(new BearerToken(TOKEN));
    expect(() => table.requestAvatarId(new BearerToken(OTHER_TOKEN))).to.throw(UnauthorizedLogin);

    expect(cryptography.isEqual.callCount).to.equal(2);
    expect(cryptography.hmacSha256.callCount).to.equal(2);
  });

  it('takes no token that could be guessed', () => {
    expect(() => new TokenTable(spiedCryptography(), [['short', 'alice']])).to.throw(UsageError);
  });
});

describe('CertificateTable', () => {
  const certificate: PeerCertificate = {
    der: new Uint8Array(),
    fingerprint: 'AB:'.repeat(31).concat('AB'),
    commonName: 'alice',
    subjectAltNames: ['DNS:alice.example'],
    issuer: 'CN=our CA',
    validFrom: '',
    validTo: '',
  };
  const credentials = new ClientCertificate(certificate);

  it('lets in by fingerprint, however that is written', () => {
    for (const fingerprint of ['ab'.repeat(32), 'AB'.repeat(32), certificate.fingerprint]) {
      const table = new CertificateTable({ fingerprints: [[fingerprint, 'alice']] });
      expect(table.requestAvatarId(credentials)).to.equal('alice');
    }
  });

  it('lets in by what is written in a certificate, as the application reads it', () => {
    const table = new CertificateTable({
      byName: ({ commonName, issuer }) => (issuer === 'CN=our CA' ? commonName : undefined),
    });

    expect(table.requestAvatarId(credentials)).to.equal('alice');
  });

  it('refuses a certificate that it does not know', () => {
    const table = new CertificateTable({ fingerprints: [['cd'.repeat(32), 'bob']] });

    expect(() => table.requestAvatarId(credentials)).to.throw(UnauthorizedLogin);
  });

  it('takes no fingerprint that is none', () => {
    expect(() => new CertificateTable({ fingerprints: [['abcd', 'alice']] })).to.throw(UsageError);
  });
});

describe('SharedSecrets', () => {
  it('lets in whose credentials were made of the secret', async () => {
    const cryptography = spiedCryptography();
    const checker = new SharedSecrets([['alice', 'a hash']], cryptography);

    expect(
      await checker.requestAvatarId(new UsernameHashedPassword('alice', 'a hash', cryptography)),
    ).to.equal('alice');
    expect(cryptography.isEqual.callCount).to.equal(1);
  });

  it('refuses other secrets and unknown names, and compares for both', async () => {
    const cryptography = spiedCryptography();
    const checker = new SharedSecrets([['alice', 'a hash']], cryptography);

    const wrong = await failureOf(
      Promise.resolve(checker.requestAvatarId(new UsernameHashedPassword('alice', 'another', cryptography))),
    );
    const unknown = await failureOf(
      Promise.resolve(checker.requestAvatarId(new UsernameHashedPassword('bob', 'a hash', cryptography))),
    );

    expect(wrong).to.be.instanceOf(UnauthorizedLogin).with.property('message', unknown.message);
    expect(cryptography.isEqual.callCount).to.equal(2);
  });
});
