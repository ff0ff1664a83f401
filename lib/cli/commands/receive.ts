import { FileReceiverFactory, type TransferObserver } from '../../../protocols/file-transfer/index.ts';
import { isUnspecified, parseIpAddress } from '../../bytes/ip-address.ts';
import { Deferred } from '../../defer/deferred.ts';
import type { EndpointReactor, ServerEndpoint } from '../../endpoints/endpoint.ts';
import { UsageError } from '../../errors.ts';
import type { Address } from '../../interfaces/address.ts';
import type { ListeningPort } from '../../interfaces/reactor.ts';
import type { Command, CommandContext } from '../../plugin/contract.ts';
import { TlsPort } from '../../transports/tls/port.ts';
import { explainNetwork, explainSession } from '../advice.ts';
import { commandLine, parseSize } from '../arguments.ts';
import { fingerprintText, makeSelfSigned } from '../certificates.ts';
import { addressText, endpointsOf, onInterface } from '../endpoints.ts';
import { CommandFailure, ExitStatus } from '../exit-status.ts';
import {
  type ObservationOptions,
  observationOf,
  observedReactor,
  pcapOption,
  traceOption,
} from '../observation.ts';
import { formatBytes, printable, shellWord } from '../printable.ts';
import { MAX_TOLD_FAILURES, Report } from '../report.ts';
import { CertificateLender, lacksCertificate } from '../shown-certificate.ts';
import { nodeSystem, type System } from '../system.ts';
import { networkOf, runOn } from '../transfer-run.ts';

const DEFAULT_LISTEN = 'ptcp:4915';
const LOOPBACK = '127.0.0.1';
/** The certificate of a receiver that was given none lives as long as its process; no receiver should outlive it. */
const OWN_CERTIFICATE_DAYS = 3650;

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
  const own = lacksCertificate(options.listen)
    ? await makeSelfSigned([], Date.now(), OWN_CERTIFICATE_DAYS)
    : undefined;
  const lender = new CertificateLender(reactor, system.hashes, own);
  const endpoint = await serverOf(options, context, lender);
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
    const tls = lender.pin === undefined ? undefined : { pin: lender.pin, isOwn: own !== undefined };
    tellOfHandshakes(port, report);
    announce(report, options, { host: port.getHost(), tls });
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

/** Of senders that were turned away: only so many, for strangers can knock as fast as they like. */
function tellOfHandshakes(port: ListeningPort, report: Report): void {
  if (!(port instanceof TlsPort)) return;
  let count = 0;
  port.events.on('handshake-failed', (reason, peer) => {
    count += 1;
    if (count <= MAX_TOLD_FAILURES) report.turnedAway(addressText(peer), reason);
    if (count === MAX_TOLD_FAILURES) report.say('whoever else is turned away is not told of');
  });
}

/** Where it listens, and the certificate that it shows, if any. */
interface Listening {
  readonly host: Address;
  /** `isOwn`: made for this run. */
  readonly tls: { readonly pin: string; readonly isOwn: boolean } | undefined;
}

function announce(report: Report, options: ReceiveArguments, { host, tls }: Listening): void {
  const word = options.listen.split(':', 1)[0] ?? '';
  const endpoint = `${word}:${addressText(host)}`;
  const port = host.type === 'memory' ? undefined : host.port;
  const sendTo = tls && `${word}:${reachableText(host)}:pin=${tls.pin}`;
  report.tell({
    event: 'listening',
    endpoint,
    port,
    directory: options.dir,
    ...(tls && { pin: tls.pin, fingerprint: fingerprintText(tls.pin), sendTo }),
  });
  const limit = options.maxSize === undefined ? '' : `, files of up to ${formatBytes(options.maxSize)}`;
  report.say(`listening on ${endpoint}, receiving into ${printable(options.dir)}${limit}`);
  if (tls === undefined || sendTo === undefined) return;
  const isPlaceholder = sendTo.includes(':HOST:');
  report.say(`the certificate${tls.isOwn ? ' of this run' : ''} has the pin ${tls.pin}`);
  report.say(`send with: hawser send FILE ${shellWord(sendTo)}`);
  if (isPlaceholder) report.say("(HOST: this machine's name or address, as the sender reaches it)");
}

/** Where a sender reaches it. `HOST` where it listens on all addresses: which of them that is, the user knows. */
function reachableText(host: Address): string {
  const bytes = host.type === 'memory' ? undefined : parseIpAddress(host.host)?.bytes;
  if (host.type === 'memory' || bytes === undefined || !isUnspecified(bytes)) return addressText(host);
  return `HOST:${host.port}`;
}

function parseArguments(args: readonly string[], context: CommandContext): ReceiveArguments {
  const command = commandLine('hawser receive', context)
    .usage('[options] [ENDPOINT]')
    .description(
      'Receives files from hawser send into a folder. Each has its name only when it is whole and verified.',
    )
    .argument(
      '[ENDPOINT]',
      `where to listen: ptcp:PORT, ptcp+tls:PORT, tcp:PORT or tls:PORT (${DEFAULT_LISTEN})`,
    )
    .option('--listen <endpoint>', 'the same')
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
  const [place] = command.args;
  const { listen, ...options } = command.opts<Omit<ReceiveArguments, 'listen'> & { listen?: string }>();
  if (place !== undefined && listen !== undefined) {
    throw new CommandFailure(
      `it listens at one place: ${printable(place)} or ${printable(listen)}, not both`,
      ExitStatus.usage,
    );
  }
  return { ...options, listen: place ?? listen ?? DEFAULT_LISTEN };
}

const HELP = `
Port 0 takes any free one. With tls: and ptcp+tls: nobody can listen in, and the pin
that is printed lets the sender know that it is you; without certificate=FILE:key=FILE
a certificate is made for this run. But anybody who reaches the port can send, unless
clientCertificate=require:ca=FILE says who may: listen on another interface than
loopback only where you trust the network.

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
  reactor: EndpointReactor,
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
