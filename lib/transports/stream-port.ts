import type { Address } from '../interfaces/address.ts';
import type { StreamFactory, StreamProtocol } from '../interfaces/protocol.ts';
import type { TransportHost } from '../interfaces/reactor.ts';
import { type Bind, type Bound, Port } from './port.ts';
import type { StreamChannel } from './provider.ts';
import { closeQuietly, StreamTransport } from './stream-transport.ts';

/** What a kind of stream transport holds for a bound port. */
export interface Listener<A extends Address = Address> extends Bound {
  getHost(): A;
}

/** What a listener reports, from the event loop. */
export interface ListenerEvents {
  accepted(channel: StreamChannel): void;
  /** Accepting failed this once; the port goes on. */
  failed(error: Error): void;
}

/** A way to bind a listener that reports to `events`. */
export type Listen<A extends Address = Address> = (events: ListenerEvents) => Bind<Listener<A>>;

/**
 * A port that accepts stream connections: the half that all kinds of transport share.
 *
 * The factory is in use (doStart, doStop) from the moment the port is bound until it is closed.
 */
export class StreamPort<A extends Address = Address> extends Port<Listener> {
  readonly #factory: StreamFactory;

  /** `name` says in messages what is to be bound. */
  constructor(host: TransportHost, factory: StreamFactory, name: string, listen: Listen<A>) {
    super(host, name);
    this.#factory = factory;
    this.begin(
      listen({
        accepted: (channel) => this.#accepted(channel),
        failed: (error) => host.reportError(error, 'accept'),
      }),
    );
  }

  getHost(): A {
    // Port<Listener<A>> would keep a port of one kind from standing where any is wanted.
    return this.bound.getHost() as A;
  }

  protected started(): void {
    this.#factory.doStart();
  }

  protected stopped(): void {
    this.#factory.doStop();
  }

  #accepted(channel: StreamChannel): void {
    if (!this.isOpen) {
      channel.abort();
      return;
    }
    let protocol: StreamProtocol | undefined;
    try {
      protocol = this.#factory.buildProtocol(channel.getPeer());
    } catch (error) {
      this.host.reportError(error, 'buildProtocol');
      channel.abort();
      return;
    }
    if (protocol === undefined) closeQuietly(channel, this.host);
    else new StreamTransport(channel, protocol, this.host).start();
  }
}
