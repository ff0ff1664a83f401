import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import {
  ArgumentError,
  type ArgumentType,
  argumentType,
  bytes,
  compileSchema,
  integer,
  listOf,
  mapped,
  optional,
  safeInteger,
  unicode,
} from '../../../protocols/amp/index.ts';
import { readText, written, writtenText } from '../../support/amp-values.ts';

/** Four bytes, as addresses of IPv4 are. */
const address = argumentType<string>({
  write: (value, sink) => {
    const parts = value.split('.').map(Number);
    if (parts.length !== 4) throw new UsageError(`'${value}' is no address`);
    sink.bytes(Uint8Array.from(parts));
  },
  read: (found) => {
    if (found.length !== 4) throw new ArgumentError('an address has four bytes');
    return found.join('.');
  },
});

type Colour = 'red' | 'green';
const colour: ArgumentType<Colour> = mapped(
  unicode,
  (value: Colour) => value,
  (text) => {
    if (text === 'red' || text === 'green') return text;
    throw new ArgumentError('no colour');
  },
);

describe('argumentType', () => {
  it('makes a type of your own, that can be an element', () => {
    expect(writtenText(address, '1.2.3.4')).to.equal('\x01\x02\x03\x04');
    expect(readText(listOf(address), '\0\x04\x01\x02\x03\x04')).to.deep.equal(['1.2.3.4']);
    expect(() => readText(listOf(address), '\0\x01\x01')).to.throw(ArgumentError, 'four bytes');
  });
});

describe('mapped', () => {
  it('carries your values as those of another type', () => {
    expect(writtenText(colour, 'red')).to.equal('red');
    expect(readText(colour, 'green')).to.equal('green');
    expect(colour.read(written(colour, 'red'))).to.equal('red');
    expect(() => readText(colour, 'blue')).to.throw(ArgumentError);
  });

  it('works over types that have no faster way', () => {
    const loud = mapped(
      address,
      (text: string) => text.replaceAll('!', ''),
      (text) => `${text}!`,
    );

    expect(readText(loud, writtenText(loud, '1.2.3.4!'))).to.equal('1.2.3.4!');
    expect(readText(optional(loud), '\x01\x02\x03\x04')).to.equal('1.2.3.4!');
  });
});

describe('optional', () => {
  it('leaves out the key of what is undefined', () => {
    const schema = compileSchema({ a: optional(safeInteger), b: bytes });

    expect(schema.names).to.deep.equal(['a', 'b']);
    expect(optional(integer).isOptional).to.equal(true);
    expect(readText(optional(integer), '7')).to.equal(7);
    expect(optional(address).read(Uint8Array.of(1, 2, 3, 4))).to.equal('1.2.3.4');
  });
});
