import { UsernamePassword } from '../../cred/credentials.ts';
import { prepareName, preparePassword } from '../../cred/names.ts';
import { makeUserRecord, type PasswordCost } from '../../cred/password-record.ts';
import { StoredUsers } from '../../cred/stored-users.ts';
import { deferLater } from '../../defer/tasks.ts';
import {
  MissingPackage,
  UnauthorizedLogin,
  UsageError,
  UserStoreBusy,
  UserStoreFailure,
} from '../../errors.ts';
import type { Cryptography } from '../../interfaces/cryptography.ts';
import type { Files } from '../../interfaces/files.ts';
import type { Command, CommandContext } from '../../plugin/contract.ts';
import { NodeClock } from '../../reactor/node/clock.ts';
import { NodeCryptography } from '../../reactor/node/cryptography.ts';
import { NodeFiles } from '../../reactor/node/files.ts';
import type { Clock } from '../../time/clock.ts';
import { commandLine } from '../arguments.ts';
import { CommandFailure, ExitStatus } from '../exit-status.ts';
import { printable } from '../printable.ts';
import { ProcessTerminal, type SecretSource } from '../terminal.ts';
import { type ChangeableUsers, type UsersPlace, usersPlace } from '../users-place.ts';

/** The world that the command works in. Tests make their own. */
export interface PasswdSystem {
  readonly files: Files;
  readonly cryptography: Cryptography;
  readonly clock: Clock;
  readonly secrets: SecretSource;
  /** What new records cost: DEFAULT_PASSWORD_COST unless given. */
  readonly cost?: PasswordCost;
}

interface PasswdOptions {
  readonly delete?: true;
  readonly verify?: true;
  readonly list?: true;
  readonly stdin?: true;
}

/** A run of the command: what it was asked, and what it works with. */
interface Run {
  readonly place: UsersPlace;
  readonly users: ChangeableUsers;
  readonly label: string;
  readonly options: PasswdOptions;
  readonly context: CommandContext;
  readonly system: PasswdSystem;
}

const MAX_STDIN_BYTES = 8192;
// Another process holds the lock for as long as it writes a file.
const BUSY_RETRIES = 20;
const BUSY_RETRY_MS = 100;

/** `hawser passwd FILE USER` */
export const passwd: Command = (args, context) =>
  runPasswd(args, context, {
    files: new NodeFiles(),
    cryptography: new NodeCryptography(),
    clock: new NodeClock((error) => {
      throw error;
    }),
    secrets: new ProcessTerminal(),
  });

/** The command in a world of the caller's choice. */
export async function runPasswd(
  args: readonly string[],
  context: CommandContext,
  system: PasswdSystem,
): Promise<number> {
  const { path, user, options } = parseArguments(args, context);
  const place = placeOf(path, options, context, system);
  const run: Run = { place, users: place.users, label: printable(place.label), options, context, system };
  try {
    return await act(run, user);
  } catch (error) {
    if (error instanceof Interrupted) return ExitStatus.interrupted;
    if (error instanceof UserStoreFailure || error instanceof MissingPackage)
      throw new CommandFailure(printable(error.message), ExitStatus.failed, { cause: error });
    if (error instanceof UsageError) misused(printable(error.message));
    throw error;
  } finally {
    await place.users.close?.();
  }
}

function placeOf(
  text: string,
  options: PasswdOptions,
  context: CommandContext,
  { files, cryptography, clock }: PasswdSystem,
): UsersPlace {
  // A list has problems of its own, all of them.
  const report = (problem: string) => {
    if (options.list !== true) context.messages.write(`${printable(problem)}\n`);
  };
  try {
    return usersPlace(text, { files, cryptography, clock, report });
  } catch (error) {
    if (error instanceof UsageError) misused(printable(error.message));
    throw error;
  }
}

async function act(run: Run, user: string): Promise<number> {
  const { options, place } = run;
  const name = options.list === true ? '' : nameOf(user);
  const isThere = await place.isThere();
  const isChange = options.list !== true && options.delete !== true && options.verify !== true;
  if (isChange) return set(run, name, isThere);
  if (!isThere) refuse(printable(place.absence));
  if (options.list === true) return list(run);
  return options.delete === true ? remove(run, name) : verify(run, name);
}

async function set(run: Run, name: string, isThere: boolean): Promise<number> {
  const { system, users, context, label, place } = run;
  // Found out before anybody types a password for nothing.
  const isNew = !isThere || (await users.find(name)) === undefined;
  const password = await newPassword(run, name);
  const { cryptography, cost } = system;
  const record = await makeUserRecord(name, password, cryptography, cost);
  if (!isThere) await place.make();
  await patiently(run, () => users.put(record));
  const done = isNew ? `added ${printable(name)} to` : `changed the password of ${printable(name)} in`;
  context.output.write(`${done} ${label}\n`);
  return ExitStatus.ok;
}

async function remove(run: Run, name: string): Promise<number> {
  const wasThere = await patiently(run, () => run.users.remove(name));
  if (!wasThere) return refuse(noUser(run, name));
  run.context.output.write(`removed ${printable(name)} from ${run.label}\n`);
  return ExitStatus.ok;
}

