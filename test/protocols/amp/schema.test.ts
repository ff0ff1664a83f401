import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import {
  ArgumentError,
  argumentType,
  BoxReader,
  BoxWriter,
  bytes,
  compileSchema,
  encodeBox,
  InvalidSignature,
  integer,
  NoEmptyBoxes,
  optional,
  parseBoxes,
  type Schema,
  TooLong,
  unicode,
} from '../../../protocols/amp/index.ts';
import { byteString } from '../../../protocols/amp/wire-key.ts';

const COMMAND = byteString('Cmd');
const mixed = compileSchema({ b: integer, A: integer, _b: integer, zz: optional(unicode) });

/** The keys of the one box that was written, in the order in which they stand. */
function keysOf(writer: BoxWriter): string[] {
  return [...(parseBoxes(writer.take())[0] as Map<string, Uint8Array>).keys()];
}

/** What the schema reads from a box of these fields. */
function read(
  schema: { readValues(view: never): unknown },
  fields: Readonly<Record<string, string>>,
): unknown {
  let values: unknown;
  const reader = new BoxReader((view) => {
    values = schema.readValues(view as never);
  });
  reader.push(encodeBox(new Map(Object.entries(fields).map(([name, value]) => [name, byteString(value)]))));
  return values;
}

describe('a compiled schema', () => {
  it('writes keys in the order of their bytes, those that say what a box is among them', () => {
    const writer = new BoxWriter();
    const values = { b: 1, A: 2, _b: 3, zz: 'z' };

    mixed.writeCall(writer, values, COMMAND, 1);
    expect(keysOf(writer)).to.deep.equal(['A', '_ask', '_b', '_command', 'b', 'zz']);
    mixed.writeCall(writer, { ...values, zz: undefined }, COMMAND);
    expect(keysOf(writer)).to.deep.equal(['A', '_b', '_command', 'b']);
    mixed.writeAnswer(writer, values, Uint8Array.of(9));
    expect(keysOf(writer)).to.deep.equal(['A', '_answer', '_b', 'b', 'zz']);
  });

  it('reads its values and ignores the rest, in any order', () => {
    expect(read(mixed, { a: 'x', A: '1', _b: '2', b: '3', c: 'x' })).to.deep.equal({ A: 1, _b: 2, b: 3 });

    let values: unknown;
    const shuffled = Buffer.from('\0\x01b\0\x011\0\x02_b\0\x012\0\x01A\0\x013\0\x01b\0\x014\0\0', 'latin1');
    new BoxReader((view) => {
      values = mixed.readValues(view);
    }).push(shuffled);
    expect(values, 'the last of two').to.deep.equal({ b: 4, _b: 2, A: 3 });
  });

  it('names the argument that is missing or bad', () => {
    expect(() => read(mixed, { A: '1', _b: '2' }))
      .to.throw(ArgumentError, "'b' is missing")
      .that.includes({ argument: 'b' });
    expect(() => read(mixed, { A: '1', _b: 'two', b: '3' }))
      .to.throw(ArgumentError, "'_b'")
      .that.includes({ argument: '_b' });
  });

  it('takes whatever a type throws for bytes that are none', () => {
    const cause = new Error('oh');
    const failing = argumentType<number>({
      write: () => {},
      read: () => {
        throw cause;
      },
    });

    expect(() => read(compileSchema({ a: failing }), { a: '' }))
      .to.throw(ArgumentError, 'oh')
      .that.includes({ cause });
  });

  it('writes nothing where a value is missing, unknown, refused or too long', () => {
    const writer = new BoxWriter();
    const schema = compileSchema({ a: integer, b: optional(bytes) });
    const write = (values: object): void => schema.writeCall(writer, values as never, COMMAND, 1);

    expect(() => write({})).to.throw(InvalidSignature, "'a' is missing");
    expect(() => write({ a: null })).to.throw(InvalidSignature, "'a' is missing");
    expect(() => write({ a: 1, c: 2 })).to.throw(InvalidSignature, "'c'");
    expect(() => write(null as never)).to.throw(InvalidSignature);
    expect(() => write({ a: 0.5 })).to.throw(UsageError, "'a'");
    expect(() => write({ a: 1, b: new Uint8Array(65_536) }))
      .to.throw(TooLong)
      .that.includes({ keyName: 'b' });
    expect(() => schema.writeAnswer(writer, { a: 0.5 }, 1)).to.throw(UsageError, "'a'");
    expect(writer.take()).to.have.lengthOf(0);
  });

  it('does not let a type write a box within its value', () => {
    const writer = new BoxWriter();
    const greedy = argumentType<number>({
      write: () => compileSchema({ a: integer }).writeCall(writer, { a: 1 }, COMMAND),
      read: () => 0,
    });

    expect(() => compileSchema({ g: greedy }).writeCall(writer, { g: 1 }, COMMAND)).to.throw(UsageError);
    expect(writer.take()).to.have.lengthOf(0);
  });

  it('may be without arguments', () => {
    const none = compileSchema({});
    const writer = new BoxWriter();

    none.writeCall(writer, {}, COMMAND, 10);

    expect(keysOf(writer)).to.deep.equal(['_ask', '_command']);
    expect(read(none, { x: '' })).to.deep.equal({});
    writer.beginBox();
    none.writeValues(writer, {});
    expect(() => writer.endBox()).to.throw(NoEmptyBoxes);
  });

  it('is refused where a name cannot be', () => {
    const define = (name: string) => (): unknown => compileSchema({ [name]: integer });

    for (const name of [
      '_ask',
      '_answer',
      '_command',
      '_error',
      '_error_code',
      '_error_description',
      '__proto__',
      '',
      '世',
    ]) {
      expect(define(name), name).to.throw(UsageError);
    }
    expect(define('k'.repeat(256))).to.throw(TooLong);
    expect(define('k'.repeat(255))).not.to.throw();
    expect(() => compileSchema({ a: undefined } as unknown as Schema)).to.throw(UsageError, "'a'");
    expect(() => compileSchema({ a: {} } as unknown as Schema)).to.throw(UsageError, "'a'");
  });
});
