import colors from 'yoctocolors';
import type { TransferEvent, TransferObserver } from '../../protocols/file-transfer/index.ts';
import type { CommandContext, TextOutput } from '../plugin/contract.ts';
import type { Clock, Instant } from '../time/clock.ts';
import { explainTransfer, type Role } from './advice.ts';
import { formatBytes, formatSeconds, printable } from './printable.ts';
import { type NetworkFacts, type ProgressFacts, ProgressLine, ProgressMeter } from './progress.ts';
import { explainTurnedAway } from './tls-advice.ts';

/** Programs are told of progress so often. */
const JSON_PROGRESS_MS = 500;
/** Failures told of one connection to a receiver: a hostile sender can offer what is refused at the speed of the wire. */
export const MAX_TOLD_FAILURES = 20;

/** How a command speaks: to a terminal, into a pipe, or, with --json, to a program. */
export class Report {
  readonly #context: CommandContext;
  readonly #clock: Clock;
  readonly #role: Role;
  readonly #isJson: boolean;
  readonly #line: ProgressLine;

  constructor(context: CommandContext, options: { clock: Clock; role: Role; isJson: boolean }) {
    this.#context = context;
    this.#clock = options.clock;
    this.#role = options.role;
    this.#isJson = options.isJson;
    this.#line = new ProgressLine(context.messages);
  }

  /** For people only: what goes on, on the side of messages. */
  say(text: string): void {
    if (this.#isJson) return;
    this.#line.stop();
    this.#context.messages.write(`${text}\n`);
  }

  /** For programs only: one event. */
  tell(event: object): void {
    if (this.#isJson) this.#context.output.write(`${asciiJson(event)}\n`);
  }

  /** Hears of one session. `network` is asked when progress is shown. */
  observer(peer: string, network: () => NetworkFacts | undefined): TransferObserver {
    const meter = new ProgressMeter(this.#clock);
    let toldAt: Instant = Number.NEGATIVE_INFINITY;
    let resumedBytes = 0;
    let failureCount = 0;
    return (event) => {
      switch (event.event) {
        case 'start':
          resumedBytes = event.resumedBytes;
          meter.start(resumedBytes);
          this.#started(event, peer);
          return;
        case 'progress': {
          const facts = meter.progress(event);
          if (!this.#isJson) this.#line.update(facts, network());
          else if (this.#clock.now() - toldAt >= JSON_PROGRESS_MS) {
            toldAt = this.#clock.now();
            this.tell({ event: 'progress', name: event.name, ...rounded(facts), ...network() });
          }
          return;
        }
        case 'done':
          this.#done(event, resumedBytes, meter.seconds);
          return;
        case 'failed':
          failureCount += 1;
          if (this.#role === 'sender' || failureCount <= MAX_TOLD_FAILURES) this.#failed(event);
          else if (failureCount === MAX_TOLD_FAILURES + 1) this.#failedMore(peer);
          return;
        case 'end':
          this.#line.stop();
          this.tell({ event: 'end', peer, ...(event.error && { reason: event.error.reason }) });
          return;
      }
    };
  }

  /** Somebody whom TLS let go no further than the handshake. */
  turnedAway(peer: string, reason: Error): void {
    this.#line.stop();
    const message = explainTurnedAway(peer, reason);
    this.tell({ event: 'turned-away', peer, message });
    complain(this.#context.messages, this.#context, message);
  }

  /** The last word of a command that failed. */
  failure(message: string): void {
    this.#line.stop();
    this.tell({ event: 'error', message });
    complain(this.#context.messages, this.#context, message);
  }

  #started(event: Extract<TransferEvent, { event: 'start' }>, peer: string): void {
    const { name, sizeBytes, resumedBytes } = event;
    this.tell({ event: 'start', name, sizeBytes, resumedBytes, peer });
    if (this.#isJson) return;
    if (resumedBytes > 0) {
      this.say(`${printable(name)}: ${formatBytes(resumedBytes)} are there already and not sent again`);
    }
    this.#line.start(name, sizeBytes, resumedBytes);
  }

  #done(event: Extract<TransferEvent, { event: 'done' }>, resumedBytes: number, seconds: number): void {
    const { name, sizeBytes, sha256 } = event;
    this.tell({ event: 'done', name, sizeBytes, resumedBytes, sha256, seconds: round(seconds, 3) });
    if (this.#isJson) return;
    this.#line.stop();
    const verb = this.#role === 'sender' ? 'sent' : 'received';
    const size = formatBytes(sizeBytes);
    const duration = formatSeconds(seconds);
    const how =
      resumedBytes === 0
        ? `${size} in ${duration}`
        : `${formatBytes(sizeBytes - resumedBytes)} of ${size} in ${duration}, the rest was there`;
    const line = `${verb} ${printable(name)}: ${how}, sha256 ${sha256}`;
    this.#context.output.write(`${paint(this.#context.output, this.#context, colors.green, line)}\n`);
  }

  #failed(event: Extract<TransferEvent, { event: 'failed' }>): void {
    this.#line.stop();
    const message = explainTransfer(event.name, event.error, this.#role);
    const { reason, side } = event.error;
    this.tell({ event: 'failed', name: event.name, reason, side, message });
    complain(this.#context.messages, this.#context, message);
  }

  #failedMore(peer: string): void {
    this.#line.stop();
    const message = `and more from ${peer}, which are not listed`;
    this.tell({ event: 'more', peer, message });
    complain(this.#context.messages, this.#context, message);
  }
}

/** One line of complaint. */
export function complain(output: TextOutput, context: CommandContext, message: string): void {
  output.write(`${paint(output, context, colors.red, 'hawser:')} ${message}\n`);
}

/** Colours where a person sees them and has not asked for none (NO_COLOR). */
function paint(
  output: TextOutput,
  context: CommandContext,
  colour: (text: string) => string,
  text: string,
): string {
  const isWanted = output.isTerminal && !context.environment['NO_COLOR'];
  return isWanted ? colour(text) : text;
}

function rounded(facts: ProgressFacts): object {
  const { bytesPerSecond, secondsLeft } = facts;
  return { ...facts, bytesPerSecond: round(bytesPerSecond, 0), secondsLeft: round(secondsLeft, 1) };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** One line of JSON in which a name can do nothing to a terminal. */
export function asciiJson(value: object): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
