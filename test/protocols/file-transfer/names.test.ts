import { expect } from 'chai';
import fc from 'fast-check';
import { isSafeName, partPaths } from '../../../protocols/file-transfer/names.ts';
import { hashes } from '../../support/transfer.ts';

/** What makes names dangerous, and a little of what does not. */
const PIECE = fc.constantFrom(
  '.',
  '..',
  '/',
  '\\',
  '\0',
  ':',
  '~',
  'a',
  'CON',
  ' ',
  '\n',
  '\u2215',
  '\u2044',
  'é',
  '%2f',
);

describe('names of files from a peer', () => {
  const refused = [
    ['', '.', '..', 'a/b', '/etc/passwd', '../a', 'a\\b', '\\\\host\\a', 'C:\\a', 'C:a', 'a:stream'],
    ['a\0b', 'a\nb', '\x1b[2Ja', 'a\x7f', 'a\x9b', '\ud800'],
    [
      'CON',
      'con.txt',
      'nul',
      'Aux.tar.gz',
      'COM1',
      'lpt9.x',
      'com\u00b9',
      'PRN .txt',
      'a.',
      'a ',
      'a?',
      'a*',
      'a|b',
    ],
    ['a'.repeat(256), 'é'.repeat(128), '.a.hawser-part', 'x.HAWSER-JOURNAL', '.a.hawser-lock'],
  ].flat();
  for (const name of refused) {
    it(`refuse ${JSON.stringify(name.slice(0, 30))}`, () => {
      expect(isSafeName(name)).to.equal(false);
    });
  }

  const taken = [
    'a',
    'a.txt',
    '.profile',
    'a b',
    '…',
    'año',
    'console',
    'com10',
    'nullable',
    'a'.repeat(255),
    '-rf',
    '~',
  ];
  for (const name of taken) {
    it(`take ${JSON.stringify(name.slice(0, 30))}`, () => {
      expect(isSafeName(name)).to.equal(true);
    });
  }

  it('never lead out of the directory, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(PIECE, { maxLength: 8 }).map((pieces) => pieces.join('')),
        (name) => {
          fc.pre(isSafeName(name));
          const paths = Object.values(partPaths('in', name, hashes));
          for (const path of paths) expect(path.split(/[/\\]/)).to.have.length(2);
        },
      ),
    );
  });

  it('have temporary names that fit beside them, all different', () => {
    const names = ['a'.repeat(255), `${'a'.repeat(254)}b`, 'é'.repeat(127), 'a'];

    const temporary = names.flatMap((name) => {
      const { part, journal, lock } = partPaths('in', name, hashes);
      return [part, journal, lock];
    });

    expect(new Set(temporary).size).to.equal(temporary.length);
    for (const path of temporary) expect(Buffer.byteLength(path.slice(3))).to.be.at.most(255);
  });
});
