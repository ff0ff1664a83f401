import { expect } from 'chai';
import { Deferred } from '../../../lib/index.ts';
import { Amp, type ArgumentsOf, type ResponseOf, responder } from '../../../protocols/amp/index.ts';
import { plus, Sum } from './schema.ts';

/** The client of amp_client.py: answers Sum, and tells when its connection is over. */
export class CheckingClient extends Amp {
  /** Fires with the reason. */
  readonly lost = new Deferred<Error>();

  @responder(Sum)
  sum({ a, b }: ArgumentsOf<typeof Sum>): ResponseOf<typeof Sum> {
    return { total: plus(a, b) };
  }

  override connectionLost(reason: Error): void {
    super.connectionLost(reason);
    this.lost.callback(reason);
  }
}

/** A check over a connection of its own. */
export type Check = (client: CheckingClient) => Promise<void>;

/** The connection still works. */
export async function expectAlive(client: CheckingClient): Promise<void> {
  expect(await client.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
}

/** The peer closes the connection by itself. */
export async function expectClosed(client: CheckingClient): Promise<void> {
  await within(3000, client.lost, 'the end of the connection');
}

/** What `awaited` fires with. Rejects where it takes longer than `limitMs`. */
export async function within<T>(limitMs: number, awaited: PromiseLike<T>, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not come within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([awaited, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `call` fails with. */
export async function failure(call: PromiseLike<unknown>): Promise<Error> {
  const outcome: unknown = await call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error(`no failure, but ${JSON.stringify(outcome)}`);
}

export function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
