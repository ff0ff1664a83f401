import { ConnectingCancelled, NoProtocol, NotConnecting, TimeoutError, UsageError } from '../errors.ts';
import type { Address } from '../interfaces/address.ts';
import type { ConnectorLike, StreamClientFactory, StreamProtocol } from '../interfaces/protocol.ts';
import type { Resource, TransportHost } from '../interfaces/reactor.ts';
import { type DelayedCall, NEVER } from '../time/clock.ts';
import type { StreamChannel } from './provider.ts';
import { closeQuietly, StreamTransport } from './stream-transport.ts';

/** How long an attempt may take unless told otherwise. Twisted's default. */
export const CONNECT_TIMEOUT_MS = 30_000;

/** What an attempt reports: one of the two, once, never from inside the call that began it. */
export interface AttemptEvents {
  connected(channel: StreamChannel): void;
  failed(reason: Error): void;
}

/** Begins one attempt to connect. The function it returns gives it up: nothing is reported after that. */
export type Attempt = (events: AttemptEvents) => () => void;

export interface StreamConnectorOptions {
  readonly host: TransportHost;
  readonly destination: Address;
  readonly factory: StreamClientFactory;
  readonly attempt: Attempt;
  /** For each attempt; NEVER waits as long as the network does. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Connects, and connects again when its factory asks for it. Modelled on Twisted's Connector.
 *
 * The factory hears startedConnecting from inside `connect`, everything else from the event loop. It is counted as in
 * use (doStart, doStop) once, from the first `connect` until an attempt or connection ends without a new `connect`.
 * When buildProtocol returns undefined the connection is closed quietly, and clientConnectionFailed(NoProtocol).
 */
export class StreamConnector implements ConnectorLike, Resource {
  readonly #options: StreamConnectorOptions;
  readonly #host: TransportHost;
  readonly #factory: StreamClientFactory;

  #state: ConnectorLike['state'] = 'disconnected';
  /** While connecting; undefined once the attempt is being given up. */
  #giveUp: (() => void) | undefined = undefined;
  #timer: DelayedCall | undefined = undefined;
  #transport: StreamTransport | undefined = undefined;
  #inUse = false;
  #shutDownDone: (() => void) | undefined = undefined;

  constructor(options: StreamConnectorOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#factory = options.factory;
  }

  get state(): ConnectorLike['state'] {
    return this.#state;
  }

  getDestination(): Address {
    return this.#options.destination;
  }

  connect(): void {
    if (this.#state !== 'disconnected') throw new UsageError(`cannot connect while ${this.#state}`);
    // The reactor stops: a factory that reconnects whenever it fails must not keep it from that.
    if (this.#shutDownDone !== undefined) return;
    if (!this.#inUse) {
      this.#factory.doStart();
      this.#inUse = true;
    }
    this.#state = 'connecting';
    this.#host.adopt(this);
    try {
      this.#beginAttempt();
    } catch (error) {
      // Our caller asked for what cannot be: nothing has begun.
      this.#endAttempt();
      this.#state = 'disconnected';
      this.#host.release(this);
      this.#putDown();
      throw error;
    }
    try {
      this.#factory.startedConnecting(this);
    } catch (error) {
      this.#host.reportError(error, 'startedConnecting');
      this.#abandon(new ConnectingCancelled('startedConnecting threw', { cause: error }));
    }
  }

  #beginAttempt(): void {
    const timeoutMs = this.#options.timeoutMs ?? CONNECT_TIMEOUT_MS;
    if (timeoutMs !== NEVER) {
      const timedOut = (): void => this.#abandon(new TimeoutError(`not connected within ${timeoutMs} ms`));
      this.#timer = this.#host.clock.callLater(timeoutMs, timedOut);
    }
    this.#giveUp = this.#options.attempt({
      connected: (channel) => this.#connected(channel),
      failed: (reason) => this.#failed(reason),
    });
  }

  disconnect(): void {
    if (this.#state === 'connecting') this.stopConnecting();
    else this.#transport?.loseConnection();
  }

  stopConnecting(): void {
    if (this.#state !== 'connecting') throw new NotConnecting(`nothing to stop while ${this.#state}`);
    this.#abandon(new ConnectingCancelled());
  }

  shutDown(_lingerMs: number, done: () => void): void {
    this.#shutDownDone = done;
    this.#abandon(new ConnectingCancelled('the reactor stops'));
  }

  /** Gives the attempt up, and says so in a later turn. */
  #abandon(reason: Error): void {
    const giveUp = this.#giveUp;
    if (giveUp === undefined) return;
    this.#endAttempt();
    giveUp();
    this.#host.clock.callSoon(() => this.#failed(reason));
  }

  #endAttempt(): void {
    this.#giveUp = undefined;
    if (this.#timer?.active) this.#timer.cancel();
    this.#timer = undefined;
  }

  #connected(channel: StreamChannel): void {
    this.#endAttempt();
    let protocol: StreamProtocol | undefined;
    try {
      protocol = this.#factory.buildProtocol(channel.getPeer());
    } catch (error) {
      this.#host.reportError(error, 'buildProtocol');
      channel.abort();
      this.#failed(new NoProtocol('buildProtocol threw', { cause: error }));
      return;
    }
    if (protocol === undefined) {
      closeQuietly(channel, this.#host);
      this.#failed(new NoProtocol());
      return;
    }
    this.#state = 'connected';
    this.#transport = new StreamTransport(channel, protocol, this.#host, (reason) => this.#lost(reason));
    const isMade = this.#transport.start();
    this.#host.release(this);
    if (isMade)
      this.#report('clientConnectionMade', () => this.#factory.clientConnectionMade?.(this, protocol));
  }

  #failed(reason: Error): void {
    this.#endAttempt();
    this.#ended('clientConnectionFailed', reason);
  }

  #lost(reason: Error): void {
    this.#transport = undefined;
    this.#ended('clientConnectionLost', reason);
  }

  #ended(callback: 'clientConnectionFailed' | 'clientConnectionLost', reason: Error): void {
    this.#state = 'disconnected';
    this.#host.release(this);
    this.#report(callback, () => this.#factory[callback](this, reason));
    // The callback may have connected again; then the factory stays in use.
    if (this.#state === 'disconnected') this.#putDown();
    this.#answerShutDown();
  }

  /** The factory is not in use any more. */
  #putDown(): void {
    if (!this.#inUse) return;
    this.#inUse = false;
    this.#report('doStop', () => this.#factory.doStop());
  }

  #report(where: string, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#host.reportError(error, where);
    }
  }

  #answerShutDown(): void {
    const done = this.#shutDownDone;
    this.#shutDownDone = undefined;
    done?.();
  }
}
