import { lookup } from 'node:dns';
import { isIP } from 'node:net';

type Resolved = readonly { host: string; family: 'IPv4' | 'IPv6' }[];

/** Addresses of a name as the system knows them, IPv4 first; a literal is its own. `done` is called later. */
export function resolve(
  host: string,
  done: (error: Error | undefined, addresses?: Resolved) => void,
): () => void {
  let isGivenUp = false;
  // A literal with a scope is one too, but not for the look-up of some systems.
  const literal = isIP(host);
  if (literal !== 0) {
    const immediate = setImmediate(() =>
      done(undefined, [{ host, family: literal === 6 ? 'IPv6' : 'IPv4' }]),
    );
    return () => clearImmediate(immediate);
  }
  lookup(host, { all: true, verbatim: true }, (error, found) => {
    if (isGivenUp) return;
    if (error !== null) {
      done(error);
      return;
    }
    const inOrder = [...found].sort((a, b) => a.family - b.family);
    done(
      undefined,
      inOrder.map(({ address, family }) => ({ host: address, family: family === 6 ? 'IPv6' : 'IPv4' })),
    );
  });
  return () => {
    isGivenUp = true;
  };
}
