import { dirname, normalize } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { quoteEndpointArgument } from '../../endpoints/parse.ts';
import type { Files } from '../../interfaces/files.ts';
import type { Command, CommandContext } from '../../plugin/contract.ts';
import { NodeFiles } from '../../reactor/node/files.ts';
import { commandLine } from '../arguments.ts';
import {
  asciiNameOf,
  type CertificateFacts,
  type CertifiedHost,
  fingerprintText,
  makeSelfSigned,
  parseCertifiedHost,
  readCertificates,
} from '../certificates.ts';
import { CommandFailure, ExitStatus } from '../exit-status.ts';
import { printable, shellWord } from '../printable.ts';
import { asciiJson } from '../report.ts';
import { writeFiles } from '../written-files.ts';

/** The world that the command works in. Tests make their own. */
export interface CertificateSystem {
  readonly files: Files;
  readonly nowMs: () => number;
}

interface CertificateArguments {
  readonly names: readonly string[];
  readonly out: string;
  readonly key: string;
  readonly days: number;
  readonly force?: true;
  readonly show?: string;
  readonly json?: true;
}

const DEFAULT_DAYS = 365;
/** A century: the dates of certificates go on, but nobody's plans do. */
const MAX_DAYS = 36_500;
/** Longer than any chain: what is larger is no certificate. */
const MAX_SHOWN_BYTES = 1 << 20;

/** `hawser certificate HOST…`, `hawser certificate --show FILE` */
export const certificate: Command = (args, context) =>
  runCertificate(args, context, { files: new NodeFiles(), nowMs: Date.now });

/** The command in a world of the caller's choice. */
export async function runCertificate(
  args: readonly string[],
  context: CommandContext,
  system: CertificateSystem,
): Promise<number> {
  const options = parseArguments(args, context);
  if (options.show !== undefined) await show(options.show, options, { context, system });
  else await make(options, context, system);
  return ExitStatus.ok;
}

async function make(
  options: CertificateArguments,
  context: CommandContext,
  { files, nowMs }: CertificateSystem,
): Promise<void> {
  const hosts = hostsOf(options.names);
  const { out, key, days } = options;
  if (normalize(out) === normalize(key)) refuse(`--out and --key are the same file; give each its own`);
  const isForced = options.force === true;
  await checkPlace(files, key, { option: '--key', isForced });
  await checkPlace(files, out, { option: '--out', isForced });
  const made = await makeSelfSigned(hosts, nowMs(), days);
  const wanted = [
    { path: key, text: made.key, isSecret: true },
    { path: out, text: made.certificate, isSecret: false },
  ];
  await writeFiles(files, wanted, isForced).catch((error: unknown) => {
    throw new CommandFailure(
      `${printable(out)} and ${printable(key)} were not written: ${reasonOf(error)}`,
      ExitStatus.failed,
      { cause: error },
    );
  });

  const names = hosts.map(({ value }) => value);
  const { pin, validFrom, validTo } = made;
  if (options.json === true) {
    tell(context, {
      certificate: out,
      key,
      names,
      fingerprint: fingerprintText(pin),
      pin,
      validFrom,
      validTo,
    });
    return;
  }
  context.output.write(
    `wrote ${printable(out)} and its key ${printable(key)} for ${names.join(', ')}, good until ${shownDate(validTo)}\n` +
      `pin ${pin}\n`,
  );
  const ends = `certificate=${quoteEndpointArgument(out)}:key=${quoteEndpointArgument(key)}`;
  const listen = shellWord(`ptcp+tls:4915:${ends}`);
  const place = shellWord(`ptcp+tls:${quotedHost(hosts[0] as CertifiedHost)}:4915:pin=${pin}`);
  context.messages.write(
    `receive with it:  hawser receive ${listen} --interface 0.0.0.0\n` +
      `send there:       hawser send FILE ${place}\n` +
      `Who has ${printable(key)} can pose as this receiver: keep it to yourself.\n`,
  );
}

function hostsOf(names: readonly string[]): CertifiedHost[] {
  if (names.length === 0) {
    refuse('name the hosts that the certificate is for: hawser certificate localhost 127.0.0.1');
  }
  const hosts = new Map<string, CertifiedHost>();
  for (const name of names) {
    const host = parseCertifiedHost(name);
    if (host === undefined)
      refuse(`${printable(name)} is neither a host name nor an IP address; ${hintFor(name)}`);
    hosts.set(host.value, host);
  }
  return [...hosts.values()];
}

function hintFor(name: string): string {
  const ascii = asciiNameOf(name);
  if (ascii === undefined) return 'write server.example, *.server.example, 192.0.2.1 or 2001:db8::1';
  return `certificates have names in ASCII: write ${ascii}`;
}

