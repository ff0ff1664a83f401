import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { FAULTS } from '../../tools/planted-faults/faults.ts';
import { plant } from '../../tools/planted-faults/run.ts';

describe('planted faults', () => {
  it('all have their place in the core, once, and change it', () => {
    for (const fault of FAULTS) {
      const sound = readFileSync(fault.file, 'utf8');
      expect(plant(sound, fault), fault.name).not.to.equal(sound);
    }
  });

  it('are at least thirty, each with a name of its own', () => {
    expect(new Set(FAULTS.map(({ name }) => name)).size)
      .to.equal(FAULTS.length)
      .and.to.be.at.least(30);
  });

  it('are refused where their place is not found, or found twice', () => {
    const fault = { name: 'x', file: 'a.ts', find: 'b', replace: 'c' };

    expect(() => plant('aaa', fault)).to.throw('found 0 times');
    expect(() => plant('abba', fault)).to.throw('found 2 times');
    expect(plant('abc', fault)).to.equal('acc');
  });
});
