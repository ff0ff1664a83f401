import { pbkdf2Sync, scryptSync } from 'node:crypto';
import fc from 'fast-check';
import sinon from 'sinon';
import type { PasswordCost } from '../../lib/cred/password-record.ts';
import type { Deferred } from '../../lib/defer/deferred.ts';
import type { Cryptography, ScryptCost } from '../../lib/interfaces/cryptography.ts';
import { NodeCryptography } from '../../lib/reactor/node/cryptography.ts';

/** Passwords that cost next to nothing: the fewest rounds that clients take. */
export const CHEAP: PasswordCost = { scrypt: { logN: 4, r: 1, p: 1 }, iterations: 4096 };

/** The real cryptography, and what was asked of it. */
export function spiedCryptography(): sinon.SinonSpiedInstance<NodeCryptography> & Cryptography {
  return sinon.spy(new NodeCryptography());
}

/** As it, but derives keys on the spot: virtual time does not wait for threads, and goes far while a busy machine has none. */
export function promptCryptography(): ReturnType<typeof spiedCryptography> {
  return sinon.spy(new PromptCryptography());
}

class PromptCryptography extends NodeCryptography {
  override async scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    { logN, r, p }: ScryptCost,
    lengthBytes: number,
  ): Promise<Uint8Array> {
    return new Uint8Array(scryptSync(password, salt, lengthBytes, { N: 2 ** logN, r, p }));
  }

  override async pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
    return new Uint8Array(pbkdf2Sync(password, salt, iterations, 32, 'sha256'));
  }
}

/** The error that `source` fails with. */
export function failureOf(source: PromiseLike<unknown>): Promise<Error> {
  return Promise.resolve(source).then(
    (value) => {
      throw new Error(`it did not fail but gave ${String(value)}`);
    },
    (error: Error) => error,
  );
}

/** What a Deferred that has fired gave: a value, or the error. */
export function resultOf<T>(deferred: Deferred<T>): T | Error | undefined {
  let result: T | Error | undefined;
  deferred.observe(
    (value) => {
      result = value;
    },
    (error) => {
      result = error;
    },
  );
  return result;
}

/** Lets promises that can settle do so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Any text, half characters included. (fast-check's own binary strings take seconds to begin with.) */
export function anyText(): fc.Arbitrary<string> {
  const unit = fc.oneof(fc.nat(0x7f), fc.nat(0x10ffff)).map((code) => String.fromCodePoint(code));
  return fc.array(unit, { maxLength: 12 }).map((units) => units.join(''));
}