/** What cannot be written is found out before a key is made. */
async function checkPlace(
  files: Files,
  path: string,
  { option, isForced }: { readonly option: string; readonly isForced: boolean },
): Promise<void> {
  const shown = printable(path);
  const folder = await files.facts(`${dirname(path)}/.`).catch(() => undefined);
  if (folder?.kind !== 'directory')
    refuse(`there is no folder ${printable(dirname(path))}; make it, or choose another with ${option}`);
  const there = await files.facts(path).catch(() => undefined);
  if (there === undefined || (there.kind !== 'directory' && isForced)) return;
  if (there.kind === 'directory') refuse(`${shown} is a folder; name a file with ${option}`);
  refuse(`${shown} is there already; choose another with ${option}, or replace it with --force`);
}

async function show(
  path: string,
  options: CertificateArguments,
  { context, system }: { readonly context: CommandContext; readonly system: CertificateSystem },
): Promise<void> {
  if (options.names.length > 0) refuse('--show takes one file and no host names');
  const bytes = await readWhole(system.files, path);
  const found = await readCertificates(bytes);
  if (found.length === 0) {
    const holdsKey = new TextDecoder('latin1').decode(bytes).includes('PRIVATE KEY-----');
    const what = holdsKey ? 'a private key, no certificate' : 'no certificate, neither PEM nor DER';
    refuse(`${printable(path)} holds ${what}; show the file that --out named`);
  }
  for (const [index, facts] of found.entries()) {
    if (options.json === true) tell(context, { ...facts, fingerprint: fingerprintText(facts.pin) });
    else context.output.write(`${index > 0 ? '\n' : ''}${describe(facts, system.nowMs())}`);
  }
}

async function readWhole(files: Files, path: string): Promise<Uint8Array> {
  try {
    const file = await files.open(path, 'read');
    try {
      return await file.read(0, MAX_SHOWN_BYTES);
    } finally {
      await file.close();
    }
  } catch (error) {
    return refuse(`${printable(path)} cannot be read: ${reasonOf(error)}`, error);
  }
}

function describe(
  { subject, issuer, names, validFrom, validTo, pin }: CertificateFacts,
  nowMs: number,
): string {
  const isSelfSigned = subject === issuer;
  const state =
    nowMs > validTo.getTime() ? ' – it has ended' : nowMs < validFrom.getTime() ? ' – not yet' : '';
  const rows = [
    ['subject', printable(subject)],
    ['issuer', isSelfSigned ? 'itself' : printable(issuer)],
    ['names', names.length === 0 ? 'none' : printable(names.join(', '))],
    ['valid', `${shownDate(validFrom)} to ${shownDate(validTo)}${state}`],
    ['SHA-256', fingerprintText(pin)],
    ['pin', pin],
  ];
  return rows.map(([name, value]) => `${name?.padEnd(9)}${value}\n`).join('');
}

function tell(context: CommandContext, facts: object): void {
  context.output.write(`${asciiJson({ event: 'certificate', ...facts })}\n`);
}

/** To the minute, in UTC. */
function shownDate(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function quotedHost({ value }: CertifiedHost): string {
  if (value.includes(':')) return `[${value}]`;
  return value.startsWith('*') ? 'HOST' : value;
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file; check its path';
    case 'EACCES':
    case 'EPERM':
      return 'check the permissions';
    case 'EISDIR':
      return 'it is a folder';
    case 'EEXIST':
      return 'one of them is there already; replace it with --force';
    case 'ENOSPC':
      return 'the disk is full; make room';
    case 'EROFS':
      return 'the disk takes no changes; choose another place';
    default:
      return code ?? printable(String(error));
  }
}

function refuse(message: string, cause?: unknown): never {
  throw new CommandFailure(message, ExitStatus.usage, { cause });
}

function parseArguments(args: readonly string[], context: CommandContext): CertificateArguments {
  const command = commandLine('hawser certificate', context)
    .usage('[options] HOST…')
    .description(
      'Makes a private key (ECDSA P-256) and a certificate that vouches for itself, for tls: and ptcp+tls:.',
    )
    .argument('[HOST...]', 'the names and IP addresses that it is for')
    .option('--out <file>', 'where the certificate goes', 'certificate.pem')
    .option('--key <file>', 'where its private key goes; only its owner may read it', 'key.pem')
    .option('--days <number>', 'how long it is good', parseDays, DEFAULT_DAYS)
    .option('--force', 'replace files that are there')
    .option('--show <file>', 'make none, but show those in a file')
    .option('--json', 'answer as JSON, one object a line on standard output')
    .addHelpText('after', HELP);
  command.parse([...args], { from: 'user' });
  return { names: command.args, ...command.opts<Omit<CertificateArguments, 'names'>>() };
}

const HELP = `
Nobody has to vouch for a certificate whose fingerprint the other side has pinned:
give it to them on a way that you trust, and they write …:pin=FINGERPRINT.

Exit status: 0 done; 1 the files could not be written; 2 the arguments make no sense,
a file is there already or cannot be read.`;

function parseDays(text: string): number {
  const days = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (days >= 1 && days <= MAX_DAYS) return days;
  throw new InvalidArgumentError(`Write a whole number of days from 1 to ${MAX_DAYS}.`);
}
