// A file that arrives is `.NAME.hawser-part`; beside it, `.NAME.hawser-journal` says how much of it is verified:
// 16 bytes (magic, size), then 32 for each block: the SHA-256 of the file from its start to the end of that block.
import type { FileLock, Files, OpenFile } from '../../lib/interfaces/files.ts';
import type { Hash, Hashes } from '../../lib/interfaces/hash.ts';
import { TransferError } from './errors.ts';
import { BLOCK_BYTES, HASH_BYTES } from './messages.ts';
import type { PartPaths } from './names.ts';

const JOURNAL_MAGIC = new TextEncoder().encode('HAWSERJ1');
const JOURNAL_HEADER_BYTES = 16;
/** Verified blocks the journal may be behind by. More, and the disk is too slow: `append` waits. */
const MAX_UNJOURNALED_BLOCKS = 32;

/** What PartFile.open needs. */
export interface PartOptions {
  readonly files: Files;
  readonly hashes: Hashes;
  readonly directory: string;
  readonly paths: PartPaths;
  readonly sizeBytes: number;
  /** Told whenever more of the file is verified and in the journal on disk. */
  readonly onVerified: (bytes: number) => void;
}

/**
 * A file on its way in: the verified part of it, and what it takes to go on after a crash.
 *
 * Nothing is under the final name before `publish`. Data are on disk before the journal says so.
 */
export class PartFile {
  readonly #options: PartOptions;
  #lock: FileLock | undefined;
  readonly #part: OpenFile;
  readonly #journal: OpenFile;
  #hash: Hash;
  /** Bytes given to `append`, `#written` of them written, `#verified` of them in the journal. */
  #appended = 0;
  #written = 0;
  #verified = 0;
  #unjournaled: Uint8Array[] = [];
  /** The end of the chain of writes, and of the loop that keeps the journal. */
  #writes: Promise<void> = Promise.resolve();
  #journaling: Promise<void> | undefined = undefined;
  #journalFailure: unknown = undefined;

  private constructor(options: PartOptions, lock: FileLock, part: OpenFile, journal: OpenFile) {
    this.#options = options;
    this.#lock = lock;
    this.#part = part;
    this.#journal = journal;
    this.#hash = options.hashes.sha256();
  }

