import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { UsageError } from '../../../lib/errors.ts';
import { floatText } from '../../../protocols/amp/float.ts';
import { ArgumentError, float } from '../../../protocols/amp/index.ts';
import { readText, writtenText } from '../../support/amp-values.ts';

function read(name: string): { readonly floats: readonly never[] } {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

/** Bits of doubles, and Python's repr of each. */
const REPRS: readonly string[] = read('python-floats.json').floats;
const READ: readonly (readonly [string, string | null])[] = read('python-numbers.json').floats;

describe('float', () => {
  it('writes two thousand doubles as Python does', () => {
    expect(REPRS).to.have.lengthOf(2000);
    for (const each of REPRS) {
      const [bits = '', repr = ''] = each.split(' ');
      const value = Buffer.from(bits, 'hex').readDoubleBE();

      expect(writtenText(float, value), bits).to.equal(repr);
      expect(readText(float, repr), repr).to.equal(value);
    }
  });

  for (const [text, repr] of READ) {
    it(`${repr === null ? 'refuses' : 'reads'} ${JSON.stringify(text.slice(0, 40))}, as Python does`, () => {
      if (repr === null) expect(() => readText(float, text)).to.throw(ArgumentError);
      else expect(floatText(readText(float, text))).to.equal(repr);
    });
  }

  it('reads what was written', () => {
    fc.assert(
      fc.property(fc.double(), (value) => Object.is(readText(float, writtenText(float, value)), value)),
    );
  });

  it('writes nothing but numbers', () => {
    expect(() => writtenText(float, 1n as unknown as number)).to.throw(UsageError);
    expect(() => writtenText(float, '1' as unknown as number)).to.throw(UsageError);
  });
});
