import { UsageError } from '../errors.ts';
import { type EndpointReactor, TransportClientEndpoint, TransportServerEndpoint } from './endpoint.ts';
import { LateClientEndpoint, LateServerEndpoint } from './late.ts';
import {
  count,
  ipAddress,
  LAST_PORT,
  milliseconds,
  type OptionReaders,
  portNumber,
  readOptions,
} from './options.ts';
import { type EndpointParser, parseWholeNumber } from './parse.ts';

/** The options that a kind of transport has of its own, at either end. */
export interface InetOptions {
  readonly server: OptionReaders;
  readonly client: OptionReaders;
}

/** Makes what the transport takes of the options of an endpoint, each time it is used. May throw UsageError at once. */
export type SettleOptions = (
  options: Record<string, unknown>,
) => (reactor: EndpointReactor) => PromiseLike<object>;

export const TCP_OPTIONS: InetOptions = {
  server: { backlog: count },
  client: { timeoutMs: milliseconds, bindAddress: ipAddress },
};

export const PTCP_OPTIONS: InetOptions = {
  server: { pseudoPort: portNumber },
  client: { pseudoPort: portNumber, timeoutMs: milliseconds },
};

/** `tcp:HOST:PORT[:timeoutMs=N][:bindAddress=ADDR]`, `tcp:PORT[:interface=ADDR][:backlog=N]`. */
export const tcpEndpoints: EndpointParser = inetEndpoints('tcp', TCP_OPTIONS);

/** `ptcp:HOST:PORT[:pseudoPort=N][:timeoutMs=N]`, `ptcp:PORT[:interface=ADDR][:pseudoPort=N]`. */
export const ptcpEndpoints: EndpointParser = inetEndpoints('ptcp', PTCP_OPTIONS);

/** The parser for a kind of transport over the Internet. Without `settle`, it takes its options as they are read. */
export function inetEndpoints(word: string, readers: InetOptions, settle?: SettleOptions): EndpointParser {
  return {
    parseServer: (args, options) => {
      const [portText] = requireArguments(word, args, ['PORT']);
      const { interface: host, ...others } = options;
      const port = parseWholeNumber(portText as string, 'PORT', 0, LAST_PORT);
      const target = host === undefined ? { port } : { port, host: ipAddress(host, 'interface') };
      const read = readOptions(word, others, readers.server, ['interface']);
      if (settle === undefined) return (reactor) => new TransportServerEndpoint(reactor, word, target, read);
      const settled = settle(read);
      return (reactor) =>
        new LateServerEndpoint(
          async () => new TransportServerEndpoint(reactor, word, target, await settled(reactor)),
        );
    },
    parseClient: (args, options) => {
      const [host, portText] = requireArguments(word, args, ['HOST', 'PORT']);
      const port = parseWholeNumber(portText as string, 'PORT', 1, LAST_PORT);
      const target = { host: host as string, port };
      const read = readOptions(word, options, readers.client);
      if (settle === undefined) return (reactor) => new TransportClientEndpoint(reactor, word, target, read);
      const settled = settle(read);
      return (reactor) =>
        new LateClientEndpoint(
          async () => new TransportClientEndpoint(reactor, word, target, await settled(reactor)),
        );
    },
  };
}

function requireArguments(
  word: string,
  args: readonly string[],
  names: readonly string[],
): readonly string[] {
  if (args.length === names.length && !args.includes('')) return args;
  const hint =
    names.length > 1
      ? ', an IPv6 address in brackets'
      : '; the address to listen on goes into interface, IPv6 in brackets';
  throw new UsageError(`write ${[word, ...names].join(':')}${hint}`);
}
