import { Deferred } from '../../lib/defer/deferred.ts';
import { UsageError } from '../../lib/errors.ts';
import type { PushProducer } from '../../lib/interfaces/producer.ts';
import type { Transport } from '../../lib/interfaces/transport.ts';
import type { ReceivedBox } from './box.ts';
import { encodeBox, writeBox } from './box-bytes.ts';
import type { LargeBoxSender, WriterSender } from './box-sender.ts';
import { BoxWriter } from './box-writer.ts';

/** So many bytes are handed over without waiting for the end of the turn. */
const FLUSH_AT_BYTES = 32_768;

/**
 * The boxes on their way to a transport: those of one turn go in one write.
 *
 * While there are any, or the transport is full, it is the transport's producer, so that a loseConnection of anybody's
 * waits for them.
 */
export class BoxOutput implements WriterSender, LargeBoxSender {
  readonly writer = new BoxWriter();
  sendLargeBox: LargeBoxSender['sendLargeBox'] = undefined;
  #transport: Transport | undefined = undefined;
  #isRegistered = false;
  /** The transport takes more. */
  #isReady = true;
  /** Boxes are kept back: it is not yet known how they are to go, or whether. */
  #isHeld = false;
  #corkCount = 0;
  #isLosing = false;
  #isFlushDue = false;
  #closedReason: Error | undefined = undefined;
  #waiting: Deferred<void>[] = [];
  readonly #readyChanged: () => void;
  /** Whether reading should go on may have changed. */
  readonly loadChanged: () => void;
  readonly #producer: PushProducer = {
    pauseProducing: () => {
      if (!this.#isReady) return;
      this.#isReady = false;
      this.#readyChanged();
    },
    resumeProducing: () => this.#resumed(),
    // The transport takes nothing any more; it will say why.
    stopProducing: () => {
      this.#isRegistered = false;
      this.#isReady = false;
    },
  };
  readonly #flushDue = (): void => {
    this.#isFlushDue = false;
    this.flush();
  };

  /** `readyChanged` is called when the transport becomes full, and when it has drained. */
  constructor(changes: { readonly readyChanged: () => void; readonly loadChanged: () => void }) {
    this.#readyChanged = changes.readyChanged;
    this.loadChanged = changes.loadChanged;
  }

  attach(transport: Transport): void {
    this.#transport = transport;
  }

  /** Whether the transport takes more. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether `loseConnection` was called, here or at the transport. */
  get isLosing(): boolean {
    return this.#isLosing || this.#transport?.disconnecting === true;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  get isWritable(): boolean {
    return this.#isReady && !this.#isHeld && this.#closedReason === undefined;
  }

  whenWritable(): Deferred<void> {
    if (this.#closedReason !== undefined) return Deferred.fail(this.#closedReason);
    if (this.isWritable) return Deferred.succeed(undefined);
    const writable = new Deferred<void>(() => {
      this.#waiting = this.#waiting.filter((other) => other !== writable);
    });
    this.#waiting.push(writable);
    return writable;
  }

  sendBox(box: ReceivedBox): void {
    writeBox(this.writer, box);
    this.boxesWritten();
  }

  boxesWritten(): void {
    if (this.#isHeld) return;
    if (this.#closedReason !== undefined) {
      this.#discard();
      return;
    }
    if (this.writer.length >= FLUSH_AT_BYTES) {
      this.flush();
      return;
    }
    if (!this.#isRegistered) this.#register();
    if (this.#corkCount > 0 || this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#flushDue);
  }

  /** Gathers what is sent until `uncork`, which comes before any end of the connection that is asked for meanwhile. */
  cork(): void {
    this.#corkCount += 1;
    if (!this.#isRegistered && this.#closedReason === undefined) this.#register();
  }

  uncork(): void {
    this.#corkCount -= 1;
    if (this.#corkCount > 0) return;
    this.flush();
    if (this.#isReady && this.writer.length === 0) this.#unregister();
    if (this.#isLosing) this.#transport?.loseConnection();
  }

  /** Hands over what was gathered. */
  flush(): void {
    const transport = this.#transport;
    if (transport === undefined || this.#isHeld || this.writer.length === 0) return;
    if (!this.#isRegistered) this.#register();
    const isTaken = transport.writeSequence(this.writer.takeParts());
    if (isTaken) {
      if (this.#isReady && this.#corkCount === 0) this.#unregister();
      return;
    }
    if (!this.#isReady || this.#closedReason !== undefined) return;
    this.#isReady = false;
    this.#readyChanged();
  }

  /** Keeps back what is sent from here on. What was sent before goes. */
  hold(): void {
    this.flush();
    this.#isHeld = true;
  }

  /** Sends what was kept back. With `lost`, part of it was dropped: who waits for it to be sent is told so. */
  release(lost?: Error): void {
    this.#isHeld = false;
    if (lost !== undefined) this.#failWaiting(lost);
    this.flush();
    if (this.isWritable) this.#fireWaiting();
  }

  /** Sends a box although others are kept back. */
  sendPastHeld(box: ReceivedBox): void {
    if (this.#closedReason === undefined) this.#transport?.write(encodeBox(box));
  }

  #discard(): void {
    if (this.writer.length > 0) this.writer.take();
    if (this.#isReady) this.#unregister();
  }

  /** Ends the connection after all that was sent. What was kept back is dropped. */
  loseConnection(): void {
    this.#isLosing = true;
    if (this.#isHeld) this.#discard();
    if (this.#corkCount > 0) return;
    this.flush();
    this.#transport?.loseConnection();
  }

  /** Nothing can be sent any more. */
  close(reason: Error): void {
    if (this.#closedReason !== undefined) return;
    this.#closedReason = reason;
    this.#isHeld = false;
    this.#discard();
    this.#unregister();
    this.#failWaiting(reason);
  }

  #resumed(): void {
    this.#isReady = true;
    if (this.#corkCount === 0) {
      if (this.#isHeld || this.writer.length === 0) this.#unregister();
      else this.flush();
    }
    if (!this.#isReady) return;
    this.#readyChanged();
    if (this.isWritable) this.#fireWaiting();
  }

  #register(): void {
    try {
      this.#isRegistered = true;
      this.#transport?.registerProducer(this.#producer, true);
    } catch (error) {
      // Somebody else is: then the transport waits for that one.
      this.#isRegistered = false;
      if (!(error instanceof UsageError)) throw error;
    }
  }

  #unregister(): void {
    if (!this.#isRegistered) return;
    this.#isRegistered = false;
    this.#transport?.unregisterProducer();
  }

  #failWaiting(reason: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const writable of waiting) if (!writable.called) writable.errback(reason);
  }

  #fireWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const writable of waiting) if (!writable.called) writable.callback();
  }
}
