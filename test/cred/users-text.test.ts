import { expect } from 'chai';
import fc from 'fast-check';
import { prepareName } from '../../lib/cred/names.ts';
import type { UserRecord } from '../../lib/cred/user-store.ts';
import { UsersText } from '../../lib/cred/users-text.ts';
import { UserStoreFailure } from '../../lib/errors.ts';
import { anyText } from '../support/logins.ts';

const KEY = new Uint8Array(32).fill(1);
const SCRYPT = `$scrypt$ln=4,r=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
const SCRAM = `SCRAM-SHA-256$4096:${'A'.repeat(22)}==$${'A'.repeat(43)}=:${'A'.repeat(43)}=`;
const HEADER = `# hawser users 1 decoy-key=${'AQEB'.repeat(10)}AQE=\n`;

describe('UsersText', () => {
  it('writes a header with the decoy key, and a line a user', () => {
    const text = UsersText.empty(KEY).with(user('alice'));

    expect(textOf(text)).to.equal(`${HEADER}alice:${SCRYPT}:${SCRAM}\n`);
    expect(text.decoyKey).to.deep.equal(KEY);
    expect(text.find('alice')).to.deep.equal(user('alice'));
    expect(text.find('bob')).to.equal(undefined);
  });

  it('reads what it wrote, whatever the names', () => {
    const names = fc
      .array(fc.oneof(anyText(), fc.constantFrom('#a', '%', 'a:b', '%3A', ' ', 'ü', '__proto__')))
      .map((all) => [...new Set(all.map((name) => prepareName(name)))].filter((name) => name !== undefined));
    fc.assert(
      fc.property(names, (all) => {
        const written = all.reduce((text, name) => text.with(user(name)), UsersText.empty(KEY));

        const again = UsersText.decode(written.encode());
        expect(again.names).to.deep.equal(all);
        expect(again.problems).to.deep.equal([]);
        for (const name of all) expect(again.find(name)).to.deep.equal(user(name));
      }),
      { numRuns: 25 },
    );
  });

  it('leaves comments, empty lines and garbled lines as they are when a user changes', () => {
    const before = `${HEADER}# ours\n\nalice:${SCRYPT}:${SCRAM}\nnonsense\nbob:${SCRYPT}:${SCRAM}`;
    const changed = { ...user('alice'), scrypt: SCRYPT.replace('ln=4', 'ln=5') };

    const text = new UsersText(before).with(changed).without('bob').with(user('carol'));

    expect(textOf(text)).to.equal(
      `${HEADER}# ours\n\nalice:${changed.scrypt}:${SCRAM}\nnonsense\ncarol:${SCRYPT}:${SCRAM}\n`,
    );
  });

  it('ends an open last line before it adds another', () => {
    const text = new UsersText(`alice:${SCRYPT}:${SCRAM}`).with(user('bob'));

    expect(text.names).to.deep.equal(['alice', 'bob']);
    expect(textOf(text.without('alice'))).to.equal(`bob:${SCRYPT}:${SCRAM}\n`);
  });

  it('leaves out lines that are garbled, and says which and why, without what is in them', () => {
    const text = new UsersText(
      [
        '# hawser users 2',
        'alice:secret',
        `:${SCRYPT}:${SCRAM}`,
        `bob:${SCRYPT}:${SCRAM}:more`,
        `bob:${SCRYPT.replace('scrypt', 'bcrypt')}:${SCRAM}`,
        `50%:${SCRYPT}:${SCRAM}`,
        `\u2168:${SCRYPT}:${SCRAM}`,
        `carol:${SCRYPT}:${SCRAM}`,
        `carol:${SCRYPT.replace('ln=4', 'ln=5')}:${SCRAM}`,
        `dave:${SCRYPT}:${SCRAM}\r`,
        '   ',
      ].join('\n'),
    );

    expect(text.problems.map(({ line }) => line)).to.deep.equal([2, 3, 4, 5, 6, 7, 9]);
    expect(text.names).to.deep.equal(['carol', 'dave']);
    expect(text.find('carol')).to.deep.equal(user('carol'));
    expect(text.find('dave')).to.deep.equal(user('dave'));
    expect(text.decoyKey).to.equal(undefined);
    expect(JSON.stringify(text.problems)).not.to.contain('secret').and.not.to.contain('AAAA');
    expect(text.lines.map(({ line }) => line)).to.deep.equal([8, 10]);
  });

  it('reads a file that begins with a byte order mark or has lines ended as on Windows', () => {
    const text = UsersText.decode(
      new TextEncoder().encode(`\ufeff${HEADER}alice:${SCRYPT}:${SCRAM}\n`.replaceAll('\n', '\r\n')),
    );

    expect(text.names).to.deep.equal(['alice']);
    expect(text.problems).to.deep.equal([]);
    expect(text.decoyKey).to.deep.equal(KEY);
  });

  it('finds names in any case where case does not count, and leaves them as they are written', () => {
    const text = new UsersText(`Alice:${SCRYPT}:${SCRAM}\nALICE:${SCRYPT}:${SCRAM}\n`, 'fold');
    const changed = { ...user('alice'), scrypt: SCRYPT.replace('ln=4', 'ln=5') };

    expect(text.find('alice')).to.deep.equal(user('alice'));
    expect(text.find('Alice')).to.equal(undefined);
    expect(text.problems.map(({ line }) => line)).to.deep.equal([2]);
    expect(textOf(text.with(changed))).to.match(/^Alice:\$scrypt\$ln=5.*\nALICE:\$scrypt\$ln=4/);
  });

  it('changes nothing while there are bytes that it could not write again', () => {
    const bytes = new TextEncoder().encode(`${HEADER}?:${SCRYPT}:${SCRAM}\nbob:${SCRYPT}:${SCRAM}\n`);
    bytes[HEADER.length] = 0xff;

    const text = UsersText.decode(bytes);

    expect(text.problems).to.deep.equal([{ line: 2, reason: 'its name is not UTF-8' }]);
    expect(text.names).to.deep.equal(['bob']);
    expect(() => text.with(user('carol'))).to.throw(UserStoreFailure, 'line 2');
  });

  it('reads any bytes without an exception', () => {
    const line = fc.constantFrom(`a:${SCRYPT}:${SCRAM}`, '\n', '#', ':', SCRYPT, SCRAM);
    const part = fc.oneof(
      fc.uint8Array(),
      line.map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = UsersText.decode(Buffer.concat(parts));

        for (const name of text.names) expect(text.find(name)?.name).to.equal(name);
      }),
    );
  });

  it('reads 20 000 users in less than two seconds, however busy the machine is', () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `user${n}:${SCRYPT}:${SCRAM}\n`);
    const bytes = new TextEncoder().encode(HEADER + lines.join(''));

    const startedAt = performance.now();
    const text = UsersText.decode(bytes);
    const tookMs = performance.now() - startedAt;

    expect(text.names.length).to.equal(20_000);
    expect(text.find('user19999')).to.deep.equal(user('user19999'));
    expect(tookMs).to.be.below(2000);
  });
});

function user(name: string): UserRecord {
  return { name, scrypt: SCRYPT, scram: SCRAM };
}

function textOf(text: UsersText): string {
  return new TextDecoder().decode(text.encode());
}
