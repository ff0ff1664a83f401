import { expect } from 'chai';
import fc from 'fast-check';
import { UsageError } from '../../../lib/errors.ts';
import { ArgumentError, boolean, bytes, path, unicode } from '../../../protocols/amp/index.ts';
import { readText, wholeText, written, writtenText } from '../../support/amp-values.ts';

const LONG = 'long '.repeat(20);

describe('bytes', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (value) => {
        expect(readText(bytes, writtenText(bytes, value))).to.deep.equal(value);
      }),
    );
  });

  it('gives out copies, of Buffers too', () => {
    const source = Buffer.from('abc');

    const found = [bytes.read(source), bytes.readPart!(source, 0, 3)];
    source.fill(0);

    expect(found).to.deep.equal([new Uint8Array(Buffer.from('abc')), new Uint8Array(Buffer.from('abc'))]);
    expect(found.map((each) => each.buffer.byteLength)).to.deep.equal([3, 3]);
  });

  it('writes nothing but bytes', () => {
    expect(() => written(bytes, 'text' as unknown as Uint8Array)).to.throw(UsageError);
    expect(() => written(bytes, [1] as unknown as Uint8Array)).to.throw(UsageError);
  });
});

describe('unicode', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(wholeText(100), (value) => {
        expect(Buffer.from(written(unicode, value)).toString()).to.equal(value);
        expect(readText(unicode, writtenText(unicode, value))).to.equal(value);
      }),
    );
  });

  it('keeps a byte order mark and a NUL', () => {
    expect(readText(unicode, writtenText(unicode, '\ufeffa\0'))).to.equal('\ufeffa\0');
  });

  for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800', `${LONG}\ud800`]) {
    it(`writes no half of a surrogate pair: ${JSON.stringify(text)}`, () => {
      expect(() => written(unicode, text)).to.throw(UsageError, 'surrogate');
    });
  }

  for (const text of ['\xff', '\xed\xa0\x80', '\xc0\x80', '\xe2\x82', '\xf5\x80\x80\x80', `${LONG}\x80`]) {
    it(`reads no bad UTF-8: ${JSON.stringify(text)}`, () => {
      expect(() => readText(unicode, text)).to.throw(ArgumentError);
    });
  }

  it('writes nothing but text', () => {
    expect(() => written(unicode, 5 as unknown as string)).to.throw(UsageError);
  });
});

describe('path', () => {
  it('is text', () => {
    expect(writtenText(path, '/srv/é')).to.equal('/srv/\xc3\xa9');
    expect(readText(path, '/srv/\xc3\xa9')).to.equal('/srv/é');
    expect(path.read(Buffer.from('/'))).to.equal('/');
  });

  it('has no NUL in it, and no bytes that are no text', () => {
    expect(() => written(path, 'a\0b')).to.throw(UsageError, 'NUL');
    expect(() => written(path, 5 as unknown as string)).to.throw(UsageError);
    expect(() => readText(path, 'a\0b')).to.throw(ArgumentError, 'NUL');
    expect(() => readText(path, '/\xff')).to.throw(ArgumentError);
  });
});

describe('boolean', () => {
  it('is written and read as Python names it, and in no other way', () => {
    expect([true, false].map((value) => writtenText(boolean, value))).to.deep.equal(['True', 'False']);
    expect(['True', 'False'].map((text) => readText(boolean, text))).to.deep.equal([true, false]);
    for (const text of ['true', 'TRUE', '1', '', ' True', 'Truth', 'Fals']) {
      expect(() => readText(boolean, text), text).to.throw(ArgumentError);
    }
    expect(() => written(boolean, 1 as unknown as boolean)).to.throw(UsageError);
  });
});
