import { playWorld } from '../support/swarm-world.ts';

/** Few enough for every commit; SWARM=5000 npm test plays more. */
const WORLDS = Number(process.env['SWARM'] ?? 150);
const WORLDS_PER_TEST = 25;

describe('small worlds', function () {
  this.timeout(20_000);

  for (let first = 1; first <= WORLDS; first += WORLDS_PER_TEST) {
    const last = first + WORLDS_PER_TEST - 1;

    it(`carry both streams and end, with seeds ${first} to ${last}`, () => {
      for (let seed = first; seed <= last; seed += 1) {
        try {
          playWorld(seed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          });
        }
      }
    });
  }
});
