import { Protocol } from '../../lib/protocol/protocol.ts';
import type { Clock, DelayedCall, Instant } from '../../lib/time/clock.ts';
import { TransferError } from './errors.ts';
import { encodeHeartbeat, encodeHello, type Message, MessageReader, type MessageType } from './messages.ts';

/** How often each side shows that it lives, whatever else it sends. */
export const HEARTBEAT_MS = 10_000;
/** A peer that is silent for so long has vanished. */
export const SILENCE_LIMIT_MS = 30_000;

/**
 * What both ends of a file transfer have in common: messages, the exchange of hellos, heartbeats, and the end.
 *
 * A subclass answers `expects` and `messageArrived`, and is told once, by `sessionEnded`, that it is over.
 */
export abstract class TransferSession extends Protocol {
  protected readonly clock: Clock;
  readonly #reader: MessageReader;
  #heardAt: Instant = 0;
  #hasGreeted = false;
  #isReadingPaused = false;
  #heartbeat: DelayedCall | undefined = undefined;
  #silence: DelayedCall | undefined = undefined;
  /** Why we ended it, if it was us and not well. */
  #failure: TransferError | undefined = undefined;

  constructor(clock: Clock) {
    super();
    this.clock = clock;
    this.#reader = new MessageReader({
      expects: (type, bodyBytes) => this.#expects(type, bodyBytes),
      allocate: (bodyBytes) => this.allocateBlock(bodyBytes),
      message: (message) => this.#messageArrived(message),
    });
  }

  override connectionMade(): void {
    this.#heardAt = this.clock.now();
    this.transport.write(encodeHello());
    this.#beatLater();
    this.#listenForSilence();
  }

  override dataReceived(bytes: Uint8Array): void {
    this.#heardAt = this.clock.now();
    const problem = this.#reader.push(bytes);
    if (problem !== undefined) this.giveUp(new TransferError('protocol', { cause: new Error(problem) }));
  }

  override connectionLost(reason: Error): void {
    this.#reader.stop();
    stop(this.#heartbeat);
    stop(this.#silence);
    this.sessionEnded(this.#failure, reason);
  }

  /** Ends the session at once and not well. */
  protected giveUp(error: TransferError): void {
    this.#failure ??= error;
    this.#reader.stop();
    this.transport.abortConnection();
  }

  /** Stops reading until `resumeReading`; the peer's silence is our own doing meanwhile. */
  protected pauseReading(): void {
    if (this.#isReadingPaused) return;
    this.#isReadingPaused = true;
    this.transport.pauseProducing();
  }

  protected resumeReading(): void {
    if (!this.#isReadingPaused) return;
    this.#isReadingPaused = false;
    this.#heardAt = this.clock.now();
    if (this.connected) this.transport.resumeProducing();
  }

  /** Whether this message may come now; hello and heartbeat are not asked about. */
  protected abstract expects(type: MessageType, bodyBytes: number): boolean;
  /** Room for the body of a block. */
  protected abstract allocateBlock(bodyBytes: number): Uint8Array;
  /** The first hello, and everything after it but heartbeats. */
  protected abstract messageArrived(message: Message): void;
  /** `failure` when we ended it by giveUp; else `reason` says how the connection ended. */
  protected abstract sessionEnded(failure: TransferError | undefined, reason: Error): void;

  #expects(type: MessageType, bodyBytes: number): boolean {
    if (!this.#hasGreeted) return type === 'hello';
    return type === 'heartbeat' || (type !== 'hello' && this.expects(type, bodyBytes));
  }

  #messageArrived(message: Message): void {
    if (message.type === 'heartbeat') return;
    this.#hasGreeted = true;
    this.messageArrived(message);
  }

  #beatLater(): void {
    this.#heartbeat = this.clock.callLater(HEARTBEAT_MS, () => {
      this.transport.write(encodeHeartbeat());
      this.#beatLater();
    });
  }

  /** One call at a time, moved when it comes too early: what arrives costs no call of the clock. */
  #listenForSilence(): void {
    const now = this.clock.now();
    if (this.#isReadingPaused) this.#heardAt = now;
    const leftMs = this.#heardAt + SILENCE_LIMIT_MS - now;
    if (leftMs <= 0) {
      this.giveUp(new TransferError('vanished'));
      return;
    }
    this.#silence = this.clock.callLater(leftMs, () => this.#listenForSilence());
  }
}

function stop(call: DelayedCall | undefined): void {
  if (call?.active === true) call.cancel();
}
