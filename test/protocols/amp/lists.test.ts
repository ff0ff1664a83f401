import { expect } from 'chai';
import { expectTypeOf } from 'expect-type';
import fc from 'fast-check';
import { UsageError } from '../../../lib/errors.ts';
import {
  AmpDateTime,
  ArgumentError,
  type ArgumentType,
  ampList,
  argumentType,
  boolean,
  bytes,
  Decimal,
  dateTime,
  decimal,
  float,
  integer,
  listOf,
  type OptionalArgument,
  optional,
  path,
  TooLong,
  unicode,
  type ValueOf,
} from '../../../protocols/amp/index.ts';
import { readText, wholeText, written, writtenText } from '../../support/amp-values.ts';

const people = ampList({ name: unicode, age: optional(integer) });

describe('listOf', () => {
  it('reads what was written, lists of lists too', () => {
    const type = listOf(listOf(unicode));
    fc.assert(
      fc.property(fc.array(fc.array(wholeText())), (value) => {
        expect(readText(type, writtenText(type, value))).to.deep.equal(value);
        expect(type.read(written(type, value))).to.deep.equal(value);
      }),
    );
  });

  it('reads elements of types that have no faster way', () => {
    const letter = argumentType<string>({
      write: (value, sink) => sink.ascii(value),
      read: (found) => String.fromCharCode(...found),
    });

    expect(readText(listOf(letter), writtenText(listOf(letter), ['a', 'bc']))).to.deep.equal(['a', 'bc']);
  });

  for (const [title, type, values] of [
    ['bytes', listOf(bytes), [Uint8Array.of(0, 255), new Uint8Array(0)]],
    ['booleans', listOf(boolean), [true, false]],
    ['floats', listOf(float), [1, Number.NaN, Number.NEGATIVE_INFINITY]],
    ['paths', listOf(path), ['/srv/x', '']],
    ['decimals', listOf(decimal), ['1E+2', 'NaN', 'sNaN', '-Infinity'].map((text) => Decimal.from(text))],
    ['times', listOf(dateTime), [new AmpDateTime({ year: 1, month: 2, day: 3, offsetMinutes: -90 })]],
  ] as const) {
    it(`reads ${title} as they were written`, () => {
      const list = type as ArgumentType<readonly unknown[]>;

      expect(list.read(written(list, values)).map(String)).to.deep.equal(values.map(String));
    });
  }

  it('drops an element that is cut short, as Twisted does', () => {
    for (const tail of ['\0', '\0\x02', '\0\x02x'])
      expect(readText(listOf(integer), `\0\x017${tail}`)).to.deep.equal([7]);
  });

  it('takes elements of 65533 bytes, which fill it, and no more', () => {
    const type = listOf(bytes);

    expect(type.read(written(type, [new Uint8Array(65_533)]))).to.deep.equal([new Uint8Array(65_533)]);
    expect(() => written(type, [new Uint8Array(65_534)]))
      .to.throw(TooLong)
      .that.includes({ length: 65_536, keyName: 'v' });
    expect(() => written(type, [new Uint8Array(65_536)]))
      .to.throw(TooLong)
      .that.includes({ length: 65_536 });
  });

  it('refuses what is no array, and elements that could be left out', () => {
    expect(() => written(listOf(integer), 'abc' as never)).to.throw(UsageError, 'no array');
    expect(() => listOf(optional(integer))).to.throw(UsageError, 'optional');
  });
});

describe('ampList', () => {
  it('reads what was written, with and without what is optional', () => {
    const value = [{ name: 'é', age: 7 }, { name: '' }];

    expect(readText(people, writtenText(people, value))).to.deep.equal(value);
    expect(people.read(written(people, value))).to.deep.equal(value);
  });

  it('holds other lists', () => {
    const groups = ampList({ name: unicode, people, tags: listOf(unicode) });
    const value = [{ name: 'g', people: [{ name: 'a' }], tags: ['x', 'y'] }];

    expect(readText(groups, writtenText(groups, value))).to.deep.equal(value);
  });

  it('may hold boxes without a key, where all is optional', () => {
    const type = ampList({ a: optional(integer) });

    expect(writtenText(type, [{}, { a: 1 }, { a: undefined }])).to.equal(
      '\0\0' + '\0\x01a\0\x011\0\0' + '\0\0',
    );
    expect(readText(type, '\0\0\0\0')).to.deep.equal([{}, {}]);
  });

  it('drops a box that is cut short, as Twisted does', () => {
    expect(readText(people, '\0\x04name\0\x01x\0\0' + '\0\x04name\0\x01')).to.deep.equal([{ name: 'x' }]);
  });

  it('refuses what is missing, unknown, or no value', () => {
    expect(() => written(people, [{ age: 1 }] as never)).to.throw(UsageError, "'name'");
    expect(() => written(people, [{ name: '', size: 1 }] as never)).to.throw(UsageError, "'size'");
    expect(() => written(people, {} as never)).to.throw(UsageError, 'no array');
    expect(() => readText(people, '\0\x03age\0\x017\0\0')).to.throw(ArgumentError, "'name'");
    expect(() => readText(people, '\0\x04name\0\0\0\x03age\0\x01x\0\0')).to.throw(ArgumentError, "'age'");
    expect(() => readText(people, '\x01\0')).to.throw(ArgumentError, '255');
  });

  it('names the outer argument where an inner value is too long', () => {
    expect(() => written(people, [{ name: 'x'.repeat(65_530) }]))
      .to.throw(TooLong)
      .that.includes({ keyName: 'v' });
  });
});

describe('the types of arguments', () => {
  it('are inferred', () => {
    expectTypeOf(listOf(integer)).toEqualTypeOf<ArgumentType<readonly (number | bigint)[]>>();
    expectTypeOf(optional(listOf(integer))).toEqualTypeOf<OptionalArgument<readonly (number | bigint)[]>>();
    expectTypeOf<ValueOf<typeof people>>().toEqualTypeOf<
      readonly { readonly name: string; readonly age?: number | bigint | undefined }[]
    >();
  });
});
