import { DeferredLock } from '../defer/locks.ts';
import { UsageError, UserStoreBusy, UserStoreFailure } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { FileFacts, FileLock, Files, OpenFile } from '../interfaces/files.ts';
import type { NameCase } from './names.ts';
import { parseScryptRecord } from './password-record.ts';
import { parseScramVerifier } from './scram-verifier.ts';
import type { UserRecord, UserStore } from './user-store.ts';
import { type LineProblem, UsersText } from './users-text.ts';

/** What a PasswordFile works with. */
export interface PasswordFileOptions {
  readonly files: Files;
  readonly cryptography: Cryptography;
  /** 'fold' finds names that are written in any case by their prepared form. 'exact' unless given. */
  readonly nameCase?: NameCase;
  /** Told, once for each change of the file, what is wrong with it and stops nobody. */
  readonly report?: (problem: string) => void;
}

interface Loaded {
  readonly facts: FileFacts;
  readonly users: UsersText;
}

/** A million users have 240 MB. */
const MAX_FILE_BYTES = 2 ** 29;
const DECOY_KEY_BYTES = 32;
const SHOWN_PROBLEMS = 5;
const OTHERS = 0o007;
/** Reads that may be disturbed by somebody who writes into the file, in place of making it anew. */
const READ_ATTEMPTS = 3;

/**
 * The users in a file of lines, docs/cred.md has its format. Read when somebody is looked for and it has changed, and
 * replaced whole when a user changes: whoever reads it sees it before or after, also after a power cut.
 *
 * Two processes may change it, and wait for each other by `PATH.lock`; within a process, one PasswordFile a path may.
 * Everything fails with a UserStoreFailure, while the file cannot be read even for names that were there before.
 */
export class PasswordFile implements UserStore {
  readonly #path: string;
  readonly #files: Files;
  readonly #cryptography: Cryptography;
  readonly #nameCase: NameCase;
  readonly #report: (problem: string) => void;
  readonly #changing = new DeferredLock();
  #loaded: Loaded | undefined;
  #loading: Promise<Loaded> | undefined;

  constructor(path: string, options: PasswordFileOptions) {
    const { files, cryptography, nameCase = 'exact', report = () => {} } = options;
    this.#path = path;
    this.#files = files;
    this.#cryptography = cryptography;
    this.#nameCase = nameCase;
    this.#report = report;
  }

