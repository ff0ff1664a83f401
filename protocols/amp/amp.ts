import { Deferred } from '../../lib/defer/deferred.ts';
import { toError } from '../../lib/errors.ts';
import type { StreamProtocol } from '../../lib/interfaces/protocol.ts';
import type { StartTlsOptions, TlsFacts } from '../../lib/interfaces/tls.ts';
import type { Transport } from '../../lib/interfaces/transport.ts';
import { Protocol } from '../../lib/protocol/protocol.ts';
import type { Schema, ValuesOf } from './argument.ts';
import type { ReceivedBox } from './box.ts';
import { BoxOutput } from './box-output.ts';
import { type BoxLimits, BoxReader } from './box-reader.ts';
import type { BoxRouter } from './box-router.ts';
import type { BoxReceiver, BoxSender, ViewReceiver } from './box-sender.ts';
import type { BoxView } from './box-view.ts';
import { Chunking, type ChunkingOptions } from './chunking.ts';
import type { Command, ProtocolSwitchCommand } from './command.ts';
import type { Values } from './command-wire.ts';
import { BoxDispatcher, type DispatcherOptions } from './dispatcher.ts';
import { NoEmptyBoxes, ProtocolSwitched, ProtocolViolation } from './errors.ts';
import { errorBox } from './outbox.ts';
import type {
  AnswerOf,
  BoxCallOptions,
  CallableCommand,
  CallOptions,
  CallParameters,
  CommandLocator,
  RemotePeer,
  RespondBoxFunction,
  RespondFunction,
} from './responder.ts';
import { StartTls } from './start-tls.ts';
import { refusalOf, requireTaker, type TakenConnection, takeOver } from './takeover.ts';
import { type ProtocolMaker, TakeoverRequests } from './takeover-requests.ts';

/** What an Amp is made with; all of it may be left out. */
export interface AmpOptions extends DispatcherOptions, BoxLimits {
  /** What is made of the boxes that come, instead of calls and answers: then callRemote fails. */
  readonly boxReceiver?: BoxReceiver;
  /** Boxes with a route go there; those without are this Amp's calls and answers. */
  readonly router?: BoxRouter;
  /**
   * So many bytes of answers may wait for a peer that does not read, while answers of its own are awaited; beyond, the
   * connection ends. 64 MiB when left out.
   */
  readonly maxBacklogBytes?: number;
  /** Sends and takes values beyond 65 535 bytes, where the peer does so, too. `maxBoxBytes` holds, where it is given. */
  readonly chunking?: ChunkingOptions;
  /** Has the peer's StartTLS answered: what the connection is then made secure with. */
  readonly tls?: StartTlsOptions;
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
  #limits: BoxLimits;
  readonly #maxBacklogBytes: number;
  readonly #requests: TakeoverRequests;
  readonly #chunking: Chunking | undefined;
  #reader: BoxReader;
  /** The protocol that the connection has become one of. */
  #successor: StreamProtocol | undefined = undefined;
  readonly #endings: (() => void)[] = [];
  #isReadingPaused = false;
  #isResumeDue = false;
  #isOver = false;

