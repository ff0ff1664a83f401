import { Deferred } from '../defer/deferred.ts';
import { UsageError } from '../errors.ts';
import type { ClientEndpoint, EndpointReactor, ServerEndpoint } from './endpoint.ts';
import { ptcpEndpoints, tcpEndpoints } from './inet.ts';
import { type EndpointDescription, type EndpointParser, parseEndpoint } from './parse.ts';
import { ptcpTlsEndpoints, tlsEndpoints } from './tls.ts';

type LoadParser = () => EndpointParser | PromiseLike<EndpointParser>;

/** The words that an endpoint may begin with. Plugins add theirs; a word's parser is loaded when it is first used. */
export class EndpointRegistry {
  readonly #words = new Map<string, LoadParser>();

  /** One that knows `tcp:`, `ptcp:`, `tls:` and `ptcp+tls:`. */
  static withBuiltIns(): EndpointRegistry {
    const registry = new EndpointRegistry();
    registry.add('tcp', () => tcpEndpoints);
    registry.add('ptcp', () => ptcpEndpoints);
    registry.add('tls', () => tlsEndpoints);
    registry.add('ptcp+tls', () => ptcpTlsEndpoints);
    return registry;
  }

  /** UsageError when the word is known already. */
  add(word: string, load: LoadParser): void {
    if (this.#words.has(word)) throw new UsageError(`there are endpoints ${word}: already`);
    this.#words.set(word, load);
  }

  /** The place to connect to that `text` names. Fails with UsageError where it does not name one. */
  clientFromString(reactor: EndpointReactor, text: string): Deferred<ClientEndpoint> {
    return this.#parse(text, (parser, { args, options }) => parser.parseClient(args, options)(reactor));
  }

  /** The place to listen at that `text` names. Fails with UsageError where it does not name one. */
  serverFromString(reactor: EndpointReactor, text: string): Deferred<ServerEndpoint> {
    return this.#parse(text, (parser, { args, options }) => parser.parseServer(args, options)(reactor));
  }

  #parse<E>(
    text: string,
    make: (parser: EndpointParser, description: EndpointDescription) => E,
  ): Deferred<E> {
    return Deferred.succeed(text).addCallback((description) => {
      const parsed = parseEndpoint(description);
      const load = this.#words.get(parsed.word);
      if (load === undefined) {
        const known = [...this.#words.keys()].map((word) => `${word}:`).join(', ') || 'none';
        throw new UsageError(`an endpoint cannot begin with ${parsed.word}: – known are ${known}`);
      }
      return Deferred.from(load()).addCallback((parser) => make(parser, parsed));
    });
  }
}
