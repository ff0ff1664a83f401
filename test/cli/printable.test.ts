import { expect } from 'chai';
import fc from 'fast-check';
import { formatBytes, formatSeconds, printable } from '../../lib/cli/printable.ts';

describe('printable', () => {
  it('shows what would act on a terminal, and leaves letters as they are', () => {
    const escaped = printable('\x1b[31mred\x9b2J\r\n\u202egnp.exe \u2066\u200b año …');

    expect(escaped).to.equal('\\u{1b}[31mred\\u{9b}2J\\u{d}\\u{a}\\u{202e}gnp.exe \\u{2066}\\u{200b} año …');
  });

  it('leaves no control character in any text', () => {
    fc.assert(
      fc.property(fc.uint16Array({ maxLength: 20 }), (units) => {
        const text = String.fromCharCode(...units);

        expect(printable(text)).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});

describe('formatBytes', () => {
  it('chooses a unit that leaves up to four digits', () => {
    expect([0, 1023, 1024, 700e6, 2 ** 50].map(formatBytes)).to.deep.equal([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '667.6 MiB',
      '1.0 PiB',
    ]);
  });
});

describe('formatSeconds', () => {
  it('says durations as people do', () => {
    expect([0.84, 9.96, 59.2, 185, 7_800, Number.POSITIVE_INFINITY].map(formatSeconds)).to.deep.equal([
      '0.8 s',
      '10 s',
      '1 min 00 s',
      '3 min 05 s',
      '2 h 10 min',
      'unknown',
    ]);
  });
});
