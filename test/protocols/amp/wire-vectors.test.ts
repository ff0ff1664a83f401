// What Twisted wrote and read, run against our side: wire-vectors.json. In it values are shown by Python's repr.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import { floatText } from '../../../protocols/amp/float.ts';
import {
  AmpDateTime,
  ArgumentError,
  type ArgumentType,
  ampList,
  BoxWriter,
  boolean,
  bytes,
  compileSchema,
  Decimal,
  dateTime,
  decimal,
  encodeBox,
  float,
  integer,
  listOf,
  optional,
  parseBoxes,
  path,
  unicode,
} from '../../../protocols/amp/index.ts';
import { EVERYTHING, readText, writtenText } from '../../support/amp-values.ts';

interface Vectors {
  readonly encode: Readonly<
    Record<string, readonly (readonly [string, string | null, string, string | null])[]>
  >;
  readonly decode: readonly (readonly [string, string, string])[];
  readonly conversations: readonly (readonly [string, string, string, boolean, readonly string[]])[];
}

const VECTORS: Vectors = JSON.parse(readFileSync(new URL('wire-vectors.json', import.meta.url), 'utf8'));

function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

function hex(text: Uint8Array | string): string {
  return Buffer.from(text as string, 'latin1').toString('hex');
}

/** Values of Python, by their repr, as those of TypeScript. */
type Values = Readonly<Record<string, unknown>>;
/** A value that Twisted takes and ours does not: its types are those of TypeScript. */
const REFUSED_HERE = Symbol('refused here');

const SHOWN_TIME = { year: 2012, month: 1, day: 23, hour: 12, minute: 34, second: 56, microsecond: 54_321 };

/** What the reprs of the encoding vectors stand for, where it cannot be read off them. */
const SPECIAL: Readonly<Record<string, Values>> = {
  Integer: { True: REFUSED_HERE },
  String: { "b''": latin1(''), "b'\\x00\\xff\\x80'": latin1('\x00\xff\x80'), "b'abc'": latin1('abc') },
  Float: { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, 1: 1n },
  Boolean: { True: true, False: false, "'yes'": REFUSED_HERE, "''": REFUSED_HERE },
  Unicode: { "''": '', "'héllo 世 😀'": 'héllo 世 😀' },
  Path: { "FilePath('/srv/x')": '/srv/x', "FilePath(b'/srv/\\xc3\\xa9')": '/srv/é' },
  'ListOf(Unicode)': { "['a', '', 'é']": ['a', '', 'é'] },
  'ListOf(Float)': { '[1.0, inf]': [1, Infinity] },
  AmpList: {
    '[]': [],
    "[{'a': 7, 'b': 'hello'}, {'a': 9, 'b': 'goodbye'}]": [
      { a: 7, b: 'hello' },
      { a: 9, b: 'goodbye' },
    ],
  },
  Decimal: { 1: 1 },
  DateTime: {
    'datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=81000)))':
      new AmpDateTime({ ...SHOWN_TIME, offsetMinutes: -90 }),
    'datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, tzinfo=datetime.timezone.utc)': new AmpDateTime(
      SHOWN_TIME,
    ),
    'datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, tzinfo=datetime.timezone(datetime.timedelta(seconds=19800)))':
      new AmpDateTime({ ...SHOWN_TIME, offsetMinutes: 330 }),
    'datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600)))':
      new AmpDateTime({
        year: 1,
        month: 1,
        day: 1,
        offsetMinutes: 60,
      }),
    'datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=60)))':
      AmpDateTime.parse('9999-12-31T23:59:59.999999-23:59'),
    // A datetime without a zone, which AmpDateTime cannot be.
    'datetime.datetime(2012, 1, 23, 12, 34, 56)': { ...SHOWN_TIME },
  },
};

function valueFor(type: string, repr: string): unknown {
  const special = SPECIAL[type];
  if (special !== undefined && repr in special) return special[repr];
  const asDecimal = /^Decimal\('(.*)'\)$/.exec(repr);
  if (asDecimal !== null) return Decimal.from(asDecimal[1] as string);
  if (type === 'Integer') return BigInt(repr);
  if (type === 'Float') return Number(repr);
  return JSON.parse(repr);
}

