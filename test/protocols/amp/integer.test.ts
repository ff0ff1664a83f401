import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { UsageError } from '../../../lib/errors.ts';
import { ArgumentError, bigInteger, integer, safeInteger } from '../../../protocols/amp/index.ts';
import { readText, writtenText } from '../../support/amp-values.ts';

const PYTHON: { readonly integers: readonly [string, string | null][] } = JSON.parse(
  readFileSync(new URL('python-numbers.json', import.meta.url), 'utf8'),
);

describe('integer', () => {
  for (const [text, value] of PYTHON.integers) {
    const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
    it(`${value === null ? 'refuses' : 'reads'} ${shown}, as Python does`, () => {
      if (value === null) expect(() => readText(integer, text)).to.throw(ArgumentError);
      else expect(String(readText(integer, text))).to.equal(value);
    });
  }

  it('reads a number where it is a safe one, otherwise a bigint', () => {
    expect(readText(integer, '9007199254740991')).to.equal(2 ** 53 - 1);
    expect(readText(integer, '-9007199254740991')).to.equal(1 - 2 ** 53);
    expect(readText(integer, '9007199254740992')).to.equal(2n ** 53n);
    expect(readText(integer, '0'.repeat(30))).to.equal(0);
  });

  it('knows no negative zero', () => {
    expect(writtenText(integer, -0)).to.equal('0');
    expect(Object.is(readText(integer, '-0'), 0)).to.equal(true);
    expect(Object.is(readText(integer, '-00000000000000000'), 0)).to.equal(true);
  });

  it('reads what was written', () => {
    const values = fc.oneof(fc.maxSafeInteger(), fc.bigInt());
    fc.assert(
      fc.property(
        values,
        (value) => BigInt(readText(integer, writtenText(integer, value))) === BigInt(value),
      ),
    );
  });

  it('writes nothing but safe numbers and bigints', () => {
    for (const value of [2 ** 53, 1.5, Number.NaN, Infinity, '1', true, {}] as number[]) {
      expect(() => writtenText(integer, value), String(value)).to.throw(UsageError);
    }
  });
});

describe('safeInteger', () => {
  it('has numbers on both sides, and refuses others', () => {
    expect(writtenText(safeInteger, -7)).to.equal('-7');
    expect(readText(safeInteger, ' 7')).to.equal(7);
    expect(safeInteger.read(Buffer.from('7'))).to.equal(7);
    expect(() => writtenText(safeInteger, 7n as unknown as number)).to.throw(UsageError);
    expect(() => readText(safeInteger, '9007199254740992')).to.throw(ArgumentError);
  });
});

describe('bigInteger', () => {
  it('has bigints on both sides', () => {
    expect(writtenText(bigInteger, -(2n ** 70n))).to.equal('-1180591620717411303424');
    expect(readText(bigInteger, '7')).to.equal(7n);
    expect(bigInteger.read(Buffer.from('7'))).to.equal(7n);
    expect(() => writtenText(bigInteger, 7 as unknown as bigint)).to.throw(UsageError);
  });
});
