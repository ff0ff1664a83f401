import { Deferred, isThenable } from '../../lib/defer/deferred.ts';
import { CancelledError, toError } from '../../lib/errors.ts';
import type { Box, ReceivedBox } from './box.ts';
import type { BoxView } from './box-view.ts';
import type { Tag } from './box-writer.ts';
import type { Command } from './command.ts';
import { payloadOf, refuseReserved, tagBytes, type Values } from './command-wire.ts';
import { BadLocalReturn, ProtocolViolation, TooLong } from './errors.ts';
import { ANSWER_TOO_LONG, failureOf, unhandled } from './failures.ts';
import type { ErrorReport, Outbox } from './outbox.ts';
import { parseTag } from './outstanding-calls.ts';
import type { Call, RemotePeer, Responder } from './responder.ts';
import { byteText, wireKey } from './wire-key.ts';

const ASK = wireKey('_ask');
const BUSY: ErrorReport = { code: 'BUSY', description: 'Too many calls wait for their answers' };
const NO_TAKEOVER: ErrorReport = {
  code: 'NOT_A_CONNECTION',
  description: 'This is a route, not a connection',
};

const UNDER_WAY: ErrorReport = { code: 'CROSSED', description: 'The connection is about to change already' };

/** So many times as many bytes as stop the reading may be owed, where reading must go on. */
const OWED_BYTES_FACTOR = 4;

/** What answering needs of the connection, and of who speaks for it. */
export interface AnsweringHost {
  readonly peer: RemotePeer;
  /** Undefined while boxes can be sent. */
  readonly closedReason: Error | undefined;
  /** There is one, as a call came. */
  readonly outbox: Outbox;
  readonly keepsOnUndeclaredError: boolean;
  /** Beyond so many the peer's calls are refused: it could not be stopped in time. */
  readonly maxOwedCount: number;
  /** Nothing more is to be read while the calls that wait are of so many bytes; four times as many are too many in any case. */
  readonly maxOwedBytes: number;
  locate(name: string): Responder | undefined;
  /** A failure that no caller is told of. `isPeersFault` where the peer's arguments are none. */
  report(error: Error, isPeersFault: boolean): void;
  /** A call that was not answered at once is answered, or one more waits. */
  answersOwedChanged(): void;
  /** What takes over the connection; undefined where there is none to take over, as in a route. */
  readonly takeover: Takeover | undefined;
}

/** What a responder's answer may make of the connection. */
export interface Takeover {
  /** Why the call is refused, before its responder is asked. */
  refusal(command: Command): ErrorReport | undefined;
  /** Sends the refusal, whatever else is kept back. */
  refuse(tag: Tag, refusal: ErrorReport): void;
  /** BadLocalReturn unless what the responder returned can take over. */
  check(command: Command, returned: unknown): void;
  /** The answer is sent: what the responder returned takes over. */
  begin(command: Command, returned: unknown): void;
}

/** Runs the responders of the calls that come, and sends their answers. */
export class Answering {
  readonly #host: AnsweringHost;
  #owedCount = 0;
  #owedBytes = 0;
  /** A responder is at work that may make something else of the connection: there is one to be taken over, once. */
  #isTakingOver = false;

  constructor(host: AnsweringHost) {
    this.#host = host;
  }

  /** How many calls wait for their responders, those included that nobody waits for. */
  get owedCount(): number {
    return this.#owedCount;
  }

  /** Whether the calls that wait are too many bytes for more to be read: responders may hold all that they were given. */
  get owesManyBytes(): boolean {
    return this.#owedBytes >= this.#host.maxOwedBytes;
  }

