import type { Clock } from '../time/clock.ts';
import type { Address } from './address.ts';
import type { Entropy } from './entropy.ts';
import type { Sockets } from './sockets.ts';
import type { Tls } from './tls.ts';

/** Something with a life of its own that a reactor winds up before it stops: a port, a connection, an attempt. */
export interface Resource {
  /**
   * The reactor stops: end well, within `lingerMs`, then by force. `done` may be called at once, and once only.
   *
   * Listening ports stop accepting; connections lose their connection as loseConnection does.
   */
  shutDown(lingerMs: number, done: () => void): void;
}

/** What a transport gets from the reactor it lives in. */
export interface TransportHost {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly entropy: Entropy;
  /** Undefined in a reactor that was made without. */
  readonly tls?: Tls | undefined;
  /** How long a closed connection goes on waiting for the peer's FIN once its own is on its way. */
  readonly lingerMs: number;
  /** From here to `release` the reactor winds `resource` up when it stops; in a later turn, if it stops already. */
  adopt(resource: Resource): void;
  release(resource: Resource): void;
  /** An exception in user code, or a failure nobody hears; `where` names the callback. Never throws. */
  reportError(error: unknown, where: string): void;
}

/** A bound port. Modelled on Twisted's IListeningPort. */
export interface ListeningPort {
  /** Fires with this port once it is bound, or fails with CannotListen. */
  readonly listening: PromiseLike<ListeningPort>;
  /** UsageError before `listening` has fired. */
  getHost(): Address;
  /** Stops accepting; accepted connections live on. Fires when it is done; calling again gives the same answer. */
  stopListening(): PromiseLike<void>;
}
