import { FileReceiverFactory, type TransferObserver } from '../../../protocols/file-transfer/index.ts';
import { Deferred } from '../../defer/deferred.ts';
import type { ServerEndpoint } from '../../endpoints/endpoint.ts';
import { UsageError } from '../../errors.ts';
import type { Address } from '../../interfaces/address.ts';
import type { ListeningPort } from '../../interfaces/reactor.ts';
import type { Command, CommandContext } from '../../plugin/contract.ts';
import type { Reactor } from '../../reactor/reactor.ts';
import { explainNetwork, explainSession } from '../advice.ts';
import { commandLine, parseSize } from '../arguments.ts';
import { addressText, endpointsOf, onInterface } from '../endpoints.ts';
import { CommandFailure, ExitStatus } from '../exit-status.ts';
import {
  type ObservationOptions,
  observationOf,
  observedReactor,
  pcapOption,
  traceOption,
} from '../observation.ts';
import { formatBytes, printable } from '../printable.ts';
import { Report } from '../report.ts';
import { nodeSystem, type System } from '../system.ts';
import { networkOf, runOn } from '../transfer-run.ts';

const DEFAULT_LISTEN = 'ptcp:4915';
const LOOPBACK = '127.0.0.1';

interface ReceiveArguments extends ObservationOptions {
  readonly listen: string;
  readonly interface: string;
  readonly dir: string;
  readonly maxSize?: number;
  readonly once?: true;
  readonly overwrite?: true;
  readonly json?: true;
}

/** `hawser receive` */
export const receive: Command = (args, context) => runReceive(args, context, nodeSystem());

/** The command in a world of the caller's choice. */
export async function runReceive(
  args: readonly string[],
  context: CommandContext,
  system: System,
): Promise<number> {
  const options = parseArguments(args, context);
  const { files } = system;
  await checkDirectory(system, options.dir);
  const reactor = observedReactor(system, observationOf(options));
  const endpoint = await serverOf(options, context, reactor);
  const report = new Report(context, { clock: reactor, role: 'receiver', isJson: options.json === true });
  const sessions = new Sessions(report, options.once === true);
  const factory = new FileReceiverFactory({
    files,
    hashes: system.hashes,
    clock: reactor,
    directory: options.dir,
    overwrite: options.overwrite === true,
    ...(options.maxSize !== undefined && { maxBytes: options.maxSize }),
    observe: (peer, receiver) => {
      return sessions.observer(
        peer,
        report.observer(addressText(peer), () => networkOf(receiver)),
      );
    },
  });
  let port: ListeningPort | undefined;
  const work = async (): Promise<void> => {
    port = await endpoint.listen(factory).addErrback((error) => {
      throw explainNetwork(options.listen, error);
    });
    announce(report, options, port.getHost());
    await sessions.finished;
    await port.stopListening();
  };
  const interrupt = async (): Promise<void> => {
    await port?.stopListening();
    factory.cancel();
    await sessions.interrupt();
  };
  const wasInterrupted = await runOn(reactor, work, interrupt);
  if (wasInterrupted) return sessions.wereCut ? ExitStatus.interrupted : ExitStatus.ok;
  return sessions.haveFailed ? ExitStatus.failed : ExitStatus.ok;
}

/** The sessions of one `receive`: which count, which failed, and when it is enough. */
class Sessions {
  /** Fires when there is nothing more to wait for. */
  readonly finished = new Deferred<void>();
  haveFailed = false;
  /** Whether the interrupt came in the middle of one. */
  wereCut = false;
  readonly #report: Report;
  readonly #isOnce: boolean;
  #openCount = 0;
  #isInterrupted = false;

  constructor(report: Report, isOnce: boolean) {
    this.#report = report;
    this.#isOnce = isOnce;
  }

