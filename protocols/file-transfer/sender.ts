import type { FileFacts, Files, OpenFile } from '../../lib/interfaces/files.ts';
import type { Hash, Hashes } from '../../lib/interfaces/hash.ts';
import type { PushProducer } from '../../lib/interfaces/producer.ts';
import type { Clock } from '../../lib/time/clock.ts';
import { TransferError } from './errors.ts';
import type { TransferObserver } from './events.ts';
import {
  BLOCK_BYTES,
  encodeBegin,
  encodeBlockPrefix,
  encodeEnd,
  encodeFail,
  encodeOffer,
  type Message,
  type MessageType,
} from './messages.ts';
import { isSafeName, toHex } from './names.ts';
import { equalBytes } from './resume.ts';
import { TransferSession } from './session.ts';

/** Blocks read before they are asked for. */
const READ_AHEAD_BLOCKS = 3;

/** A file to send, and the name it is offered under. */
export interface SourceFile {
  readonly path: string;
  readonly name: string;
}

/** What a FileSender needs. */
export interface SenderOptions {
  readonly files: Files;
  readonly hashes: Hashes;
  readonly clock: Clock;
  readonly sources: readonly SourceFile[];
  readonly observe: TransferObserver;
}

type Answer = Extract<Message, { type: 'accept' | 'done' }>;

/**
 * Sends files, one after the other, over one connection, and closes it.
 *
 * A file that fails is reported and the next one is sent. A file counts as done when the receiver has it, whole and
 * verified, under its name.
 */
export class FileSender extends TransferSession implements PushProducer {
  readonly #options: SenderOptions;
  /** Number of the file under way, from 1. */
  #file = 0;
  #awaited: Answer['type'] | undefined = undefined;
  #answered: ((answer: Answer) => void) | undefined = undefined;
  #interrupted: ((error: TransferError) => void) | undefined = undefined;
  /** Why the file under way, or the whole session, goes no further. */
  #fileError: TransferError | undefined = undefined;
  #sessionError: TransferError | undefined = undefined;
  #isPaused = false;
  #roomMade: (() => void) | undefined = undefined;
  #running: Promise<void> | undefined = undefined;
  /** Whether there is nothing left to send, and the connection is being closed. */
  #isDone = false;

  constructor(options: SenderOptions) {
    super(options.clock);
    this.#options = options;
  }

  /** Stops well: the receiver keeps what it has verified, and a later session can go on from there. */
  cancel(): void {
    this.#endSession(new TransferError('cancelled'));
    if (this.#running === undefined) this.#close();
  }

  override connectionMade(): void {
    super.connectionMade();
    this.transport.registerProducer(this, true);
  }

  pauseProducing(): void {
    this.#isPaused = true;
  }

  resumeProducing(): void {
    this.#isPaused = false;
    this.#roomMade?.();
  }

  /** The connection is over; connectionLost follows and says why. */
  stopProducing(): void {}

  protected override expects(type: MessageType): boolean {
    return type === 'fail' || type === this.#awaited;
  }

  protected override allocateBlock(): Uint8Array {
    throw new Error('a sender expects no blocks');
  }

  protected override messageArrived(message: Message): void {
    switch (message.type) {
      case 'hello':
        this.#running ??= this.#sendAll();
        return;
      case 'fail':
        this.#refused(message.file, new TransferError(message.reason, { side: 'peer' }));
        return;
      case 'accept':
      case 'done':
        if (message.file !== this.#file) {
          this.giveUp(new TransferError('protocol'));
          return;
        }
        this.#awaited = undefined;
        this.#answered?.(message);
        return;
    }
  }

  protected override sessionEnded(failure: TransferError | undefined, reason: Error): void {
    if (!this.#isDone) this.#endSession(failure ?? new TransferError('closed', { cause: reason }));
    void this.#reportEnd();
  }

  async #reportEnd(): Promise<void> {
    await this.#running;
    this.#options.observe({ event: 'end', error: this.#sessionError });
  }

  async #sendAll(): Promise<void> {
    for (const source of this.#options.sources) {
      if (this.#sessionError !== undefined) break;
      this.#file += 1;
      this.#fileError = undefined;
      try {
        const sha256 = await this.#sendFile(source);
        this.#options.observe({ event: 'done', name: source.name, ...sha256 });
      } catch (error) {
        this.#fileFailed(source, error);
      }
    }
    this.#close();
  }

  #close(): void {
    if (!this.connected) return;
    this.#isDone = true;
    this.transport.unregisterProducer();
    this.transport.loseConnection();
  }