  /** A call came; its name is field `nameIndex`. */
  callReceived(view: BoxView, nameIndex: number): void {
    const name = byteText(view.bytes, view.startOf(nameIndex), view.endOf(nameIndex));
    const tag = tagIn(view);
    if (this.#owesFarTooMuch) {
      if (tag === undefined) throw new ProtocolViolation('too many calls came that nobody waits for');
      this.#host.outbox.error(tag, BUSY);
      return;
    }
    let responder: Responder | undefined;
    try {
      responder = this.#host.locate(name);
    } catch (thrown) {
      const nobody = { command: undefined, respond: () => new Map() };
      this.#failed(new ReceivedCall(name, tag, this.#host.peer, nobody), toError(thrown));
      return;
    }
    if (responder === undefined) {
      if (tag === undefined)
        throw new ProtocolViolation(`nobody answers '${name}', and the caller would not know`);
      this.#host.outbox.error(tag, unhandled(name));
      return;
    }
    if (responder.command !== undefined && this.#isRefused(responder.command, tag)) return;
    const call = new ReceivedCall(name, tag, this.#host.peer, responder);
    const callBytes = view.scannedBytes;
    let received: unknown;
    try {
      received = responder.command === undefined ? payloadOf(view) : responder.command.wire.readCall(view);
    } catch (thrown) {
      this.#failed(call, toError(thrown), true);
      return;
    }
    let returned: unknown;
    try {
      returned = responder.respond(received as never, call);
    } catch (thrown) {
      this.#failed(call, toError(thrown));
      return;
    }
    if (isThenable(returned)) this.#waitFor(returned, call, callBytes);
    else this.#returned(call, returned);
  }

  /** Whether the connection cannot become what the command asks for; the caller is told. */
  #isRefused(command: Command, tag: Tag | undefined): boolean {
    if (command.kind === 'values') return false;
    const { takeover, outbox } = this.#host;
    const refusal =
      takeover === undefined ? NO_TAKEOVER : this.#isTakingOver ? UNDER_WAY : takeover.refusal(command);
    if (refusal === undefined) return false;
    if (tag === undefined)
      throw new ProtocolViolation(`'${command.name}' was refused, and the caller would not know`);
    if (takeover === undefined) outbox.error(tag, refusal);
    else takeover.refuse(tag, refusal);
    return true;
  }

  get #owesFarTooMuch(): boolean {
    const { maxOwedCount, maxOwedBytes } = this.#host;
    return this.#owedCount >= maxOwedCount || this.#owedBytes >= OWED_BYTES_FACTOR * maxOwedBytes;
  }

  #waitFor(returned: PromiseLike<unknown>, call: ReceivedCall, callBytes: number): void {
    this.#owedCount += 1;
    this.#owedBytes += callBytes;
    const isTakingOver = call.responder.command !== undefined && call.responder.command.kind !== 'values';
    if (isTakingOver) this.#isTakingOver = true;
    const settled = (answer: () => void) => {
      if (isTakingOver) this.#isTakingOver = false;
      this.#settled(callBytes, answer);
    };
    this.#host.answersOwedChanged();
    const onValue = (value: unknown) => settled(() => this.#returned(call, value));
    const onError = (thrown: unknown) => settled(() => this.#failed(call, toError(thrown)));
    // A Deferred answers in the turn in which it fires, a promise cannot.
    if (returned instanceof Deferred) returned.addCallbacks(onValue, onError);
    else void returned.then(onValue, onError);
  }

  #settled(callBytes: number, answer: () => unknown): void {
    this.#owedCount -= 1;
    this.#owedBytes -= callBytes;
    try {
      answer();
    } finally {
      this.#host.answersOwedChanged();
    }
  }

  #returned(call: ReceivedCall, returned: unknown): void {
    if (this.#host.closedReason !== undefined) return;
    const { command } = call.responder;
    try {
      if (command !== undefined && command.kind !== 'values') this.#host.takeover?.check(command, returned);
      const sending = this.#answer(call, returned);
      if (sending !== undefined) this.#waitUntilSent(sending, call);
    } catch (thrown) {
      this.#badReturn(call, toError(thrown));
      return;
    }
    if (command === undefined || command.kind === 'values') return;
    try {
      this.#host.takeover?.begin(command, returned);
    } catch (thrown) {
      this.#host.report(toError(thrown), false);
    }
  }