  /**
   * Takes up what an earlier attempt left, as far as its hashes hold on disk, or begins anew.
   *
   * Fails with `busy` while another process has the part. The caller keeps its own process from opening it twice.
   */
  static async open(options: PartOptions): Promise<PartFile> {
    const { files, paths } = options;
    const lock = await files.lock(paths.lock);
    if (lock === undefined) throw new TransferError('busy');
    const opened: OpenFile[] = [];
    try {
      const existing = await openExisting(files, paths);
      if (existing === undefined) await Promise.all([files.remove(paths.part), files.remove(paths.journal)]);
      for (const path of [paths.part, paths.journal]) {
        opened.push(existing?.get(path) ?? (await files.open(path, 'create')));
      }
      const file = new PartFile(options, lock, opened[0]!, opened[1]!);
      await (existing === undefined ? file.#begin() : file.#resume());
      return file;
    } catch (error) {
      await Promise.allSettled(opened.map((file) => file.close()));
      await lock.release();
      throw error;
    }
  }

  /** How much is there, verified or on its way to disk. */
  get appendedBytes(): number {
    return this.#appended;
  }

  /** The SHA-256 of those bytes. */
  digest(): Uint8Array {
    return this.#hash.digest();
  }

  /** Forgets everything: the source is another one. */
  restart(): Promise<void> {
    this.#hash = this.#options.hashes.sha256();
    this.#appended = 0;
    return this.#enqueue(() => this.#begin());
  }

  /**
   * Takes the next block, whose hash (of the file up to its end) must be `hash`; fails with `corrupt` otherwise.
   *
   * Resolves when `bytes` may be used again; not sooner than the journal is nearly up to date.
   */
  append(bytes: Uint8Array, hash: Uint8Array): Promise<void> {
    const before = this.#hash.copy();
    this.#hash.update(bytes);
    const digest = this.#hash.digest();
    if (!equalBytes(digest, hash)) {
      this.#hash = before;
      return Promise.reject(new TransferError('corrupt'));
    }
    this.#appended += bytes.length;
    return this.#enqueue(() => this.#write(bytes, digest));
  }

  /** Gives the finished file its name. With `overwrite` it takes the place of what has that name. */
  async publish(overwrite: boolean): Promise<void> {
    const { files, directory, paths } = this.#options;
    await this.#writes;
    await this.#journaling;
    // The system reports what it could not bring to disk once only: the sync that follows would know nothing of it.
    if (this.#journalFailure !== undefined) throw this.#journalFailure;
    await this.#part.sync();
    await Promise.all([this.#part.close(), this.#journal.close()]);
    try {
      await (overwrite
        ? files.rename(paths.part, paths.final)
        : files.renameExclusive(paths.part, paths.final));
      await files.remove(paths.journal);
      await files.syncDirectory(directory);
    } finally {
      await this.#release();
    }
  }

  /** Stops for now: what was verified stays for the next attempt. Never fails. */
  async close(): Promise<void> {
    const { files, paths } = this.#options;
    await Promise.allSettled([this.#writes]);
    await Promise.allSettled([this.#journaling]);
    await Promise.allSettled([this.#part.close(), this.#journal.close()]);
    if (this.#verified === 0) {
      await Promise.allSettled([files.remove(paths.part), files.remove(paths.journal)]);
    }
    await Promise.allSettled([this.#release()]);
  }

  /** Once only: afterwards the lock may be another process's. */
  async #release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#writes = this.#writes.then(work);
    return this.#writes;
  }

  async #begin(): Promise<void> {
    await this.#journaling;
    this.#written = 0;
    this.#verified = 0;
    await Promise.all([this.#part.truncate(0), this.#journal.truncate(0)]);
    await this.#journal.write(0, journalHeader(this.#options.sizeBytes));
    await Promise.all([this.#part.sync(), this.#journal.sync()]);
    await this.#options.files.syncDirectory(this.#options.directory);
  }

  /** Believes no record of the journal before its block was read back and hashed. */
  async #resume(): Promise<void> {
    const { sizeBytes } = this.#options;
    const header = await this.#journal.read(0, JOURNAL_HEADER_BYTES);
    if (!equalBytes(header, journalHeader(sizeBytes))) return this.#begin();
    let verified = 0;
    let blockCount = 0;
    while (verified < sizeBytes) {
      const blockBytes = Math.min(BLOCK_BYTES, sizeBytes - verified);
      const [record, block] = await Promise.all([
        this.#journal.read(JOURNAL_HEADER_BYTES + blockCount * HASH_BYTES, HASH_BYTES),
        this.#part.read(verified, blockBytes),
      ]);
      if (record.length < HASH_BYTES || block.length < blockBytes) break;
      const hash = this.#hash.copy();
      hash.update(block);
      if (!equalBytes(hash.digest(), record)) break;
      this.#hash = hash;
      verified += blockBytes;
      blockCount += 1;
    }
    await this.#part.truncate(verified);
    await this.#journal.truncate(JOURNAL_HEADER_BYTES + blockCount * HASH_BYTES);
    this.#appended = this.#written = this.#verified = verified;
  }

  async #write(bytes: Uint8Array, digest: Uint8Array): Promise<void> {
    await this.#part.write(this.#written, bytes);
    this.#written += bytes.length;
    this.#unjournaled.push(digest);
    this.#journaling ??= this.#keepJournal();
    if (this.#unjournaled.length > MAX_UNJOURNALED_BLOCKS) await this.#journaling;
    if (this.#journalFailure !== undefined) throw this.#journalFailure;
  }

  /** One turn takes all blocks that were written meanwhile: a slow disk syncs less often, not later and later. */
  async #keepJournal(): Promise<void> {
    try {
      while (this.#unjournaled.length > 0) {
        const written = this.#written;
        const records = this.#unjournaled.splice(0);
        await this.#part.sync();
        const at = JOURNAL_HEADER_BYTES + Math.ceil(this.#verified / BLOCK_BYTES) * HASH_BYTES;
        await this.#journal.write(at, concatenated(records));
        await this.#journal.sync();
        this.#verified = written;
        this.#options.onVerified(written);
      }
    } catch (error) {
      this.#journalFailure = error;
    } finally {
      this.#journaling = undefined;
    }
  }
}

/** The part and the journal, when both are there, regular and not links. */
async function openExisting(files: Files, paths: PartPaths): Promise<Map<string, OpenFile> | undefined> {
  const opened = new Map<string, OpenFile>();
  const final = await files.facts(paths.final);
  for (const path of [paths.part, paths.journal]) {
    const facts = await files.facts(path);
    // A process that died in `renameExclusive` left one file with both names: it is finished, and not to be written.
    if (facts?.kind !== 'file' || facts.inode === final?.inode) break;
    opened.set(path, await files.open(path, 'update'));
  }
  if (opened.size === 2) return opened;
  await Promise.all([...opened.values()].map((file) => file.close()));
  return undefined;
}

function journalHeader(sizeBytes: number): Uint8Array {
  const header = new Uint8Array(JOURNAL_HEADER_BYTES);
  header.set(JOURNAL_MAGIC);
  new DataView(header.buffer).setBigUint64(JOURNAL_MAGIC.length, BigInt(sizeBytes));
  return header;
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.length * HASH_BYTES);
  for (const [index, chunk] of chunks.entries()) whole.set(chunk, index * HASH_BYTES);
  return whole;
}

/** Whether two runs of bytes are the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
