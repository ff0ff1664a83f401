import { PasswordFile } from '../cred/password-file.ts';
import { isMissingTable, type SqlUsers } from '../cred/sql-users.ts';
import type { UserRecord, UserStore } from '../cred/user-store.ts';
import type { LineProblem } from '../cred/users-text.ts';
import { addressWithoutPassword, postgresUsers, sqlitePath, sqliteUsers } from '../databases/sql-store.ts';
import type { Cryptography } from '../interfaces/cryptography.ts';
import type { Files } from '../interfaces/files.ts';
import type { Clock } from '../time/clock.ts';

/** Users that can be changed. */
export interface ChangeableUsers extends UserStore {
  /** Adds a user, or puts the record in the place of theirs. */
  put(record: UserRecord): Promise<void>;
  /** Resolves to false when there is nobody of that name. */
  remove(name: string): Promise<boolean>;
  list(): Promise<string[]>;
  /** Every line that is no user. */
  problems?(): Promise<LineProblem[]>;
}

/** Where `hawser passwd` finds users. */
export interface UsersPlace {
  /** What to call it in messages: no password is in it. */
  readonly label: string;
  readonly users: ChangeableUsers;
  /** What to say where it is not there. */
  readonly absence: string;
  isThere(): Promise<boolean>;
  /** To be called before the first user is put where it is not there. */
  make(): Promise<void>;
}

/** The world of those places. */
export interface UsersWorld {
  readonly files: Files;
  readonly cryptography: Cryptography;
  readonly clock: Clock;
  readonly report: (problem: string) => void;
}

/** `sqlite:FILE`, `postgres:URL`, or a password file. UsageError when the text makes no sense. */
export function usersPlace(text: string, world: UsersWorld): UsersPlace {
  const { files } = world;
  const isThere = async (path: string) => (await files.facts(path)) !== undefined;
  if (text.startsWith('sqlite:')) {
    const argument = text.slice('sqlite:'.length);
    const path = sqlitePath(argument);
    // Looking must not make the file.
    return sqlPlace(text, sqliteUsers(argument, world), world, () => isThere(path));
  }
  if (/^postgres(?:ql)?:/.test(text)) {
    const address = /^postgres:(?:postgres|$)/.test(text) ? text.slice('postgres:'.length) : text;
    return sqlPlace(addressWithoutPassword(address), postgresUsers(address, world), world, async () => true);
  }
  return {
    label: text,
    users: new PasswordFile(text, world),
    absence: `there is no password file ${text}`,
    isThere: () => isThere(text),
    make: async () => {},
  };
}

function sqlPlace(
  label: string,
  users: SqlUsers,
  { cryptography }: UsersWorld,
  mayBeThere: () => Promise<boolean>,
): UsersPlace {
  return {
    label,
    users,
    absence: `there is no table of users in ${label}`,
    isThere: async () => (await mayBeThere()) && (await hasTable(users)),
    make: () => users.createTables(cryptography),
  };
}

async function hasTable(users: SqlUsers): Promise<boolean> {
  try {
    await users.find('a');
    return true;
  } catch (error) {
    if (isMissingTable(error)) return false;
    throw error;
  }
}
