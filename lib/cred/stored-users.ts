import { Deferred } from '../defer/deferred.ts';
import { TooManyAttempts, UnauthorizedLogin } from '../errors.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import { BoundedCryptography, type DerivationLimits } from './bounded-cryptography.ts';
import type { Checker } from './checker.ts';
import { isOfKind, type PasswordCredentials, type ScramCredentials } from './credentials.ts';
import { type NameCase, prepareName, preparePassword } from './names.ts';
import {
  DEFAULT_PASSWORD_COST,
  isWeaker,
  makeUserRecord,
  type PasswordCost,
  parseScryptRecord,
  SALT_BYTES,
  type ScryptRecord,
} from './password-record.ts';
import { KEY_BYTES, parseScramVerifier, type ScramVerifier } from './scram-verifier.ts';
import type { UserRecord, UserStore } from './user-store.ts';

/** What a StoredUsers may be given. */
export interface StoredUsersOptions {
  readonly cryptography: Cryptography;
  /** What records made from now on cost. Weaker ones are made anew when their users next log in by password. */
  readonly cost?: PasswordCost;
  /**
   * What records cost that were made before `cost` was raised, for as long as there are such. Each unknown name is then
   * shown one of all these costs, always the same: who is shown an old one need not be somebody.
   */
  readonly formerCosts?: readonly PasswordCost[];
  /** 'exact' unless given. The store must have been filled with names prepared the same way. */
  readonly nameCase?: NameCase;
  readonly derivations?: DerivationLimits;
  /** Told what is wrong and stops nobody: a record that makes no sense, one that could not be made anew. */
  readonly report?: (problem: string) => void;
}

/**
 * Checks passwords and SCRAM-SHA-256 against the users of a store.
 *
 * A name that is not there costs what a wrong password costs, and looks like one: the same derivations, messages and
 * text. Its salt is made of its name and the store's decoy key, so that it stays the same.
 */
export class StoredUsers implements Checker<'password' | 'scram-sha-256'> {
  readonly kinds = ['password', 'scram-sha-256'] as const;
  readonly #store: UserStore;
  readonly #cryptography: BoundedCryptography;
  readonly #cost: PasswordCost;
  readonly #costs: readonly PasswordCost[];
  readonly #nameCase: NameCase;
  readonly #report: (problem: string) => void;
  #decoyKey: Uint8Array | undefined;

  constructor(store: UserStore, options: StoredUsersOptions) {
    this.#store = store;
    this.#cryptography = new BoundedCryptography(options.cryptography, options.derivations);
    this.#cost = options.cost ?? DEFAULT_PASSWORD_COST;
    this.#costs = [this.#cost, ...(options.formerCosts ?? [])];
    this.#nameCase = options.nameCase ?? 'exact';
    this.#report = options.report ?? (() => {});
  }

  /** Fails with UnauthorizedLogin, TooManyAttempts when too many are being checked, or with the store's own failure. */
  requestAvatarId(credentials: PasswordCredentials | ScramCredentials): Deferred<string> {
    if (isOfKind(credentials, 'scram-sha-256')) return this.#checkScram(credentials);
    return this.#checkPassword(credentials as PasswordCredentials);
  }

  close(): Deferred<void> {
    return Deferred.from(this.#store.close?.()).addCallback(() => {});
  }

  #checkPassword(credentials: PasswordCredentials): Deferred<string> {
    const password = preparePassword(credentials.password);
    return this.#find(credentials.username).addCallback(({ record, name, decoyKey }) => {
      const known = record === undefined ? undefined : this.#scryptOf(record);
      // Made for names that are there too: they must not be answered sooner.
      const decoy = this.#decoyScrypt(name, decoyKey);
      const { cost, salt, hash } = known ?? decoy;
      const derived = this.#cryptography.scrypt(password ?? new Uint8Array(), salt, cost, hash.length);
      return derived.addCallback((key) => {
        const isRight = this.#cryptography.isEqual(key, hash);
        if (!isRight || record === undefined || known === undefined || password === undefined) {
          throw new UnauthorizedLogin();
        }
        if (isWeaker(record, this.#cost)) this.#upgrade(record, password);
        return record.name;
      });
    });
  }

