import { expect } from 'chai';
import { Prng } from '../../lib/bytes/prng.ts';
import { Secrets } from '../../lib/ptcp/core/isn.ts';

const SEEN = 100_000;
/** A guess this near lets text and resets into a window of 64 KiB. */
const NEAR = 2 ** 16;
/** One guess in so many is as near by chance. */
const CHANCE = 2 ** 32 / (2 * NEAR);
/** The next number, by those before `index`. */
type Guess = (seen: readonly number[], index: number) => number;

const GUESSES: Readonly<Record<string, Guess>> = {
  'the last': (seen, index) => seen[index - 1]!,
  'the last and the step before it': (seen, index) => 2 * seen[index - 1]! - seen[index - 2]!,
  'what a line through the last four says': (seen, index) =>
    4 * seen[index - 1]! - 6 * seen[index - 2]! + 4 * seen[index - 3]! - seen[index - 4]!,
  'the one 256 connections ago': (seen, index) => seen[index - 256] ?? 0,
  'the port before, by exclusive or': (seen, index) => seen[index - 1]! ^ seen[index - 2]! ^ seen[index - 3]!,
  'a linear congruence of the last (glibc)': (seen, index) =>
    Math.imul(seen[index - 1]!, 1_103_515_245) + 12_345,
};

function nearness(guess: number, truth: number): number {
  return Math.abs((guess - truth) | 0);
}

describe(`${SEEN} initial sequence numbers`, () => {
  const secrets = new Secrets(new Prng('numbers'));
  // One source that opens connection after connection, port after port: what an attacker sees of a server.
  const seen = Array.from({ length: SEEN }, (_, index) =>
    secrets.initialSequence(7 + (index >> 14), 49_153, 49_152 + (index & 0x3fff), 0),
  );

  it('tell nothing of the next (RFC 6528 §3, NUMBER:JACK)', () => {
    const expected = SEEN / CHANCE;
    for (const [name, guess] of Object.entries(GUESSES)) {
      let hits = 0;
      for (let index = 300; index < SEEN; index += 1)
        if (nearness(guess(seen, index), seen[index]!) < NEAR) hits += 1;

      console.log(`      ${name}: ${hits} of ${SEEN} within 64 KiB, ${expected.toFixed(1)} by chance`);
      // Poisson: one in a million is above this.
      expect(hits, name).to.be.below(expected + 5 * Math.sqrt(expected) + 5);
    }
  });

  it('have every bit set as often as not, and none in step with another (RFC 6528 §3, NUMBER:JACK)', () => {
    // Five standard deviations of a fair coin.
    const allowance = (5 * Math.sqrt(SEEN)) / 2;
    let worst = 0;
    for (let bit = 0; bit < 32; bit += 1) {
      const set = seen.filter((isn) => (isn >>> bit) & 1).length;
      const turned = seen.filter((isn, index) => ((isn ^ seen[index - 1]!) >>> bit) & 1).length;
      worst = Math.max(worst, Math.abs(set - SEEN / 2), Math.abs(turned - SEEN / 2));
      for (let other = 0; other < bit; other += 1) {
        const differing = seen.filter((isn) => ((isn >>> bit) ^ (isn >>> other)) & 1).length;
        worst = Math.max(worst, Math.abs(differing - SEEN / 2));
      }
    }

    console.log(`      the bit that is farthest from even is off by ${worst} of ${SEEN}`);
    expect(worst).to.be.below(allowance);
  });

  it('are drawn anew from each key: no number of one endpoint tells of another (RFC 6528 §3)', () => {
    const other = new Secrets(new Prng('another endpoint'));
    const differences = new Set<number>();
    for (let index = 0; index < SEEN; index += 1)
      differences.add(
        (other.initialSequence(7 + (index >> 14), 49_153, 49_152 + (index & 0x3fff), 0) - seen[index]!) | 0,
      );

    // Of 10^5 draws from 2^32 about one pair is equal by chance.
    expect(differences.size).to.be.above(SEEN - 12);
  });
});
