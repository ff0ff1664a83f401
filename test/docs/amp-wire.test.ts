import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import {
  AmpDateTime,
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
  path,
  type Schema,
  unicode,
} from '../../protocols/amp/index.ts';
import { byteString } from '../../protocols/amp/wire-key.ts';
import { readText, written, writtenText } from '../support/amp-values.ts';

const page = new URL('../../docs/amp-wire.md', import.meta.url);
const BETWEEN_MARKS = /<!-- values -->[\s\S]*?<!-- end of values -->/;

function call(schema: Schema, values: object, command: string, tag?: number): Uint8Array {
  const writer = new BoxWriter();
  compileSchema(schema).writeCall(writer, values as never, byteString(command), tag);
  return writer.take();
}

function answer(schema: Schema, values: object, tag: number): Uint8Array {
  const writer = new BoxWriter();
  compileSchema(schema).writeAnswer(writer, values as never, tag);
  return writer.take();
}

function box(fields: Readonly<Record<string, string>>): Uint8Array {
  return encodeBox(new Map(Object.entries(fields).map(([name, value]) => [name, byteString(value)])));
}

/** What each block of hexadecimal is to be. */
const BLOCKS: Readonly<Record<string, Uint8Array>> = {
  box: box({ b: '', a: 'hello' }),
  'sum-call': call({ a: integer, b: integer }, { a: 13, b: 81 }, 'Sum', 1),
  'sum-answer': answer({ total: integer }, { total: 94 }, 1),
  'note-call': call({ text: unicode }, { text: 'hé' }, 'note'),
  error: box({ _error: '1', _error_code: 'ZERO_DIVISION', _error_description: 'division by zero' }),
  capital: call({ A: integer }, { A: 7 }, 'Cap', 1),
  'list-of': written(listOf(integer), [1, -20, 300]),
  'amp-list': written(ampList({ a: integer, b: optional(unicode) }), [{ a: 7, b: 'x' }, { a: 9 }]),
};

interface Shown {
  readonly name: string;
  readonly type: ArgumentType<never>;
  readonly python: string;
  readonly source: string;
  readonly value: unknown;
}

function shown<T>(
  name: string,
  type: ArgumentType<T>,
  ...[python, source, value]: [string, string, T]
): Shown {
  return { name, type: type as ArgumentType<never>, python, source, value };
}

const NOON = { year: 2012, month: 1, day: 23, hour: 12 };

/** The rows of the table of values. */
const VALUES: readonly Shown[] = [
  shown('integer', integer, '-42', '-42', -42),
  shown('integer', integer, '2 ** 64', '2n ** 64n', 2n ** 64n),
  shown('float', float, '1.0', '1', 1),
  shown('float', float, '0.00001', '0.00001', 0.00001),
  shown('float', float, '1e16', '1e16', 1e16),
  shown('float', float, '-0.0', '-0', -0),
  shown('float', float, "float('nan')", 'NaN', Number.NaN),
  shown('float', float, "float('-inf')", '-Infinity', -Infinity),
  shown('boolean', boolean, 'True', 'true', true),
  shown('bytes', bytes, "b'abc'", "new TextEncoder().encode('abc')", byteString('abc')),
  shown('unicode', unicode, "'abc'", "'abc'", 'abc'),
  shown('path', path, "FilePath('/srv/x')", "'/srv/x'", '/srv/x'),
  shown('decimal', decimal, "Decimal('1.50')", "Decimal.from('1.50')", Decimal.from('1.50')),
  shown('decimal', decimal, "Decimal('100E-9')", "Decimal.from('100E-9')", Decimal.from('100E-9')),
  shown('decimal', decimal, "Decimal('-inf')", 'Decimal.from(-Infinity)', Decimal.from(-Infinity)),
  shown(
    'dateTime',
    dateTime,
    'datetime(2012, 1, 23, 12, tzinfo=amp.utc)',
    'new AmpDateTime({ year: 2012, month: 1, day: 23, hour: 12 })',
    new AmpDateTime(NOON),
  ),
  shown(
    'dateTime',
    dateTime,
    'datetime(2012, 1, 23, 12, tzinfo=timezone(timedelta(hours=5.5)))',
    'new AmpDateTime({ year: 2012, month: 1, day: 23, hour: 12, offsetMinutes: 330 })',
    new AmpDateTime({ ...NOON, offsetMinutes: 330 }),
  ),
];

function table(): string {
  const rows = VALUES.map(
    ({ name, type, python, source, value }) =>
      `| \`${name}\` | \`${python}\` | \`${source}\` | \`${writtenText(type, value as never)}\` |`,
  );
  return ['| type | in Python | in TypeScript | on the wire |', '|---|---|---|---|', ...rows].join('\n');
}

/** The blocks of the page, as their hexadecimal digits alone. */
function blocksOf(text: string): Map<string, string> {
  const blocks = [...text.matchAll(/```hex (\S+)\n([\s\S]*?)```/g)];
  return new Map(blocks.map(([, name, lines]) => [name!, lines!.replace(/\|.*$/gm, '').replace(/\s/g, '')]));
}

describe('docs/amp-wire.md', () => {
  it('shows in hexadecimal what is written', async () => {
    const blocks = blocksOf(await readFile(page, 'utf8'));

    expect([...blocks.keys()]).to.have.members(Object.keys(BLOCKS));
    for (const [name, expected] of Object.entries(BLOCKS)) {
      expect(blocks.get(name), name).to.equal(Buffer.from(expected).toString('hex'));
    }
  });

  it('shows values as they are written (UPDATE=1 rewrites it)', async () => {
    const shownTable = `<!-- values -->\n\n${table()}\n\n<!-- end of values -->`;
    const text = await readFile(page, 'utf8');
    if (process.env['UPDATE'] === '1') await writeFile(page, text.replace(BETWEEN_MARKS, shownTable));

    expect((await readFile(page, 'utf8')).match(BETWEEN_MARKS)?.[0]).to.equal(shownTable);
    for (const { name, type, value } of VALUES) {
      expect(readText(type, writtenText(type, value as never)), name).to.deep.equal(value);
    }
  });
});
