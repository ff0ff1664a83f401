import { expect } from 'chai';
import fc from 'fast-check';
import { decodeBase64, encodeBase64 } from '../../lib/bytes/base64.ts';
import { anyText } from '../support/logins.ts';

describe('base64', () => {
  it('writes the examples of RFC 4648 §10', () => {
    const encoded = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) =>
      encodeBase64(ascii(text)),
    );

    expect(encoded).to.deep.equal(['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy']);
  });

  it('writes what Node writes, and reads what it wrote (RFC 4648 §4)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom('padded' as const, 'unpadded' as const),
        (bytes, padding) => {
          const text = encodeBase64(bytes, padding);

          const nodes = Buffer.from(bytes).toString('base64');
          expect(text).to.equal(padding === 'padded' ? nodes : nodes.replaceAll('=', ''));
          expect(decodeBase64(text, padding)).to.deep.equal(bytes);
        },
      ),
    );
  });

  it('reads one spelling only: no white space, no loose bits, no padding too few or too many (RFC 4648 §3.5)', () => {
    const others = ['Zg', 'Zg=', 'Zg===', 'Zh==', 'Z', 'Zg==\n', ' Zg==', 'Zm9v=', 'Zm8_', '=', 'Zg==Zg=='];

    for (const text of others) expect(decodeBase64(text), text).to.equal(undefined);
    for (const text of ['Zg==', 'Zh', 'Z']) expect(decodeBase64(text, 'unpadded'), text).to.equal(undefined);
  });

  it('reads any text without an exception', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const bytes = decodeBase64(text);
        if (bytes !== undefined) expect(encodeBase64(bytes)).to.equal(text);
      }),
    );
  });
});

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
