import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Box,
  BoxReader,
  BoxTooLarge,
  encodeBox,
  NoEmptyBoxes,
  parseBoxes,
  TooLong,
} from '../../../protocols/amp/index.ts';

function bytesOf(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function box(fields: Readonly<Record<string, string>>): Box {
  return new Map(Object.entries(fields).map(([name, value]) => [name, Buffer.from(value, 'latin1')]));
}

/** What comes out of a reader, as plain data. */
function plain(boxes: readonly Box[]): Record<string, string>[] {
  return boxes.map((each) =>
    Object.fromEntries([...each].map(([name, value]) => [name, Buffer.from(value).toString('latin1')])),
  );
}

/** A reader and the boxes that came out of it. */
function collector(limits = {}): { reader: BoxReader; boxes: Box[] } {
  const boxes: Box[] = [];
  return { reader: new BoxReader((view) => boxes.push(view.toMap()), limits), boxes };
}

const A = box({ a: '1' });
const B = box({ b: '2', c: '' });
const A_BYTES = encodeBox(A);
const B_BYTES = encodeBox(B);

const anyBox = fc
  .dictionary(
    fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
      minLength: 1,
      maxLength: 255,
    }),
    fc.uint8Array({ maxLength: 300 }),
    { minKeys: 1, maxKeys: 8 },
  )
  .map((fields): Box => new Map(Object.entries(fields)));

