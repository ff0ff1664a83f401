import { basename } from 'node:path';
import {
  FileSender,
  isSafeName,
  type SourceFile,
  type TransferError,
} from '../../../protocols/file-transfer/index.ts';
import { Deferred } from '../../defer/deferred.ts';
import { type ClientEndpoint, connectProtocol } from '../../endpoints/endpoint.ts';
import { parseEndpoint } from '../../endpoints/parse.ts';
import { UsageError } from '../../errors.ts';
import type { Files } from '../../interfaces/files.ts';
import type { Command, CommandContext } from '../../plugin/contract.ts';
import type { Observation } from '../../reactor/default.ts';
import type { Reactor } from '../../reactor/reactor.ts';
import { explainNetwork, explainSession } from '../advice.ts';
import { commandLine } from '../arguments.ts';
import { endpointsOf } from '../endpoints.ts';
import { CommandFailure, ExitStatus } from '../exit-status.ts';
import {
  type ObservationOptions,
  observationOf,
  observedReactor,
  pcapOption,
  traceOption,
} from '../observation.ts';
import { printable } from '../printable.ts';
import { Report } from '../report.ts';
import { nodeSystem, type System } from '../system.ts';
import { networkOf, runOn } from '../transfer-run.ts';

interface SendArguments {
  readonly paths: readonly string[];
  readonly endpoint: string;
  readonly isJson: boolean;
  readonly observation: Observation;
}

/** `hawser send FILE… ENDPOINT` */
export const send: Command = (args, context) => runSend(args, context, nodeSystem());

/** The command in a world of the caller's choice. */
export async function runSend(
  args: readonly string[],
  context: CommandContext,
  system: System,
): Promise<number> {
  const { paths, endpoint: text, isJson, observation } = parseArguments(args, context);
  const { files, hashes } = system;
  const sources = await checkedSources(files, paths);
  const reactor = observedReactor(system, observation);
  const endpoint = await clientOf(text, context, reactor);
  const report = new Report(context, { clock: reactor, role: 'sender', isJson });

  if (believesAnybody(text)) {
    report.say('insecure=yes: whoever answers is believed; write pin= or ca= where that matters');
  }
  const ended = new Deferred<TransferError | undefined>();
  let failures = 0;
  let doneCount = 0;
  const observe = report.observer(text, () => networkOf(sender));
  const sender: FileSender = new FileSender({
    files,
    hashes,
    clock: reactor,
    sources,
    observe: (event) => {
      observe(event);
      if (event.event === 'done') doneCount += 1;
      if (event.event === 'failed') failures += 1;
      if (event.event === 'end') ended.callback(event.error);
    },
  });
  const connecting = connectProtocol(endpoint, sender);
  const work = async (): Promise<void> => {
    await connecting;
    const error = await ended;
    if (error !== undefined && failures === 0) report.failure(explainSession(text, error, 'sender'));
    const untried = sources.length - doneCount - failures;
    if (untried > 0 && untried < sources.length)
      report.failure(`${untried} more of the files were not tried`);
  };
  const interrupt = (): PromiseLike<unknown> => {
    if (!connecting.called) connecting.cancel();
    if (!sender.connected) return Deferred.succeed(undefined);
    sender.cancel();
    return ended;
  };
  let wasInterrupted = false;
  try {
    wasInterrupted = await runOn(reactor, work, () => {
      wasInterrupted = true;
      return interrupt();
    });
  } catch (error) {
    if (wasInterrupted) return ExitStatus.interrupted;
    throw explainNetwork(text, error);
  }
  if (wasInterrupted) return ExitStatus.interrupted;
  return doneCount === sources.length ? ExitStatus.ok : ExitStatus.failed;
}

