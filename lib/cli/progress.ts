import cliProgress from 'cli-progress';
import type { TransferEvent } from '../../protocols/file-transfer/index.ts';
import type { TextOutput } from '../plugin/contract.ts';
import type { Clock, Instant } from '../time/clock.ts';
import { formatBytes, formatSeconds, printable } from './printable.ts';
import { Rate } from './rate.ts';

const FRAMES_PER_SECOND = 8;
const BAR_CHARACTERS = 16;
const NARROW_COLUMNS = 100;
const NARROW_BAR_CHARACTERS = 8;
/** Left free at the right: the terminal's echo of ^C would else go to the next line, and the bar with it. */
const SPARE_COLUMNS = 3;

/** What a transport may know of its connection, named as in Linux's tcp_info. */
export interface NetworkFacts {
  readonly rttUs?: number;
  readonly totalRetransSegments?: number;
  readonly segsOut?: number;
}

/** How far a file is, for a person or a program. */
export interface ProgressFacts {
  readonly bytes: number;
  readonly sizeBytes: number;
  readonly bytesPerSecond: number;
  /** Infinity while nothing moves. */
  readonly secondsLeft: number;
}

/** Follows one file at a time: how much, how fast, how long still. */
export class ProgressMeter {
  readonly #clock: Clock;
  #rate = new Rate();
  #startedAt: Instant = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Skipped bytes are no progress: the rate begins behind them. */
  start(resumedBytes: number): void {
    this.#startedAt = this.#clock.now();
    this.#rate = new Rate();
    this.#rate.sample(this.#startedAt, resumedBytes);
  }

  progress(event: Extract<TransferEvent, { event: 'progress' }>): ProgressFacts {
    this.#rate.sample(this.#clock.now(), event.bytes);
    return {
      bytes: event.bytes,
      sizeBytes: event.sizeBytes,
      bytesPerSecond: this.#rate.bytesPerSecond,
      secondsLeft: this.#rate.secondsTo(event.sizeBytes),
    };
  }

  /** Since `start`. */
  get seconds(): number {
    return (this.#clock.now() - this.#startedAt) / 1000;
  }
}

/** One line of a terminal that shows how far a file is. Nothing at all where no terminal is. */
export class ProgressLine {
  readonly #output: TextOutput;
  #bar: cliProgress.SingleBar | undefined = undefined;
  /** Columns that are left behind the bar. */
  #room = 0;

  constructor(output: TextOutput) {
    this.#output = output;
  }

  start(name: string, sizeBytes: number, bytes: number): void {
    this.stop();
    if (!this.#output.isTerminal) return;
    const shown = fitted(printable(name));
    const barsize = this.#output.columns < NARROW_COLUMNS ? NARROW_BAR_CHARACTERS : BAR_CHARACTERS;
    this.#room = this.#output.columns - SPARE_COLUMNS - [...shown].length - barsize - ' [] 99 % '.length;
    this.#bar = new cliProgress.SingleBar({
      stream: asStream(this.#output),
      fps: FRAMES_PER_SECOND,
      barsize,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: true,
      gracefulExit: false,
      format: `${shown} [{bar}] {percentage} % {facts}`,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
    });
    this.#bar.start(sizeBytes, bytes, { facts: '' });
  }

  update(facts: ProgressFacts, network: NetworkFacts | undefined): void {
    this.#bar?.update(facts.bytes, { facts: describeProgress(facts, network, this.#room) });
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/**
 * What stands behind the bar: `12.3 MiB/s, 42 s left, RTT 50.0 ms, 0.3 % resent`.
 *
 * What does not fit into `columns` is left out from the right.
 */
export function describeProgress(
  facts: ProgressFacts,
  network: NetworkFacts | undefined,
  columns = Number.POSITIVE_INFINITY,
): string {
  const parts = [`${formatBytes(facts.bytesPerSecond)}/s`];
  if (Number.isFinite(facts.secondsLeft)) parts.push(`${formatSeconds(facts.secondsLeft)} left`);
  if (network?.rttUs !== undefined) parts.push(`RTT ${(network.rttUs / 1000).toFixed(1)} ms`);
  const { totalRetransSegments: again, segsOut: sent } = network ?? {};
  if (again !== undefined && sent !== undefined && sent > 0) {
    parts.push(`${((again * 100) / sent).toFixed(1)} % resent`);
  }
  while (parts.length > 1 && parts.join(', ').length > columns) parts.pop();
  return parts.join(', ');
}

/** Names as they fit beside the bar; braces would be read as places to fill. */
function fitted(name: string): string {
  const plain = name.replaceAll('{', '(').replaceAll('}', ')');
  const characters = [...plain];
  return characters.length <= 24 ? plain : `${characters.slice(0, 23).join('')}…`;
}

/** The few members of a stream that cli-progress uses. */
function asStream(output: TextOutput): NodeJS.WritableStream {
  const stream = {
    isTTY: true,
    columns: output.columns,
    write: (text: string) => {
      output.write(text);
      return true;
    },
  };
  return stream as unknown as NodeJS.WritableStream;
}