describe('BoxReader', () => {
  it('reads what was written, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyBox, { maxLength: 5 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        (sent, cuts) => {
          const { reader, boxes } = collector();
          const stream = joined(...sent.map(encodeBox));

          let at = 0;
          for (const cut of [...cuts, stream.length]) {
            expect(reader.push(stream.slice(at, at + cut))).to.equal(undefined);
            at += cut;
          }

          const sorted = sent.map(
            (each) => new Map([...each].sort(([one], [other]) => (one < other ? -1 : 1))),
          );
          expect(boxes).to.deep.equal(sorted);
          expect(reader.pendingBytes).to.equal(0);
        },
      ),
    );
  });

  it('reads a box that comes byte by byte', () => {
    const { reader, boxes } = collector();

    for (const byte of joined(A_BYTES, B_BYTES)) reader.push(bytesOf(byte));

    expect(plain(boxes)).to.deep.equal([{ a: '1' }, { b: '2', c: '' }]);
  });

  it('takes keys in any order, and the last of those that come twice', () => {
    const stream = Buffer.from('000162000132' + '000161000131' + '000162000133' + '0000', 'hex');

    const [found] = parseBoxes(stream);

    expect(plain([found!])).to.deep.equal([{ a: '1', b: '3' }]);
  });

  it('takes keys of 255 bytes and values of 65535', () => {
    const long: Box = new Map([['k'.repeat(255), new Uint8Array(65_535).fill(7)]]);

    expect(parseBoxes(encodeBox(long))).to.deep.equal([long]);
  });

  for (const [where, before] of [
    ['the first key of the first box', []],
    ['a later key of the first box', [A_BYTES.slice(0, -2)]],
    ['the first key of a later box', [A_BYTES]],
    ['a later key of a later box', [A_BYTES, B_BYTES.slice(0, -2)]],
  ] as const) {
    it(`ends at a key of more than 255 bytes: ${where}`, () => {
      const { reader, boxes } = collector();
      const whole = before.filter((part) => part === A_BYTES).length;

      const fault = reader.push(joined(...before, bytesOf(1, 0, 1, 2, 3)));

      expect(fault).to.be.instanceOf(TooLong).and.include({ isKey: true, isLocal: false, length: 256 });
      expect(boxes).to.have.lengthOf(whole);
    });
  }

  it('ends at an empty box, after those before it', () => {
    const { reader, boxes } = collector();

    const fault = reader.push(joined(A_BYTES, bytesOf(0, 0), B_BYTES));

    expect(fault).to.be.instanceOf(NoEmptyBoxes);
    expect(plain(boxes)).to.deep.equal([{ a: '1' }]);
    expect(reader.push(B_BYTES), 'nothing more is read').to.equal(fault);
    expect(boxes).to.have.lengthOf(1);
  });

  it('ends at a box of too many keys, or bytes, before it is whole', () => {
    const [keys, size] = [collector({ maxBoxKeys: 2 }), collector({ maxBoxBytes: 10 })];

    const ofKeys = keys.reader.push(
      joined(...['a', 'b', 'c'].map((name) => encodeBox(box({ [name]: '' })).slice(0, -2))),
    );
    const ofSize = size.reader.push(encodeBox(box({ a: '123456789' })).slice(0, -2));

    expect(ofKeys).to.be.instanceOf(BoxTooLarge).and.have.property('message').that.contains('2 keys');
    expect(ofSize).to.be.instanceOf(BoxTooLarge).and.have.property('message').that.contains('10 bytes');
  });

  it('hands out what follows a box to whoever speaks next', () => {
    const rests: Uint8Array[] = [];
    const seen: Box[] = [];
    const reader = new BoxReader((view) => {
      seen.push(view.toMap());
      rests.push(reader.takeRest());
    });

    reader.push(A_BYTES.slice(0, 3));
    reader.push(joined(A_BYTES.slice(3), B_BYTES, bytesOf(9, 9)));

    expect(plain(seen)).to.deep.equal([{ a: '1' }]);
    expect(rests).to.deep.equal([joined(B_BYTES, bytesOf(9, 9))]);
    expect(reader.push(B_BYTES)).to.equal(undefined);
    expect(seen, 'it reads no more').to.have.lengthOf(1);
  });

  it('hands out a box that is not whole, too', () => {
    const { reader } = collector();
    reader.push(B_BYTES.slice(0, 5));

    expect(reader.takeRest()).to.deep.equal(B_BYTES.slice(0, 5));
  });

  it('holds what comes while it is paused', () => {
    const seen: string[] = [];
    const reader = new BoxReader((view) => {
      seen.push(view.nameAt(0));
      reader.pause();
    });

    reader.push(joined(A_BYTES, B_BYTES));
    reader.push(A_BYTES);
    expect(seen).to.deep.equal(['a']);
    reader.resume();
    reader.resume();

    expect(seen).to.deep.equal(['a', 'b', 'a']);
    expect(reader.pendingBytes).to.equal(0);
  });

  it('reads what is pushed from within after what it has', () => {
    const seen: string[] = [];
    const reader = new BoxReader((view) => {
      seen.push(view.nameAt(0));
      if (seen.length === 1) reader.push(A_BYTES);
    });

    reader.push(joined(A_BYTES, B_BYTES));

    expect(seen).to.deep.equal(['a', 'b', 'a']);
  });

  it('gives out maps that no longer depend on the bytes that came, of Buffers too', () => {
    const { reader, boxes } = collector();
    const came = Buffer.from(A_BYTES);

    reader.push(came);
    came.fill(0);

    expect(plain(boxes)).to.deep.equal([{ a: '1' }]);
    expect(Buffer.isBuffer(boxes[0]?.get('a'))).to.equal(false);
  });

  it('goes on after a receiver that throws', () => {
    const seen: string[] = [];
    const reader = new BoxReader((view) => {
      seen.push(view.nameAt(0));
      if (seen.length === 1) throw new Error('no');
    });

    expect(() => reader.push(joined(A_BYTES, B_BYTES.slice(0, 4)))).to.throw('no');
    reader.push(B_BYTES.slice(4));

    expect(seen).to.deep.equal(['a', 'b']);
  });

  it('takes any bytes, or says what is wrong with them', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ max: 3, maxLength: 30 })), (chunks) => {
        const { reader } = collector();
        for (const chunk of chunks) {
          const fault = reader.push(chunk);
          if (fault !== undefined)
            expect(fault).to.satisfy(
              (each: object) => each instanceof TooLong || each instanceof NoEmptyBoxes,
            );
        }
      }),
    );
  });
});
