import { expect } from 'chai';
import fc from 'fast-check';
import { parseEndpoint, quoteEndpointArgument } from '../../lib/endpoints/parse.ts';
import { UsageError } from '../../lib/errors.ts';

/** What `text` is taken apart into, as plain values. */
function parsed(text: string): [string, readonly string[], Record<string, string>] {
  const { word, args, options } = parseEndpoint(text);
  return [word, args, { ...options }];
}

describe('parseEndpoint', () => {
  it('takes a word, its arguments and its options apart', () => {
    expect(parsed('tcp:example.org:80')).to.deep.equal(['tcp', ['example.org', '80'], {}]);
    expect(parsed('ptcp:80:interface=127.0.0.1:pseudoPort=7')).to.deep.equal([
      'ptcp',
      ['80'],
      { interface: '127.0.0.1', pseudoPort: '7' },
    ]);
  });

  it('takes an IPv6 address in brackets as one argument', () => {
    expect(parsed('ptcp:[::1]:5000')).to.deep.equal(['ptcp', ['::1', '5000'], {}]);
    expect(parsed('tcp:5000:interface=[fe80::1%eth0]')[2]).to.deep.equal({ interface: 'fe80::1%eth0' });
  });

  it('takes the character behind a backslash as it is', () => {
    expect(parsed('unix:C\\:\\\\pipe\\=1:mode=a=b')).to.deep.equal(['unix', ['C:\\pipe=1'], { mode: 'a=b' }]);
    expect(parsed('tcp:\\:\\:1:80')[1]).to.deep.equal(['::1', '80']);
  });

  it('keeps empty arguments, and options named like properties of every object', () => {
    expect(parsed('stdio:')[1]).to.deep.equal(['']);
    expect(parseEndpoint('tcp:80:constructor=x').options['constructor']).to.equal('x');
  });

  for (const text of ['', 'tcp', ':80', 'a=b:80', 'tcp:[::1', 'tcp:80\\', 'tcp:80:a=1:a=2']) {
    it(`refuses ${JSON.stringify(text)} with a UsageError`, () => {
      expect(() => parseEndpoint(text)).to.throw(UsageError);
    });
  }

  it('reads back what was quoted, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (first, second) => {
        const text = `word:${quoteEndpointArgument(first)}:key=${quoteEndpointArgument(second)}`;
        expect(parsed(text)).to.deep.equal(['word', [first], { key: second }]);
      }),
    );
  });
});
