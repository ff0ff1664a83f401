import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import { BoxWriter, encodeBox, integer, NoEmptyBoxes, TooLong } from '../../../protocols/amp/index.ts';
import { wireKey } from '../../../protocols/amp/wire-key.ts';

const NOTHING = new Uint8Array(0);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('encodeBox', () => {
  it('puts the keys in the order of their bytes', () => {
    const box = new Map(['_ask', 'b', 'A', 'ab', '\xff'].map((name) => [name, NOTHING]));

    expect(hex(encodeBox(box))).to.equal(
      `${['41', '5f61736b', '6162', '62', 'ff'].map((key) => `000${key.length / 2}${key}0000`).join('')}0000`,
    );
  });

  it('refuses an empty box, and an empty key', () => {
    expect(() => encodeBox(new Map())).to.throw(NoEmptyBoxes);
    expect(() => encodeBox(new Map([['', NOTHING]]))).to.throw(UsageError);
  });

  it('refuses text where bytes belong', () => {
    expect(() => encodeBox(new Map([['世', NOTHING]]))).to.throw(UsageError, 'stand for bytes');
    expect(() => encodeBox(new Map([['a', 'text' as unknown as Uint8Array]]))).to.throw(UsageError, "'a'");
  });

  it('refuses keys of 256 bytes, and values of 65536', () => {
    const key = 'k'.repeat(256);

    expect(() => encodeBox(new Map([[key, NOTHING]])))
      .to.throw(TooLong)
      .that.includes({ isKey: true, isLocal: true, length: 256, keyName: key });
    expect(() => encodeBox(new Map([['a', new Uint8Array(65_536)]])))
      .to.throw(TooLong)
      .that.includes({ isKey: false, isLocal: true, length: 65_536, keyName: 'a' });
  });
});

describe('BoxWriter', () => {
  const KEY = wireKey('a');
  const A = '00016100000000';

  it('gathers boxes until they are taken', () => {
    const writer = new BoxWriter();

    for (let count = 0; count < 3; count += 1) {
      writer.beginBox();
      writer.field(KEY, NOTHING);
      writer.endBox();
    }

    expect(writer.length).to.equal(21);
    expect(hex(writer.take())).to.equal(A.repeat(3));
    expect(writer.take()).to.have.lengthOf(0);
  });

  it('leaves nothing of a box that is abandoned', () => {
    const writer = new BoxWriter();
    writer.beginBox();
    writer.field(KEY, NOTHING);
    writer.endBox();

    writer.beginBox();
    writer.field(KEY, new Uint8Array(50_000));
    expect(() => writer.field(KEY, new Uint8Array(70_000))).to.throw(TooLong);
    writer.abandonBox();

    expect(hex(writer.take())).to.equal(A);
  });

  it('does not begin a box within another, nor end an empty one', () => {
    const writer = new BoxWriter();
    writer.beginBox();

    expect(() => writer.beginBox()).to.throw(UsageError);
    expect(() => writer.take()).to.throw(UsageError);
    expect(() => writer.endBox()).to.throw(NoEmptyBoxes);
    expect(() => new BoxWriter().endBox()).to.throw(UsageError);
  });

  it('gives large batches away, and begins anew', () => {
    const writer = new BoxWriter();
    const taken: string[] = [];

    for (const byte of [1, 2]) {
      writer.beginBox();
      writer.field(KEY, new Uint8Array(40_000).fill(byte));
      writer.endBox();
      taken.push(hex(writer.take()));
    }

    expect(taken).to.deep.equal(['01', '02'].map((byte) => `0001619c40${byte.repeat(40_000)}0000`));
  });

  it('writes tags as hexadecimal numbers without padding, or as the bytes that they are', () => {
    const writer = new BoxWriter();
    writer.beginBox();
    writer.field(KEY, 16);
    writer.field(KEY, Uint8Array.of(255));
    writer.endBox();

    expect(hex(writer.take())).to.equal('0001610002' + '3130' + '0001610001' + 'ff' + '0000');
  });

  it('stops at a value that grows without end', () => {
    const writer = new BoxWriter();
    writer.beginBox();
    writer.beginValue(KEY);
    let written = 0;

    expect(() => {
      for (; written < 100_000; written += 1) integer.write(1_000_000_000, writer);
    }).to.throw(TooLong);
    expect(written).to.be.below(60_000);
  });
});
