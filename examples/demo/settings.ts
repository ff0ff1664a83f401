import { statSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UDP_IP_HEADER_BYTES } from 'hawser/testing';

/** What the demo is to do. Plain values, so that it can be handed to another process. */
export interface Settings {
  readonly rateMbit: number;
  readonly rttMs: number;
  readonly jitterMs: number;
  readonly queueBytes: number;
  /** Probabilities from 0 to 1. */
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  /** What is sent: this file, or, without one, so many bytes made from the seed. */
  readonly file: string | undefined;
  readonly sizeBytes: number;
  readonly seed: string;
  /** The sender's congestion control. */
  readonly congestion: CongestionName;
  readonly json: boolean;
  /** Where the sender's datagrams go as TCP packets. */
  readonly pcapFile: string | undefined;
  /** Where what happens to the sender's connection goes, as qlog. */
  readonly traceFile: string | undefined;
}

/** What the sender can be told to use. */
export const CONGESTION_NAMES = ['bbr', 'cubic', 'newreno'] as const;
export type CongestionName = (typeof CONGESTION_NAMES)[number];

/** How long a datagram is held back so that others overtake it. */
export const REORDER_MS = 2;
/** Less would not hold one full-sized datagram. */
const LEAST_QUEUE_BYTES = 1472 + UDP_IP_HEADER_BYTES;

interface Flags {
  readonly rate: number;
  readonly rtt: number;
  readonly jitter: number;
  readonly queue: Queue;
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly size: number;
  readonly file?: string;
  readonly seed: string;
  readonly congestion: CongestionName;
  readonly json?: true;
  readonly pcap?: string;
  readonly trace?: string;
}

type Queue = { readonly bdp: number } | { readonly bytes: number };

/** Reads the arguments; returns an exit status instead when that is all there is to do, having said why. */
export function parseSettings(args: readonly string[]): Settings | number {
  const command = demoCommand();
  try {
    command.parse(args, { from: 'user' });
    const flags = command.opts<Flags>();
    if (flags.file !== undefined && command.getOptionValueSource('size') === 'cli') {
      command.error('--size and --file exclude each other: a file has its own size');
    }
    return settingsOf(flags, command);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
}

function demoCommand(): Command {
  return new Command('npm run demo --')
    .usage('[options]')
    .description(
      'Sends bytes through PTCP over a UDP link that is spoiled on purpose, and checks their SHA-256.',
    )
    .addOption(option('--rate <mbit>', 'rate of the link, Mbit/s, each way', number(0.1, 10_000), '100'))
    .addOption(option('--rtt <ms>', 'round trip without queueing, ms', number(0, 10_000), '50'))
    .addOption(option('--jitter <ms>', 'each datagram takes up to this much longer', number(0, 10_000), '0'))
    .addOption(option('--queue <size>', "the link's queue: 0.5bdp, 256KiB …", queue, '1bdp'))
    .addOption(option('--loss <percent>', 'datagrams lost at random', percent, '1'))
    .addOption(option('--reorder <percent>', `datagrams held back by ${REORDER_MS} ms`, percent, '0.1'))
    .addOption(option('--duplicate <percent>', 'datagrams that arrive twice', percent, '0.1'))
    .addOption(option('--corrupt <percent>', 'datagrams with one bit flipped', percent, '0'))
    .addOption(option('--size <bytes>', 'how much is sent: 700MB, 4096 …', size, '64MiB'))
    .option('--file <path>', 'send this file instead of made-up bytes')
    .option('--seed <seed>', 'the same seed makes the same bytes and draws the same faults', '1')
    .addOption(
      new Option('--congestion <name>', "the sender's congestion control")
        .choices(CONGESTION_NAMES)
        .default('bbr'),
    )
    .option('--json', 'print one JSON object instead of the table')
    .option('--pcap <file>', "write the sender's datagrams as TCP packets, for Wireshark")
    .option('--trace <file>', "write what happens to the sender's connection, as qlog")
    .helpOption('-h, --help', 'show this')
    .configureOutput({ outputError: (text, write) => write(`demo: ${oneLine(text)} (see --help)\n`) })
    .allowExcessArguments(false)
    .exitOverride();
}

/** An option whose default is written as its user would. */
function option(
  flags: string,
  description: string,
  parse: (text: string) => unknown,
  preset: string,
): Option {
  return new Option(flags, description).argParser(parse).default(parse(preset), preset);
}

function settingsOf(flags: Flags, command: Command): Settings {
  const { rate, rtt, jitter, loss, reorder, duplicate, corrupt, file, seed, congestion, json } = flags;
  const bdpBytes = (rate * 1e6 * rtt) / 8 / 1000;
  const queueBytes = 'bytes' in flags.queue ? flags.queue.bytes : Math.round(flags.queue.bdp * bdpBytes);
  const isAsked = command.getOptionValueSource('queue') === 'cli';
  if (isAsked && queueBytes < LEAST_QUEUE_BYTES) {
    command.error(`--queue is ${queueBytes} bytes; a full datagram needs ${LEAST_QUEUE_BYTES}`);
  }
  return {
    rateMbit: rate,
    rttMs: rtt,
    jitterMs: jitter,
    // A link without delay has no bandwidth-delay product, and yet must queue a burst.
    queueBytes: isAsked ? queueBytes : Math.max(queueBytes, 64 * LEAST_QUEUE_BYTES),
    loss,
    reorder,
    duplicate,
    corrupt,
    file,
    sizeBytes: file === undefined ? flags.size : sizeOf(file, command),
    seed,
    congestion,
    json: json ?? false,
    pcapFile: flags.pcap,
    traceFile: flags.trace,
  };
}

function sizeOf(file: string, command: Command): number {
  try {
    const { size: bytes } = statSync(file);
    if (!statSync(file).isFile()) command.error(`--file ${file} is not a file`);
    if (bytes === 0) command.error(`--file ${file} is empty: there is nothing to send`);
    return bytes;
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    return command.error(`--file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

function percent(text: string): number {
  return number(0, 100)(text.replace(/\s*%$/, '')) / 100;
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

function size(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?)b?$/i.exec(text);
  const bytes = Math.floor(Number(match?.[1]) * (FACTORS[match?.[2]?.toLowerCase() ?? '?'] ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError('It must be a number of bytes such as 4096, 700MB or 64MiB, at least 1.');
}

function queue(text: string): Queue {
  const match = /^(\d+(?:\.\d+)?)\s*bdp$/i.exec(text);
  if (match !== null) return { bdp: Number(match[1]) };
  try {
    return { bytes: size(text) };
  } catch {
    throw new InvalidArgumentError(
      'It must be bandwidth-delay products such as 1bdp, or bytes such as 256KiB.',
    );
  }
}

function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
}