  constructor(options: AmpOptions = {}) {
    super();
    this.#maxBacklogBytes = options.maxBacklogBytes ?? MAX_BACKLOG_BYTES;
    const connection = this.#takenConnection();
    this.#dispatcher = new BoxDispatcher(options, {
      methods: this,
      takeover: {
        refusal: (command) => refusalOf(command, connection),
        refuse: (tag, refusal) => this.#output.sendPastHeld(errorBox(tag, refusal)),
        check: requireTaker,
        begin: (command, returned) => takeOver(command, returned, connection),
      },
    });
    this.#requests = new TakeoverRequests(connection, this.#dispatcher);
    const { tls } = options;
    if (tls !== undefined) this.#dispatcher.respond(StartTls, () => tls);
    options.router?.bind(this.#dispatcher, undefined).connectTo(undefined);
    this.#receiver = options.router ?? options.boxReceiver ?? this.#dispatcher;
    this.#output = new BoxOutput({
      readyChanged: () => this.#readyChanged(),
      loadChanged: () => this.#paceReading(),
    });
    if (options.chunking !== undefined) {
      const chunking = new Chunking(options.chunking, this.#dispatcher, this.#output);
      chunking.limit(options.maxBoxBytes);
      this.#chunking = chunking;
      this.#output.sendLargeBox = (box) => chunking.send(box);
    }
    this.#limits = options;
    this.#reader = this.#newReader();
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

  /**
   * Calls a command that makes another protocol of the connection; fires with that protocol, once it has its
   * connection.
   *
   * Until the answer comes nothing can be called. A refusal leaves all as it was; otherwise the calls that wait fail
   * with ProtocolSwitched.
   */
  switchProtocol<A extends Schema, X extends Error, P extends StreamProtocol>(
    command: ProtocolSwitchCommand<A, X>,
    args: ValuesOf<A>,
    maker: ProtocolMaker<P>,
    options?: CallOptions,
  ): Deferred<P> {
    return attempt(() => this.#requests.switchProtocol(command, args as Values, maker, options));
  }

  /**
   * Asks the peer for TLS, and makes the connection secure; fires when the handshake is over.
   *
   * What is sent meanwhile waits for it. If the peer refuses, that fails, and the connection goes on as it is.
   */
  startTLS(tls: StartTlsOptions, options?: CallOptions): Deferred<TlsFacts> {
    return attempt(() => this.#requests.startTLS(tls, options));
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

  /** Has the peer keep to other limits from here on: where more is taken of those who have said who they are. */
  protected limitBoxes(limits: BoxLimits): void {
    this.#limits = limits;
    this.#reader.limit(limits);
    this.#chunking?.limit(limits.maxBoxBytes);
  }

  override makeConnection(transport: Transport): void {
    if (!this.connected) {
      // What one turn sends is gathered here. Nagle would keep the end of a box back until the rest of it was
      // acknowledged, and the peer, who has no box yet, has nothing to answer: a delayed ACK, 40 ms, for each call.
      transport.setTcpNoDelay(true);
      this.#output.attach(transport);
      this.#receiver.startReceivingBoxes(this.#output);
    }
    super.makeConnection(transport);
  }

  override dataReceived(bytes: Uint8Array): void {
    if (this.#successor !== undefined) this.#successor.dataReceived(bytes);
    else this.#read(() => this.#reader.push(bytes));
  }

  override connectionLost(reason: Error): void {
    this.#end(reason);
    try {
      this.#successor?.connectionLost(reason);
    } finally {
      for (const ending of this.#endings) ending();
    }
  }

  /** What those see of this who make something else of the connection. */
  #takenConnection(): TakenConnection {
    const amp = this;
    return {
      get transport() {
        return amp.transport;
      },
      get output() {
        return amp.#output;
      },
      takeRest: () => this.#reader.takeRest(),
      readAgain: () => {
        this.#reader = this.#newReader();
        if (this.#isReadingPaused) this.#reader.pause();
      },
      dropWhatIsForTls: (reason) => this.#chunking?.dropWhatIsForTls(reason),
      onEnd: (call) => this.#endings.push(call),
      become: (successor, rest) => this.#become(successor, rest),
    };
  }

  #become(successor: StreamProtocol, rest: Uint8Array): void {
    this.#end(new ProtocolSwitched());
    if (this.#isReadingPaused) this.transport.resumeProducing();
    this.#successor = successor;
    // The transport asks whether there is such a method: what the peer's half close does depends on it.
    if (successor.readConnectionLost !== undefined) {
      this.readConnectionLost = () => successor.readConnectionLost?.();
    }
    this.writeConnectionLost = () => successor.writeConnectionLost?.();
    this.urgentReceived = (byteCount) => successor.urgentReceived?.(byteCount);
    successor.makeConnection(this.transport);
    if (rest.length > 0) successor.dataReceived(rest);
  }

  #newReader(): BoxReader {
    return new BoxReader((view) => this.#boxReceived(view), this.#limits);
  }

  #boxReceived(view: BoxView): void {
    // As with a transport: after loseConnection nothing is delivered.
    if (this.#output.isLosing) return;
    const whole = this.#chunking === undefined ? view : this.#chunking.received(view);
    if (whole === undefined) return;
    if (this.#receiver.viewReceived !== undefined) this.#receiver.viewReceived(whole);
    else this.#receiver.boxReceived(whole.toMap());
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
    if (this.#isPilingUp) this.#paceReading();
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
    this.#chunking?.close(reason);
    this.#output.close(reason);
    this.#receiver.stopReceivingBoxes(reason);
  }

  #readyChanged(): void {
    if (this.#output.isReady) this.#receiver.drained?.();
    this.#paceReading();
  }

  get #mustPause(): boolean {
    // Both sides might wait for each other if answers had to wait for calls to be read.
    return this.#receiver.isAwaitingAnswers === false && this.#receiver.owesTooMuch === true;
  }

  /** Reads nothing more while too many answers are owed, or not taken. */
  #paceReading(): void {
    const mustPause = this.#mustPause;
    if (mustPause === this.#isReadingPaused || this.#isOver) {
      if (this.#isPilingUp) this.#refuseBacklog();
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
    if (this.#isOver || this.#mustPause) return;
    this.#isReadingPaused = false;
    this.transport.resumeProducing();
    this.#read(() => this.#reader.resume());
  }

  /** What is sent waits: for the transport, or for the peer's answer that says how it is to go. */
  get #isPilingUp(): boolean {
    return !this.#output.isReady || this.#output.isHeld;
  }

  #refuseBacklog(): void {
    const waitingBytes = this.transport.bufferedBytes + this.#output.writer.length;
    if (this.#isOver || waitingBytes <= this.#maxBacklogBytes) return;
    const why = this.#output.isHeld ? 'does not answer' : 'reads nothing';
    this.#end(new ProtocolViolation(`the peer ${why}: ${waitingBytes} bytes wait`));
    this.transport.abortConnection();
  }
}

/** What `start` returns; what it throws, as a failure. */
function attempt<T>(start: () => Deferred<T>): Deferred<T> {
  try {
    return start();
  } catch (thrown) {
    return Deferred.fail(toError(thrown));
  }
}
