import { Deferred } from '../../lib/defer/deferred.ts';
import { watchFailure } from '../../lib/defer/unhandled.ts';
import { CancelledError, toError, UsageError } from '../../lib/errors.ts';
import type { Clock } from '../../lib/time/clock.ts';
import { Answering, type AnsweringHost, type Takeover } from './answering.ts';
import type { ReceivedBox } from './box.ts';
import type { BoxSender, ViewReceiver } from './box-sender.ts';
import { BoxView } from './box-view.ts';
import { type Command, requireCommand } from './command.ts';
import { refuseReserved, tagBytes, type Values } from './command-wire.ts';
import { refuseName } from './declared-errors.ts';
import { NoEmptyBoxes, TooManyCalls } from './errors.ts';
import { LocatorTable, locatorOf } from './locators.ts';
import { Outbox } from './outbox.ts';
import { type AnswerHook, OutstandingCalls } from './outstanding-calls.ts';
import type {
  AnswerOf,
  BoxCallOptions,
  CallableCommand,
  CallOptions,
  CallParameters,
  CommandLocator,
  RemotePeer,
  RespondBoxFunction,
  Responder,
  RespondFunction,
} from './responder.ts';
import { byteString, wireKey } from './wire-key.ts';

const ANSWER = wireKey('_answer');
const ERROR = wireKey('_error');
const COMMAND = wireKey('_command');

const MAX_OUTSTANDING_CALLS = 65_536;
const MAX_ANSWERS_OWED = 1_000;
const MAX_OWED_BYTES = 67_108_864;
/** While answers are awaited reading goes on, and so many times as many calls are taken before they are refused. */
const OWED_FACTOR = 64;

/** How calls are made and answered. */
export interface DispatcherOptions {
  /** Who answers what neither `respond` nor a marked method does. */
  readonly locator?: CommandLocator;
  /** For calls with a time limit. */
  readonly clock?: Clock;
  /** What becomes of the connection when a responder fails with an error that its command does not declare. */
  readonly onUndeclaredError?: 'close' | 'keep';
  /** Calls beyond so many without an answer fail with TooManyCalls. 65 536 when left out. */
  readonly maxOutstandingCalls?: number;
  /**
   * While so many of the peer's calls wait for their responders, nothing more is read, unless answers are awaited; and
   * 64 times as many are too many in any case. 1000 when left out.
   */
  readonly maxAnswersOwed?: number;
  /** The same for how many bytes those calls came with; four times as many are too many in any case. 64 MiB when left out. */
  readonly maxOwedBytes?: number;
  /**
   * Is told, once, of each failure that no caller hears of: errors that are not declared, also where the peer's
   * arguments were none. Left out, it goes where unheard failures of Deferreds go, but for what is the peer's fault.
   */
  readonly reportError?: (error: Error) => void;
}

/** What a connection wants to know of those who use it. */
export interface DispatcherHost {
  readonly takeover?: Takeover;
  /** The methods of this object answer calls, where they are marked. */
  readonly methods?: object;
}

/**
 * Makes calls and answers those of the peer, over a connection or a route. Modelled on Twisted's BoxDispatcher.
 *
 * An `Amp` has one of its own; make one yourself for a route.
 */
export class BoxDispatcher implements ViewReceiver, RemotePeer {
  /** Who answers what neither `respond` nor a marked method does. May be changed at any time. */
  locator: CommandLocator | undefined;
  readonly #clock: Clock | undefined;
  readonly #maxOutstandingCalls: number;
  readonly #maxAnswersOwed: number;
  readonly #maxOwedBytes: number;
  readonly #reportError: ((error: Error) => void) | undefined;
  readonly #host: DispatcherHost;
  readonly #own = new LocatorTable();
  readonly #methods: CommandLocator | undefined;
  readonly #calls = new OutstandingCalls();
  readonly #answering: Answering;
  #outbox: Outbox | undefined = undefined;
  #closedReason: Error | undefined = undefined;
  #lockReason: Error | undefined = undefined;
  #lastTag = 0;
  /** Answers were sent since the connection last took all that there was. */
  #hasAnswered = false;

  constructor(options: DispatcherOptions = {}, host: DispatcherHost = {}) {
    this.locator = options.locator;
    this.#clock = options.clock;
    this.#maxOutstandingCalls = limitOf(options.maxOutstandingCalls, MAX_OUTSTANDING_CALLS);
    this.#maxAnswersOwed = limitOf(options.maxAnswersOwed, MAX_ANSWERS_OWED);
    this.#maxOwedBytes = limitOf(options.maxOwedBytes, MAX_OWED_BYTES);
    this.#reportError = options.reportError;
    this.#host = host;
    this.#methods = host.methods === undefined ? undefined : locatorOf(host.methods);
    this.#answering = new Answering(this.#answeringHost(options.onUndeclaredError === 'keep'));
  }

