import { playStopWorld } from '../support/stop-world.ts';

/** Few enough for every commit; STOPS=5000 npm test plays more. */
const WORLDS = Number(process.env['STOPS'] ?? 100);
const WORLDS_PER_TEST = 25;

describe('reactors whose users call anything', function () {
  this.timeout(20_000);

  for (let first = 1; first <= WORLDS; first += WORLDS_PER_TEST) {
    const last = first + WORLDS_PER_TEST - 1;

    it(`stop in time and break no promise, with seeds ${first} to ${last}`, () => {
      for (let seed = first; seed <= last; seed += 1) {
        try {
          playStopWorld(seed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          });
        }
      }
    });
  }
});
