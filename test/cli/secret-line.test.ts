import { expect } from 'chai';
import { type SecretEnd, SecretLine } from '../../lib/cli/secret-line.ts';

describe('SecretLine', () => {
  it('is what was typed up to Enter', () => {
    expect(typed('sesame\r')).to.deep.equal(['whole', 'sesame']);
    expect(typed('sesame\n')).to.deep.equal(['whole', 'sesame']);
    expect(typed('ses')).to.deep.equal([undefined, 'ses']);
  });

  it('takes back whole characters with Backspace, and everything with Ctrl-U', () => {
    expect(typed('a\u{1f511}ü\x7f\b\r')).to.deep.equal(['whole', 'a']);
    expect(typed('\x7f\bx\r')).to.deep.equal(['whole', 'x']);
    expect(typed('wrong\x15right\r')).to.deep.equal(['whole', 'right']);
  });

  it('is given up with Ctrl-C, and forgotten', () => {
    expect(typed('sesame\x03')).to.deep.equal(['interrupted', '']);
  });

  it('ends with Ctrl-D before anything was typed, and only then', () => {
    expect(typed('\x04')).to.deep.equal(['ended', '']);
    expect(typed('ses\x04ame\r')).to.deep.equal(['whole', 'sesame']);
  });

  it('is bounded', () => {
    expect(typed(`${'x'.repeat(10_000)}\r`)[1]).to.have.length(8192);
  });
});

function typed(text: string): [SecretEnd | undefined, string] {
  const line = new SecretLine();
  let end: SecretEnd | undefined;
  for (const byte of new TextEncoder().encode(text)) end = line.push(byte);
  return [end, line.text];
}
