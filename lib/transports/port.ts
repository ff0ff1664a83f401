import { Deferred } from '../defer/deferred.ts';
import { CancelledError, CannotListen, toError, UsageError } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { ListeningPort, Resource, TransportHost } from '../interfaces/reactor.ts';

/** What a port holds while it is bound. */
export interface Bound {
  /** `done` comes later, never from inside. */
  close(done: () => void): void;
}

/**
 * Binds. `done` comes later, never from inside, with what was bound or with the reason why nothing was; the function
 * that is returned gives up before that.
 */
export type Bind<S extends Bound> = (done: (error: Error | undefined, bound?: S) => void) => () => void;

/** A port of any kind from the call that asked for it to its end: binding, stopping, and who waits for which. */
export abstract class Port<S extends Bound> implements ListeningPort, Resource {
  /** Fires with this port once it is bound. Fails with CannotListen, or with CancelledError when stopped before. */
  readonly listening: Deferred<this>;
  protected readonly host: TransportHost;
  readonly #name: string;
  #bound: S | undefined = undefined;
  /** Gives up binding, while it is under way. */
  #giveUp: (() => void) | undefined = undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #stopFailure: Error | undefined = undefined;
  #stopWaiters: (() => void)[] = [];

  /** `name` says in messages what is to be bound. */
  constructor(host: TransportHost, name: string) {
    this.host = host;
    this.#name = name;
    this.listening = new Deferred<this>(() => {
      if (this.#giveUp !== undefined) this.#stop();
    });
  }

  abstract getHost(): Address;

  /** The port is bound. What this throws closes it again and becomes the `cause` of CannotListen. */
  protected abstract started(bound: S): void;

  /** The port is closed; called once if `started` was. What this throws fails stopListening. */
  protected abstract stopped(): void;

  /** To be called last in the constructor. */
  protected begin(bind: Bind<S>): void {
    this.host.adopt(this);
    this.#giveUp = bind((error, bound) => {
      this.#giveUp = undefined;
      if (bound === undefined) this.#failed(error);
      else this.#start(bound);
    });
  }

  /** What is bound. UsageError before `listening` has fired. */
  protected get bound(): S {
    if (this.#bound === undefined) throw new UsageError('the port is not bound yet: wait for `listening`');
    return this.#bound;
  }

  protected get isOpen(): boolean {
    return this.#state === 'open' && this.#bound !== undefined;
  }

  stopListening(): Deferred<void> {
    const stopped = new Deferred<void>();
    this.#whenStopped(() => {
      if (this.#stopFailure === undefined) stopped.callback(undefined);
      else stopped.errback(this.#stopFailure);
    });
    return stopped;
  }

  shutDown(_lingerMs: number, done: () => void): void {
    this.#whenStopped(() => {
      if (this.#stopFailure !== undefined) this.host.reportError(this.#stopFailure, 'stopListening');
      done();
    });
  }

  #whenStopped(call: () => void): void {
    this.#stopWaiters.push(call);
    if (this.#state === 'open') this.#stop();
    else if (this.#state === 'closed') this.host.clock.callSoon(() => this.#answerStopWaiters());
  }

  #stop(): void {
    this.#state = 'closing';
    if (this.#bound !== undefined) {
      this.#bound.close(() => this.#closed(true));
      return;
    }
    this.#giveUp?.();
    this.#giveUp = undefined;
    // It was asked for: no failure to be reported when nobody listens.
    this.listening.then(undefined, () => {});
    this.host.clock.callSoon(() => {
      this.#closed(false);
      if (!this.listening.called) this.listening.errback(new CancelledError('the port was stopped'));
    });
  }

  #start(bound: S): void {
    this.#bound = bound;
    try {
      this.started(bound);
    } catch (error) {
      this.#state = 'closing';
      bound.close(() => this.#failed(error));
      return;
    }
    // `started` runs user code, which may have stopped this port.
    this.listening.callback(this);
  }

  #failed(cause: unknown): void {
    this.#closed(false);
    this.listening.errback(new CannotListen(`cannot listen on ${this.#name}`, { cause }));
  }

  #closed(wasStarted: boolean): void {
    this.#state = 'closed';
    this.host.release(this);
    try {
      if (wasStarted) this.stopped();
    } catch (error) {
      this.#stopFailure = toError(error);
    }
    this.#answerStopWaiters();
  }

  #answerStopWaiters(): void {
    const waiters = this.#stopWaiters;
    this.#stopWaiters = [];
    for (const answer of waiters) answer();
  }
}
