import { UsageError } from '../errors.ts';
import type { AnyChecker, CheckerWorld } from './checker.ts';
import { AllowAnonymous } from './checkers.ts';
import { MemoryUsers } from './memory-users.ts';
import { PasswordFile } from './password-file.ts';
import { StoredUsers, type StoredUsersOptions } from './stored-users.ts';

/** `anonymous`, or `anonymous:`: lets in whoever does not say who they are. */
export function makeAnonymousChecker(argument: string): AnyChecker {
  if (argument !== '') throw new UsageError('anonymous takes nothing: write anonymous');
  return new AllowAnonymous();
}

/** `file:PATH`: the users of a password file. All behind the first colon is the path. */
export function makeFileChecker(argument: string, world: CheckerWorld): AnyChecker {
  if (argument === '') throw new UsageError('file takes the path of a password file: write file:PATH');
  const { files, cryptography, report } = world;
  return new StoredUsers(new PasswordFile(argument, { files, cryptography, report }), optionsOf(world));
}

/** `memory:NAME:PASSWORD:NAME:PASSWORD…`: for trying things out, since a command line is no secret. */
export async function makeMemoryChecker(argument: string, world: CheckerWorld): Promise<AnyChecker> {
  const words = argument.split(':');
  if (words.length % 2 !== 0 || words.includes('')) {
    throw new UsageError('memory takes names and passwords in turns: write memory:NAME:PASSWORD');
  }
  const options = optionsOf(world);
  const users = new MemoryUsers(options);
  for (let at = 0; at < words.length; at += 2) await users.set(words[at] as string, words[at + 1] as string);
  return new StoredUsers(users, options);
}

function optionsOf({ cryptography, report, cost }: CheckerWorld): StoredUsersOptions {
  return cost === undefined ? { cryptography, report } : { cryptography, report, cost };
}