async function verify(run: Run, name: string): Promise<number> {
  const { users, system, context } = run;
  if ((await users.find(name)) === undefined) return refuse(noUser(run, name));
  const password = await secret(run, `Password of ${printable(name)}: `);
  // A store that is only read: verifying changes nothing.
  const readOnly = { find: (found: string) => users.find(found), replace: async () => {} };
  const checker = new StoredUsers(readOnly, { cryptography: system.cryptography });
  try {
    await checker.requestAvatarId(new UsernamePassword(name, password));
  } catch (error) {
    if (!(error instanceof UnauthorizedLogin)) throw error;
    return refuse(`that is not the password of ${printable(name)}`);
  }
  context.output.write(`that is the password of ${printable(name)}\n`);
  return ExitStatus.ok;
}

/** Every user, and every line that is none. */
async function list({ users, context, label }: Run): Promise<number> {
  for (const name of await users.list()) context.output.write(`${printable(name)}\n`);
  const problems = (await users.problems?.()) ?? [];
  for (const { line, reason } of problems) {
    context.messages.write(`${label}: line ${line} lets nobody in: ${reason}\n`);
  }
  return problems.length === 0 ? ExitStatus.ok : ExitStatus.failed;
}

/** Typed twice, or taken from the pipe; prepared. */
async function newPassword(run: Run, name: string): Promise<Uint8Array> {
  const typed = await secret(run, `New password of ${printable(name)}: `);
  if (typed === '') return refuse('a password cannot be empty; nothing was changed');
  const prepared = preparePassword(typed);
  if (prepared === undefined) {
    return refuse(
      'this cannot be a password: it is too long, or has control characters, newer symbols or a mixed direction of writing (RFC 4013); choose another',
    );
  }
  if (run.options.stdin !== true && (await secret(run, 'The same again: ')) !== typed) {
    return refuse('the two passwords differ; nothing was changed');
  }
  return prepared;
}

async function secret({ options, system: { secrets } }: Run, prompt: string): Promise<string> {
  if (options.stdin === true) return fromPipe(secrets);
  if (!secrets.isTerminal) {
    throw new CommandFailure(
      'the password is asked for on a terminal, and there is none; --stdin takes it from a pipe',
      ExitStatus.usage,
    );
  }
  const { end, text } = await secrets.ask(prompt);
  if (end === 'interrupted') throw new Interrupted();
  if (end === 'ended') return refuse('no password was typed; nothing was changed');
  return text;
}

/** A newline at the end is the pipe's, all others are the password's. */
async function fromPipe(secrets: SecretSource): Promise<string> {
  if (secrets.isTerminal) {
    throw new CommandFailure('--stdin is for pipes: leave it out to be asked', ExitStatus.usage);
  }
  const bytes = await secrets.readAll(MAX_STDIN_BYTES);
  if (bytes === undefined) return refuse('this cannot be a password: it is too long');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    return refuse('this cannot be a password: it is not UTF-8');
  }
}

async function patiently<T>({ system }: Run, change: () => Promise<T>): Promise<T> {
  for (let left = BUSY_RETRIES; ; left -= 1) {
    try {
      return await change();
    } catch (error) {
      if (!(error instanceof UserStoreBusy) || left === 0) throw error;
    }
    await deferLater(system.clock, BUSY_RETRY_MS);
  }
}

function nameOf(user: string): string {
  const name = prepareName(user);
  if (name !== undefined) return name;
  throw new CommandFailure(
    `${printable(user)} cannot be a user name: it is empty or too long, or has characters that RFC 4013 does not allow`,
    ExitStatus.usage,
  );
}

function noUser({ label }: Run, name: string): string {
  return `there is no user ${printable(name)} in ${label}`;
}

function refuse(message: string): never {
  throw new CommandFailure(message, ExitStatus.failed);
}

/** Ctrl-C while a password was typed. */
class Interrupted extends Error {}

function parseArguments(
  args: readonly string[],
  context: CommandContext,
): { path: string; user: string; options: PasswdOptions } {
  const command = commandLine('hawser passwd', context)
    .usage('[options] FILE USER')
    .description(
      'Adds a user to a password file or a database, or gives one another password. Makes the file or the table if need be.',
    )
    .argument('[FILE]', 'the password file; or sqlite:FILE, or postgres://USER@HOST/DATABASE')
    .argument('[USER]', 'the user')
    .option('--delete', 'remove the user')
    .option('--verify', 'only say whether a password is the right one')
    .option('--list', 'only list the users: hawser passwd --list FILE')
    .option('--stdin', 'take the password from a pipe: all of standard input but a last newline')
    .allowExcessArguments(false)
    .addHelpText('after', HELP);
  command.parse([...args], { from: 'user' });
  const [path, user] = command.args;
  const options = command.opts<PasswdOptions>();
  const isList = options.list === true;
  if ([options.delete, options.verify, options.list].filter(Boolean).length > 1) {
    misused('--delete, --verify and --list exclude each other; give one of them');
  }
  if (path === undefined || path === '') misused('name the password file: hawser passwd FILE USER');
  if (isList && user !== undefined) misused('--list takes only the file: hawser passwd --list FILE');
  if (!isList && user === undefined) misused('name the user as well: hawser passwd FILE USER');
  return { path, user: user ?? '', options };
}

const HELP = `
The password is asked for on the terminal and not shown. It is never taken from the
command line, where everybody on the machine could read it.

Exit status: 0 done, or the password is right; 1 it is wrong, there is no such user, or
the file could not be changed; 2 the arguments make no sense; 130 interrupted.`;

function misused(message: string): never {
  throw new CommandFailure(message, ExitStatus.usage);
}
