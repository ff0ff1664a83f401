import { expect } from 'chai';
import fc from 'fast-check';
import { sipHash24 } from '../../lib/bytes/siphash.ts';
import { InvariantError } from '../../lib/errors.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

/** Of the messages 00, 00 01, 00 01 02 …, from the authors' table; the last is also Appendix A of the paper. */
const OFFICIAL = [
  '726fdb47dd0e0e31',
  '74f839c593dc67fd',
  '0d6c8009d9a94f5a',
  '85676696d7fb7e2d',
  'cf2794e0277187b7',
  '18765564cd99a68d',
  'cbc9466e58fee3ce',
  'ab0200f58b01d137',
  '93f5f5799a932462',
  '9e0082df0ba9e4b0',
  '7a5dbbc594ddb9f3',
  'f4b32f46226bada7',
  '751e8fbc860ee5fb',
  '14ea5627c0843d90',
  'f723ca908e7af2ee',
  'a129ca6149be45e5',
];

function hex({ high, low }: { high: number; low: number }): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** The same function in 64-bit words, as the paper writes it. */
function sipHashInWords(key: Uint8Array, message: Uint8Array): string {
  const U64 = (1n << 64n) - 1n;
  const word = (bytes: Uint8Array) => [...bytes].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const rotl = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & U64;
  const k0 = word(key.subarray(0, 8));
  const k1 = word(key.subarray(8));
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = () => {
    v0 = (v0 + v1) & U64;
    v1 = rotl(v1, 13n) ^ v0;
    v0 = rotl(v0, 32n);
    v2 = (v2 + v3) & U64;
    v3 = rotl(v3, 16n) ^ v2;
    v0 = (v0 + v3) & U64;
    v3 = rotl(v3, 21n) ^ v0;
    v2 = (v2 + v1) & U64;
    v1 = rotl(v1, 17n) ^ v2;
    v2 = rotl(v2, 32n);
  };
  const padded = new Uint8Array(message.length - (message.length % 8) + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const m = word(padded.subarray(at, at + 8));
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return (v0 ^ v1 ^ v2 ^ v3).toString(16).padStart(16, '0');
}

describe('sipHash24', () => {
  it("gives the authors' test vectors", () => {
    const computed = OFFICIAL.map((_, length) => hex(sipHash24(KEY, KEY.subarray(0, length))));

    expect(computed).to.deep.equal(OFFICIAL);
  });

  it('agrees with the definition in 64-bit words for any key and message', () => {
    const anyKey = fc.uint8Array({ minLength: 16, maxLength: 16 });

    fc.assert(
      fc.property(anyKey, fc.uint8Array({ maxLength: 300 }), (key, message) => {
        expect(hex(sipHash24(key, message))).to.equal(sipHashInWords(key, message));
      }),
    );
  });

  it('refuses a key of another length', () => {
    expect(() => sipHash24(new Uint8Array(15), KEY)).to.throw(InvariantError);
  });
});
