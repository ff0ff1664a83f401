import process from 'node:process';
import type { WriteStream } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { UsageError } from '../errors.ts';
import type { CommandContext, TextOutput } from '../plugin/contract.ts';
import { loadPlugins, OWN_PLUGINS } from '../plugin/loader.ts';
import { PluginRegistry } from '../plugin/registry.ts';
import { NodeFiles } from '../reactor/node/files.ts';
import { commandLine } from './arguments.ts';
import { ExitStatus } from './exit-status.ts';
import { printable } from './printable.ts';
import { asciiJson, complain } from './report.ts';

const DEFAULT_COLUMNS = 80;

/** The command line of this process: reads its arguments and sets its exit status. */
export async function main(): Promise<void> {
  // Whoever read our output is gone: there is nobody left to work for.
  process.stdout.on('error', () => process.exit(ExitStatus.failed));
  // Messages are another matter: what was asked for is still worth doing when nobody reads them.
  process.stderr.on('error', () => {});
  const plugins = new PluginRegistry();
  await loadPlugins(OWN_PLUGINS, new NodeFiles(), plugins);
  const context: CommandContext = {
    plugins,
    output: textOutput(process.stdout),
    messages: textOutput(process.stderr),
    environment: process.env,
  };
  process.exitCode = await runCommandLine(process.argv.slice(2), context);
}

/** Runs the command that `args` begin with, and resolves to the exit status. Whatever goes wrong is one line. */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  try {
    const [name = '', ...rest] = args;
    const plugin = context.plugins.find('command', name);
    if (plugin === undefined) return await showOverview(args, context);
    const command = await plugin.load();
    return await command(rest, context);
  } catch (error) {
    return explain(error, args, context);
  }
}

/** Everything that is no command: help, the version, and mistakes. */
async function showOverview(args: readonly string[], context: CommandContext): Promise<number> {
  const program = commandLine('hawser', context)
    .description('Sends files over bad networks, with PTCP: TCP in user space over UDP.')
    .version(await packageVersion(), '-V, --version', 'show the version')
    .helpCommand('help [command]', 'show the help of a command');
  // Two of one name are an error only when that name is used.
  const summaries = new Map(
    context.plugins.ofKind('command').map(({ plugin }) => [plugin.name, plugin.summary]),
  );
  for (const [name, summary] of summaries) program.command(name).description(summary).usage('…');
  if (args[0] === 'help' && args[1] !== undefined) {
    const isKnown = context.plugins.find('command', args[1]) !== undefined;
    return runCommandLine(isKnown ? [args[1], '--help'] : [args[1]], context);
  }
  await program.parseAsync([...args], { from: 'user' });
  return ExitStatus.ok;
}

/** package.json lies two folders above the sources, and three above what is built of them. */
async function packageVersion(): Promise<string> {
  const files = new NodeFiles();
  const paths = ['../../package.json', '../../../package.json'].map((relative) =>
    fileURLToPath(new URL(relative, import.meta.url)),
  );
  const path = (await files.facts(paths[0]!)) === undefined ? paths[1]! : paths[0]!;
  const file = await files.open(path, 'read');
  try {
    const text = new TextDecoder().decode(await file.read(0, (await file.facts()).sizeBytes));
    return (JSON.parse(text) as { version: string }).version;
  } finally {
    await file.close();
  }
}

function explain(error: unknown, args: readonly string[], context: CommandContext): number {
  // commander has said what is to be said.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.ok : ExitStatus.usage;
  const status = statusOf(error);
  const message = printable(error instanceof Error ? error.message : String(error));
  const unexpected = `something unexpected happened: ${message}; HAWSER_DEBUG=1 shows where`;
  const complaint = status === undefined ? unexpected : message;
  if (args.includes('--json')) {
    context.output.write(`${asciiJson({ event: 'error', message: complaint })}\n`);
  }
  complain(context.messages, context, complaint);
  if (context.environment['HAWSER_DEBUG'] === '1') context.messages.write(`${stackOf(error)}\n`);
  return status ?? ExitStatus.failed;
}

/** Not by class: a plugin of another package has classes of its own. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof UsageError) return ExitStatus.usage;
  const isFailure = error instanceof Error && 'status' in error && typeof error.status === 'number';
  return isFailure ? (error.status as number) : undefined;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function textOutput(stream: WriteStream): TextOutput {
  return {
    isTerminal: stream.isTTY === true,
    get columns(): number {
      return stream.columns ?? DEFAULT_COLUMNS;
    },
    write: (text) => {
      stream.write(text);
    },
  };
}
