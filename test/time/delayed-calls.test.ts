import { expect } from 'chai';
import fc from 'fast-check';
import { AlreadyCalledError, AlreadyCancelledError, UsageError } from '../../lib/errors.ts';
import { NEVER } from '../../lib/time/clock.ts';
import { DelayedCalls } from '../../lib/time/delayed-calls.ts';

describe('DelayedCalls', () => {
  let now = 0;
  let calls = new DelayedCalls(() => now);
  let made: string[] = [];

  beforeEach(() => {
    now = 0;
    calls = new DelayedCalls(() => now);
    made = [];
  });

  function add(delayMs: number, name: string) {
    return calls.add(delayMs, () => made.push(name));
  }

  function makeAllDue(at: number): string[] {
    now = at;
    for (let call = calls.takeDue(now); call !== undefined; call = calls.takeDue(now)) call();
    return made;
  }

  it('hands out calls by due time, and none before it', () => {
    add(3, 'late');
    add(1, 'early');

    expect(calls.nextDueAt).to.equal(1);
    expect(calls.takeDue(0.999)).to.equal(undefined);
    expect(makeAllDue(1)).to.deep.equal(['early']);
    expect(makeAllDue(3)).to.deep.equal(['early', 'late']);
    expect(calls.nextDueAt).to.equal(NEVER);
    expect(calls.pending).to.equal(0);
  });

  it('hands out calls due together in the order in which they were made', () => {
    for (const name of 'abcdefghijklmnop') add(5, name);

    expect(makeAllDue(5).join('')).to.equal('abcdefghijklmnop');
  });

  it('keeps that order when calls are moved to the same time', () => {
    const first = add(1, 'first');
    const second = add(9, 'second');
    add(5, 'third');
    second.reset(5);
    first.delay(4);

    expect(makeAllDue(5)).to.deep.equal(['first', 'second', 'third']);
  });

  it('counts a reset from now and a delay from the due time', () => {
    now = 100;
    const call = add(10, 'call');
    now = 105;

    call.reset(20);
    expect(call.dueAt).to.equal(125);
    call.delay(5);
    expect(call.dueAt).to.equal(130);
    call.delay(-25);
    expect(call.dueAt).to.equal(105);
    expect(calls.nextDueAt).to.equal(105);
  });

  it('is not active while it runs and refuses everything once it was called', () => {
    const call = calls.add(1, () => {
      expect(call.active).to.equal(false);
      expect(() => call.cancel()).to.throw(AlreadyCalledError);
    });
    expect(call.active).to.equal(true);

    makeAllDue(1);

    expect(() => call.cancel()).to.throw(AlreadyCalledError);
    expect(() => call.reset(1)).to.throw(AlreadyCalledError);
    expect(() => call.delay(1)).to.throw(AlreadyCalledError);
  });

  it('forgets a cancelled call at once and refuses everything on it', () => {
    const call = add(1, 'cancelled');
    add(2, 'kept');
    call.cancel();

    expect(calls.pending).to.equal(1);
    expect(calls.nextDueAt).to.equal(2);
    expect(call.active).to.equal(false);
    expect(() => call.cancel()).to.throw(AlreadyCancelledError);
    expect(() => call.reset(1)).to.throw(AlreadyCancelledError);
    expect(() => call.delay(1)).to.throw(AlreadyCancelledError);
    expect(makeAllDue(2)).to.deep.equal(['kept']);
  });

  it('refuses delays that are negative, endless or no number', () => {
    for (const delayMs of [-1, -Number.MIN_VALUE, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => add(delayMs, 'never')).to.throw(UsageError);
    }
    const call = add(1, 'call');

    expect(() => call.reset(-1)).to.throw(UsageError);
    expect(() => call.reset(Number.NaN)).to.throw(UsageError);
    expect(() => call.delay(Number.NaN)).to.throw(UsageError);
    expect(() => call.delay(Number.NEGATIVE_INFINITY)).to.throw(UsageError);
    expect(call.dueAt).to.equal(1);
    expect(calls.pending).to.equal(1);
  });

  it('counts the calls that the process must stay alive for', () => {
    const first = add(1, 'first');
    const second = add(2, 'second');
    const third = add(3, 'third');
    expect(calls.keepAliveCount).to.equal(3);

    second.keepAlive(false);
    second.keepAlive(false);
    expect(calls.keepAliveCount).to.equal(2);
    second.keepAlive(true);
    second.keepAlive(false);
    third.cancel();
    third.keepAlive(false);
    expect(calls.keepAliveCount).to.equal(1);

    makeAllDue(1);
    first.keepAlive(true);
    expect(calls.keepAliveCount).to.equal(0);
    expect(calls.pending).to.equal(1);
  });

  it('tells the clock of every change but its own', () => {
    let changes = 0;
    const told = new DelayedCalls(
      () => now,
      () => changes++,
    );

    const call = told.add(1, () => {});
    expect(changes).to.equal(1);
    call.reset(5);
    call.delay(-1);
    call.keepAlive(false);
    expect(changes).to.equal(4);
    told.takeDue(4);
    expect(changes).to.equal(4);
    told.add(1, () => {}).cancel();
    expect(changes).to.equal(6);
  });

  it('agrees with a sorted list under any adding, moving and cancelling', () => {
    const step = fc.record({
      verb: fc.constantFrom('add', 'add', 'add', 'cancel', 'reset', 'delay', 'take'),
      which: fc.nat(),
      ms: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = new DelayedCalls(() => 0);
        let model: { id: number; call: ReturnType<DelayedCalls['add']> }[] = [];
        let taken = -1;
        const sorted = () => [...model].sort((a, b) => a.call.dueAt - b.call.dueAt || a.id - b.id);
        steps.forEach(({ verb, which, ms }, id) => {
          const chosen = model[which % model.length];
          if (verb === 'add') {
            const call = queue.add(ms, () => {
              taken = id;
            });
            model.push({ id, call });
          } else if (verb === 'take') {
            const expected = sorted()[0];
            queue.takeDue(NEVER)?.();
            if (expected !== undefined) expect(taken).to.equal(expected.id);
            model = model.filter((entry) => entry !== expected);
          } else if (chosen !== undefined) {
            if (verb === 'cancel') chosen.call.cancel();
            if (verb === 'reset') chosen.call.reset(ms);
            if (verb === 'delay') chosen.call.delay(ms - 10);
            model = model.filter((entry) => entry.call.active);
          }
          expect(queue.pending).to.equal(model.length);
          expect(queue.nextDueAt).to.equal(sorted()[0]?.call.dueAt ?? NEVER);
        });
      }),
    );
  });
});