  async find(name: string): Promise<UserRecord | undefined> {
    return (await this.#current()).users.find(name);
  }

  async replace(old: UserRecord, record: UserRecord): Promise<void> {
    if (old.name !== record.name) throw new UsageError('a record cannot take the place of another user');
    await this.#change((users) => {
      const current = users.find(old.name);
      const isSame = current?.scrypt === old.scrypt && current.scram === old.scram;
      return isSame ? users.with(record) : undefined;
    });
  }

  async decoyKey(): Promise<Uint8Array | undefined> {
    return (await this.#current()).users.decoyKey;
  }

  /** Adds a user, or puts the record in the place of theirs. Makes the file, for its owner only, where there is none. */
  async put(record: UserRecord): Promise<void> {
    await this.#change((users) => users.with(record), 'create');
  }

  /** Resolves to false when there is nobody of that name. */
  async remove(name: string): Promise<boolean> {
    return this.#change((users) => (users.find(name) === undefined ? undefined : users.without(name)));
  }

  /** The names of all users, sorted by their code units. */
  async list(): Promise<string[]> {
    return (await this.#current()).users.names.sort();
  }

  /** Every line that is no user, and every user whose records cannot be read: looks at all of them, which takes a while. */
  async problems(): Promise<LineProblem[]> {
    const { users } = await this.#current();
    const unreadable = users.lines.filter(({ record: { scrypt, scram } }) => {
      return parseScryptRecord(scrypt) === undefined || parseScramVerifier(scram) === undefined;
    });
    const found = unreadable.map(({ line }) => ({ line, reason: 'its records cannot be read' }));
    return [...users.problems, ...found].sort((a, b) => a.line - b.line);
  }

  /** As the file is now. Those who ask while it is being read get what that reading gives. */
  #current(): Promise<Loaded> {
    if (this.#loading !== undefined) return this.#loading;
    const loading = this.#load().finally(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    this.#loading = loading;
    return loading;
  }

  async #load(): Promise<Loaded> {
    const read = await this.#failing('read', () => this.#readIfChanged());
    if (read === undefined) throw new UserStoreFailure(`there is no password file ${this.#path}`);
    if (read !== this.#loaded) this.#tellProblems(read);
    this.#loaded = read;
    return read;
  }

  /** Undefined where there is no file. */
  async #readIfChanged(): Promise<Loaded | undefined> {
    const file = await this.#open();
    if (file === undefined) return undefined;
    try {
      const facts = await file.facts();
      if (this.#loaded !== undefined && isSame(this.#loaded.facts, facts)) return this.#loaded;
      return await read(this.#path, file, facts, this.#nameCase);
    } finally {
      await file.close();
    }
  }

  async #open(): Promise<OpenFile | undefined> {
    try {
      return await this.#files.open(this.#path, 'read');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Gives whether the file was changed: `edit` may find nothing to do. */
  async #change(
    edit: (users: UsersText) => UsersText | undefined,
    absent: 'create' | 'fail' = 'fail',
  ): Promise<boolean> {
    // Not run(): the lock must be held until the work is over, whoever waits for it.
    await this.#changing.acquire();
    try {
      return await this.#failing('written', () => this.#changeLocked(edit, absent));
    } finally {
      this.#changing.release();
    }
  }

  async #changeLocked(
    edit: (users: UsersText) => UsersText | undefined,
    absent: 'create' | 'fail',
  ): Promise<boolean> {
    const lock = await this.#lock();
    try {
      const loaded = await this.#readIfChanged();
      if (loaded === undefined && absent === 'fail') {
        throw new UserStoreFailure(`there is no password file ${this.#path}`);
      }
      const before = loaded?.users ?? this.#empty();
      const after = edit(before);
      if (after === undefined) return false;
      await this.#write(after.encode(), loaded?.facts);
      // A reading that began before knows nothing of this.
      this.#loading = undefined;
      return true;
    } finally {
      await lock.release();
    }
  }

  #empty(): UsersText {
    return UsersText.empty(this.#cryptography.randomBytes(DECOY_KEY_BYTES), this.#nameCase);
  }

  async #lock(): Promise<FileLock> {
    const linked = await this.#files.facts(this.#path);
    if (linked !== undefined && linked.kind !== 'file') {
      throw new UserStoreFailure(`${this.#path} is a link or no file; name the file itself`);
    }
    const lock = await this.#files.lock(`${this.#path}.lock`);
    if (lock === undefined) throw new UserStoreBusy(`another process is changing ${this.#path}; try again`);
    return lock;
  }

  /** Under another name first, with the old file's owner and permissions. */
  async #write(bytes: Uint8Array, before: FileFacts | undefined): Promise<void> {
    const draft = `${this.#path}.new`;
    // One that is there was left by a process that is gone: we hold the lock.
    await this.#files.remove(draft);
    try {
      const file = await this.#files.open(draft, 'create-secret');
      try {
        if (before !== undefined) await file.setAccess(before.access);
        await file.write(0, bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#files.rename(draft, this.#path);
    } catch (error) {
      await this.#files.remove(draft).catch(() => {});
      throw error;
    }
    await this.#files.syncDirectory(directoryOf(this.#path));
  }

  async #failing<T>(verb: 'read' | 'written', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UserStoreFailure || error instanceof UsageError) throw error;
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      throw new UserStoreFailure(`${this.#path} cannot be ${verb}${code}`, { cause: error });
    }
  }

  #tellProblems({ facts, users: { problems } }: Loaded): void {
    if ((facts.access.permissions & OTHERS) !== 0) {
      this.#report(`${this.#path} is open to everybody on this machine: chmod 600 closes it`);
    }
    for (const { line, reason } of problems.slice(0, SHOWN_PROBLEMS)) {
      this.#report(`${this.#path}: line ${line} is left out: ${reason}`);
    }
    const more = problems.length - SHOWN_PROBLEMS;
    if (more > 0) this.#report(`${this.#path}: ${more} more lines are left out`);
  }
}

async function read(path: string, file: OpenFile, facts: FileFacts, nameCase: NameCase): Promise<Loaded> {
  let before = facts;
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    if (before.kind !== 'file')
      throw new UserStoreFailure(`${path} is no regular file; name a password file`);
    if (before.sizeBytes > MAX_FILE_BYTES)
      throw new UserStoreFailure(`${path} is too large for a password file`);
    const bytes = await file.read(0, before.sizeBytes);
    const after = await file.facts();
    if (isSame(before, after)) return { facts: after, users: UsersText.decode(bytes, nameCase) };
    before = after;
  }
  throw new UserStoreFailure('the password file is being written by somebody; try again');
}

/** Not by the time of the last change alone: two changes may share it, and anybody can set it back. */
function isSame(a: FileFacts, b: FileFacts): boolean {
  return (
    a.inode === b.inode &&
    a.sizeBytes === b.sizeBytes &&
    a.modifiedAtMs === b.modifiedAtMs &&
    a.changedAtMs === b.changedAtMs
  );
}

/** Only for syncing it, which systems without slashes do not do. */
function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash + 1);
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
