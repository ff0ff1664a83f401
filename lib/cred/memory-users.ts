import { UsageError } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import { type NameCase, prepareName, preparePassword } from './names.ts';
import { makeUserRecord, type PasswordCost } from './password-record.ts';
import type { UserRecord, UserStore } from './user-store.ts';

/** What a MemoryUsers may be given. */
export interface MemoryUsersOptions {
  readonly cryptography: Cryptography;
  readonly cost?: PasswordCost;
  readonly nameCase?: NameCase;
}

/** Users in memory, kept as a file would keep them: without their passwords. */
export class MemoryUsers implements UserStore {
  readonly #records = new Map<string, UserRecord>();
  readonly #options: MemoryUsersOptions;
  readonly #decoyKey: Uint8Array;

  constructor(options: MemoryUsersOptions) {
    this.#options = options;
    this.#decoyKey = options.cryptography.randomBytes(32);
  }

  /** Adds a user, or gives one another password. UsageError for what RFC 4013 does not allow. */
  async set(name: string, password: string): Promise<void> {
    const { cryptography, cost, nameCase } = this.#options;
    const preparedName = prepareName(name, nameCase);
    const prepared = preparePassword(password);
    if (preparedName === undefined) throw new UsageError('this cannot be a user name');
    if (prepared === undefined) throw new UsageError('this cannot be a password');
    this.put(await makeUserRecord(preparedName, prepared, cryptography, cost));
  }

  put(record: UserRecord): void {
    this.#records.set(record.name, record);
  }

  delete(name: string): boolean {
    return this.#records.delete(prepareName(name, this.#options.nameCase) ?? '');
  }

  async find(name: string): Promise<UserRecord | undefined> {
    return this.#records.get(name);
  }

  async replace(old: UserRecord, record: UserRecord): Promise<void> {
    const current = this.#records.get(old.name);
    if (current?.scrypt === old.scrypt && current.scram === old.scram) this.put(record);
  }

  async decoyKey(): Promise<Uint8Array> {
    return this.#decoyKey;
  }
}