  /** Calls `command`. Whatever goes wrong, also here, arrives through the Deferred. */
  callRemote<C extends CallableCommand>(command: C, ...rest: CallParameters<C>): Deferred<AnswerOf<C>>;
  callRemote(command: Command, args: object = {}, options?: CallOptions): Deferred<unknown> {
    try {
      requireCommand(command);
      if (command.kind !== 'values') {
        throw new UsageError(`'${command.name}' is called by switchProtocol or startTLS, not by callRemote`);
      }
      return this.call(command, args as Values, options);
    } catch (error) {
      return Deferred.fail(toError(error));
    }
  }

  /** Calls the commands of that name with a box as it is. The answer comes as it is, too, without AMP's own keys. */
  callRemoteBox(name: string, box: ReceivedBox = new Map(), options?: BoxCallOptions): Deferred<ReceivedBox> {
    try {
      return this.#callBox(name, box, options);
    } catch (error) {
      return Deferred.fail(toError(error));
    }
  }

  /** Has `respond` answer the peer's calls of `command`; the last one that was given does. */
  respond<C extends Command>(command: C, respond: RespondFunction<C>): this {
    this.#own.respond(command, respond);
    return this;
  }

  /** Has `respond` answer the peer's calls of that name, box for box. */
  respondBox(name: string, respond: RespondBoxFunction): this {
    this.#own.respondBox(name, respond);
    return this;
  }

  startReceivingBoxes(sender: BoxSender): void {
    this.#outbox = new Outbox(sender);
  }

  boxReceived(box: ReceivedBox): void {
    this.viewReceived(BoxView.of(box));
  }

  viewReceived(view: BoxView): void {
    let index = view.find(ANSWER);
    if (index >= 0) {
      this.#calls.answerReceived(view, index);
      return;
    }
    index = view.find(ERROR);
    if (index >= 0) {
      this.#calls.errorReceived(view, index);
      return;
    }
    index = view.find(COMMAND);
    if (index < 0) throw new NoEmptyBoxes('a box came that is no call, no answer and no error');
    this.#hasAnswered = true;
    this.#answering.callReceived(view, index);
  }

  /** Nothing can be sent any more: the calls that wait for answers fail with `reason`, in the order of their tags. */
  stopReceivingBoxes(reason: Error): void {
    if (this.#closedReason !== undefined) return;
    this.#closedReason = reason;
    this.#calls.failAll(reason);
  }

  get isAwaitingAnswers(): boolean {
    return this.#calls.isAwaiting;
  }

  get owesTooMuch(): boolean {
    return (
      this.#answering.owedCount >= this.#maxAnswersOwed ||
      this.#answering.owesManyBytes ||
      (this.#hasAnswered && this.#outbox?.isWritable === false)
    );
  }

  drained(): void {
    this.#hasAnswered = false;
  }

  /**
   * Sends a call. Throws where `callRemote` fails.
   *
   * @internal
   */
  call(
    command: Command,
    values: Values,
    options: CallOptions | undefined,
    answered?: AnswerHook,
  ): Deferred<unknown> {
    const { wire, requiresAnswer } = command;
    const send = (tag: number | undefined) => this.#open.call(wire, tag, values);
    if (!requiresAnswer) return this.#sendUnanswered(send, options);
    return this.#sendAnswered(send, command, options, answered);
  }

  /**
   * Has new calls fail with `reason`, until it is undefined again.
   *
   * @internal
   */
  lock(reason: Error | undefined): void {
    this.#lockReason = reason;
  }

  /** @internal */
  failCall(tag: number, reason: Error): void {
    this.#calls.fail(tag, reason);
  }

  /** What answering sees of this. */
  #answeringHost(keepsOnUndeclaredError: boolean): AnsweringHost {
    const dispatcher = this;
    return {
      peer: this,
      keepsOnUndeclaredError,
      maxOwedCount: this.#maxAnswersOwed * OWED_FACTOR,
      maxOwedBytes: this.#maxOwedBytes,
      takeover: this.#host.takeover,
      get closedReason() {
        return dispatcher.#closedReason;
      },
      get outbox() {
        return dispatcher.#outbox as Outbox;
      },
      locate: (name) => this.#locate(name),
      report: (error, isPeersFault) => this.#report(error, isPeersFault),
      answersOwedChanged: () => this.#outbox?.loadChanged(),
    };
  }

  get #open(): Outbox {
    if (this.#closedReason !== undefined) throw this.#closedReason;
    if (this.#outbox === undefined) throw new UsageError('there is no connection yet');
    return this.#outbox;
  }

  #locate(name: string): Responder | undefined {
    return (
      this.#own.locateResponder(name) ??
      this.#methods?.locateResponder(name) ??
      this.locator?.locateResponder(name)
    );
  }

  #report(error: Error, isPeersFault: boolean): void {
    if (this.#reportError !== undefined) this.#reportError(error);
    else if (!isPeersFault) watchFailure(() => error);
  }

  #callBox(name: string, box: ReceivedBox, options: BoxCallOptions | undefined): Deferred<ReceivedBox> {
    refuseName(name, 'the name of a command');
    refuseReserved(box);
    const send = (tag: number | undefined) => {
      const call = new Map(box).set('_command', byteString(name));
      if (tag !== undefined) call.set('_ask', tagBytes(tag));
      return this.#open.box(call);
    };
    if (options?.requiresAnswer === false) {
      return this.#sendUnanswered(send, options).addCallback(() => new Map());
    }
    return this.#sendAnswered(send, undefined, options) as Deferred<ReceivedBox>;
  }

