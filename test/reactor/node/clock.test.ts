import { performance } from 'node:perf_hooks';
import { expect } from 'chai';
import sinon from 'sinon';
import { NodeClock } from '../../../lib/reactor/node/clock.ts';

const YEAR_MS = 365 * 24 * 3_600_000;

describe('NodeClock', () => {
  let time: sinon.SinonFakeTimers;
  let clock: NodeClock;
  let reported: unknown[];

  beforeEach(() => {
    time = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
    sinon.stub(performance, 'now').callsFake(() => time.now);
    reported = [];
    clock = new NodeClock((error) => reported.push(error));
  });

  afterEach(() => {
    sinon.restore();
    time.restore();
  });

  it('makes calls when they are due, in order', () => {
    const made: [string, number][] = [];
    for (const [name, delayMs] of [
      ['later', 30],
      ['soon', 10],
      ['with soon', 10],
    ] as const) {
      clock.callLater(delayMs, () => made.push([name, clock.now()]));
    }

    time.tick(100);

    expect(made).to.deep.equal([
      ['soon', 10],
      ['with soon', 10],
      ['later', 30],
    ]);
  });

  it('uses one timer for all of them, and none when there is nothing to do', () => {
    const calls = Array.from({ length: 100 }, (_, index) => clock.callLater(10 + index, () => {}));
    expect(time.countTimers()).to.equal(1);

    for (const call of calls) call.cancel();

    expect(time.countTimers()).to.equal(0);
  });

  it('waits longer than setTimeout can', () => {
    const call = sinon.spy();
    clock.callLater(YEAR_MS, call);

    time.tick(YEAR_MS - 1);
    expect(call.callCount).to.equal(0);
    time.tick(1);

    expect(call.callCount).to.equal(1);
  });

  it('waits again when its timer was early', () => {
    const call = sinon.spy();
    clock.callLater(10, call);
    (performance.now as sinon.SinonStub).callsFake(() => time.now - 0.9);

    time.tick(10);
    expect(call.callCount).to.equal(0);
    time.tick(2);

    expect(call.callCount).to.equal(1);
  });

  it('goes round the event loop, without a timer, for what is due at once', () => {
    const setTimer = sinon.spy(globalThis, 'setTimeout');
    const call = sinon.spy();
    clock.callLater(0, call);
    clock.callLater(0.1, call);

    (performance.now as sinon.SinonStub).callsFake(() => time.now + 0.1);
    time.tick(0);

    expect([call.callCount, setTimer.callCount]).to.deep.equal([2, 0]);
  });

  it('makes a call that a call made due in the next turn', () => {
    const turns: string[] = [];
    // Real time moves on while calls are made.
    let readings = 0;
    (performance.now as sinon.SinonStub).callsFake(() => time.now + 1e-6 * readings++);
    clock.callLater(1, () => {
      turns.push('first');
      clock.callLater(0, () => turns.push('second'));
      setImmediate(() => turns.push('between'));
    });

    time.tick(10);

    expect(turns).to.deep.equal(['first', 'between', 'second']);
  });

  it('reports what calls throw, and makes the others', () => {
    const error = new Error('thrown');
    const other = sinon.spy();
    const fail = (): never => {
      throw error;
    };
    clock.callLater(1, fail);
    clock.callLater(1, other);
    clock.callSoon(fail);
    clock.callSoon(other);

    time.tick(1);

    expect(reported).to.deep.equal([error, error]);
    expect(other.callCount).to.equal(2);
  });

  describe('keepAlive', () => {
    let refs: string[];

    beforeEach(() => {
      refs = [];
      const original = globalThis.setTimeout;
      sinon.stub(globalThis, 'setTimeout').callsFake(((call: () => void, delayMs: number) => {
        const timer = original(call, delayMs);
        sinon.stub(timer, 'ref').callsFake(() => void refs.push('ref') as never);
        sinon.stub(timer, 'unref').callsFake(() => void refs.push('unref') as never);
        return timer;
      }) as typeof setTimeout);
    });

    it('lets the process end when no call needs it', () => {
      const first = clock.callLater(10, () => {});
      const second = clock.callLater(20, () => {});

      first.keepAlive(false);
      expect(refs.at(-1)).to.equal('ref');
      second.keepAlive(false);
      expect(refs.at(-1)).to.equal('unref');
      first.keepAlive(true);
      expect(refs.at(-1)).to.equal('ref');

      first.cancel();
      second.cancel();
    });

    it('lets the process end whatever calls there are, when it is told so', () => {
      const call = clock.callLater(10, () => {});

      clock.keepAlive(false);
      expect(refs.at(-1)).to.equal('unref');
      clock.keepAlive(true);
      expect(refs.at(-1)).to.equal('ref');

      call.cancel();
    });
  });
});
