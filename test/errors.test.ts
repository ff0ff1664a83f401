import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import * as errors from '../lib/errors.ts';
import { HawserError, InvariantError, invariant, isError, NotAnError, toError, trap } from '../lib/errors.ts';

describe('errors', () => {
  it('each have a code of their own, known by its prefix', () => {
    const codes = Object.values(errors)
      .filter((each) => typeof each === 'function' && each.prototype instanceof HawserError)
      .map((each) => new (each as new (...args: unknown[]) => HawserError)(0, new Error()))
      .map((error) => error.code);

    expect(codes).to.have.lengthOf.above(30);
    expect(new Set(codes).size).to.equal(codes.length);
    for (const code of codes) expect(code).to.match(/^ERR_[A-Z_]+$/);
  });

  it('have the name of their class and keep their cause', () => {
    const cause = new Error('lower');
    const error = new errors.ConnectionAborted(undefined, { cause });

    expect(error.name).to.equal('ConnectionAborted');
    expect(error.message).to.not.equal('');
    expect(error.cause).to.equal(cause);
    expect(error).to.be.instanceOf(errors.ConnectionLost);
  });

  it('are thrown by a broken invariant, and by no other', () => {
    expect(() => invariant(false, 'broken')).to.throw(InvariantError, 'broken');
    expect(() => invariant(true, 'kept')).to.not.throw();
  });

  it('are made of anything that was thrown', () => {
    const error = new RangeError('an error');

    expect(toError(error)).to.equal(error);
    for (const thing of ['text', 5, null, undefined, { message: 'like an error' }, Object.create(null)]) {
      const made = toError(thing);
      expect(made).to.be.instanceOf(NotAnError);
      expect(made.cause).to.equal(thing);
    }
  });

  it('are known when they come from another realm', () => {
    const foreign: unknown = runInNewContext('new TypeError("foreign")');

    expect(foreign).to.not.be.instanceOf(Error);
    expect(isError(foreign)).to.equal(true);
    expect(toError(foreign)).to.equal(foreign);
  });

  it('are trapped by class, and thrown on when no class fits', () => {
    const error = new errors.ConnectionReset();

    expect(trap(error, errors.TimeoutError, errors.ConnectionLost)).to.equal(error);
    expect(() => trap(error, errors.TimeoutError)).to.throw(error);
    expect(() => trap(error)).to.throw(error);
  });
});