  /** Sends the answer. */
  #answer({ responder: { command }, tag }: ReceivedCall, returned: unknown): Deferred<void> | undefined {
    const { outbox } = this.#host;
    if (command === undefined) {
      const box = requireBox(returned);
      return tag === undefined ? undefined : outbox.box(box.set('_answer', tagBytes(tag)));
    }
    const values = command.kind === 'values' ? requireValues(command, returned) : {};
    return tag === undefined ? undefined : outbox.answer(command.wire, tag, values);
  }

  /** An answer in pieces is owed until the last one is sent. */
  #waitUntilSent(sending: Deferred<void>, call: ReceivedCall): void {
    this.#owedCount += 1;
    this.#host.answersOwedChanged();
    sending.addCallbacks(
      () => this.#settled(0, () => {}),
      (error) =>
        this.#settled(0, () => this.#host.closedReason === undefined && this.#badReturn(call, error)),
    );
  }

  /** Whatever is wrong with what a responder returned. A caller whose answer is too long is told so. */
  #badReturn(call: ReceivedCall, error: Error): void {
    if (error instanceof TooLong && call.tag !== undefined) {
      this.#host.outbox.error(call.tag, ANSWER_TOO_LONG);
      this.#host.report(error, false);
      return;
    }
    const reason = `what the responder of '${call.name}' returned is no answer: ${error.message}`;
    this.#failed(
      call,
      error instanceof BadLocalReturn ? error : new BadLocalReturn(reason, { cause: error }),
    );
  }

  #failed(call: ReceivedCall, error: Error, isPeersFault = false): void {
    const { closedReason, outbox, keepsOnUndeclaredError } = this.#host;
    const command = isPeersFault || error instanceof BadLocalReturn ? undefined : call.responder.command;
    const failure = failureOf(error, command);
    if (closedReason !== undefined) {
      // What the loss itself brought about in the responder is no news; that its work was given up then is right.
      const isNews = error !== closedReason && !(error instanceof CancelledError);
      if (!failure.isDeclared && isNews) this.#host.report(error, isPeersFault);
      return;
    }
    if (call.tag !== undefined) outbox.error(call.tag, failure);
    // Nobody is told of a failure in a call without an answer, so it is as good as undeclared.
    const isHeard = failure.isDeclared && call.tag !== undefined;
    if (!isHeard) this.#host.report(error, isPeersFault);
    if (failure.isFatal || !(isHeard || keepsOnUndeclaredError)) outbox.loseConnection();
  }
}

/** A call that came, and to whom it went. */
class ReceivedCall implements Call {
  readonly name: string;
  /** Undefined for a call that nobody waits for. */
  readonly tag: Tag | undefined;
  readonly peer: RemotePeer;
  readonly responder: Responder;

  constructor(name: string, tag: Tag | undefined, peer: RemotePeer, responder: Responder) {
    this.name = name;
    this.tag = tag;
    this.peer = peer;
    this.responder = responder;
  }

  get isAnswerExpected(): boolean {
    return this.tag !== undefined;
  }
}

/** The peer's tag: a number where it is written as ours are, else its bytes, copied. */
function tagIn(view: BoxView): Tag | undefined {
  const index = view.find(ASK);
  if (index < 0) return undefined;
  const tag = parseTag(view.bytes, view.startOf(index), view.endOf(index));
  return tag < 0 ? view.copyAt(index) : tag;
}

function requireBox(returned: unknown): Box {
  if (!(returned instanceof Map)) throw new BadLocalReturn('a responder of raw boxes returns a Map');
  refuseReserved(returned as ReceivedBox);
  return new Map(returned as ReceivedBox);
}

function requireValues(command: Command, returned: unknown): Values {
  if (returned === undefined && !command.requiresAnswer) return {};
  if (typeof returned === 'object' && returned !== null) return returned as Values;
  throw new BadLocalReturn(`the responder of '${command.name}' returned no values`);
}
