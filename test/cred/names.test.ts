import { expect } from 'chai';
import fc from 'fast-check';
import {
  MAX_NAME_CHARACTERS,
  MAX_PASSWORD_CHARACTERS,
  prepareName,
  preparePassword,
} from '../../lib/cred/names.ts';
import { anyText } from '../support/logins.ts';

describe('names and passwords', () => {
  it('are prepared as the examples of RFC 4013 §3 are', () => {
    const examples: [string, string | undefined][] = [
      ['I\u00adX', 'IX'],
      ['user', 'user'],
      ['USER', 'USER'],
      ['\u00aa', 'a'],
      ['\u2168', 'IX'],
      ['\u0007', undefined],
      ['\u0627\u0031', undefined],
    ];

    expect(examples.map(([text]) => prepareName(text))).to.deep.equal(
      examples.map(([, prepared]) => prepared),
    );
  });

  it('are none when nothing is left of them, or too much', () => {
    expect(prepareName('')).to.equal(undefined);
    expect(prepareName('\u00ad')).to.equal(undefined);
    expect(prepareName('n'.repeat(MAX_NAME_CHARACTERS))).to.have.length(MAX_NAME_CHARACTERS);
    expect(prepareName('n'.repeat(MAX_NAME_CHARACTERS + 1))).to.equal(undefined);
    expect(prepareName('n'.repeat(MAX_NAME_CHARACTERS + 1), 'fold')).to.equal(undefined);
    expect(preparePassword('')).to.equal(undefined);
    expect(preparePassword('p'.repeat(MAX_PASSWORD_CHARACTERS + 1))).to.equal(undefined);
  });

  it('are none with half a character or one that Unicode 3.2 did not know', () => {
    expect(prepareName('a\ud800b')).to.equal(undefined);
    expect(preparePassword('\u{1f511}')).to.equal(undefined);
  });

  it('keep the spaces of a password, and have bytes in UTF-8 (RFC 5802 §2.2)', () => {
    expect(preparePassword(' ü\u00a0')).to.deep.equal(new TextEncoder().encode(' ü '));
  });

  it('are one in every case where case does not count', () => {
    expect(prepareName('Alice', 'fold')).to.equal('alice');
    expect(prepareName('ÅSA', 'fold')).to.equal(prepareName('A\u030asa', 'fold'));
  });

  it('are prepared once: what was prepared stays as it is', () => {
    fc.assert(
      fc.property(anyText(), fc.constantFrom('exact' as const, 'fold' as const), (text, nameCase) => {
        const prepared = prepareName(text, nameCase);
        if (prepared !== undefined) expect(prepareName(prepared, nameCase)).to.equal(prepared);
      }),
    );
  });
});
