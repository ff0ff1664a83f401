import { expect } from 'chai';

const STEP_MS = 5;
const LIMIT_MS = 120_000;

/** Virtual time that passes in small steps, each with a turn of the event loop: TLS and cryptography need those. */
export class PassingTime {
  readonly #clock: { advance(ms: number): void };

  constructor(clock: { advance(ms: number): void }) {
    this.#clock = clock;
  }

  /** What `source` gives, while things happen. */
  async until<T>(source: PromiseLike<T>, what: string): Promise<T> {
    let isOver = false;
    const outcome = Promise.resolve(source).finally(() => {
      isOver = true;
    });
    outcome.catch(() => {});
    await this.happens(() => isOver, what);
    return outcome;
  }

  /** The failure of `source`, while things happen. */
  async failure(source: PromiseLike<unknown>): Promise<Error> {
    const outcome = Promise.resolve(source).then(
      () => new Error('it did not fail'),
      (error: Error) => error,
    );
    return this.until(outcome, 'it fails');
  }

  /** Lets things happen until `isSo`. */
  async happens(isSo: () => boolean, what: string): Promise<void> {
    for (let waitedMs = 0; !isSo(); waitedMs += STEP_MS) {
      expect(waitedMs, `ms in which ${what}`).to.be.lessThan(LIMIT_MS);
      await this.#step(STEP_MS);
    }
  }

  /** Lets `ms` pass, in so many steps. */
  async pass(ms: number, stepCount = 50): Promise<void> {
    for (let step = 0; step < stepCount; step += 1) await this.#step(ms / stepCount);
  }

  async #step(ms: number): Promise<void> {
    this.#clock.advance(ms);
    await new Promise(setImmediate);
  }
}