  #fileFailed(source: SourceFile, error: unknown): void {
    const failure =
      error instanceof TransferError ? error : new TransferError('cannot-read', { cause: error });
    if (failure.side === 'here' && this.connected) {
      this.transport.write(encodeFail(this.#file, failure.reason));
    }
    this.#options.observe({ event: 'failed', name: source.name, error: failure });
  }

  /** One file from the offer to the receiver's word that it is there. */
  async #sendFile(source: SourceFile): Promise<{ sizeBytes: number; sha256: string }> {
    const { files, observe } = this.#options;
    const { name } = source;
    if (!isSafeName(name)) throw new TransferError('bad-name');
    const file = await files.open(source.path, 'read');
    try {
      const before = await file.facts();
      const { sizeBytes } = before;
      if (before.kind !== 'file') throw new TransferError('not-a-file');
      const accept = await this.#ask(encodeOffer(this.#file, sizeBytes, name), 'accept');
      const { hash, offset } = await this.#startFrom(file, sizeBytes, accept);
      this.transport.write(encodeBegin(offset));
      observe({ event: 'start', name, sizeBytes, resumedBytes: offset });
      for await (const sentBytes of this.#sendBlocks(file, hash, offset, sizeBytes)) {
        observe({ event: 'progress', name, sizeBytes, bytes: sentBytes });
      }
      if (!isUnchanged(before, await file.facts())) throw new TransferError('changed');
      const digest = hash.digest();
      await this.#ask(encodeEnd(digest), 'done');
      return { sizeBytes, sha256: toHex(digest) };
    } finally {
      await file.close();
    }
  }

  /** Agrees to what the receiver has when our own file begins with it too; it may be another one by now. */
  async #startFrom(
    file: OpenFile,
    sizeBytes: number,
    accept: Extract<Message, { type: 'accept' }>,
  ): Promise<{ hash: Hash; offset: number }> {
    const { offset } = accept;
    if (offset > sizeBytes || (offset % BLOCK_BYTES !== 0 && offset !== sizeBytes)) {
      const error = new TransferError('protocol');
      this.giveUp(error);
      throw error;
    }
    const hash = this.#options.hashes.sha256();
    for await (const block of this.#blocks(file, 0, offset)) hash.update(block);
    if (equalBytes(hash.digest(), accept.hash)) return { hash, offset };
    return { hash: this.#options.hashes.sha256(), offset: 0 };
  }

  async *#sendBlocks(file: OpenFile, hash: Hash, from: number, to: number): AsyncGenerator<number> {
    let sentBytes = from;
    for await (const block of this.#blocks(file, from, to)) {
      hash.update(block);
      await this.#room();
      this.transport.writeSequence([encodeBlockPrefix(hash.digest(), block.length), block]);
      sentBytes += block.length;
      yield sentBytes;
    }
  }

  /** The file's blocks, a few of them read ahead. Fails with `changed` where the file ends too early. */
  async *#blocks(file: OpenFile, from: number, to: number): AsyncGenerator<Uint8Array> {
    const reads: Promise<Uint8Array>[] = [];
    let readTo = from;
    for (let at = from; at < to; at += BLOCK_BYTES) {
      while (readTo < to && reads.length < READ_AHEAD_BLOCKS) {
        const read = file.read(readTo, Math.min(BLOCK_BYTES, to - readTo));
        // The failure of a read that nobody waits for any more is not one.
        read.catch(() => {});
        reads.push(read);
        readTo += BLOCK_BYTES;
      }
      const block = await reads.shift()!;
      const error = this.#sessionError ?? this.#fileError;
      if (error !== undefined) throw error;
      if (block.length < Math.min(BLOCK_BYTES, to - at)) throw new TransferError('changed');
      yield block;
    }
  }

  #ask<T extends Answer['type']>(question: Uint8Array, type: T): Promise<Extract<Answer, { type: T }>> {
    return this.#interruptible((resolve) => {
      this.#awaited = type;
      this.#answered = resolve as (answer: Answer) => void;
      this.transport.write(question);
    });
  }

  #room(): Promise<void> {
    if (!this.#isPaused) return Promise.resolve();
    return this.#interruptible((resolve) => {
      this.#roomMade = resolve;
    });
  }

  #interruptible<T>(begin: (resolve: (value: T) => void) => void): Promise<T> {
    const error = this.#sessionError ?? this.#fileError;
    if (error !== undefined) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.#interrupted = reject;
      begin(resolve);
    });
  }

  #refused(file: number, error: TransferError): void {
    // File 0 is the session as a whole. Another number than ours crossed our own failure of that file.
    if (file === 0) this.#endSession(error);
    if (file !== this.#file) return;
    this.#fileError = error;
    this.#interrupted?.(error);
  }

  #endSession(error: TransferError): void {
    if (this.#sessionError !== undefined) return;
    this.#sessionError = error;
    this.#interrupted?.(error);
  }
}

function isUnchanged(before: FileFacts, after: FileFacts): boolean {
  return (
    before.sizeBytes === after.sizeBytes &&
    before.modifiedAtMs === after.modifiedAtMs &&
    before.changedAtMs === after.changedAtMs
  );
}
