import { expect } from 'chai';
import fc from 'fast-check';
import { RingBuffer } from '../../lib/bytes/ring-buffer.ts';
import { InvariantError } from '../../lib/errors.ts';

/** `count` bytes that tell their place. */
function counting(count: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => first + i);
}

function contents(ring: RingBuffer): number[] {
  const out = new Uint8Array(ring.length);
  ring.copyTo(0, ring.length, out, 0);
  return [...out];
}

describe('RingBuffer', () => {
  it('holds no memory before the first byte', () => {
    const ring = new RingBuffer();

    expect(ring.capacityBytes).to.equal(0);
    expect(ring.length).to.equal(0);
    expect([...ring.read(10)]).to.deep.equal([]);
    expect(ring.capacityBytes).to.equal(0);
  });

  it('starts with its smallest capacity, rounded up to a power of two, and doubles it', () => {
    const ring = new RingBuffer(3000);

    ring.append(counting(1));
    expect(ring.capacityBytes).to.equal(4096);
    ring.append(new Uint8Array(4096));
    expect(ring.capacityBytes).to.equal(8192);
  });

  it('reads the bytes in the order in which they were appended', () => {
    const ring = new RingBuffer(8);

    ring.append(counting(5));
    ring.append(counting(9, 100), 2, 4);

    expect([...ring.read(4)]).to.deep.equal([0, 1, 2, 3]);
    expect([...ring.read(99)]).to.deep.equal([4, 102, 103]);
  });

  it('copies from any offset without taking bytes off', () => {
    const ring = new RingBuffer();
    const out = new Uint8Array(6);
    ring.append(counting(100));

    ring.copyTo(20, 3, out, 2);

    expect([...out]).to.deep.equal([0, 0, 20, 21, 22, 0]);
    expect(ring.length).to.equal(100);
  });

  it('wraps round the end of its memory, with small pieces and with large ones', () => {
    for (const count of [3, 200]) {
      const ring = new RingBuffer(256);
      ring.append(new Uint8Array(255));
      ring.append(counting(1));
      ring.discard(255);

      ring.append(counting(count, 1));

      expect(ring.capacityBytes).to.equal(256);
      expect(contents(ring)).to.deep.equal([...counting(count + 1)]);
    }
  });

  it('keeps its bytes in order when it grows while wrapped', () => {
    const ring = new RingBuffer(16);
    ring.append(counting(16));
    ring.discard(10);
    ring.append(counting(8, 16));

    ring.append(counting(16, 24));

    expect(ring.capacityBytes).to.equal(32);
    expect(contents(ring)).to.deep.equal([...counting(30, 10)]);
  });

  it('makes bytes that came out of order readable when they are extended over', () => {
    const ring = new RingBuffer(16);
    ring.append(counting(4));

    ring.writeAt(10, counting(6, 10));
    expect(ring.length).to.equal(4);
    ring.writeAt(4, counting(30, 0), 4, 10);
    ring.extend(12);

    expect(contents(ring)).to.deep.equal([...counting(16)]);
  });

  it('keeps waiting bytes when it grows, and when everything readable is taken off', () => {
    const ring = new RingBuffer(8);
    ring.append(counting(3));
    ring.writeAt(5, counting(3, 5));
    ring.read(3);

    ring.writeAt(5, counting(100, 8));
    ring.append(counting(2, 3));
    ring.extend(103);

    expect(contents(ring)).to.deep.equal([...counting(105, 3)]);
  });

  it('gives its memory back on demand when nothing is left, and works on', () => {
    const ring = new RingBuffer();
    ring.append(counting(10));
    ring.discard(10);
    expect(ring.capacityBytes, 'not by itself').to.equal(4096);

    ring.releaseIfEmpty();

    expect(ring.capacityBytes).to.equal(0);
    ring.append(counting(2));
    expect(contents(ring)).to.deep.equal([0, 1]);
  });

  it('does not give memory back while bytes wait beyond its end', () => {
    const ring = new RingBuffer();
    ring.writeAt(2, counting(3, 2));

    ring.releaseIfEmpty();
    ring.append(counting(2));
    ring.extend(3);

    expect(contents(ring)).to.deep.equal([...counting(5)]);
  });

  it('refuses to pass the limits of its bytes', () => {
    const ring = new RingBuffer();
    ring.append(counting(4));

    expect(() => ring.discard(5)).to.throw(InvariantError);
    expect(() => ring.extend(1)).to.throw(InvariantError);
    expect(() => ring.copyTo(3, 2, new Uint8Array(9), 0)).to.throw(InvariantError);
    expect(() => ring.copyTo(0, 4, new Uint8Array(3), 0)).to.throw(InvariantError);
    expect(() => ring.writeAt(3, counting(1))).to.throw(InvariantError);
    expect(() => ring.append(counting(4), 0, 5)).to.throw(InvariantError);
    expect(() => ring.append(counting(1), 0, 2 ** 31)).to.throw(InvariantError);
    expect(contents(ring)).to.deep.equal([0, 1, 2, 3]);
  });

  it('does what a plain array does, whatever is done to it', () => {
    const step = fc.record({
      action: fc.constantFrom('append', 'writeAt', 'extend', 'read', 'readInto', 'discard', 'releaseIfEmpty'),
      count: fc.nat(150),
      gap: fc.nat(40),
      first: fc.nat(255),
    });

    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ring = new RingBuffer(32);
        // `undefined` is a byte nobody wrote: its value is not promised.
        let model: (number | undefined)[] = [];
        let length = 0;
        for (const { action, count, gap, first } of steps) {
          const taken = Math.min(count, length);
          const bytes = counting(count, first);
          if (action === 'append') {
            ring.append(bytes);
            model.splice(length, count, ...bytes);
            length += count;
          } else if (action === 'writeAt') {
            ring.writeAt(length + gap, bytes);
            while (count > 0 && model.length < length + gap) model.push(undefined);
            model.splice(length + gap, count, ...bytes);
          } else if (action === 'extend') {
            const hole = model.indexOf(undefined);
            const extended = Math.min(count, (hole < 0 ? model.length : hole) - length);
            ring.extend(extended);
            length += extended;
          } else if (action === 'read') {
            expect([...ring.read(count)]).to.deep.equal(model.slice(0, taken));
          } else if (action === 'readInto') {
            const out = new Uint8Array(count);
            expect(ring.readInto(out)).to.equal(taken);
            expect([...out.subarray(0, taken)]).to.deep.equal(model.slice(0, taken));
          } else if (action === 'discard') {
            ring.discard(taken);
          } else {
            ring.releaseIfEmpty();
            if (model.length === 0) expect(ring.capacityBytes).to.equal(0);
          }
          if (action === 'read' || action === 'readInto' || action === 'discard') {
            model = model.slice(taken);
            length -= taken;
          }
          expect(contents(ring)).to.deep.equal(model.slice(0, length));
        }
      }),
    );
  });
});