  #checkScram(credentials: ScramCredentials): Deferred<string> {
    return this.#find(credentials.username).addCallback(({ record, name, decoyKey }) => {
      const known = record === undefined ? undefined : this.#verifierOf(record);
      const decoy = this.#decoyVerifier(name, decoyKey);
      const proving = credentials.prove(known ?? decoy);
      return proving.addCallback((isProved) => {
        if (!isProved || record === undefined || known === undefined) throw new UnauthorizedLogin();
        return record.name;
      });
    });
  }

  /** What cannot be a name is looked for nowhere, and goes on as a name that is not there. */
  #find(username: string): Deferred<Found> {
    const prepared = prepareName(username, this.#nameCase);
    return this.#knownDecoyKey().addCallback(async (decoyKey): Promise<Found> => {
      const record = prepared === undefined ? undefined : await this.#store.find(prepared);
      return { record, name: prepared ?? username, decoyKey };
    });
  }

  /** Asked for before anybody is looked up, for known names too: they must not be answered sooner. */
  #knownDecoyKey(): Deferred<Uint8Array> {
    if (this.#decoyKey !== undefined) return Deferred.succeed(this.#decoyKey);
    return Deferred.from(this.#store.decoyKey?.()).addCallback((key) => {
      this.#decoyKey ??= key ?? this.#cryptography.randomBytes(KEY_BYTES);
      return this.#decoyKey;
    });
  }

  #scryptOf(record: UserRecord): ScryptRecord | undefined {
    const scrypt = parseScryptRecord(record.scrypt);
    if (scrypt === undefined)
      this.#report(`the scrypt record of user ${JSON.stringify(record.name)} is none`);
    return scrypt;
  }

  #verifierOf(record: UserRecord): ScramVerifier | undefined {
    const verifier = parseScramVerifier(record.scram);
    if (verifier === undefined)
      this.#report(`the SCRAM verifier of user ${JSON.stringify(record.name)} is none`);
    return verifier;
  }

  #decoyScrypt(name: string, decoyKey: Uint8Array): ScryptRecord {
    const derive = (use: string) => this.#decoy(decoyKey, use, name);
    return {
      cost: this.#decoyCost(name, decoyKey).scrypt,
      salt: derive('scrypt salt').subarray(0, SALT_BYTES),
      hash: derive('scrypt hash'),
    };
  }

  #decoyVerifier(name: string, decoyKey: Uint8Array): ScramVerifier {
    const derive = (use: string) => this.#decoy(decoyKey, use, name);
    return {
      iterations: this.#decoyCost(name, decoyKey).iterations,
      salt: derive('SCRAM salt').subarray(0, SALT_BYTES),
      storedKey: derive('SCRAM stored key'),
      serverKey: derive('SCRAM server key'),
    };
  }

  /** The same for scrypt and SCRAM: the records of a user were made at the same time. */
  #decoyCost(name: string, decoyKey: Uint8Array): PasswordCost {
    const [first = 0, second = 0] = this.#decoy(decoyKey, 'cost', name);
    return this.#costs[(256 * first + second) % this.#costs.length] ?? this.#cost;
  }

  #decoy(decoyKey: Uint8Array, use: string, name: string): Uint8Array {
    return this.#cryptography.hmacSha256(decoyKey, new TextEncoder().encode(`${use}\0${name}`));
  }

  /** Behind the login's back: it succeeds whether this does or not. */
  #upgrade(record: UserRecord, password: Uint8Array): void {
    const made = makeUserRecord(record.name, password, this.#cryptography, this.#cost);
    Deferred.from(made)
      .addCallback((stronger) => this.#store.replace(record, stronger))
      .addErrback((error) => {
        // No time for it now: the next login will do it.
        if (error instanceof TooManyAttempts) return;
        this.#report(`user ${JSON.stringify(record.name)} keeps a weaker record: ${error.message}`);
      });
  }
}

interface Found {
  readonly record: UserRecord | undefined;
  readonly name: string;
  readonly decoyKey: Uint8Array;
}
