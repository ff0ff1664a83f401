import { expect } from 'chai';
import { BoxView, encodeBox } from '../../../protocols/amp/index.ts';
import { byteString, wireKey } from '../../../protocols/amp/wire-key.ts';

const FIELDS = { a: '1', b: '', c: '333' };

function boxOf(fields: Readonly<Record<string, string>>): Map<string, Uint8Array> {
  return new Map(Object.entries(fields).map(([name, value]) => [name, byteString(value)]));
}

/** A view of bytes that lie among others. */
function scanned(wire: Uint8Array): BoxView {
  const view = new BoxView();
  const among = Buffer.concat([Buffer.from('..'), wire, Buffer.from('..')]);
  view.scan(among, 2, among.length - 2);
  return view;
}

function textOf(view: BoxView, name: string, from = 0): string | undefined {
  const index = view.find(wireKey(name), from);
  return index < 0 ? undefined : Buffer.from(view.copyAt(index)).toString('latin1');
}

describe('BoxView', () => {
  for (const [title, view] of [
    ['a box as it came', scanned(encodeBox(boxOf(FIELDS)))],
    ['a Map', BoxView.of(boxOf(FIELDS))],
    ['a Map whose keys are not in order', BoxView.of(boxOf({ c: '333', a: '1', b: '' }))],
  ] as const) {
    it(`finds the fields of ${title}, wherever the search begins`, () => {
      for (const from of [0, 1, 2, 3, 9]) {
        for (const [name, value] of Object.entries(FIELDS)) expect(textOf(view, name, from)).to.equal(value);
        for (const name of ['A', 'aa', 'd']) expect(textOf(view, name, from)).to.equal(undefined);
      }
      expect(view.size).to.equal(3);
      expect(Object.fromEntries(view.toMap())).to.deep.equal(Object.fromEntries(boxOf(FIELDS)));
    });
  }

  it('has values of a Map that are longer than one on the wire', () => {
    const value = new Uint8Array(100_000).fill(7);

    const view = BoxView.of(new Map([['long', value]]));

    expect(view.copyAt(0)).to.deep.equal(value);
    expect(view.valueAt(0)).to.deep.equal(value);
  });

  it('finds the last of a key that comes twice, also where the two are neighbours', () => {
    for (const wire of ['0001610001310001610001320000', '0001610001310001620000' + '0001610001320000']) {
      expect(textOf(scanned(Buffer.from(wire, 'hex')), 'a')).to.equal('2');
    }
  });

  it('goes on with a scan where it stopped, and says what it needs to get further', () => {
    const wire = encodeBox(boxOf({ key: 'value' }));
    const view = new BoxView();
    const wanted: number[] = [];

    for (let end = 0; end < wire.length; end += 1) {
      expect(view.scan(wire, 0, end)).to.equal('partial');
      wanted.push(view.wantedBytes);
    }

    expect(view.scan(wire, 0, wire.length)).to.equal('box');
    expect(wanted).to.deep.equal([2, 2, ...Array(5).fill(7), ...Array(5).fill(12), 14, 14]);
    expect(textOf(view, 'key')).to.equal('value');
    view.reset();
    expect(view.scan(Uint8Array.of(1, 2), 0, 2)).to.equal('long-key');
    expect(view.longKeyBytes).to.equal(258);
  });
});
