import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { UsageError } from '../../../lib/errors.ts';
import { ArgumentError, Decimal, decimal } from '../../../protocols/amp/index.ts';
import { readText, writtenText } from '../../support/amp-values.ts';

const PYTHON: { readonly decimals: readonly (readonly [string, string | null])[] } = JSON.parse(
  readFileSync(new URL('python-decimals.json', import.meta.url), 'utf8'),
);

const anyDecimal = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.integer({ min: -60, max: 60 }))
  .map(([isNegative, digits, exponent]) => Decimal.from(`${isNegative ? '-' : ''}${digits}e${exponent}`));

describe('Decimal', () => {
  it('reads and prints hundreds of texts as Python does, and refuses the same', () => {
    expect(PYTHON.decimals.filter(([, text]) => text !== null)).to.have.lengthOf.above(500);
    for (const [text, printed] of PYTHON.decimals) {
      expect(Decimal.parse(text)?.toString() ?? null, JSON.stringify(text)).to.equal(printed);
    }
  });

  it('reads what it printed as the same', () => {
    fc.assert(
      fc.property(anyDecimal, (value) => {
        const again = readText(decimal, writtenText(decimal, value));

        expect(again.isIdenticalTo(value)).to.equal(true);
        expect(again).to.deep.equal(value);
      }),
    );
  });

  it('says what it is', () => {
    expect(Decimal.from('-12.50')).to.include({
      kind: 'finite',
      isNegative: true,
      digits: '1250',
      exponent: -2,
      isFinite: true,
    });
    expect(Decimal.from('-0')).to.include({ isZero: true, isNegative: true, digits: '0' });
    expect(Decimal.from('inf')).to.include({
      kind: 'infinity',
      isFinite: false,
      isNaN: false,
      isZero: false,
    });
    expect(Decimal.from('-NaN7')).to.include({ kind: 'nan', isNaN: true, digits: '7', isNegative: true });
    expect(Decimal.from('snan')).to.include({ kind: 'signaling-nan', isNaN: true, digits: '' });
  });

  it('comes from numbers as JavaScript writes them, and from bigints', () => {
    const texts = [0.1, -0, 1e21, 1e-7, -Infinity, Number.NaN, 2n ** 64n, -5n].map(
      (value) => `${Decimal.from(value)}`,
    );

    expect(texts).to.deep.equal([
      '0.1',
      '-0',
      '1E+21',
      '1E-7',
      '-Infinity',
      'NaN',
      '18446744073709551616',
      '-5',
    ]);
    expect(() => Decimal.from('one')).to.throw(UsageError, "'one'");
    expect(() => Decimal.from(true as never)).to.throw(UsageError);
  });

  it('equals what is the same number, however it is written', () => {
    const equal = [
      ['1', '1.00'],
      ['100', '1E+2'],
      ['0', '-0.000'],
      ['inf', 'Infinity'],
      ['-1.50', '-15e-1'],
    ];
    const unequal = [
      ['1', '-1'],
      ['1', '10'],
      ['0', '1'],
      ['inf', '-inf'],
      ['inf', '1'],
      ['nan', 'nan'],
      ['snan', '1'],
      ['12', '1.2'],
    ];

    for (const [one, other] of equal)
      expect(Decimal.from(one!).equals(Decimal.from(other!)), `${one} ${other}`).to.equal(true);
    for (const [one, other] of unequal)
      expect(Decimal.from(one!).equals(Decimal.from(other!)), `${one} ${other}`).to.equal(false);
    expect(Decimal.from('1').isIdenticalTo(Decimal.from('1.0'))).to.equal(false);
    expect(Decimal.from('nan').isIdenticalTo(Decimal.from('NaN'))).to.equal(true);
  });

  it('becomes the nearest number, and a text in JSON', () => {
    const numbers = ['0.1', '-0', '1e400', '-1e-400', 'inf', '-inf', '123.456'].map((text) =>
      Decimal.from(text).toNumber(),
    );

    expect(numbers).to.deep.equal([0.1, -0, Infinity, -0, Infinity, -Infinity, 123.456]);
    expect(Decimal.from('snan').toNumber()).to.deep.equal(Number.NaN);
    expect(JSON.stringify({ price: Decimal.from('1.50') })).to.equal('{"price":"1.50"}');
  });

  it('has exponents of 15 digits at most', () => {
    expect(`${Decimal.parse('1e999999999999999')}`).to.equal('1E+999999999999999');
    for (const text of [
      '1e1000000000000000',
      '10e999999999999999',
      '1e-1000000000000000',
      `1e${'9'.repeat(400)}`,
    ]) {
      expect(Decimal.parse(text), text).to.equal(undefined);
    }
  });

  it('refuses blanks by the thousand in no time', () => {
    for (const blank of [' ', '\t', '\x1c']) {
      expect(Decimal.parse(`1${blank.repeat(65_000)}x`)).to.equal(undefined);
      expect(Decimal.parse(`${blank.repeat(30_000)}1${blank.repeat(30_000)}`)?.toString()).to.equal('1');
    }
  });

  it('prints long fractions in no time', () => {
    const digits = '1234567890'.repeat(6000);

    expect(`${Decimal.from(`0.000${digits}`)}`).to.equal(`0.000${digits}`);
    expect(Decimal.from(`${digits}.0`).equals(Decimal.from(digits))).to.equal(true);
  });
});

describe('decimal', () => {
  it('writes nothing but Decimals, and reads nothing but decimal numbers', () => {
    expect(() => writtenText(decimal, 1 as never)).to.throw(UsageError);
    expect(() => readText(decimal, 'abc')).to.throw(ArgumentError);
    expect(() => readText(decimal, '\xb2')).to.throw(ArgumentError);
    expect(decimal.read(Buffer.from('1.0')).toString()).to.equal('1.0');
  });
});
