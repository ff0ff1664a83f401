import type { Deferred } from '../../lib/defer/deferred.ts';
import type { Box } from './box.ts';
import { writeBox } from './box-bytes.ts';
import type { BoxSender, LargeBoxSender, PacingSender, WriterSender } from './box-sender.ts';
import type { Tag } from './box-writer.ts';
import { type CommandWire, tagBytes, type Values } from './command-wire.ts';
import { TooLong } from './errors.ts';
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
 * Where a method throws, nothing was sent. What it returns is undefined, but where the box goes in pieces: then it
 * fires when the last one is on its way.
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

  call(wire: CommandWire, tag: number | undefined, values: Values): Deferred<void> | undefined {
    const direct = this.#direct;
    if (direct === undefined) return this.box(wire.makeCall(tag, values));
    try {
      wire.writeCall(direct.writer, tag, values);
    } catch (error) {
      return this.#sendLarge(error, () => wire.makeCall(tag, values));
    }
    direct.boxesWritten();
    return undefined;
  }

  answer(wire: CommandWire, tag: Tag, values: Values): Deferred<void> | undefined {
    const direct = this.#direct;
    if (direct === undefined) return this.box(wire.makeAnswer(tag, values));
    try {
      wire.writeAnswer(direct.writer, tag, values);
    } catch (error) {
      return this.#sendLarge(error, () => wire.makeAnswer(tag, values));
    }
    direct.boxesWritten();
    return undefined;
  }

  error(tag: Tag, report: ErrorReport): void {
    this.box(errorBox(tag, report));
  }

  box(box: Box): Deferred<void> | undefined {
    try {
      if (this.#direct === undefined) this.#sender.sendBox(box);
      else writeBox(this.#direct.writer, box);
    } catch (error) {
      return this.#sendLarge(error, () => box);
    }
    this.#direct?.boxesWritten();
    return undefined;
  }

  #sendLarge(error: unknown, makeBox: () => Box): Deferred<void> {
    if (!(error instanceof TooLong) || error.isKey) throw error;
    const sendLargeBox = (this.#sender as Partial<LargeBoxSender>).sendLargeBox;
    if (sendLargeBox === undefined) throw error;
    return sendLargeBox(makeBox());
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
