/** What is kept of a user: no password, only what proves one. */
export interface UserRecord {
  readonly name: string;
  /** A scrypt record of the password: `$scrypt$ln=15,r=8,p=1$SALT$HASH`, base64 without padding. */
  readonly scrypt: string;
  /** RFC 5803's verifier: `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`, base64. */
  readonly scram: string;
}

/** Where users are kept: a password file, a table of a database. Names are given as they are compared: prepared already. */
export interface UserStore {
  /** Fails when the store cannot be read; an unknown name is no failure. */
  find(name: string): PromiseLike<UserRecord | undefined>;
  /** Puts the record in the place of the one that `find` gave, unless that one has changed since. */
  replace(old: UserRecord, record: UserRecord): PromiseLike<void>;
  /**
   * A secret of this store, the same after a restart, from which the salts are made that unknown names are shown.
   * Undefined, or not there at all: salts of unknown names change with each start, which tells them apart.
   */
  decoyKey?(): PromiseLike<Uint8Array | undefined>;
  close?(): PromiseLike<void>;
}