  /** Watches one session, and passes on what it hears. */
  observer(peer: Address, observe: TransferObserver): TransferObserver {
    let fileCount = 0;
    let hasFailed = false;
    this.#openCount += 1;
    return (event) => {
      observe(event);
      if (event.event === 'done') fileCount += 1;
      if (event.event === 'failed') hasFailed = true;
      if (event.event !== 'end') return;
      this.#openCount -= 1;
      if (event.error !== undefined && !hasFailed && !this.#isInterrupted) {
        this.#report.failure(explainSession(addressText(peer), event.error, 'receiver'));
      }
      // Somebody who offered nothing (a port scanner) was not the one that --once waits for.
      const isTheOne = this.#isOnce && (fileCount > 0 || hasFailed);
      if (isTheOne) this.haveFailed ||= hasFailed || event.error !== undefined;
      if (isTheOne || this.#isInterrupted) this.#finishWhenAllEnded(isTheOne);
    };
  }

  /** Resolves when the sessions, which the caller has cancelled, are over. */
  async interrupt(): Promise<void> {
    this.#isInterrupted = true;
    this.wereCut = this.#openCount > 0;
    this.#finishWhenAllEnded(false);
    await this.finished;
  }

  #finishWhenAllEnded(isAtOnce: boolean): void {
    if (this.finished.called || (!isAtOnce && this.#openCount > 0)) return;
    this.finished.callback(undefined);
  }
}

function announce(report: Report, options: ReceiveArguments, host: Address): void {
  const word = options.listen.split(':', 1)[0] ?? '';
  const endpoint = `${word}:${addressText(host)}`;
  const port = host.type === 'memory' ? undefined : host.port;
  report.tell({ event: 'listening', endpoint, port, directory: options.dir });
  const limit = options.maxSize === undefined ? '' : `, files of up to ${formatBytes(options.maxSize)}`;
  report.say(`listening on ${endpoint}, receiving into ${printable(options.dir)}${limit}`);
}

function parseArguments(args: readonly string[], context: CommandContext): ReceiveArguments {
  const command = commandLine('hawser receive', context)
    .usage('[options]')
    .description(
      'Receives files from hawser send into a folder. Each has its name only when it is whole and verified.',
    )
    .option(
      '--listen <endpoint>',
      'where to listen: ptcp:PORT or tcp:PORT; 0 takes any free port',
      DEFAULT_LISTEN,
    )
    .option('--interface <address>', 'the IP address to listen on; 0.0.0.0 or :: for all', LOOPBACK)
    .option('--dir <directory>', 'where the files go', '.')
    .option('--max-size <size>', 'refuse larger files: 4096, 700MB, 64MiB', parseSize)
    .option('--once', 'end after the first sender')
    .option('--overwrite', 'replace files of the same name')
    .addOption(pcapOption())
    .addOption(traceOption())
    .option('--json', 'tell what happens as JSON, one object a line on standard output')
    .addHelpText('after', HELP)
    .allowExcessArguments(false);
  command.parse([...args], { from: 'user' });
  return command.opts<ReceiveArguments>();
}

const HELP = `
Anybody who reaches the port can send: listen on another interface than loopback
only where you trust the network.

Exit status: 0 ended well; 1 with --once, something was not received; 2 the
arguments make no sense; 3 the port cannot be opened; 130 interrupted while
receiving.`;

async function checkDirectory(system: System, directory: string): Promise<void> {
  // The dot follows a link to a directory.
  const facts = await system.files.facts(`${directory}/.`).catch(() => undefined);
  if (facts?.kind === 'directory') return;
  throw new CommandFailure(
    `there is no folder ${printable(directory)}; make it, or choose another with --dir`,
    ExitStatus.usage,
  );
}

async function serverOf(
  options: ReceiveArguments,
  context: CommandContext,
  reactor: Reactor,
): Promise<ServerEndpoint> {
  const text = options.listen;
  try {
    return await endpointsOf(context.plugins).serverFromString(reactor, onInterface(text, options.interface));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = `cannot listen on ${printable(text)}: ${printable(error.message)}`;
    throw new CommandFailure(message, ExitStatus.usage, { cause: error });
  }
}
