import { Deferred } from '../defer/deferred.ts';
import { CancelledError, CannotListen, UsageError } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { StreamFactory, StreamProtocol } from '../interfaces/protocol.ts';
import type { ListeningPort, Resource, TransportHost } from '../interfaces/reactor.ts';
import type { StreamChannel } from './provider.ts';
import { closeQuietly, StreamTransport } from './stream-transport.ts';

/** What a kind of transport holds for a bound port. */
export interface Listener {
  getHost(): Address;
  /** Stops accepting. `done` comes later, never from inside. */
  close(done: () => void): void;
}

/** What a listener reports, from the event loop. */
export interface ListenerEvents {
  accepted(channel: StreamChannel): void;
  /** Accepting failed this once; the port goes on. */
  failed(error: Error): void;
}

/**
 * Binds. `done` comes later, never from inside, with the listener or with the reason why there is none; the function
 * that is returned gives up before that.
 */
export type Bind = (
  events: ListenerEvents,
  done: (error: Error | undefined, listener?: Listener) => void,
) => () => void;

/**
 * A port that accepts stream connections: the half that all kinds of transport share.
 *
 * The factory is in use (doStart, doStop) from the moment the port is bound until it is closed.
 */
export class StreamPort implements ListeningPort, Resource {
  /** Fires with this port once it is bound. Fails with CannotListen, or with CancelledError when stopped before. */
  readonly listening: Deferred<this>;
  readonly #host: TransportHost;
  readonly #factory: StreamFactory;
  #listener: Listener | undefined = undefined;
  /** Gives up binding, while it is under way. */
  #giveUp: (() => void) | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #stopFailure: Error | undefined = undefined;
  #stopWaiters: (() => void)[] = [];

  /** `name` says in messages what was to be bound. */
  constructor(host: TransportHost, factory: StreamFactory, name: string, bind: Bind) {
    this.#host = host;
    this.#factory = factory;
    this.listening = new Deferred<this>(() => {
      if (this.#giveUp !== undefined) this.#stop();
    });
    host.adopt(this);
    const events: ListenerEvents = {
      accepted: (channel) => this.#accepted(channel),
      failed: (error) => host.reportError(error, 'accept'),
    };
    this.#giveUp = bind(events, (error, listener) => {
      this.#giveUp = undefined;
      if (listener === undefined)
        this.#failed(new CannotListen(`cannot listen on ${name}`, { cause: error }));
      else this.#bound(listener, name);
    });
  }

  getHost(): Address {
    if (this.#listener === undefined) throw new UsageError('the port is not bound yet; wait for `listening`');
    return this.#listener.getHost();
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
      if (this.#stopFailure !== undefined) this.#host.reportError(this.#stopFailure, 'doStop');
      done();
    });
  }

  #whenStopped(call: () => void): void {
    this.#stopWaiters.push(call);
    if (this.#state === 'open') this.#stop();
    else if (this.#state === 'closed') this.#host.clock.callSoon(() => this.#answerStopWaiters());
  }

  #stop(): void {
    this.#state = 'closing';
    if (this.#listener !== undefined) {
      this.#listener.close(() => this.#closed(true));
      return;
    }
    this.#giveUp?.();
    this.#giveUp = undefined;
    // Asked for, so not a failure to be reported when nobody listens.
    this.listening.then(undefined, () => {});
    this.#host.clock.callSoon(() => {
      if (!this.listening.called) this.listening.errback(new CancelledError('the port was stopped'));
      this.#closed(false);
    });
  }

  #bound(listener: Listener, name: string): void {
    this.#listener = listener;
    try {
      this.#factory.doStart();
    } catch (error) {
      this.#state = 'closing';
      listener.close(() => this.#failed(new CannotListen(`cannot listen on ${name}`, { cause: error })));
      return;
    }
    this.listening.callback(this);
  }

  #failed(reason: CannotListen): void {
    this.#closed(false);
    this.listening.errback(reason);
  }

  #closed(isFactoryInUse: boolean): void {
    this.#state = 'closed';
    this.#host.release(this);
    try {
      if (isFactoryInUse) this.#factory.doStop();
    } catch (error) {
      this.#stopFailure = error instanceof Error ? error : new Error(String(error));
    }
    this.#answerStopWaiters();
  }

  #answerStopWaiters(): void {
    const waiters = this.#stopWaiters;
    this.#stopWaiters = [];
    for (const answer of waiters) answer();
  }

  #accepted(channel: StreamChannel): void {
    if (this.#state !== 'open') {
      channel.abort();
      return;
    }
    let protocol: StreamProtocol | undefined;
    try {
      protocol = this.#factory.buildProtocol(channel.getPeer());
    } catch (error) {
      this.#host.reportError(error, 'buildProtocol');
      channel.abort();
      return;
    }
    if (protocol === undefined) closeQuietly(channel, this.#host);
    else new StreamTransport(channel, protocol, this.#host).start();
  }
}
