import type { CheckerWorld, MakeChecker } from '../cred/checker.ts';
import { SqlUsers, type SqlUsersOptions } from '../cred/sql-users.ts';
import { StoredUsers } from '../cred/stored-users.ts';
import { parseEndpoint, requireKnownOptions } from '../endpoints/parse.ts';
import { DatabaseError, UsageError, UserStoreFailure } from '../errors.ts';
import { PostgresDatabase } from './postgres.ts';
import { SqliteDatabase } from './sqlite.ts';

/** What a store of users takes of a checker's world. */
export type StoreWorld = Pick<CheckerWorld, 'files' | 'clock' | 'report'>;

/** The users in `FILE[:table=NAME]`, taken apart as an endpoint is. UsageError when it makes no sense. */
export function sqliteUsers(argument: string, world: StoreWorld): SqlUsers {
  return usersIn(parseSqlite(argument), world);
}

/**
 * The users at a URL of PostgreSQL, with or without its scheme; `?table=NAME` names their table, and what else it may
 * have is for the connection. A password in it is reported. UsageError when it makes no sense.
 */
export function postgresUsers(argument: string, { clock, report }: StoreWorld): SqlUsers {
  const { url, options } = parsePostgres(argument);
  if (addressWithoutPassword(url) !== url) {
    report(
      'the password of the database is in its address, where others can see it: use ~/.pgpass or PGPASSWORD',
    );
  }
  return new SqlUsers(new PostgresDatabase(url, { clock }), options);
}

/** The path in `FILE[:table=NAME]`. UsageError when it makes no sense. */
export function sqlitePath(argument: string): string {
  return parseSqlite(argument).path;
}

/** The URL as it may be shown. */
export function addressWithoutPassword(url: string): string {
  return url.replace(/^([^/]*\/\/[^/?:]*):[^/?]*@/, '$1@').replace(/([?&])password=[^&]*&?/g, '$1');
}

/** The checker `sqlite:FILE[:table=NAME]`. The file must be there: a wrong path is not to become an empty database. */
export const makeSqliteChecker: MakeChecker = async (argument, world) => {
  const parsed = parseSqlite(argument);
  if ((await world.files.facts(parsed.path)) === undefined) {
    throw new UsageError(`there is no file ${parsed.path}: hawser passwd sqlite:FILE USER makes it`);
  }
  return checkerOf(usersIn(parsed, world), world);
};

/** The checker `postgres:URL`. */
export const makePostgresChecker: MakeChecker = (argument, world) =>
  checkerOf(postgresUsers(argument, world), world);

interface SqliteText {
  readonly path: string;
  readonly options: SqlUsersOptions;
}

function usersIn({ path, options }: SqliteText, { files, clock }: StoreWorld): SqlUsers {
  return new SqlUsers(new SqliteDatabase(path, { files, clock }), options);
}

function parseSqlite(argument: string): SqliteText {
  const { args, options } = parseEndpoint(`sqlite:${argument}`);
  requireKnownOptions('sqlite', options, ['table']);
  const [path] = args;
  if (path === undefined || path === '' || args.length > 1) {
    throw new UsageError(
      `users in SQLite are named sqlite:FILE or sqlite:FILE:table=NAME, with \\: for a colon`,
    );
  }
  return { path, options: tableOf(options['table']) };
}

function parsePostgres(argument: string): { readonly url: string; readonly options: SqlUsersOptions } {
  const [address = '', query = ''] = argument.split(/\?(.*)/s);
  const parameters = query.split('&').filter((each) => each !== '');
  const table = parameters.find((each) => each.startsWith('table='));
  const others = parameters.filter((each) => each !== table).join('&');
  const url = `${address.startsWith('//') ? 'postgres:' : ''}${address}${others === '' ? '' : `?${others}`}`;
  return { url, options: tableOf(table?.slice('table='.length)) };
}

function tableOf(table: string | undefined): SqlUsersOptions {
  return table === undefined ? {} : { table };
}

async function checkerOf(users: SqlUsers, world: CheckerWorld): Promise<StoredUsers> {
  try {
    await users.find('a');
    if ((await users.decoyKey()) === undefined) {
      world.report(
        'there is no table users_secrets: after each start, unknown names can be told; SqlUsers.createTables() makes it',
      );
    }
  } catch (error) {
    // Whoever is away may come back; what is refused now is refused later.
    if (!(error instanceof UserStoreFailure) || !isPassing(error)) {
      await users.close();
      throw error;
    }
    world.report(error.message);
  }
  const { cryptography, report, cost } = world;
  return new StoredUsers(users, { cryptography, report, ...(cost === undefined ? {} : { cost }) });
}

function isPassing({ cause }: UserStoreFailure): boolean {
  if (!(cause instanceof DatabaseError)) return false;
  const { fault } = cause;
  return fault === 'unreachable' || fault === 'busy' || fault === 'too-slow';
}
