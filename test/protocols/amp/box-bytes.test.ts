import { expect } from 'chai';
import { UsageError } from '../../../lib/errors.ts';
import { writeField } from '../../../protocols/amp/box-writer.ts';
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
      writeField(writer, KEY, NOTHING);
      writer.endBox();
    }

    expect(writer.length).to.equal(21);
    expect(hex(writer.take())).to.equal(A.repeat(3));
    expect(writer.take()).to.have.lengthOf(0);
  });

  it('leaves nothing of a box that is abandoned', () => {
    const writer = new BoxWriter();
    writer.beginBox();
    writeField(writer, KEY, NOTHING);
    writer.endBox();

    writer.beginBox();
    writeField(writer, KEY, new Uint8Array(50_000));
    expect(() => writeField(writer, KEY, new Uint8Array(70_000))).to.throw(TooLong);
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

  /** A box of one key whose value is `byte`, `count` times. */
  function writeRun(writer: BoxWriter, byte: number, count: number): Uint8Array {
    const value = new Uint8Array(count).fill(byte);
    writer.beginBox();
    writeField(writer, KEY, value);
    writer.endBox();
    return value;
  }

  function runHex(byte: number, count: number): string {
    return `000161${count.toString(16).padStart(4, '0')}${Buffer.alloc(count, byte).toString('hex')}0000`;
  }

  it('writes boxes of any size, batch after batch', () => {
    const writer = new BoxWriter();

    for (const counts of [[1], [8192], [8191, 8192, 1, 65_535], [300], Array(40).fill(5000), [0, 20_000]]) {
      for (const count of counts) writeRun(writer, 7, count);
      const expected = counts.map((count) => runHex(7, count)).join('');
      expect(writer.length).to.equal(expected.length / 2);
      expect(hex(writer.take())).to.equal(expected);
      expect(writer.length).to.equal(0);
    }
  });

  it('gives out long values as they are, in parts of their own', () => {
    const writer = new BoxWriter();
    writeRun(writer, 1, 3);
    const value = writeRun(writer, 2, 40_000);
    writeRun(writer, 3, 3);

    const parts = writer.takeParts();

    expect(parts).to.have.lengthOf(3);
    expect(parts[1]).to.equal(value);
    expect(hex(Buffer.concat(parts))).to.equal(runHex(1, 3) + runHex(2, 40_000) + runHex(3, 3));
    expect(writer.takeParts()).to.deep.equal([]);
  });

  it('does not write over what was taken in parts', () => {
    const writer = new BoxWriter();
    writeRun(writer, 1, 10);
    const [taken] = writer.takeParts();
    writeRun(writer, 2, 10);

    expect(hex(taken!)).to.equal(runHex(1, 10));
  });

  it('leaves nothing of a box with long values that is abandoned, and all of those before it', () => {
    const writer = new BoxWriter();
    writeRun(writer, 1, 10_000);
    writeRun(writer, 2, 5);
    const ended = writer.length;

    writer.beginBox();
    writeField(writer, KEY, new Uint8Array(9000));
    writeField(writer, KEY, new Uint8Array(9000));
    writeField(writer, KEY, new Uint8Array(5));
    expect(writer.length).to.equal(ended);
    writer.abandonBox();
    writeRun(writer, 3, 10_000);

    expect(hex(writer.take())).to.equal(runHex(1, 10_000) + runHex(2, 5) + runHex(3, 10_000));
  });

  it('goes on behind a long value, in the same value', () => {
    const writer = new BoxWriter();
    writer.beginBox();
    const mark = writer.beginValue(KEY);
    writer.bytes(new Uint8Array(9000).fill(7));
    writer.bytes(new Uint8Array(9000).fill(7));
    writer.ascii('\x07'.repeat(2000));
    writer.close(mark);
    writer.endBox();

    expect(hex(writer.take())).to.equal(runHex(7, 20_000));
  });

  it('writes tags as hexadecimal numbers without padding, or as the bytes that they are', () => {
    const writer = new BoxWriter();
    writer.beginBox();
    writeField(writer, KEY, 16);
    writeField(writer, KEY, Uint8Array.of(255));
    writer.endBox();

    expect(hex(writer.take())).to.equal('0001610002' + '3130' + '0001610001' + 'ff' + '0000');
  });

  it('says how long a value is that is too long, whatever it is made of', () => {
    for (const counts of [[65_536], [60_000, 6000], [9000, 9000, 60_000]]) {
      const writer = new BoxWriter();
      writer.beginBox();
      const mark = writer.beginValue(KEY);
      for (const count of counts) writer.bytes(new Uint8Array(count));
      const length = counts.reduce((sum, count) => sum + count);
      expect(() => writer.close(mark))
        .to.throw(TooLong)
        .that.includes({ length, keyName: 'a' });
    }
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
