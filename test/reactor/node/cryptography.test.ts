import { expect } from 'chai';
import { NodeCryptography } from '../../../lib/reactor/node/cryptography.ts';
import { failureOf } from '../../support/logins.ts';

const cryptography = new NodeCryptography();

describe('NodeCryptography', () => {
  it('derives the keys of the test vectors of scrypt (RFC 7914 §12)', async () => {
    const empty = await cryptography.scrypt(ascii(''), ascii(''), { logN: 4, r: 1, p: 1 }, 64);
    const nacl = await cryptography.scrypt(ascii('password'), ascii('NaCl'), { logN: 10, r: 8, p: 16 }, 64);

    expect(hex(empty)).to.equal(
      '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906',
    );
    expect(hex(nacl)).to.equal(
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    );
  });

  it('takes costs that need more memory than Node allows unless asked', async () => {
    const key = await cryptography.scrypt(ascii('p'), ascii('s'), { logN: 16, r: 8, p: 1 }, 32);

    expect(key.length).to.equal(32);
  });

  it('fails, and does not throw, where the cost is no cost', async () => {
    const failure = await failureOf(cryptography.scrypt(ascii('p'), ascii('s'), { logN: 0, r: 1, p: 1 }, 32));

    expect(failure).to.be.instanceOf(Error);
  });

  it('derives the keys of the test vectors of PBKDF2 with HMAC-SHA-256 (RFC 7914 §11)', async () => {
    const key = await cryptography.pbkdf2(ascii('passwd'), ascii('salt'), 1);

    expect(hex(key)).to.equal('55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc');
  });

  it('hashes and signs as SHA-256 and HMAC do (RFC 4231 §4.3)', () => {
    expect(hex(cryptography.sha256(ascii('abc')))).to.equal(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(hex(cryptography.hmacSha256(ascii('Jefe'), ascii('what do ya want for nothing?')))).to.equal(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('says of bytes of different lengths that they differ', () => {
    expect(cryptography.isEqual(ascii('same'), ascii('same'))).to.equal(true);
    expect(cryptography.isEqual(ascii('same'), ascii('sane'))).to.equal(false);
    expect(cryptography.isEqual(ascii('same'), ascii('same!'))).to.equal(false);
  });

  it('draws as many random bytes as are asked for, others each time', () => {
    const [a, b] = [cryptography.randomBytes(16), cryptography.randomBytes(16)];

    expect(a.length).to.equal(16);
    expect(hex(a)).not.to.equal(hex(b));
  });
});

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
