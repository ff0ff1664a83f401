import type { FileFacts, Files } from '../interfaces/files.ts';
import type { Clock, Instant } from '../time/clock.ts';

/** A lock that lies there unchanged for this long has lost its owner: hawser keeps one for a fifth of it at most. */
export const ABANDONED_MS = 5_000;

/** Which lock it is: nobody can set back when a directory last changed. */
type Mark = Pick<FileFacts, 'inode' | 'changedAtMs'>;

/**
 * The directory FILE.lock, by which node-sqlite3-wasm keeps others out of FILE. A process that is killed leaves it
 * there for good, and nothing in it tells whose it is; all there is to see is whether it changes.
 */
export class SqliteLock {
  readonly #path: string;
  readonly #files: Files;
  readonly #clock: Clock;
  #seen: Mark | undefined;
  #seenAt: Instant = 0;
  #own: Mark | undefined;

  constructor(path: string, files: Files, clock: Clock) {
    this.#path = path;
    this.#files = files;
    this.#clock = clock;
  }

  get path(): string {
    return this.#path;
  }

  /** To be called as soon as the file was locked. Resolves to false when it was not, or is not any more. */
  async noteOwn(): Promise<boolean> {
    this.#own = await this.#files.facts(this.#path);
    this.#seen = undefined;
    return this.#own !== undefined;
  }

  /** Whether the lock is still the one that was noted. */
  async isOwn(): Promise<boolean> {
    return isSame(this.#own, await this.#files.facts(this.#path));
  }

  /** Looks at a lock of somebody else. Removes it once it has been the same one for ABANDONED_MS. */
  async watch(): Promise<void> {
    const found = await this.#files.facts(this.#path);
    const now = this.#clock.now();
    if (!isSame(this.#seen, found)) {
      this.#seen = found;
      this.#seenAt = now;
      return;
    }
    if (now - this.#seenAt < ABANDONED_MS) return;
    this.#seen = undefined;
    // Another process may have done the same, and have locked the file since: then this is not that lock.
    if (isSame(found, await this.#files.facts(this.#path))) await this.#files.removeDirectory(this.#path);
  }
}

function isSame(a: Mark | undefined, b: Mark | undefined): boolean {
  return a !== undefined && b !== undefined && a.inode === b.inode && a.changedAtMs === b.changedAtMs;
}