  #sendAnswered(
    send: (tag: number) => Deferred<void> | undefined,
    command: Command | undefined,
    options: CallOptions | undefined,
    answered?: AnswerHook,
  ): Deferred<unknown> {
    this.#refuse(options);
    if (this.#calls.size >= this.#maxOutstandingCalls) {
      throw new TooManyCalls(`${this.#calls.size} calls wait for answers; no more are allowed`);
    }
    const tag = this.#lastTag + 1;
    // Before it is sent: that may need a call of its own.
    this.#lastTag = tag;
    let sending: Deferred<void> | undefined;
    try {
      sending = send(tag);
    } catch (error) {
      if (this.#lastTag === tag) this.#lastTag -= 1;
      throw error;
    }
    const call = this.#calls.add(tag, command, answered);
    sending?.addErrback((error) => this.failCall(tag, error));
    if (this.#calls.size === 1) this.#open.loadChanged();
    return options === undefined ? call : this.#limited(call, options);
  }

  #sendUnanswered(
    send: (tag: undefined) => Deferred<void> | undefined,
    options: CallOptions | undefined,
  ): Deferred<void> {
    let sending: Deferred<void> | undefined;
    try {
      this.#refuse(options);
      sending = send(undefined);
    } catch (error) {
      if (error !== this.#closedReason) throw error;
      return unheard(Deferred.fail(toError(error)));
    }
    // Twisted counts these too.
    this.#lastTag += 1;
    const outbox = this.#open;
    if (sending !== undefined) return options === undefined ? sending : this.#limited(sending, options);
    if (outbox.isWritable) return Deferred.succeed(undefined);
    const sent = unheard(outbox.whenWritable());
    return options === undefined ? sent : this.#limited(sent, options);
  }

  /** What is wrong before anything is sent. */
  #refuse(options: CallOptions | undefined): void {
    if (this.#closedReason !== undefined) throw this.#closedReason;
    if (this.#lockReason !== undefined) throw this.#lockReason;
    if (options === undefined) return;
    const { timeoutMs, signal } = options;
    if (signal?.aborted === true) throw new CancelledError();
    if (timeoutMs === undefined) return;
    if (!(timeoutMs > 0)) throw new UsageError(`timeoutMs is ${timeoutMs}; it must be above 0`);
    if (this.#clock === undefined) throw new UsageError('a call with a time limit needs an Amp with a clock');
  }

  #limited<T>(deferred: Deferred<T>, { timeoutMs, signal }: CallOptions): Deferred<T> {
    if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY && this.#clock !== undefined) {
      deferred.addTimeout(timeoutMs, this.#clock);
    }
    if (signal !== undefined) deferred.withSignal(signal);
    return deferred;
  }
}

/** Nobody need listen to what becomes of a call without an answer when its connection ends. */
function unheard<T>(deferred: Deferred<T>): Deferred<T> {
  deferred.observe(
    () => {},
    () => {},
  );
  return deferred;
}

function limitOf(limit: number | undefined, standard: number): number {
  if (limit === undefined) return standard;
  if (limit > 0) return limit;
  throw new UsageError(`a limit is ${limit}; it must be above 0`);
}
