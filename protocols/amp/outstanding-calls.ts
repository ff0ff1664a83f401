import { Deferred } from '../../lib/defer/deferred.ts';
import { toError } from '../../lib/errors.ts';
import type { BoxView } from './box-view.ts';
import type { Command } from './command.ts';
import { payloadOf } from './command-wire.ts';
import { ProtocolViolation } from './errors.ts';
import { descriptionText, remoteFailure } from './failures.ts';
import { byteText, wireKey } from './wire-key.ts';

/** So many calls that were given up are remembered, to ignore their answers. */
const MAX_GIVEN_UP = 10_000;
const ERROR_CODE = wireKey('_error_code');
const ERROR_DESCRIPTION = wireKey('_error_description');

/**
 * Told of an answer before anybody else, also when the call was given up. What it returns is why the call fails
 * nevertheless.
 */
export type AnswerHook = (isError: boolean, isGivenUp: boolean) => Error | undefined;

/** A call that waits for its answer. */
export class OutstandingCall extends Deferred<unknown> {
  /** Undefined for a call of raw boxes. */
  readonly command: Command | undefined;
  readonly tag: number;
  readonly answered: AnswerHook | undefined;

  constructor(
    cancelled: (call: OutstandingCall) => void,
    call: Pick<OutstandingCall, 'command' | 'tag' | 'answered'>,
  ) {
    super((deferred) => cancelled(deferred as OutstandingCall));
    this.command = call.command;
    this.tag = call.tag;
    this.answered = call.answered;
  }
}

/** The calls that wait for answers, by their tags. */
export class OutstandingCalls {
  readonly #calls = new Map<number, OutstandingCall>();
  readonly #givenUp = new Map<number, AnswerHook | undefined>();
  readonly #cancelled = (call: OutstandingCall): void => this.#giveUp(call);

  get size(): number {
    return this.#calls.size;
  }

  /** Whether an answer may come: also to a call that was given up. */
  get isAwaiting(): boolean {
    return this.#calls.size > 0 || this.#givenUp.size > 0;
  }

  add(tag: number, command: Command | undefined, answered?: AnswerHook): OutstandingCall {
    const call = new OutstandingCall(this.#cancelled, { command, tag, answered });
    this.#calls.set(tag, call);
    return call;
  }

  /** The answer to the call whose tag is field `tagIndex` came. */
  answerReceived(view: BoxView, tagIndex: number): void {
    const call = this.#take(view, tagIndex, false);
    if (call === undefined) return;
    const problem = call.answered?.(false, false);
    if (problem !== undefined) {
      call.errback(problem);
      return;
    }
    let answer: unknown;
    try {
      answer = call.command === undefined ? payloadOf(view) : call.command.wire.readAnswer(view);
    } catch (error) {
      call.errback(toError(error));
      return;
    }
    call.callback(answer);
  }

  /** The error that the call whose tag is field `tagIndex` ends with came. */
  errorReceived(view: BoxView, tagIndex: number): void {
    const call = this.#take(view, tagIndex, true);
    if (call === undefined) return;
    const codeIndex = view.find(ERROR_CODE);
    const textIndex = view.find(ERROR_DESCRIPTION);
    const code = codeIndex < 0 ? '' : byteText(view.bytes, view.startOf(codeIndex), view.endOf(codeIndex));
    const text = textIndex < 0 ? '' : descriptionText(view.valueAt(textIndex));
    const failure = remoteFailure(call.command, code, text);
    call.errback(call.answered?.(true, false) ?? failure);
  }

  /** All of them fail, in the order in which they were made. What is called meanwhile is no concern of this. */
  failAll(reason: Error): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#givenUp.clear();
    for (const call of calls) if (!call.called) call.errback(reason);
  }

  /** The call with that tag fails, although it was not answered. */
  fail(tag: number, reason: Error): void {
    this.#givenUp.delete(tag);
    const call = this.#calls.get(tag);
    if (call === undefined) return;
    this.#calls.delete(tag);
    call.errback(reason);
  }

  #giveUp(call: OutstandingCall): void {
    if (!this.#calls.delete(call.tag)) return;
    this.#givenUp.set(call.tag, call.answered);
    if (this.#givenUp.size <= MAX_GIVEN_UP) return;
    for (const oldest of this.#givenUp.keys()) {
      this.#givenUp.delete(oldest);
      return;
    }
  }

  /** The call with that tag, which is done; undefined for one that was given up. */
  #take(view: BoxView, tagIndex: number, isError: boolean): OutstandingCall | undefined {
    const tag = parseTag(view.bytes, view.startOf(tagIndex), view.endOf(tagIndex));
    const call = this.#calls.get(tag);
    if (call !== undefined) {
      this.#calls.delete(tag);
      return call;
    }
    if (this.#givenUp.has(tag)) {
      const answered = this.#givenUp.get(tag);
      this.#givenUp.delete(tag);
      answered?.(isError, true);
      return undefined;
    }
    throw new ProtocolViolation('an answer came to a call that was not made');
  }
}

/** The number that is written there as tags of ours are: in hexadecimal without padding. -1 for any other bytes. */
export function parseTag(bytes: Uint8Array, start: number, end: number): number {
  // Thirteen digits are more calls than a number counts without a gap.
  if (start === end || end - start > 13 || bytes[start] === 0x30) return -1;
  let tag = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at] as number;
    if (digit >= 0x30 && digit <= 0x39) tag = tag * 16 + digit - 0x30;
    else if (digit >= 0x61 && digit <= 0x66) tag = tag * 16 + digit - 0x57;
    else return -1;
  }
  return tag;
}