const TYPES: Readonly<Record<string, ArgumentType<never>>> = {
  Integer: integer as ArgumentType<never>,
  String: bytes as ArgumentType<never>,
  Float: float as ArgumentType<never>,
  Boolean: boolean as ArgumentType<never>,
  Unicode: unicode as ArgumentType<never>,
  Path: path as ArgumentType<never>,
  'ListOf(Integer)': listOf(integer) as ArgumentType<never>,
  'ListOf(Unicode)': listOf(unicode) as ArgumentType<never>,
  'ListOf(ListOf(Integer))': listOf(listOf(integer)) as ArgumentType<never>,
  'ListOf(Float)': listOf(float) as ArgumentType<never>,
  AmpList: ampList({ a: integer, b: optional(unicode) }) as ArgumentType<never>,
  Decimal: decimal as ArgumentType<never>,
  DateTime: dateTime as ArgumentType<never>,
};

/** A value as Python's repr shows it. */
function repr(type: string, value: unknown): string {
  const listed = /^ListOf\((.*)\)$/.exec(type);
  if (listed !== null)
    return `[${(value as unknown[]).map((each) => repr(listed[1] as string, each)).join(', ')}]`;
  switch (type) {
    case 'Float':
      return floatText(value as number);
    case 'Boolean':
      return value === true ? 'True' : 'False';
    case 'Decimal':
      return `Decimal('${value}')`;
    case 'AmpList':
      return `[${(value as { a: number }[]).map(({ a }) => `{'a': ${a}}`).join(', ')}]`;
    case 'DateTime': {
      const { year, month, day, hour, minute, second, microsecond } = value as AmpDateTime;
      const shown = [year, month, day, hour, minute, second, microsecond].join(', ');
      return `datetime.datetime(${shown}, tzinfo=<twisted.python._tzhelper.FixedOffsetTimeZone>)`;
    }
    default:
      return String(value);
  }
}

/** The bytes that a literal of Python stands for, as a text. */
function literal(text: string): string {
  const inner = text.slice(2, -1);
  return inner.replace(/\\x([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

describe("Twisted's vectors", () => {
  for (const [type, cases] of Object.entries(VECTORS.encode)) {
    const argument = TYPES[type] as ArgumentType<unknown>;
    for (const [shown, wire] of cases) {
      const value = valueFor(type, shown);
      if (wire === null || value === REFUSED_HERE) {
        it(`refuses to write ${type} ${shown}`, () => {
          const given = value === REFUSED_HERE ? (type === 'Integer' ? true : 'yes') : value;

          expect(() => writtenText(argument, given)).to.throw(UsageError);
        });
        continue;
      }
      it(`writes ${type} ${shown} and reads it again`, () => {
        const text = writtenText(argument, value);

        expect(hex(text)).to.equal(wire);
        const again = readText(argument, text);
        if (type === 'Integer') expect(BigInt(again as number)).to.equal(value);
        else expect(again).to.deep.equal(value);
      });
    }
  }

  for (const [type, text, outcome] of VECTORS.decode) {
    const argument = TYPES[type] as ArgumentType<unknown>;
    if (outcome.startsWith('RAISES')) {
      it(`refuses to read ${text} as ${type}`, () => {
        expect(() => readText(argument, literal(text))).to.throw(ArgumentError);
      });
    } else {
      it(`reads ${text} as ${type} ${outcome}`, () => {
        expect(repr(type, readText(argument, literal(text)))).to.equal(outcome);
      });
    }
  }

  for (const [title, ...streams] of VECTORS.conversations) {
    it(`reads and writes the boxes of "${title}"`, () => {
      for (const stream of streams.slice(0, 2) as string[]) {
        const boxes = parseBoxes(new Uint8Array(Buffer.from(stream, 'hex')));

        expect(boxes.map((box) => hex(encodeBox(box))).join('')).to.equal(stream);
        expect(boxes).to.have.lengthOf(stream === '' ? 0 : 1);
      }
    });
  }

  it('writes every type in one call, and its answer', () => {
    const everything = compileSchema(EVERYTHING);
    const values = {
      integer: -42,
      string: latin1('\x00\xff'),
      float: Number.NaN,
      boolean: true,
      unicode: 'é世',
      path: '/srv/x',
      'list-of': [1, 20, 300],
      amplist: [{ x: 1, y: 'one' }, { x: 2 }],
      decimal: Decimal.from('1E+2'),
      datetime: new AmpDateTime(SHOWN_TIME),
    };
    const [, call, answer] = VECTORS.conversations.find(([title]) => title === 'Everything')!;
    const writer = new BoxWriter();

    everything.writeCall(writer, values, latin1('everything'), 1);
    const written = writer.take();
    everything.writeAnswer(writer, values, 1);

    expect(hex(written)).to.equal(call);
    expect(hex(writer.take())).to.equal(answer);
  });
});
