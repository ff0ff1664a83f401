import { Deferred } from '../defer/deferred.ts';
import { CancelledError, ConnectingCancelled, toError } from '../errors.ts';
import type { StreamFactory, StreamProtocol } from '../interfaces/protocol.ts';
import type { ListeningPort } from '../interfaces/reactor.ts';
import type { ClientEndpoint, ServerEndpoint } from './endpoint.ts';

/** A client endpoint that is only known when it is used; each `connect` asks for it anew. */
export class LateClientEndpoint implements ClientEndpoint {
  readonly #find: () => PromiseLike<ClientEndpoint>;

  constructor(find: () => PromiseLike<ClientEndpoint>) {
    this.#find = find;
  }

  connect<P extends StreamProtocol>(factory: StreamFactory<P>): Deferred<P> {
    return awaited(this.#find, () => new ConnectingCancelled()).addCallback((found) =>
      found.connect(factory),
    );
  }
}

/** A server endpoint that is only known when it is used; each `listen` asks for it anew. */
export class LateServerEndpoint implements ServerEndpoint {
  readonly #find: () => PromiseLike<ServerEndpoint>;

  constructor(find: () => PromiseLike<ServerEndpoint>) {
    this.#find = find;
  }

  listen(factory: StreamFactory): Deferred<ListeningPort> {
    return awaited(this.#find, () => new CancelledError()).addCallback((found) => found.listen(factory));
  }
}

/** What `find` comes to. Once it is cancelled, that does not matter any more. */
function awaited<T>(find: () => PromiseLike<T>, cancelled: () => Error): Deferred<T> {
  const found = new Deferred<T>((deferred) => deferred.errback(cancelled()));
  find().then(
    (value) => found.called || found.callback(value),
    (reason: unknown) => found.called || found.errback(toError(reason)),
  );
  return found;
}
