import { expect } from 'chai';
import { Deferred } from '../../lib/defer/deferred.ts';
import { resultOf } from '../support/results.ts';

/** Compiles only when `A` and `B` are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

function same<A, B>(_proof: Same<A, B>): void {}

// The compiler does the testing; the functions are never called.
const _proofs = [
  (d: Deferred<number>) => {
    const text = d.addCallback((value) => value.toFixed());
    same<typeof text, Deferred<string>>(true);
    text satisfies PromiseLike<string>;

    const flattened = text.addCallback((value) => Deferred.succeed(value.length));
    same<typeof flattened, Deferred<number>>(true);

    const awaited = flattened.addCallback(async (value) => value > 1);
    same<typeof awaited, Deferred<boolean>>(true);
  },
  (d: Deferred<number>) => {
    const mixed = d.addCallback((value) => (value > 1 ? value : Deferred.succeed(value)));
    same<typeof mixed, Deferred<number>>(true);

    const threeWays = mixed.addCallback(
      (value): string | Deferred<string> | PromiseLike<string> => `${value}`,
    );
    same<typeof threeWays, Deferred<string>>(true);
  },
  (d: Deferred<number>) => {
    const union = d.addCallbacks(
      (value) => value > 1,
      (error) => error.message,
    );
    same<typeof union, Deferred<boolean | string>>(true);

    const one = d.addCallbacks((value) => [value]);
    same<typeof one, Deferred<number[]>>(true);
  },
  (d: Deferred<number>) => {
    const recovered = d.addErrback(() => 'text');
    same<typeof recovered, Deferred<number | string>>(true);
    const rethrown = d.addErrback((error): never => {
      throw error;
    });
    same<typeof rethrown, Deferred<number>>(true);
    const both = d.addBoth((result) => {
      same<typeof result, number | Error>(true);
      return null;
    });
    same<typeof both, Deferred<null>>(true);
  },
  async (d: Deferred<number>) => {
    same<Awaited<typeof d>, number>(true);
    const value = await d;
    value satisfies number;
    const all = await Promise.all([d, Deferred.succeed('text')]);
    same<typeof all, [number, string]>(true);
    const rest = d.chainDeferred(new Deferred<number>());
    same<typeof rest, Deferred<void>>(true);
  },
  (promise: Promise<number>, maybe: number | Promise<number>) => {
    Deferred.from(promise) satisfies Deferred<number>;
    Deferred.from(maybe) satisfies Deferred<number>;
    Deferred.fail(new Error()) satisfies Deferred<number>;
    new Deferred<void>().callback();
    new Deferred<number>((self) => self.callback(1)) satisfies Deferred<number | string>;
  },
  (d: Deferred<number>, inner: Deferred<number>) => {
    // @ts-expect-error a Deferred cannot fire with another.
    d.callback(inner);
    // @ts-expect-error nor with another type.
    d.callback('text');
    // @ts-expect-error nor without a value.
    d.callback();
    // @ts-expect-error failures are Errors.
    d.errback('text');
    // @ts-expect-error the callback is given a number.
    d.addCallback((value: string) => value);
    // @ts-expect-error a Deferred of numbers is none of strings.
    d satisfies Deferred<string>;
    // @ts-expect-error the target takes another type.
    d.chainDeferred(new Deferred<string>());
  },
];

describe('the types of Deferred', () => {
  it('hold for a chain that is run', () => {
    const end = Deferred.succeed(3)
      .addCallback((value) => Deferred.succeed('x'.repeat(value)))
      .addCallbacks(
        (text) => text.length,
        () => undefined,
      );
    end satisfies Deferred<number | undefined>;

    expect(resultOf(end)).to.equal(3);
    expect(_proofs).to.have.lengthOf(7);
  });
});
