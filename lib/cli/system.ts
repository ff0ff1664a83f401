import type { Files } from '../interfaces/files.ts';
import type { Hashes } from '../interfaces/hash.ts';
import { createReactor, type Observation } from '../reactor/default.ts';
import { NodeFiles } from '../reactor/node/files.ts';
import { NodeHashes } from '../reactor/node/hash.ts';
import type { Reactor } from '../reactor/reactor.ts';

/** The world a command works in. Tests make their own. */
export interface System {
  /** Called once. Throws CannotWrite when a file that is asked for cannot be written. */
  createReactor(observation: Observation): Reactor;
  readonly files: Files;
  readonly hashes: Hashes;
}

/** The real one. Opens nothing by itself. */
export function nodeSystem(): System {
  return { createReactor, files: new NodeFiles(), hashes: new NodeHashes() };
}