function parseArguments(args: readonly string[], context: CommandContext): SendArguments {
  const command = commandLine('hawser send', context)
    .usage('[options] FILE… ENDPOINT')
    .description('Sends files to a hawser receive, one after the other.')
    .argument(
      '[FILE… ENDPOINT...]',
      'the files, and last where to: ptcp:HOST:PORT, ptcp+tls:HOST:PORT, tcp:… or tls:…',
    )
    .addOption(pcapOption())
    .addOption(traceOption())
    .option('--json', 'tell what happens as JSON, one object a line on standard output')
    .addHelpText('after', HELP);
  command.parse([...args], { from: 'user' });
  const endpoint = command.args.at(-1) ?? '';
  const paths = command.args.slice(0, -1);
  if (paths.length === 0) {
    throw new CommandFailure(
      `give at least one file and, last, where to send it: hawser send ${printable(endpoint) || 'FILE'} ptcp:HOST:PORT`,
      ExitStatus.usage,
    );
  }
  const options = command.opts<{ json?: true } & ObservationOptions>();
  return { paths, endpoint, isJson: options.json === true, observation: observationOf(options) };
}

const HELP = `
An IPv6 address goes in brackets: ptcp:[::1]:4915.
ptcp+tls: and tls: encrypt, and send only to the receiver whose certificate has the
pin that it printed (…:pin=PIN), or that an authority vouches for (…:ca=FILE).
A file that was interrupted goes on where it stopped when it is sent again.

Exit status: 0 all files arrived and their SHA-256 matched; 1 some did not; 2 the
arguments make no sense; 3 no connection; 130 interrupted.`;

async function clientOf(text: string, context: CommandContext, reactor: Reactor): Promise<ClientEndpoint> {
  try {
    return await endpointsOf(context.plugins).clientFromString(reactor, text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const hint = isHostAndPort(text, context) ? `; write ${printable(`ptcp:${text}`)}` : '';
    const message = `${printable(text)} is no place to send to: ${printable(error.message)}${hint}`;
    throw new CommandFailure(message, ExitStatus.usage, { cause: error });
  }
}

/** Whether the endpoint says not to verify who answers. It has been parsed before. */
function believesAnybody(text: string): boolean {
  return 'insecure' in parseEndpoint(text).options;
}

/** Whether only the kind of transport is missing: `host:4915`, `[::1]:4915`. */
function isHostAndPort(text: string, context: CommandContext): boolean {
  const host = /^(\[[^\]]+\]|[^:[\]=\\]+):\d+$/.exec(text)?.[1];
  if (host === undefined) return false;
  return !context.plugins.ofKind('endpoint').some(({ plugin }) => plugin.name === host);
}

/** What cannot be sent is found out before anybody is connected to. */
async function checkedSources(files: Files, paths: readonly string[]): Promise<SourceFile[]> {
  const sources: SourceFile[] = [];
  for (const path of paths) {
    await checkSource(files, path);
    const name = basename(path);
    if (!isSafeName(name)) {
      throw new CommandFailure(
        `${printable(path)} has a name that not every system can hold (docs/cli.md says which can); rename it`,
        ExitStatus.usage,
      );
    }
    if (sources.some((source) => source.name === name)) {
      throw new CommandFailure(
        `two of the files are called ${printable(name)}; send one of them on its own, under another name`,
        ExitStatus.usage,
      );
    }
    sources.push({ path, name });
  }
  return sources;
}

async function checkSource(files: Files, path: string): Promise<void> {
  const shown = printable(path);
  const refuse = (text: string, cause?: unknown): never => {
    throw new CommandFailure(text, ExitStatus.usage, { cause });
  };
  const kind = await kindOf(files, path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return refuse(`there is no file ${shown}; check its path`, error);
    if (code === 'EACCES' || code === 'EPERM') {
      return refuse(`${shown} cannot be read; check its permissions`, error);
    }
    return refuse(`${shown} cannot be read (${String(code ?? error)})`, error);
  });
  if (kind === 'directory') refuse(`${shown} is a directory; send the files in it, or pack it first`);
  if (kind === 'other') refuse(`${shown} is not a regular file; only those can be sent`);
}

async function kindOf(files: Files, path: string): Promise<'file' | 'directory' | 'other'> {
  const file = await files.open(path, 'read');
  try {
    return (await file.facts()).kind;
  } finally {
    await file.close();
  }
}
