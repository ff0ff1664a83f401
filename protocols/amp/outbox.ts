import type { Deferred } from '../../lib/defer/deferred.ts';
import type { Box } from './box.ts';
import { writeBox } from './box-bytes.ts';
import type { BoxSender, PacingSender, WriterSender } from './box-sender.ts';
import type { Tag } from './box-writer.ts';
import { type CommandWire, tagBytes, type Values } from './command-wire.ts';
import { byteString } from './wire-key.ts';

const ENCODER = new TextEncoder();

/** What a caller is told of a failure. */
export interface ErrorReport {
  readonly code: string;
  /** At most 65 535 bytes as UTF-8. */
  readonly description: string;
}

/**
 * Sends calls, answers and errors: straight into the writer of a connection, or as boxes where there is none.
 *
 * Where a method throws, nothing was sent.
 */
export class Outbox {
  readonly #sender: BoxSender;
  readonly #direct: WriterSender | undefined;

  constructor(sender: BoxSender) {
    this.#sender = sender;
    this.#direct = isWriterSender(sender) ? sender : undefined;
  }

  get isWritable(): boolean {
    return this.#sender.isWritable;
  }

  whenWritable(): Deferred<void> {
    return this.#sender.whenWritable();
  }

  loseConnection(): void {
    this.#sender.loseConnection();
  }

  loadChanged(): void {
    (this.#sender as Partial<PacingSender>).loadChanged?.();
  }

  call(wire: CommandWire, tag: number | undefined, values: Values): void {
    const direct = this.#direct;
    if (direct === undefined) {
      this.#sender.sendBox(wire.makeCall(tag, values));
      return;
    }
    wire.writeCall(direct.writer, tag, values);
    direct.boxesWritten();
  }

  answer(wire: CommandWire, tag: Tag, values: Values): void {
    const direct = this.#direct;
    if (direct === undefined) {
      this.#sender.sendBox(wire.makeAnswer(tag, values));
      return;
    }
    wire.writeAnswer(direct.writer, tag, values);
    direct.boxesWritten();
  }

  error(tag: Tag, report: ErrorReport): void {
    this.box(errorBox(tag, report));
  }

  box(box: Box): void {
    if (this.#direct === undefined) {
      this.#sender.sendBox(box);
      return;
    }
    writeBox(this.#direct.writer, box);
    this.#direct.boxesWritten();
  }
}

/** The box that tells the caller of a failure. */
export function errorBox(tag: Tag, { code, description }: ErrorReport): Box {
  return new Map([
    ['_error', tagBytes(tag)],
    ['_error_code', byteString(code)],
    ['_error_description', ENCODER.encode(description)],
  ]);
}

function isWriterSender(sender: BoxSender): sender is WriterSender {
  return (sender as Partial<WriterSender>).writer !== undefined;
}
