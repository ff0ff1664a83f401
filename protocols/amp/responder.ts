import type { Deferred, Eventual } from '../../lib/defer/deferred.ts';
import type { StreamProtocol } from '../../lib/interfaces/protocol.ts';
import type { StartTlsOptions } from '../../lib/interfaces/tls.ts';
import type { Schema } from './argument.ts';
import type { Box, ReceivedBox } from './box.ts';
import type { ArgumentsOf, Command, ResponseOf } from './command.ts';

/** How long, and whether still, a call waits for its answer. */
export interface CallOptions {
  /** After so long it fails with TimeoutError, and its answer is ignored. The Amp needs a clock for it. */
  readonly timeoutMs?: number;
  /** When it aborts, the call fails with CancelledError, and its answer is ignored. */
  readonly signal?: AbortSignal;
}

/** What a call of raw boxes may say. */
export interface BoxCallOptions extends CallOptions {
  /** False for a call that nobody answers. */
  readonly requiresAnswer?: boolean;
}

/** A command that is called for its values. */
export type CallableCommand = Command<Schema, Schema, Error, boolean, 'values'>;

/** What comes of a call: the values of the answer, or nothing where there is none. */
// biome-ignore lint/suspicious/noConfusingVoidType: nothing to be used comes of it
export type AnswerOf<C> = C extends { readonly requiresAnswer: false } ? void : ResponseOf<C>;

/** The arguments may be left out where the command needs none. */
export type CallParameters<C> =
  Record<never, never> extends ArgumentsOf<C>
    ? [args?: ArgumentsOf<C>, options?: CallOptions]
    : [args: ArgumentsOf<C>, options?: CallOptions];

/** The other side of a connection, or of a route. */
export interface RemotePeer {
  /** Who answers the peer's calls, after the responders that were given to `respond`. */
  locator: CommandLocator | undefined;
  callRemote<C extends CallableCommand>(command: C, ...rest: CallParameters<C>): Deferred<AnswerOf<C>>;
  callRemoteBox(name: string, box?: ReceivedBox, options?: BoxCallOptions): Deferred<ReceivedBox>;
}

/** What a responder is told beside the arguments. */
export interface Call {
  /** The name of the command, as it came. */
  readonly name: string;
  /** Whether the caller waits for an answer. */
  readonly isAnswerExpected: boolean;
  /** The side that calls, to be called in turn; also to say who answers it from here on. */
  readonly peer: RemotePeer;
}

/** What a responder of the command returns, now or later. */
export type ReturnOf<C> = C extends { readonly kind: 'protocol' }
  ? StreamProtocol
  : C extends { readonly kind: 'tls' }
    ? StartTlsOptions
    : C extends { readonly requiresAnswer: false }
      ? // biome-ignore lint/suspicious/noConfusingVoidType: such a responder need not return anything
        ResponseOf<C> | void
      : ResponseOf<C>;

/** Answers the calls of a command. What it throws, or fails with, goes to the caller as the command declares. */
export type RespondFunction<C> = (values: ArgumentsOf<C>, call: Call) => Eventual<ReturnOf<C>>;

/** Answers the calls of one name, box for box. Keys that are AMP's own are not in them. */
export type RespondBoxFunction = (box: Box, call: Call) => Eventual<ReceivedBox>;

/** Who answers a call: made by `respondTo` and `respondToBox`. */
export type Responder =
  | { readonly command: Command; readonly respond: (values: never, call: Call) => unknown }
  | { readonly command: undefined; readonly respond: RespondBoxFunction };

/** Knows who answers a call. */
export interface CommandLocator {
  /** The responder for the commands of that name; undefined where there is none. */
  locateResponder(name: string): Responder | undefined;
}

/** A responder for `command`. */
export function respondTo<C extends Command>(command: C, respond: RespondFunction<C>): Responder {
  return { command, respond };
}

/** A responder that gets boxes as they came, and returns boxes. */
export function respondToBox(respond: RespondBoxFunction): Responder {
  return { command: undefined, respond };
}
