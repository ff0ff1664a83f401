import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatScryptRecord,
  isWeaker,
  makeUserRecord,
  parseScryptRecord,
} from '../../lib/cred/password-record.ts';
import { formatScramVerifier, parseScramVerifier } from '../../lib/cred/scram-verifier.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';
import { anyText, CHEAP } from '../support/logins.ts';

const PASSWORD = new TextEncoder().encode('pencil');
const SALT = '$c29tZSBzYWx0IG9mIDE2IQ';
const HASH = '$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';

describe('password records', () => {
  it('hold the cost, another salt each, and no password', async () => {
    const [a, b] = await Promise.all(
      ['alice', 'bob'].map((name) => makeUserRecord(name, PASSWORD, new NodeCryptography(), CHEAP)),
    );

    expect(a?.scrypt).to.match(/^\$scrypt\$ln=4,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(a?.scram).to.match(
      /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/,
    );
    expect(a?.scrypt).not.to.equal(b?.scrypt);
    expect(a?.scram).not.to.equal(b?.scram);
    expect(JSON.stringify(a)).not.to.contain('pencil');
  });

  it('come back from their text', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 1, max: 999_999 }),
        (salt, key, iterations) => {
          const scrypt = { cost: { logN: 10, r: 8, p: 2 }, salt, hash: key };
          const scram = { iterations, salt, storedKey: key, serverKey: key };

          expect(parseScryptRecord(formatScryptRecord(scrypt))).to.deep.equal(scrypt);
          expect(parseScramVerifier(formatScramVerifier(scram))).to.deep.equal(scram);
        },
      ),
    );
  });

  it('have a verifier as RFC 5803 §2 writes it', () => {
    const bytes = (value: number) => new Uint8Array(32).fill(value);
    const verifier = {
      iterations: 4096,
      salt: bytes(0).subarray(0, 3),
      storedKey: bytes(1),
      serverKey: bytes(2),
    };

    expect(formatScramVerifier(verifier)).to.equal(
      `SCRAM-SHA-256$4096:AAAA$${'AQEB'.repeat(10)}AQE=:${'AgIC'.repeat(10)}AgI=`,
    );
  });

  it('are none when they are of another kind, garbled, or dearer than any login may be', () => {
    const scrypt = [
      '',
      `$scrypt$ln=15,r=8,p=1${SALT}`,
      `$scrypt$ln=15,r=8,p=1${SALT}${HASH}$`,
      `$scrypt$ln=15,r=8${SALT}${HASH}`,
      `$argon2id$ln=15,r=8,p=1${SALT}${HASH}`,
      `$scrypt$ln=0,r=8,p=1${SALT}${HASH}`,
      `$scrypt$ln=15,r=0,p=1${SALT}${HASH}`,
      `$scrypt$ln=15,r=8,p=0${SALT}${HASH}`,
      `$scrypt$ln=21,r=8,p=1${SALT}${HASH}`,
      `$scrypt$ln=60,r=8,p=1${SALT}${HASH}`,
      `$scrypt$ln=18,r=8,p=99${SALT}${HASH}`,
      `$scrypt$ln=15,r=8,p=1$c29t=${HASH}`,
      `$scrypt$ln=15,r=8,p=1${SALT}$AAEC`,
    ];
    const scram = [
      '',
      'SCRAM-SHA-1$4096:AAAA$AAAA:AAAA',
      'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA',
      `SCRAM-SHA-256$0:AAAA$${'AQEB'.repeat(10)}AQE=:${'AgIC'.repeat(10)}AgI=`,
      `SCRAM-SHA-256$999999999:AAAA$${'AQEB'.repeat(10)}AQE=:${'AgIC'.repeat(10)}AgI=`,
      `SCRAM-SHA-256$4096:AA$${'AQEB'.repeat(10)}AQE=:${'AgIC'.repeat(10)}AgI=`,
    ];

    for (const text of scrypt) expect(parseScryptRecord(text), text).to.equal(undefined);
    for (const text of scram) expect(parseScramVerifier(text), text).to.equal(undefined);
    expect(parseScryptRecord(`$scrypt$ln=15,r=8,p=1${SALT}${HASH}`)).not.to.equal(undefined);
  });

  it('are parsed without an exception, whatever they are', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        parseScryptRecord(text);
        parseScryptRecord(`$scrypt$ln=${text}`);
        parseScramVerifier(text);
        parseScramVerifier(`SCRAM-SHA-256$${text}`);
      }),
    );
  });

  it('are weaker with less memory, less work, fewer rounds or a part that cannot be read', async () => {
    const wanted = { scrypt: { logN: 6, r: 2, p: 2 }, iterations: 4096 };
    const made = (logN: number, r: number, p: number, iterations: number) =>
      makeUserRecord('u', PASSWORD, new NodeCryptography(), { scrypt: { logN, r, p }, iterations });

    expect(isWeaker(await made(6, 2, 2, 4096), wanted)).to.equal(false);
    expect(isWeaker(await made(7, 2, 1, 4096), wanted)).to.equal(false);
    expect(isWeaker(await made(5, 2, 8, 4096), wanted)).to.equal(true);
    expect(isWeaker(await made(6, 2, 1, 4096), wanted)).to.equal(true);
    expect(isWeaker(await made(6, 2, 2, 4095), wanted)).to.equal(true);
    expect(isWeaker({ ...(await made(6, 2, 2, 4096)), scram: '' }, wanted)).to.equal(true);
  });
});
