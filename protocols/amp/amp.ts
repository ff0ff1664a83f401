import type { Deferred } from '../../lib/defer/deferred.ts';
import type { Transport } from '../../lib/interfaces/transport.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import type { ReceivedBox } from './box.ts';
import { BoxOutput } from './box-output.ts';
import { type BoxLimits, BoxReader } from './box-reader.ts';
import type { BoxReceiver, BoxSender, ViewReceiver } from './box-sender.ts';
import type { BoxView } from './box-view.ts';
import type { Command } from './command.ts';
import { BoxDispatcher, type DispatcherOptions } from './dispatcher.ts';
import { NoEmptyBoxes, ProtocolViolation } from './errors.ts';
import type {
  AnswerOf,
  BoxCallOptions,
  CallableCommand,
  CallParameters,
  CommandLocator,
  RemotePeer,
  RespondBoxFunction,
  RespondFunction,
} from './responder.ts';

/** What an Amp is made with; all of it may be left out. */
export interface AmpOptions extends DispatcherOptions, BoxLimits {
  /** What is made of the boxes that come, instead of calls and answers. Then callRemote has nobody to answer it. */
  readonly boxReceiver?: BoxReceiver;
  /**
   * So many bytes of answers may wait for a peer that does not read, while answers of its own are awaited; beyond, the
   * connection ends. 64 MiB when left out.
   */
  readonly maxBacklogBytes?: number;
}

const MAX_BACKLOG_BYTES = 67_108_864;

/**
 * One end of a connection that speaks AMP: both ends may call the other at any time. Modelled on Twisted's AMP.
 *
 * Its methods that are marked with `@responder` answer calls, and so do functions given to `respond`. Who overrides
 * connectionLost calls this class's; connectionMade is free.
 */
export class Amp extends Protocol implements RemotePeer {
  readonly #dispatcher: BoxDispatcher;
  readonly #receiver: BoxReceiver & Partial<ViewReceiver>;
  readonly #output: BoxOutput;
  readonly #reader: BoxReader;
  readonly #maxBacklogBytes: number;
  #isReadingPaused = false;
  #isResumeDue = false;
  #isOver = false;

  constructor(options: AmpOptions = {}) {
    super();
    this.#maxBacklogBytes = options.maxBacklogBytes ?? MAX_BACKLOG_BYTES;
    this.#dispatcher = new BoxDispatcher(options, {
      methods: this,
      loadChanged: () => this.#paceReading(),
    });
    this.#receiver = options.boxReceiver ?? this.#dispatcher;
    this.#output = new BoxOutput(() => this.#readyChanged());
    this.#reader = new BoxReader((view) => this.#boxReceived(view), options);
  }

  /**
   * Calls `command` at the other end; fires with what it answers.
   *
   * Whatever goes wrong arrives through the Deferred: errors that the command declares as their classes,
   * UnhandledCommand, UnknownRemoteError, TimeoutError, CancelledError, what is wrong with the arguments, or the reason
   * for which the connection ended. A call without an answer fires once it was handed to the transport and more may be
   * sent.
   */
  callRemote<C extends CallableCommand>(command: C, ...rest: CallParameters<C>): Deferred<AnswerOf<C>> {
    return this.#dispatcher.callRemote(command, ...rest);
  }

  /** Calls the commands of that name with a box as it is. The answer comes as it is, too, without AMP's own keys. */
  callRemoteBox(name: string, box?: ReceivedBox, options?: BoxCallOptions): Deferred<ReceivedBox> {
    return this.#dispatcher.callRemoteBox(name, box, options);
  }

  /** Has `respond` answer the peer's calls of `command`; the last one that was given does. */
  respond<C extends Command>(command: C, respond: RespondFunction<C>): this {
    this.#dispatcher.respond(command, respond);
    return this;
  }

  /** Has `respond` answer the peer's calls of that name, box for box. */
  respondBox(name: string, respond: RespondBoxFunction): this {
    this.#dispatcher.respondBox(name, respond);
    return this;
  }

  /** Who answers what neither `respond` nor a marked method does. May be changed at any time. */
  get locator(): CommandLocator | undefined {
    return this.#dispatcher.locator;
  }

  set locator(locator: CommandLocator | undefined) {
    this.#dispatcher.locator = locator;
  }

  /** For boxes that are neither calls nor answers of this Amp's. */
  get boxSender(): BoxSender {
    return this.#output;
  }

  /** Whether more may be sent without piling up. */
  get isWritable(): boolean {
    return this.#output.isWritable;
  }

  /** Fires once more may be sent; fails with the reason when the connection is lost. */
  whenWritable(): Deferred<void> {
    return this.#output.whenWritable();
  }

  /** Ends the connection after all that was sent. */
  loseConnection(): void {
    this.#output.loseConnection();
  }

  override makeConnection(transport: Transport): void {
    if (!this.connected) {
      this.#output.attach(transport);
      this.#receiver.startReceivingBoxes(this.#output);
    }
    super.makeConnection(transport);
  }

  override dataReceived(bytes: Uint8Array): void {
    this.#read(() => this.#reader.push(bytes));
  }

  override connectionLost(reason: Error): void {
    this.#end(reason);
  }

  #boxReceived(view: BoxView): void {
    if (this.#receiver.viewReceived !== undefined) this.#receiver.viewReceived(view);
    else this.#receiver.boxReceived(view.toMap());
  }

  /** Has the reader go on, and ends the connection where the peer breaks the rules. */
  #read(goOn: () => Error | undefined): void {
    this.#output.cork();
    let fault: Error | undefined;
    try {
      fault = goOn();
    } catch (thrown) {
      if (!(thrown instanceof ProtocolViolation || thrown instanceof NoEmptyBoxes)) throw thrown;
      fault = thrown;
    } finally {
      this.#output.uncork();
    }
    if (!this.#output.isReady) this.#paceReading();
    if (fault !== undefined) this.#breakOff(fault);
  }

  /** The peer broke the rules: what was answered still goes. */
  #breakOff(reason: Error): void {
    if (this.#isOver) return;
    this.#output.loseConnection();
    this.#end(reason);
  }

  #end(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reader.takeRest();
    this.#output.close(reason);
    this.#receiver.stopReceivingBoxes(reason);
  }

  #readyChanged(): void {
    if (this.#output.isReady) this.#dispatcher.drained();
    this.#paceReading();
  }

  /** Reads nothing more while too many answers are owed, or not taken. */
  #paceReading(): void {
    const mustPause = this.#dispatcher.mustPause;
    if (mustPause === this.#isReadingPaused || this.#isOver) {
      if (!this.#output.isReady) this.#refuseBacklog();
      return;
    }
    if (mustPause) {
      this.#isReadingPaused = true;
      this.#reader.pause();
      this.transport.pauseProducing();
    } else if (!this.#isResumeDue) {
      this.#isResumeDue = true;
      // Later: the calls that are held must not be answered from inside whatever made room for them.
      queueMicrotask(() => this.#resumeReading());
    }
  }

  #resumeReading(): void {
    this.#isResumeDue = false;
    if (this.#isOver || this.#dispatcher.mustPause) return;
    this.#isReadingPaused = false;
    this.transport.resumeProducing();
    this.#read(() => this.#reader.resume());
  }

  #refuseBacklog(): void {
    if (this.#isOver || this.transport.bufferedBytes <= this.#maxBacklogBytes) return;
    this.#end(new ProtocolViolation(`the peer reads nothing: ${this.transport.bufferedBytes} bytes wait`));
    this.transport.abortConnection();
  }
}
