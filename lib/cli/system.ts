import type { Files } from '../interfaces/files.ts';
import type { Hashes } from '../interfaces/hash.ts';
import { createReactor } from '../reactor/default.ts';
import { NodeFiles } from '../reactor/node/files.ts';
import { NodeHashes } from '../reactor/node/hash.ts';
import type { Reactor } from '../reactor/reactor.ts';

/** The world a command works in. Tests make their own. */
export interface System {
  readonly reactor: Reactor;
  readonly files: Files;
  readonly hashes: Hashes;
}

/** The real one. Opens nothing by itself. */
export function nodeSystem(): System {
  return { reactor: createReactor(), files: new NodeFiles(), hashes: new NodeHashes() };
}
